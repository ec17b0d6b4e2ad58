# SPDX-License-Identifier: MIT
"""Why a function failed: for the caller, for the log and for traces."""
import json
import os

OURS = os.path.dirname(os.path.abspath(__file__))
INDENT = "\N{NO-BREAK SPACE}"


class Fault(Exception):
    """Found by the runtime and not raised by the function."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind, self.trace = kind, list(trace)


class Failure:
    """The type, the message, and the frames from the function's first one on."""

    def __init__(self, error, request_id):
        self.request_id, self.message = request_id, str(error)
        self.frames, self.cause = [], None
        if isinstance(error, Fault):
            self.kind, self.trace = error.kind, error.trace
        else:
            import traceback  # not needed while nothing fails

            self.kind = type(error).__name__
            frames = traceback.extract_tb(error.__traceback__)
            while frames and os.path.dirname(frames[0].filename) == OURS:
                del frames[0]
            self.frames = [(f.filename, f.lineno, f.name, f.line) for f in frames]
            self.trace = traceback.format_list(self.frames)

    def members(self):
        return {"errorMessage": self.message, "errorType": self.kind,
                "requestId": self.request_id, "stackTrace": self.trace}

    def body(self):
        return json.dumps(self.members()).encode()

    def lines(self):
        """As it is printed. Collectors of logs may cut at blanks at the start of a line."""
        yield f"[ERROR] {self.kind}" + (f": {self.message}" if self.message else "")
        yield "Traceback (most recent call last):"
        for entry in self.trace:
            for line in entry.splitlines():
                text = line.lstrip(" ")
                yield INDENT * (len(line) - len(text)) + text

    def xray(self):
        stack = [{"label": name, "path": path, "line": line} for path, line, name, _ in self.frames]
        kind = "LambdaValidationError" if not self.frames else self.kind
        return json.dumps({
            "working_directory": os.getcwd(),
            "exceptions": [{"message": self.message, "type": kind, "stack": stack}],
            "paths": sorted({frame["path"] for frame in stack})})
