#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program lambda-server: its lines, its numbers, its options and its end.

usage: lambda_server.py <lambda-server> <faas-worker> <folder of test plugins>
"""
import base64
import collections
import http.client
import io
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import zipfile

import tls
from program import FUNCTIONS, PATIENCE_S, Server, expect, report

PROGRAM, WORKER, PLUGIN = sys.argv[1], sys.argv[2], sys.argv[3] + "/echo.so"
AT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SAMPLE = re.compile(r'([a-z_]+)(\{[a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*\})? (-?\d+(?:\.\d+)?(?:e[-+]\d+)?)')


def start(*options):
    return Server(PROGRAM, WORKER, PLUGIN, *options)


def await_line(server, pattern):
    """The line of the log that is so; the log comes behind the answer."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        for line in server.said().splitlines():
            if re.fullmatch(pattern, line):
                return []
        time.sleep(0.02)
    return [f"no line is {pattern!r}:\n{server.said()}"]


def familiar_lines():
    with start() as server:
        server.create("f", "raw_line")
        status, _, text = server.invoke("f", '["one",\r"two"]')
        found = []
        expect(found, "answer", (status, text), (200, "null"))
        found += await_line(server, rf"{AT} f\[\$LATEST\] START RequestId: {ID} Version: \$LATEST")
        found += await_line(server, rf"{AT} f\[\$LATEST\] REPORT RequestId: {ID}\tDuration: .* ms\t.*Init Duration: .*")
        # As it is, a carriage return would let a function write over what stands in its line.
        found += await_line(server, rf'{AT} f\[\$LATEST\] \["one",')
        return found + await_line(server, r'\t"two"\]')


def json_lines():
    with start("--json") as server:
        server.create("f", "log")
        server.invoke("f", '"h\u00e4llo"'.encode())
        found = await_line(server, r".*platform.*|.*REPORT RequestId.*")
        lines = [json.loads(line) for line in server.said().splitlines()]
        line = next((line for line in lines if line["message"] == '"h\u00e4llo"'), {})
        expect(found, "level and function", (line.get("level"), line.get("function")), ("WARN", "f"))
        if not re.fullmatch(ID, line.get("requestId", "")) or not re.fullmatch(AT, line.get("time", "")):
            found.append(f"the line is {line}")
        return found


def samples(text):
    """{family: {labels: value}}; ValueError if it is not Prometheus's format."""
    families, kinds, last = collections.defaultdict(dict), {}, None
    for line in text.splitlines():
        words = line.split(" ", 3)
        if words[0] == "#":
            if words[1] == "TYPE":
                if words[2] in kinds:
                    raise ValueError(f"{words[2]} comes twice")
                last = words[2]
                kinds[last] = words[3]
            continue
        found = SAMPLE.fullmatch(line)
        family = found and (re.sub(r"_(sum|count)$", "", found[1]) if kinds.get(last) == "summary" else found[1])
        if family != last or (kinds[last] == "counter") != found[1].endswith("_total") or found[2] in families[found[1]]:
            raise ValueError(f"{line!r} below {last} ({kinds.get(last)})")
        families[found[1]][found[2]] = float(found[3])
    return families


def downloads():
    """By one who reads when there is nothing more to be written ahead, and one who leaves; others are served."""
    found = []
    with start() as server:
        server.create("f", "echo")
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as file:
            file.write(PLUGIN, "echo.so")
            file.writestr("noise", os.urandom(12 << 20))
        server.ask("PUT", f"{FUNCTIONS}/f/code", json.dumps({"ZipFile": base64.b64encode(code.getvalue()).decode()}))
        server.wait("f", '"LastUpdateStatus":"Successful"', '"LastUpdateStatus":"Failed"')
        location = json.loads(server.ask("GET", f"{FUNCTIONS}/f")[2])["Code"]["Location"]
        expect(found, "its place", location.startswith(server.url + "/code/"), True)
        connections = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S) for _ in range(3)]
        for connection in connections:
            connection.request("GET", location.removeprefix(server.url))
        answers = [connection.getresponse() for connection in connections]
        answers.pop().close()
        connections.pop().close()
        expect(found, "others", server.invoke("f", '"x"')[::2], (200, '"x"'))
        for answer in answers:
            expect(found, "type", answer.headers["Content-Type"], "application/zip")
            expect(found, "what was downloaded", answer.read() == code.getvalue(), True)
    return found


