#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page of lambda-server in a real browser, and pages of others that try to get at the server.

usage: browser.py <lambda-server> <faas-worker> <folder of test plugins> <folder for screenshots>
"""
import base64
import http.server
import io
import json
import os
import sys
import threading
import zipfile

import chromium
from program import FUNCTIONS, Server, expect, report

PROGRAM, WORKER, PLUGINS, SHOTS = sys.argv[1:]
EVIL = '<img src=x onerror="document.title=1">'
CELLS = "[...document.querySelectorAll('#functions tbody tr')].map(r => r.cells[0].innerText.split('\\n')[0]).join()"


def number(name, column):
    """What stands in a row of the table."""
    return (f"[...document.querySelectorAll('#functions tbody tr')].find(r => r.cells[0].innerText.startsWith('{name}'))"
            f"?.cells[{column}].innerText.split('\\n')[0]")


def lines_with(text):
    return f"[...document.querySelectorAll('#log li:not([hidden])')].filter(l => l.innerText.includes({text!r})).length"


def live(browser, server):
    """Everything that is checked here came after the page was loaded."""
    found = []
    browser.open(server.url)
    expect(found, "status", browser.until("document.getElementById('status').innerText", "live"), "live")
    expect(found, "hint", browser.value("document.getElementById('none').hidden"), False)
    for name, method in (("shop", "echo"), ("broken", "fail"), ("talk", "raw_line"), ("slow", "sleep_ms")):
        server.create(name, method)
    expect(found, "functions", browser.until(CELLS, "broken,shop,slow,talk"), "broken,shop,slow,talk")
    for _ in range(5):
        server.invoke("shop")
    server.invoke("broken")
    server.invoke("slow", "1500", **{"X-Amz-Invocation-Type": "Event"})
    expect(found, "busy", browser.until(number("slow", 1), "1 busy"), "1 busy")
    expect(found, "running", browser.value(number("slow", 2)), "1")
    expect(found, "invocations", browser.until(number("shop", 3), "5"), "5")
    expect(found, "errors", browser.until(number("broken", 4), "1"), "1")
    expect(found, "warm", browser.until(number("shop", 1), "1 warm"), "1 warm")
    expect(found, "duration", browser.value(f"/[µm]s, .* [µm]s/.test({number('shop', 6)})"), True)
    expect(found, "reports", browser.until(lines_with("REPORT RequestId"), 7), 7)
    return found + browser.problems


def only_text(browser, server):
    """What a function says is text, whatever it looks like."""
    found = []
    server.invoke("talk", f'"{EVIL}"'.replace('onerror="', "onerror='").replace('1">', "1'>"))
    expect(found, "the line", browser.until(lines_with("<img src=x onerror="), 1), 1)
    expect(found, "pictures", browser.value("document.images.length"), 0)
    expect(found, "title", browser.value("document.title"), "Lambda on this machine")
    browser.value(f"document.body.insertAdjacentHTML('beforeend', {EVIL!r})")
    expect(found, "a picture, if it were markup", browser.value("document.images.length"), 1)
    browser.value("document.images[0].remove()")
    browser.problems.clear()
    return found


def damaged():
    """A ZIP whose file is not what its directory says, in base64."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("echo.so", "abcd")
    return base64.b64encode(data.getvalue().replace(b"abcd", b"dcba", 1)).decode()


def about(name):
    return (f"[...document.querySelectorAll('#functions tbody tr')].find(r => r.cells[0].innerText.startsWith('{name}'))"
            "?.cells[0].lastChild.textContent.split(':')[0]")


def trouble(browser, server):
    """A function that could not be made, and one that kept its old code, say why."""
    found = []
    server.ask("POST", FUNCTIONS, json.dumps({
        "FunctionName": "unmade", "Role": "arn:aws:iam::000000000000:role/r", "Runtime": "provided.al2023",
        "Handler": "echo.echo", "Code": {"ZipFile": damaged()}}))
    server.ask("PUT", f"{FUNCTIONS}/shop/code", json.dumps({"ZipFile": damaged()}))
    expect(found, "unmade", browser.until(about("unmade"), "Failed"), "Failed")
    expect(found, "shop", browser.until(about("shop"), "not updated"), "not updated")
    expect(found, "one that is well", browser.value(about("talk")), "")
    return found + browser.problems


