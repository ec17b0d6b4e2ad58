# SPDX-License-Identifier: MIT
"""The Runtime API as far as a runtime's bootstrap can tell: events are given, posts are kept."""
import http.server
import os
import queue
import subprocess
import tempfile
import threading
import time

BASE = "/2018-06-01/runtime/"
PATIENCE = 20
VARIABLES = {
    "AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/f",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0", "AWS_REGION": "us-east-1",
    "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": ":UTC",
    "PYTHONDONTWRITEBYTECODE": "1",
}
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


class Post:
    def __init__(self, path, headers, body):
        self.path, self.headers, self.body = path, headers, body
        self.trailers = {}


def read_chunks(file, post):
    """The body of a chunked request, and its trailers."""
    body = b""
    while size := int(file.readline(), 16):
        body += file.read(size)
        file.readline()
    while line := file.readline().strip():
        name, _, value = line.decode().partition(":")
        post.trailers[name.lower()] = value.strip()
    return body


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(body)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        stub = self.server.stub
        stub.asked.append(self.path)
        if self.path == BASE + "restore/next":
            self.answer(200, {}, b"")
            return
        stub.waiting.set()
        found = stub.events.get()
        if found is None:  # the end of the test
            self.close_connection = True
            return
        stub.waiting.clear()
        self.answer(200, *found)

    def do_POST(self):
        post = Post(self.path, self.headers, b"")
        if self.headers.get("Transfer-Encoding") == "chunked":
            post.body = read_chunks(self.rfile, post)
        else:
            post.body = self.rfile.read(int(self.headers["Content-Length"]))
        stub = self.server.stub
        status = 413 if len(post.body) > stub.largest else 202
        self.answer(status, {"Content-Type": "application/json"}, b'{"status":"OK"}\n')
        stub.posts.put(post)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a runtime that ends resets its connections


class Runtime:
    """A function in a directory, and the bootstrap that runs it."""

    def __init__(self, bootstrap, name, files, handler, **variables):
        self.events, self.posts, self.asked = queue.Queue(), queue.Queue(), []
        self.waiting, self.largest, self.count = threading.Event(), 6291556, 0
        self.folder = tempfile.TemporaryDirectory()
        self.task = self.folder.name
        for path, text in files.items():
            path = os.path.join(self.task, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        self.server = Server(("127.0.0.1", 0), Api)
        self.server.stub = self
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.frames, frames_end = os.pipe()
        variables = {
            **VARIABLES, "AWS_EXECUTION_ENV": "AWS_Lambda_" + name, "_HANDLER": handler,
            "LAMBDA_TASK_ROOT": self.task,
            "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:%d" % self.server.server_address[1], **variables}
        if variables.get("_LAMBDA_TELEMETRY_LOG_FD"):
            variables["_LAMBDA_TELEMETRY_LOG_FD"] = str(frames_end)
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [bootstrap], env=variables, cwd=self.task, stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log, pass_fds=[frames_end])
        os.close(frames_end)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.events.put(None)
        self.process.kill()
        self.process.wait()
        self.server.shutdown()
        self.server.server_close()
        os.close(self.frames)
        self.log.close()
        self.folder.cleanup()

    def send(self, event, headers=None):
        """The id of an event that is given when it is asked for."""
        self.count += 1
        request_id = f"8476a536-e9f4-11e8-9739-2dfe598c3f{self.count:02x}"
        self.events.put(({
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 3000),
            "Lambda-Runtime-Invoked-Function-Arn": ARN, "Content-Type": "application/json",
            **(headers or {})}, event))
        return request_id

    def post(self):
        """The next one, of whatever kind."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            ended = self.process.poll() is not None
            try:
                return self.posts.get(timeout=0.01)
            except queue.Empty:
                if ended:
                    break
        raise ValueError(f"nothing was posted; the log is {self.output()!r}")

    def init_failure(self):
        """The post to init/error, and the exit status."""
        post = self.post()
        if not post.path.endswith("/runtime/init/error"):
            raise ValueError(f"posted to {post.path}")
        return post, self.status()

    def invoke(self, event=b"{}", headers=None):
        """What was posted for an event: ("response" or "error", the post)."""
        request_id = self.send(event, headers)
        post = self.post()
        start = f"{BASE}invocation/{request_id}/"
        if not post.path.startswith(start):
            raise ValueError(f"posted to {post.path}: {post.body!r}")
        return post.path[len(start):], post

    def result(self, event=b"{}", headers=None):
        kind, post = self.invoke(event, headers)
        if kind != "response":
            raise ValueError(f"{kind}: {post.body!r}")
        return post.body

    def status(self):
        """How it ended by itself."""
        return self.process.wait(PATIENCE)

    def rest(self):
        """When it asks for the next event, nothing more is said of the last one."""
        if not self.waiting.wait(PATIENCE):
            raise ValueError("no event was asked for")

    def output(self):
        return os.pread(self.log.fileno(), 1 << 20, 0).decode()

    def framed(self):
        """[(type, text)] of what was written so far."""
        data, found = os.read(self.frames, 1 << 16), []
        while data:
            length = int.from_bytes(data[4:8], "big")
            found.append((int.from_bytes(data[:4], "big"), data[16:16 + length].decode()))
            data = data[16 + length:]
        return found


def a_runtime_that_says_nothing_is_seen():
    """The control: what tests wait for is not taken for granted."""
    with Runtime("/bin/true", "none", {}, "f.g") as runtime:
        try:
            runtime.invoke()
        except ValueError:
            return []
        return ["something was posted"]


def run(names, lacking=None):
    """In the Test Anything Protocol, all functions of a module that take nothing, or why none."""
    if lacking:
        print(f"1..0 # SKIP {lacking}")
        return
    tests = [value for value in names.values() if getattr(value, "__module__", None) == "__main__"
             and callable(value) and value.__code__.co_argcount == 0]
    tests.append(a_runtime_that_says_nothing_is_seen)
    failed = False
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        try:
            found = test() or []
        except (ValueError, KeyError, TypeError, IndexError, OSError, subprocess.SubprocessError) as error:
            found = [f"{type(error).__name__}: {error}"]
        failed |= bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - {test.__name__}")
        for line in found:
            print("# " + str(line).replace("\n", "\n# "))
    raise SystemExit(failed)


def differing(**pairs):
    """["what is X, not Y"] of each pair (X, Y) that differs."""
    return [f"{what} is {have!r}, not {want!r}" for what, (have, want) in pairs.items() if have != want]