def metrics():
    found = []
    with start() as server:
        server.create("f", "echo")
        server.create("g", "fail")
        for _ in range(3):
            server.invoke("f")
        server.invoke("g")
        end = time.monotonic() + PATIENCE_S
        while True:
            status, headers, text = server.ask("GET", "/metrics")
            have = samples(text)
            if len(have["lambda_invocations_total"]) == 2 or time.monotonic() > end:
                break
        expect(found, "status", status, 200)
        expect(found, "type", headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        f, g = ('{function="%s",version="$LATEST"}' % name for name in "fg")
        expect(found, "invocations", have["lambda_invocations_total"], {f: 3, g: 1})
        expect(found, "errors", have["lambda_errors_total"], {f: 0, g: 1})
        expect(found, "durations", have["lambda_duration_seconds_count"], {f: 3, g: 1})
        expect(found, "cold starts", have["lambda_cold_starts_total"], {None: 2})
        warm = have["lambda_environments"].get('{function="f",version="$LATEST",state="warm"}')
        expect(found, "warm environments", warm, 1)
        if not 0 < have["lambda_duration_seconds_sum"][f] < PATIENCE_S:
            found.append(f"durations are {have['lambda_duration_seconds_sum']}")
    return found


def wrong_metrics_are_seen():
    good = '# HELP a_total A\n# TYPE a_total counter\na_total{f="1"} 1\na_total{f="2"} 1.5e-05\n'
    bad = ("a_total 1\n", good + "b 1\n", good + 'a_total{f="1"} 2\n', good + good, good.replace("1.5e-05", "x"))
    found = []
    expect(found, "good", dict(samples(good)), {"a_total": {'{f="1"}': 1, '{f="2"}': 1.5e-05}})
    for text in bad:
        try:
            samples(text)
            found.append(f"{text!r} was accepted")
        except ValueError:
            pass
    return found


def state():
    found = []
    with tempfile.TemporaryDirectory() as folder:
        with start("--state", folder) as server:
            server.create("f", "echo")
            expect(found, "exit", server.end(), 0)
        with start("--state", folder) as server:
            expect(found, "after a restart", server.invoke("f", "7")[::2], (200, "7"))
        with start() as server:
            expect(found, "without", server.invoke("f", "7")[0], 404)
    return found


def signed(url, key, *words):
    """(status, body) of a request that curl signs."""
    result = subprocess.run(
        ["/usr/bin/curl", "-s", "-w", "\n%{http_code}", "--aws-sigv4", "aws:amz:us-east-1:lambda", "--user", key, *words,
         url], capture_output=True, text=True, timeout=PATIENCE_S)
    body, _, status = result.stdout.rpartition("\n")
    return int(status), body


def keys():
    """Who has one without a role may do all, who has one of a role that is not there nothing, others never come in."""
    found = []
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("# access key, secret, role\nAKALL  wide\n\nAKNONE narrow missing\n")
        file.flush()
        with start("--keys", file.name) as server:
            url = server.url + "/2015-03-31/functions/"
            expect(found, "unsigned", server.ask("GET", "/2015-03-31/functions/")[0], 403)
            expect(found, "all", signed(url, "AKALL:wide"), (200, '{"Functions":[]}'))
            expect(found, "a wrong secret", signed(url, "AKALL:narrow")[0], 403)
            status, body = signed(url, "AKNONE:narrow")
            expect(found, "nothing", (status, "lambda:ListFunctions" in body), (403, True))
    return found


def pages_with_keys():
    """Pages show what all functions log: with keys they are for who may do all, by a name and a password."""
    found = []
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("AKNONE narrow missing\nAKALL wide\n")
        file.flush()
        with start("--keys", file.name) as server:
            for path in ("/", "/page.js", "/metrics", "/events", "/queues/dead"):
                status, headers, _ = server.ask("GET", path)
                expect(found, f"unknown at {path}", (status, headers["WWW-Authenticate"]),
                       (401, 'Basic realm="lambda-server"'))
            for pair in ("AKALL:narrow", "AKNONE:narrow", "AKALL:wide2", "AKALL", ":"):
                word = base64.b64encode(pair.encode()).decode()
                expect(found, pair, server.ask("GET", "/metrics", Authorization=f"Basic {word}")[0], 401)
            word = base64.b64encode(b"AKALL:wide").decode()
            for path in ("/", "/metrics", "/queues/dead"):
                expect(found, path, server.ask("GET", path, Authorization=f"Basic {word}")[0], 200)
            expect(found, "sent again by nobody", server.ask("POST", "/queues/dead/again", "")[0], 401)
            expect(found, "no page", server.ask("GET", "/nowhere")[0], 404)
            expect(found, "the command", command(server, "--keys", file.name, "--queue", "dead")[0], 0)
            expect(found, "the command without", command(server, "--queue", "dead")[0], 1)
    return found


def command(server, *words):
    """(exit status, what it printed as JSON or None, what it complained) of one that asks a server."""
    result = subprocess.run(
        [PROGRAM, "--port", str(server.port), *words], capture_output=True, text=True, timeout=PATIENCE_S)
    return result.returncode, json.loads(result.stdout) if result.stdout else None, result.stderr


def await_queue(server, name, visible):
    """What --queue shows when so many lie there."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        code, shown, complaint = command(server, "--queue", name)
        if code or shown["visible"] == visible:
            break
        time.sleep(0.02)
    return code, shown, complaint


def dead_letters():
    """Counted, looked at and sent again, by commands."""
    found = []
    with start() as server:
        server.create("f", "fail")
        server.configure("f", DeadLetterConfig={"TargetArn": "arn:aws:sqs:us-east-1:000000000000:dead"})
        server.ask("PUT", "/2019-09-25/functions/f/event-invoke-config", json.dumps({"MaximumRetryAttempts": 0}))
        expect(found, "an empty queue", command(server, "--queue", "dead"),
               (0, {"visible": 0, "hidden": 0, "messages": []}, ""))
        event = {"X-Amz-Invocation-Type": "Event"}
        expect(found, "event", server.invoke("f", '{"a":"ü"}'.encode(), **event)[0], 202)
        code, shown, complaint = await_queue(server, "dead", 1)
        expect(found, "looking", (code, complaint), (0, ""))
        for letter in shown["messages"]:
            expect(found, "letter", (letter["body"], letter["source"]),
                   ('{"a":"ü"}', "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST"))
            expect(found, "error", letter["attributes"]["ErrorCode"]["StringValue"], "200")
        server.configure("f", Handler="echo.log")
        expect(found, "again", command(server, "--again", "dead"), (0, {"moved": 1}, ""))
        found += await_line(server, rf'{AT} f\[\$LATEST\] \{{"a":"ü"\}}')
        expect(found, "the queue", command(server, "--queue", "dead")[1]["visible"], 0)
        code, _, complaint = command(server, "--queue", "no:name")
        expect(found, "a bad name", (code, "message" in json.loads(complaint)), (1, True))
        expect(found, "POST", server.ask("POST", "/queues/dead", "")[0], 404)
    code, _, complaint = command(server, "--queue", "dead")
    expect(found, "no server", (code, complaint),
           (1, f"lambda-server: there is no server at 127.0.0.1, port {server.port}\n"))
    return found


def queues_by_https():
    """Asked by --queue, which speaks to nobody else."""
    found = []
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as other:
        files, others = tls.make_certificate(folder), tls.make_certificate(other)
        with start("--cert", files[0], "--key", files[1]) as server:
            code, shown, complaint = command(server, "--queue", "dead", "--cert", files[0])
            expect(found, "with its certificate", (code, shown, complaint),
                   (0, {"visible": 0, "hidden": 0, "messages": []}, ""))
            for words, by in ((["--cert", others[0]], "https with that --cert"), ([], "http")):
                expect(found, f"with {words}", command(server, "--queue", "dead", *words),
                       (1, None, f"lambda-server: no answer from 127.0.0.1, port {server.port}, by {by}\n"))
    return found


def pace():
    """Of 7 MB six come at once, and then of the rest not 64 KB in a second."""
    found = []
    for words, late in ((["--stream-pace", "1"], True), ([], False)):
        with Server(PROGRAM, WORKER, PLUGIN.replace("echo.so", "parts.so"), *words) as server:
            server.create("f", "megabytes")
            connection = server.connect()
            connection.request("POST", "/2021-11-15/functions/f/response-streaming-invocations", "7")
            answer = connection.getresponse()
            begin = len(answer.read(6 << 20))
            expect(found, "at once", begin, 6 << 20)
            connection.sock.settimeout(1 if late else PATIENCE_S)
            try:
                came = len(answer.read(65536))
            except socket.timeout:
                came = 0
            if (came < 65536) != late:
                found.append(f"with {words} {came} more bytes")
            connection.close()
    return found


def routes():
    found = []
    with start("--route", "GET /items/{id}=f", "--route", "$default=g") as server:
        for name in "fg":
            server.create(name, "echo")
        event = json.loads(server.ask("GET", "/items/7?a=b")[2])
        expect(found, "route", (event["routeKey"], event["pathParameters"]), ("GET /items/{id}", {"id": "7"}))
        expect(found, "the rest", json.loads(server.ask("GET", "/other")[2])["routeKey"], "$default")
    return found


def resources():
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for want in (202, 409):  # the second time all of it is there
            with start("--state", folder, "--resource", 'stream:clicks={"ShardCount":2}', "--resource", "queue:q") as server:
                if want == 202:
                    server.create("f", "echo")
                status, _, text = server.ask("POST", "/2015-03-31/event-source-mappings/", json.dumps(
                    {"EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/clicks", "FunctionName": "f",
                     "StartingPosition": "LATEST"}))
                if status != want:
                    found.append(f"a mapping: {status} {text}")
                expect(found, "exit", server.end(), 0)
    return found


def mounts():
    found = []
    with tempfile.TemporaryDirectory() as folder, start("--mount", f"arn:x={folder}:ro") as server:
        server.create("f", "echo")
        status, _, text = server.ask("PUT", "/2015-03-31/functions/f/configuration", json.dumps(
            {"FileSystemConfigs": [{"Arn": "arn:x", "LocalMountPath": "/mnt/data"}]}))
        expect(found, "configured", (status, json.loads(text).get("FileSystemConfigs")),
               (200, [{"Arn": "arn:x", "LocalMountPath": "/mnt/data"}]))
        expect(found, "invoked", server.invoke("f", "7")[::2], (200, "7"))
    return found


KMS = "arn:aws:kms:us-east-1:000000000000:key/k"


def make_key(folder, name):
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as out:
        out.write(os.urandom(32))
    return f"{KMS}={path}"


def kms_keys():
    """What is in the state_dir is readable with the key in its file, with no other, and not as it lies there."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        key, other = make_key(folder, "key"), make_key(folder, "other")
        state = os.path.join(folder, "state")
        with start("--state", state, "--kms-key", key) as server:
            server.create("f", "echo")
            server.ask("PUT", "/2015-03-31/functions/f/configuration",
                       json.dumps({"Environment": {"Variables": {"NAME": "a fine value"}}}))
            expect(found, "exit", server.end(), 0)
        for given, want in (other, False), (key, True):
            with start("--state", state, "--kms-key", given) as server:
                text = server.ask("GET", "/2015-03-31/functions/f/configuration")[2]
                expect(found, f"{given} reads the variable", "a fine value" in text, want)
                expect(found, "exit", server.end(), 0)
        lying = subprocess.run(["grep", "-rqaF", "a fine value", state], timeout=PATIENCE_S).returncode
        expect(found, "it lies in the state_dir", lying, 1)
    return found


def subnets():
    found = []
    here = ("--subnet", "subnet-a=10.77.0.0/24,no-bridge,10.77.0.1", "--egress", "sg-a=10.0.0.0/8,tcp,443",
            "--egress", "sg-a=10.0.0.1/32")
    vpc = {"SubnetIds": ["subnet-a"], "SecurityGroupIds": ["sg-a"]}
    with start(*here) as server:
        server.create("f", "echo")
        status, _, text = server.ask("PUT", "/2015-03-31/functions/f/configuration", json.dumps({"VpcConfig": vpc}))
        if status == 200:
            expect(found, "VpcConfig", json.loads(text)["VpcConfig"],
                   dict(vpc, VpcId="vpc-0", Ipv6AllowedForDualStack=False))
            expect(found, "invoked without a bridge", server.invoke("f", "7")[0], 500)
        elif "no function can be in a VPC here: " not in text:
            found.append(f"{status} {text}")
    return found


WRONG = (
    (["--memory", "x"], "memory is a number of MB from 128 on, not 'x'"),
    (["--memory", "127"], "memory is a number of MB from 128 on, not '127'"),
    (["--port", "x"], "a port is a number from 0 to 65535, not 'x'"),
    (["--port", "65536"], "a port is a number from 0 to 65535, not '65536'"),
    (["--stream-pace", "0"], "a pace is a number of KB from 1 on, not '0'"),
    (["function"], "there is no argument 'function'"),
    (["--route", "GET /items"], "a route is \"METHOD /path=function\", not 'GET /items'"),
    (["--mount", "arn:x"], "a mount is ARN=DIR or ARN=DIR:ro, not 'arn:x'"),
    (["--kms-key", "arn:x"], "a KMS key is ARN=FILE, not 'arn:x'"),
    (["--subnet", "subnet-a=10.0.0.0/24"], "a subnet is ID=CIDR,BRIDGE[,GATEWAY[,RESOLVER]], not '10.0.0.0/24'"),
    (["--egress", "sg-a"], "an egress rule is GROUP=CIDR[,PROTOCOL[,FROM[,TO]]], not 'sg-a'"),
    (["--egress", "sg-a=0.0.0.0/0,tcp,http"], "a port is a number from 1 to 65535, not 'http'"),
    (["--keys", "/nowhere"], "cannot read the keys in '/nowhere'"),
    (["--keys", "/"], "cannot read the keys in '/'"),
    (["--keys", "/dev/null"], "there is no key in '/dev/null'"),
)
UNFIT = (  # of a server that would start
    (["--host", "nowhere.invalid"], "'nowhere.invalid' is no address: "),
    (["--region", "US EAST"], "region is 'US EAST': must be 1 to 32 letters, digits and '-'"),
    (["--worker", "/nowhere"], "cannot start the worker '/nowhere': No such file or directory"),
    (["--runtimes", "nowhere"], "runtimes: 'nowhere' is no directory"),
    (["--runtimes", "/dev/null"], "runtimes: '/dev/null' is no directory"),
    (["--route", "GET items=f"], "--route GET items: "),
    (["--resource", 'stream:s={"ShardCount":0}'], "--resource stream:s: ShardCount must be"),
    (["--resource", "heap:s"], "--resource heap:s: 'heap:s' is no address: expected queue:NAME, stream:NAME, table:NAME or dir:/PATH"),
    (["--mount", "arn:x=/nowhere"], "file_systems: '/nowhere' is no directory"),
    (["--mount", "arn:x=etc"], "file_systems: the path of 'arn:x' must be absolute: 'etc'"),
    (["--kms-key", "arn:x=/nowhere"], "keys: cannot open '/nowhere': No such file or directory"),
    (["--kms-key", "arn:x=/dev/null"], "keys: '/dev/null' is not a file of 32 bytes, a key ("),
    (["--state", "/dev/null"], "cannot open the state_dir '/dev/null': Not a directory"),
    (["--state", "/nowhere/deep"], "cannot make the state_dir '/nowhere/deep': No such file or directory"),
    (["--cert", "/nowhere"], "a certificate and its key go together"),
    (["--cert", "/nowhere", "--key", "/nowhere"], "the certificate '/nowhere' cannot be used: No such file or directory"),
)


def refused(words, status, complaint):
    """It ends with that status and one line, which begins so."""
    result = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=PATIENCE_S)
    said = (result.returncode, result.stderr.startswith(f"lambda-server: {complaint}"), result.stderr.count("\n"))
    return [] if said == (status, True, 1) else [f"{words}: {result.returncode} {result.stderr}"]


