# SPDX-License-Identifier: MIT
"""
What a function prints goes to standard output as it is. What it logs, and what it
fails with, carries the request, and goes in frames where the platform reads frames.
"""
import json
import logging
import os
import sys
import time

DATE = "%Y-%m-%dT%H:%M:%S"
TEXT = "[%(levelname)s]\t%(asctime)s.%(msecs)dZ\t%(aws_request_id)s\t%(message)s\n"
LEVELS = {"TRACE": logging.NOTSET, "DEBUG": logging.DEBUG, "INFO": logging.INFO,
          "WARN": logging.WARNING, "ERROR": logging.ERROR, "FATAL": logging.CRITICAL}
FRAME_TEXT, FRAME_JSON = 0xA55A0003, 0xA55A0002

request_id = tenant_id = ""
frames = None  # descriptor
is_json = False


def mask(level):
    """The bits of a level in the type of a frame."""
    for bits, least in ((24, 50), (20, 40), (16, 30), (12, 20), (8, 10)):
        if level >= least:
            return bits
    return 4


def put(text, level):
    if frames is None:
        sys.stdout.write(text)
        return
    data = text.encode("utf-8", "replace")
    kind = (FRAME_JSON if is_json else FRAME_TEXT) | mask(level)
    head = (kind.to_bytes(4, "big") + len(data).to_bytes(4, "big")
            + (time.time_ns() // 1000).to_bytes(8, "big"))
    data = head + data
    while data:
        data = data[os.write(frames, data):]


def dump(members):
    return json.dumps(members, default=str, ensure_ascii=False) + "\n"


class Json(logging.Formatter):
    """An object of what the record has and a record has not by itself."""

    USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime", "aws_request_id", "tenant_id"}

    def format(self, record):
        members = {"timestamp": self.formatTime(record, DATE + "Z"), "level": record.levelname,
                   "message": record.getMessage(), "logger": record.name}
        if record.exc_info and record.exc_info[0]:
            members["stackTrace"] = self.formatException(record.exc_info).split("\n")
            members["errorType"] = record.exc_info[0].__name__
            members["errorMessage"] = str(record.exc_info[1])
            members["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        members["requestId"] = record.aws_request_id
        members["tenantId"] = record.tenant_id
        for name, value in vars(record).items():
            if name not in self.USUAL:
                members.setdefault(name, value)
        return dump({name: value for name, value in members.items() if value not in (None, "")})


class Handler(logging.Handler):
    def emit(self, record):
        record.aws_request_id, record.tenant_id = request_id, tenant_id
        put(self.format(record), record.levelno)


def begin():
    """Once, before any code of the function."""
    global frames, is_json
    descriptor = os.environ.pop("_LAMBDA_TELEMETRY_LOG_FD", None)
    frames = int(descriptor) if descriptor else None
    is_json = os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    logging.Formatter.converter = time.gmtime
    handler = Handler()
    handler.setFormatter(Json() if is_json else logging.Formatter(TEXT, DATE))
    root = logging.getLogger()
    root.addHandler(handler)
    if is_json and level in LEVELS:
        root.setLevel(LEVELS[level])


def failed(failure):
    """One record: where there are no frames, its lines are not ended by a newline."""
    if is_json:
        now = time.strftime(DATE + "Z", time.gmtime())
        put(dump({"timestamp": now, "log_level": "ERROR", **failure.members()}), logging.ERROR)
    else:
        put(("\r" if frames is None else "\n").join(failure.lines()) + "\n", logging.ERROR)