def filtering(browser, server):
    found = []
    browser.value("document.getElementById('filter').value = 'onerror'")
    browser.value("document.getElementById('filter').dispatchEvent(new Event('input'))")
    expect(found, "lines", browser.value(lines_with("")), 1)
    server.invoke("shop")
    expect(found, "invocations", browser.until(number("shop", 3), "6"), "6")
    expect(found, "lines later", browser.value(lines_with("")), 1)
    browser.value("document.getElementById('filter').value = ''")
    browser.value("document.getElementById('filter').dispatchEvent(new Event('input'))")
    return found


def looks(browser, server):
    found = []
    for name, width, height, scheme in (
            ("light", 1200, 1000, "light"), ("dark", 1200, 1000, "dark"), ("narrow", 360, 1000, "light")):
        browser.look(width, height, scheme)
        browser.screenshot(os.path.join(SHOTS, f"lambda-server-{name}.png"))
        wide = browser.value("document.scrollingElement.scrollWidth > innerWidth")
        expect(found, f"{name}: beyond the window", wide, False)
        ground = browser.value("getComputedStyle(document.body).backgroundColor")
        dark = sum(map(int, ground[4:-1].split(", "))) < 384
        expect(found, f"{name}: dark", dark, scheme == "dark")
    return found + browser.problems


def reconnecting(browser, server):
    found = []
    server.end()
    expect(found, "status", browser.until("document.getElementById('status').className", "lost"), "lost")
    return found


class Page(http.server.BaseHTTPRequestHandler):
    """A page of somebody else."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>evil</title>")

    def log_message(self, *_):
        pass


def attack(server):
    """A script that sends what needs no permission of the server's: a plain POST."""
    return (f"fetch('{server.url}/2015-03-31/functions/shop/invocations', "
            "{method: 'POST', mode: 'no-cors', body: '{}'}).then(() => 'sent', e => String(e))")


def invocations(server):
    return sum(line.startswith("lambda_invocations_total{") and int(line.split()[-1])
               for line in server.ask("GET", "/metrics")[2].splitlines())


def other_pages(browser, _):
    found = []
    evil = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=evil.serve_forever, daemon=True).start()
    with Server(PROGRAM, WORKER, f"{PLUGINS}/echo.so") as server:
        server.create("shop", "echo")
        browser.open(f"http://localhost:{evil.server_port}/")
        expect(found, "attack", browser.value(attack(server)), "sent")
        expect(found, "invocations", invocations(server), 0)
        browser.open(server.url)
        expect(found, "the same by its own page", browser.value(attack(server)), "sent")
        expect(found, "invocations then", browser.until(number("shop", 3), "1"), "1")
        expect(found, "as a metric", invocations(server), 1)
    evil.shutdown()
    return found


TESTS = (
    ("the_page_shows_live_what_functions_do", live),
    ("what_a_function_says_is_never_markup", only_text),
    ("the_log_is_filtered", filtering),
    ("a_function_that_could_not_be_made_or_updated_says_why", trouble),
    ("the_page_fits_a_narrow_window_and_knows_light_and_dark", looks),
    ("a_lost_connection_is_told", reconnecting),
    ("a_page_of_somebody_else_invokes_nothing", other_pages),
)


def main():
    if not chromium.PROGRAM:
        print("1..0 # SKIP the package chromium is not here")
        return
    results = []
    with chromium.Chromium() as browser, Server(PROGRAM, WORKER, f"{PLUGINS}/echo.so") as server:
        for title, test in TESTS:
            try:
                results.append((title, test(browser, server)))
            except (OSError, TypeError) as error:
                results.append((title, [repr(error)]))
    report(results)


main()
