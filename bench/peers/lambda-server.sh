#!/bin/bash
# SPDX-License-Identifier: MIT
#
# lambda-server with a native function `echo`: lambda-server.sh BUILD PORT READY
# READY is made, as a socket like those of the peers, when the function is there.
set -u
work=$(mktemp -d)
chmod 755 "$work"
"$1/examples/lambda-server/lambda-server" --port "$2" --worker "$1/lib/faas-worker" >"$work/log" &
server=$!
trap 'kill "$server"; wait "$server"; rm -rf "$work"; exit' TERM
python3 - "$1/bench/plugin.so" "$2" "$3" <<'END'
import base64
import http.client
import io
import json
import socket
import sys
import time
import zipfile

plugin, port, ready = sys.argv[1:]
data = io.BytesIO()
with zipfile.ZipFile(data, "w") as archive:
    archive.write(plugin, "plugin.so")
request = json.dumps({
    "FunctionName": "echo", "Role": "arn:aws:iam::000000000000:role/r", "Runtime": "provided.al2023",
    "Handler": "plugin.echo", "Code": {"ZipFile": base64.b64encode(data.getvalue()).decode()}})


def ask(method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=20)
    connection.request(method, path, body)
    return connection.getresponse().read()


for _ in range(100):
    try:
        ask("POST", "/2015-03-31/functions", request)
        break
    except OSError:
        time.sleep(0.05)
while b'"State":"Active"' not in ask("GET", "/2015-03-31/functions/echo/configuration"):
    time.sleep(0.05)
socket.socket(socket.AF_UNIX).bind(ready)
END
wait "$server"
