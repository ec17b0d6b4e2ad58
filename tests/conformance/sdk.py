#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""AWS's SDK for JavaScript works with the API, signed, by HTTP and by TLS.

usage: sdk.py <the server> <folder of test plugins>
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

from program import report
from tls import make_certificate

SERVER, PLUGINS = sys.argv[1:]
MODULES = os.environ.get("TEST_NPM", str(pathlib.Path.home() / ".cache/libfaas/npm"))
SCRIPT = pathlib.Path(__file__).with_name("sdk.mjs")


def pack(folder):
    """echo.zip and parts.zip with their plugins, and broken.zip, whose content is not what its directory says."""
    for name in ("echo", "parts"):
        with zipfile.ZipFile(f"{folder}/{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(f"{PLUGINS}/{name}.so", f"{name}.so")
    broken = pathlib.Path(folder, "broken.zip")
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("file", "abcd")
    broken.write_bytes(broken.read_bytes().replace(b"abcd", b"dcba", 1))


def by(scheme, folder, words, **variables):
    with subprocess.Popen(
            [SERVER, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        port = server.stdout.readline().strip()
        node = subprocess.run(
            ["node", SCRIPT, MODULES, f"{scheme}://127.0.0.1:{port}", folder],
            capture_output=True, text=True, env={**os.environ, **variables})
        server.stdin.close()
    results = [json.loads(line) for line in node.stdout.splitlines()]
    yield from ((f"{one['title']}_by_{scheme}", one["found"]) for one in results)
    yield f"the_client_ends_in_order_by_{scheme}", [node.stderr] if node.returncode or not results else []
    yield f"the_server_ends_in_order_by_{scheme}", [server.returncode] if server.returncode else []


def main():
    if not shutil.which("node") or not os.path.isdir(f"{MODULES}/node_modules/@aws-sdk/client-lambda"):
        print("1..0 # SKIP node or @aws-sdk/client-lambda is not here")
        return
    with tempfile.TemporaryDirectory() as folder:
        pack(folder)
        results = list(by("http", folder, []))
        if shutil.which("openssl"):
            files = make_certificate(folder)
            results += by("https", folder, [*files, "signed"], NODE_EXTRA_CA_CERTS=files[0])
    report(results)


main()
