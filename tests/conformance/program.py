# SPDX-License-Identifier: MIT
"""lambda-server as a program: started, asked, ended."""
import base64
import http.client
import io
import json
import os
import re
import ssl
import struct
import subprocess
import tempfile
import time
import zipfile

FUNCTIONS = "/2015-03-31/functions"
PATIENCE_S = 30


class Server:
    """`plugin`: a .so whose handlers become functions."""

    def __init__(self, program, worker, plugin, *options):
        self.plugin, self.stopped = plugin, False
        self.out = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [program, "--worker", worker, "--port", "0", *options], stdout=self.out, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        found = re.fullmatch(r"Lambda is at (https?://127\.0\.0\.1:(\d+))\n", line)
        if not found:
            raise OSError(f"the server says {line!r}")
        self.url, self.port = found[1], int(found[2])
        self.tls = ssl.create_default_context(cafile=options[options.index("--cert") + 1]) if "--cert" in options else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def stop(self):
        """Once: a second signal would not wait for what runs."""
        if not self.stopped:
            self.process.terminate()
        self.stopped = True

    def end(self):
        """Its exit status."""
        self.stop()
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "it did not end"
        finally:
            self.process.stderr.close()

    def said(self):
        self.out.seek(0)
        return self.out.read().decode()

    def connect(self):
        if self.tls:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE_S, context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)

    def ask(self, method, path, body=None, **headers):
        """(status, headers, text)"""
        connection = self.connect()
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.headers, text

    def stream(self, method, path, body=None, **headers):
        """(status, headers, the bytes up to the end, or to where it was cut off, and whether it was)"""
        return stream(self.port, method, path, body, **headers)

    def create(self, name, method):
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w") as archive:
            archive.write(self.plugin, os.path.basename(self.plugin))
        stem = os.path.basename(self.plugin).removesuffix(".so")
        status, _, text = self.ask("POST", FUNCTIONS, json.dumps({
            "FunctionName": name, "Role": "arn:aws:iam::000000000000:role/r", "Runtime": "provided.al2023",
            "Handler": f"{stem}.{method}", "Code": {"ZipFile": base64.b64encode(data.getvalue()).decode()}}))
        if status != 201:
            raise OSError(f"{name}: {status} {text}")
        self.wait(name)

    def wait(self, name, sign='"State":"Active"', bad='"State":"Failed"'):
        """Until its code is there, or its configuration has that sign."""
        end = time.monotonic() + PATIENCE_S
        while True:
            text = self.ask("GET", f"{FUNCTIONS}/{name}/configuration")[2]
            if sign in text:
                return
            if time.monotonic() > end or bad in text:
                raise OSError(f"{name}: {text}")
            time.sleep(0.01)

    def configure(self, name, **members):
        """Until it is so."""
        status, _, text = self.ask("PUT", f"{FUNCTIONS}/{name}/configuration", json.dumps(members))
        if status != 200:
            raise OSError(f"{name}: {status} {text}")
        self.wait(name, '"LastUpdateStatus":"Successful"', '"LastUpdateStatus":"Failed"')

    def invoke(self, name, event="{}", **headers):
        return self.ask("POST", f"{FUNCTIONS}/{name}/invocations", event, **headers)


def stream(port, method, path, body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request(method, path, body, headers)
    answer, cut = connection.getresponse(), False
    try:
        data = answer.read()
    except http.client.IncompleteRead as error:
        data, cut = error.partial, True
    connection.close()
    return answer.status, answer.headers, data, cut


def events(data):
    """What an event stream has: (the type of the event, its payload) each."""
    found = []
    while data:
        total, head = struct.unpack(">II", data[:8])
        fields, at = {}, 12
        while at < 12 + head:
            name = data[at + 1:at + 1 + data[at]].decode()
            at += 2 + data[at]
            size, = struct.unpack(">H", data[at:at + 2])
            fields[name] = data[at + 2:at + 2 + size].decode()
            at += 2 + size
        found.append((fields[":event-type"], data[12 + head:total - 4]))
        data = data[total:]
    return found


def report(results):
    """(title, what is wrong) each, as TAP."""
    print(f"1..{len(results)}")
    for number, (title, found) in enumerate(results, 1):
        print(f"{'not ok' if found else 'ok'} {number} - {title}")
        for line in found:
            print("# " + str(line).replace("\n", "\n# "))


def expect(found, what, have, want):
    if have != want:
        found.append(f"{what} is {have!r}, not {want!r}")