def options():
    found = []
    for words, complaint in WRONG:
        found += refused(words, 2, complaint)
    for words, complaint in UNFIT:
        found += refused(["--worker", WORKER, "--port", "0", *words], 1, complaint)
    with tempfile.TemporaryDirectory() as folder:
        cert, key = tls.make_certificate(folder)
        found += refused(["--worker", WORKER, "--port", "0", "--cert", cert, "--key", cert], 1, f"the key '{cert}' cannot be used")
        state = os.path.join(folder, "state")
        with start("--state", state) as server:
            found += refused(["--worker", WORKER, "--port", str(server.port)], 1,
                             f"cannot listen on 127.0.0.1, port {server.port}: Address already in use")
            found += refused(["--worker", WORKER, "--port", "0", "--state", state], 1,
                             f"another runtime uses the state_dir {state}")
    result = subprocess.run([PROGRAM, "--nonsense"], capture_output=True, text=True, timeout=PATIENCE_S)
    if result.returncode != 2 or "unrecognized option '--nonsense'" not in result.stderr:
        found.append(f"--nonsense: {result.returncode} {result.stderr}")
    result = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, timeout=PATIENCE_S)
    if result.returncode or "--state DIR" not in result.stdout:
        found.append(f"--help: {result.returncode} {result.stdout}")
    return found


