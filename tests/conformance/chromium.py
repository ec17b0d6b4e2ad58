# SPDX-License-Identifier: MIT
"""A headless Chromium, told what to do over a pair of pipes: its DevTools protocol, one JSON text and a NUL each."""
import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

PROGRAM = shutil.which("chromium")
PATIENCE_S = 30


class Chromium:
    def __init__(self):
        self.profile = tempfile.TemporaryDirectory()
        theirs, self.out = os.pipe()
        self.input, theirs_too = os.pipe()
        # The pipes have to be the descriptors 3 and 4. It is killed as the group that it leads.
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$0" "$@" 3<&{theirs} 4>&{theirs_too}', PROGRAM, "--headless", "--no-sandbox",
             "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-dev-shm-usage",
             "--remote-debugging-pipe", f"--user-data-dir={self.profile.name}", "about:blank"],
            pass_fds=(theirs, theirs_too), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        os.close(theirs)
        os.close(theirs_too)
        self.buffer, self.number, self.session, self.problems = b"", 0, None, []
        pages = self.send("Target.getTargets")["targetInfos"]
        page = next(target for target in pages if target["type"] == "page")
        self.session = self.send("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self.out)
        os.close(self.input)
        self.profile._ignore_cleanup_errors = True  # what was killed may still be writing
        self.profile.cleanup()

    def receive(self):
        end = time.monotonic() + PATIENCE_S
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.input], [], [], max(0, end - time.monotonic()))
            data = os.read(self.input, 1 << 20) if ready else b""
            if not data:
                raise OSError("Chromium does not answer")
            self.buffer += data
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def send(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            reply = self.receive()
            if reply.get("id") == self.number:
                if "error" in reply:
                    raise OSError(f"{method}: {reply['error']}")
                return reply["result"]
            self.note(reply)

    def note(self, event):
        """What a page complains of."""
        if event.get("method") == "Runtime.exceptionThrown":
            self.problems.append(event["params"]["exceptionDetails"]["text"])
        elif event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            self.problems.append(event["params"]["entry"]["text"])

    def open(self, url):
        self.problems.clear()
        self.send("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def value(self, script):
        """What a script says, or its promise."""
        reply = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in reply:
            raise OSError(f"{script}: {reply['exceptionDetails']['text']} {reply['result'].get('description', '')}")
        return reply["result"].get("value")

    def until(self, script, want=True):
        """Until a script says so, or the value that it has at last."""
        end = time.monotonic() + PATIENCE_S
        while True:
            have = self.value(script)
            if have == want or time.monotonic() > end:
                return have
            time.sleep(0.05)

    def look(self, width, height, scheme):
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))
