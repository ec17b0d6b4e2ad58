#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The API by TLS, as Python's own client sees it.

usage: tls.py <the server>
"""
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import warnings

INVOKE = "/2015-03-31/functions/f/invocations"


def make_certificate(folder):
    files = [os.path.join(folder, name) for name in ("cert.pem", "key.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1]],
        check=True, capture_output=True)
    return files


def invoke(connection, body):
    connection.request("POST", INVOKE, body)
    answer = connection.getresponse()
    return answer.status, answer.read()


def connect(port, context):
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)


def many_requests(port, context):
    connection = connect(port, context)
    wrong = [n for n in range(5) if invoke(connection, b"%d" % n) != (200, b"%d" % n)]
    connection.close()
    return [f"request {n}" for n in wrong]


def large_ones(port, context):
    body = b"1" * 6291456
    connection = connect(port, context)
    status, answer = invoke(connection, body)
    connection.close()
    return [] if (status, answer == body) == (200, True) else [f"{status}, {len(answer)} bytes"]


def old_versions(port, context):
    warnings.simplefilter("ignore", DeprecationWarning)
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    try:
        invoke(connect(port, old), b"1")
    except OSError:
        return []
    return ["TLS 1.1 was spoken"]


def half_hands(port, context):
    """Clients that stop in the middle, or speak no TLS, hold up nobody."""
    found, half = [], []
    for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"):
        half.append(socket.create_connection(("127.0.0.1", port), timeout=20))
        half[-1].sendall(data)
    connection = connect(port, context)
    if invoke(connection, b"7") != (200, b"7"):
        found.append("the next one was not served")
    try:
        rest = half[2].recv(100)
    except ConnectionError:
        rest = b""
    if rest.startswith(b"HTTP"):
        found.append(f"without TLS the answer was {rest!r}")
    for one in half:
        one.close()
    connection.close()
    return found


TESTS = (
    ("requests_are_served_by_tls", many_requests),
    ("six_megabytes_go_both_ways_by_tls", large_ones),
    ("old_versions_of_tls_are_refused", old_versions),
    ("who_stops_in_the_middle_of_a_handshake_holds_up_nobody", half_hands),
)


def refuses(server, files, what):
    result = subprocess.run([server, *files], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return [] if result.returncode == 1 and what in result.stderr else [f"{result.returncode} {result.stderr}"]


def main():
    if not shutil.which("openssl"):
        print("1..0 # SKIP there is no program to make a certificate with")
        return
    with tempfile.TemporaryDirectory() as folder:
        files = make_certificate(folder)
        context = ssl.create_default_context(cafile=files[0])
        with subprocess.Popen(
                [sys.argv[1], *files], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
            port = int(server.stdout.readline())
            results = []
            for title, test in TESTS:
                try:
                    results.append((title, test(port, context)))
                except (OSError, http.client.HTTPException) as error:
                    results.append((title, [repr(error)]))
            server.stdin.close()
        results.append(("the_server_closes_in_order", [] if server.returncode == 0 else [f"exit {server.returncode}"]))
        results.append(("a_file_that_is_no_certificate_is_refused",
                        refuses(sys.argv[1], [sys.argv[0], files[1]], "the certificate")))
        results.append(("a_key_that_does_not_belong_to_it_is_refused",
                        refuses(sys.argv[1], [files[0], sys.argv[0]], "the key")))
    print(f"1..{len(results)}")
    for number, (title, found) in enumerate(results, 1):
        print(f"{'not ok' if found else 'ok'} {number} - {title}")
        for line in found:
            print(f"# {line}")


if __name__ == "__main__":
    main()