def end():
    """What runs is answered, and who reads the events does not hold it up."""
    found = []
    with start() as server:
        server.create("f", "sleep_ms")
        reader = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
        reader.request("GET", "/events")
        events = reader.getresponse()
        expect(found, "first event", events.readline(), b"event: state\n")
        runs = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
        runs.request("POST", "/2015-03-31/functions/f/invocations", "300")
        found += await_line(server, rf"{AT} f\[\$LATEST\] START .*")
        server.stop()
        expect(found, "what ran", runs.getresponse().status, 200)
        expect(found, "exit", server.end(), 0)
        if not events.read().endswith(b"\n\n"):
            found.append("the events break off")
    return found


def pages():
    found = []
    with start() as server:
        for path, kind in (("/", "text/html; charset=utf-8"), ("/page.css", "text/css; charset=utf-8"),
                           ("/page.js", "text/javascript; charset=utf-8")):
            status, headers, text = server.ask("GET", path)
            expect(found, path, (status, headers["Content-Type"]), (200, kind))
            expect(found, f"length of {path}", int(headers["Content-Length"]), len(text.encode()))
            expect(found, f"HEAD {path}", server.ask("HEAD", path)[::2], (200, ""))
        expect(found, "POST /", server.ask("POST", "/", "")[0], 404)
        expect(found, "/nowhere", server.ask("GET", "/nowhere")[0], 404)
        readers = []
        for _ in range(64):
            readers.append(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S))
            readers[-1].request("GET", "/events")
            expect(found, "a reader", readers[-1].getresponse().status, 200)
        expect(found, "one too many", server.ask("GET", "/events")[0], 503)
        for reader in readers:
            reader.close()
    return found


