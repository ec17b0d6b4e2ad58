# SPDX-License-Identifier: MIT
"""
The Runtime API over one connection. Python's own HTTP client would be half of the time
that it takes to start; what is spoken here is a request line, a length and a body.
"""
import socket

from faas_runtime.context import About

BASE = "/2018-06-01/runtime"
CAUSE_MAX = 1 << 20
TOO_LARGE = 413  # which the caller is told, and nobody else needs to know
HEADER = "lambda-runtime-"


class RuntimeApi:
    def __init__(self, address):
        self.address = address
        self.host, _, self.port = address.rpartition(":")
        self.stream = None

    def connect(self):
        connection = socket.create_connection((self.host, int(self.port)), timeout=1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(None)  # the next event may come tomorrow
        self.stream = connection.makefile("rwb")

    def close(self):
        self.stream.close()
        self.stream = None

    def read_answer(self):
        line = self.stream.readline()
        if not line:
            return None
        status, headers = int(line.split()[1]), {}
        while line := self.stream.readline().strip():
            name, _, value = line.decode("utf-8", "replace").partition(":")
            headers[name.lower()] = value.strip()
        body = self.stream.read(int(headers.get("content-length", 0)))
        return status, headers, body

    def ask(self, method, path, headers, body):
        head = [f"{method} {BASE}{path} HTTP/1.1", f"Host: {self.address}", "Accept: */*",
                "User-Agent: libfaas-python", f"Content-Length: {len(body)}",
                *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self.stream.write("\r\n".join(head).encode() + body)
        self.stream.flush()
        return self.read_answer()

    def call(self, method, path, headers=None, body=b""):
        """(headers, body). A kept connection may have been closed: then on a new one."""
        answer = None
        if self.stream:
            try:
                answer = self.ask(method, path, headers or {}, body)
            except ConnectionError:
                self.close()
        if answer is None:
            self.connect()
            answer = self.ask(method, path, headers or {}, body)
        if answer is None:
            raise ConnectionError(f"{method} {path}: no answer")
        status, headers, reply = answer
        if headers.get("connection", "").lower() == "close":
            self.close()
        if not 200 <= status < 300 and status != TOO_LARGE:
            raise RuntimeError(f"{method} {path}: {status} {reply.decode('utf-8', 'replace')}")
        return headers, reply

    def next(self):
        headers, event = self.call("GET", "/invocation/next")

        def value(name):
            return headers.get(HEADER + name, "")

        return event, About(
            value("aws-request-id"), int(value("deadline-ms") or 0), value("invoked-function-arn"),
            value("trace-id"), value("client-context"), value("cognito-identity"),
            value("aws-tenant-id"), headers.get("content-type", "application/json"))

    def post(self, path, body, **headers):
        names = {name.replace("_", "-").title(): value for name, value in headers.items()}
        self.call("POST", path, {"Content-Type": "application/json", **names}, body)

    def respond(self, request_id, body):
        self.post(f"/invocation/{request_id}/response", body)

    def failed(self, request_id, failure):
        cause = failure.xray()
        if len(cause) > CAUSE_MAX:
            cause = ""
        self.post(f"/invocation/{request_id}/error", failure.body(),
                  lambda_runtime_function_xray_error_cause=cause)

    def init_failed(self, failure, phase="init"):
        self.post(f"/{phase}/error", failure.body(),
                  lambda_runtime_function_error_type=failure.kind)

    def wait_for_restore(self):
        self.call("GET", "/restore/next")