report([
    ("what_functions_do_is_told_in_familiar_lines", familiar_lines()),
    ("lines_may_be_objects_of_json", json_lines()),
    ("the_code_is_downloaded_by_slow_readers_and_others_are_served", downloads()),
    ("prometheus_reads_what_was_counted", metrics()),
    ("what_prometheus_would_not_read_is_seen", wrong_metrics_are_seen()),
    ("functions_are_there_again_with_a_state_directory", state()),
    ("with_keys_requests_are_signed_and_may_do_what_their_role_may", keys()),
    ("with_keys_pages_are_for_who_may_do_all", pages_with_keys()),
    ("dead_letters_are_counted_shown_and_sent_again", dead_letters()),
    ("queues_are_asked_for_by_https_of_who_has_the_certificate", queues_by_https()),
    ("answers_in_parts_have_a_pace", pace()),
    ("routes_lead_to_functions", routes()),
    ("there_is_the_stream_that_the_command_line_names", resources()),
    ("a_function_mounts_a_directory", mounts()),
    ("variables_are_encrypted_with_the_key_in_a_file", kms_keys()),
    ("a_function_is_in_a_subnet", subnets()),
    ("a_wrong_option_is_named", options()),
    ("the_end_waits_for_what_runs_and_for_no_reader", end()),
    ("the_files_of_the_page_are_there_and_nothing_else", pages()),
])
