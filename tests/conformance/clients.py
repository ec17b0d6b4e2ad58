#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""AWS's own command line works with the API over HTTP, and the paths are those of AWS's own model.

Of each test the first command is the program as it is installed; see aws.py.

usage: clients.py <the server> <shapes.py>
"""
import base64
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import zipfile

import aws

CURL = "/usr/bin/curl"
FUNCTIONS = ["crashes", "eats", "exits", "f", "fails", "sleeps"]  # of the server


def load(path):
    spec = importlib.util.spec_from_file_location("shapes", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Client:
    """`command`: as aws.installed, which takes its time."""

    def __init__(self, port, folder, command):
        self.base = ["--endpoint-url", f"http://127.0.0.1:{port}", "--output", "json", "lambda"]
        self.out, self.command = os.path.join(folder, "out"), command

    def run(self, *words, **variables):
        """(exit status, what it printed as JSON or None, what it complained)"""
        code, printed, complaint = self.command([*self.base, *words], {**aws.ENVIRONMENT, **variables})
        return code, json.loads(printed) if printed.strip() else None, complaint

    def invoke(self, *words):
        """The same, and the payload."""
        if os.path.exists(self.out):
            os.unlink(self.out)
        answer = self.run("invoke", "--cli-binary-format", "raw-in-base64-out", *words, self.out)
        if not os.path.exists(self.out):
            return (*answer, None)
        with open(self.out, "rb") as file:
            return (*answer, file.read())


def expect(found, what, have, want):
    if have != want:
        found.append(f"{what} is {have!r}, not {want!r}")


def invoking(client):
    found = []
    code, reply, complaint, payload = client.invoke("--function-name", "f", "--payload", '{"a":1}', "--log-type", "Tail")
    expect(found, "exit", (code, complaint), (0, ""))
    expect(found, "payload", payload, b'{"a":1}')
    expect(found, "status and version", (reply["StatusCode"], reply["ExecutedVersion"]), (200, "$LATEST"))
    log = base64.b64decode(reply["LogResult"]).decode()
    if not log.startswith("START RequestId: ") or "REPORT RequestId: " not in log:
        found.append(f"the tail is {log!r}")
    return found


def failing(client):
    found = []
    code, reply, _, payload = client.invoke("--function-name", "fails", "--payload", "1")
    expect(found, "exit", code, 0)
    expect(found, "error", reply.get("FunctionError"), "Unhandled")
    expect(found, "type", json.loads(payload)["errorType"], "Echo.Refused")
    return found


def ends(client):
    """Each way to end is an answer, and the command has done its work."""
    found = []
    exited = "Runtime exited with error: "
    ways = [
        ("exits", "0", "Runtime.ExitError", "Runtime exited without providing a reason"),
        ("exits", "7", "Runtime.ExitError", exited + "exit status 7"),
        ("crashes", "0", "Runtime.ExitError", exited + "signal: segmentation fault"),
        ("sleeps", "60000", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
    ]
    if "TEST_SANITIZED" not in os.environ:  # a sanitizer has no limit of memory
        ways.append(("eats", "0", "Runtime.ExitError", exited + "signal: killed"))
    for name, event, kind, message in ways:
        code, reply, complaint, payload = client.invoke(
            "--function-name", name, "--payload", event, "--log-type", "Tail")
        error, log = json.loads(payload), base64.b64decode(reply["LogResult"]).decode()
        expect(found, f"{name} {event}", (code, complaint, reply["StatusCode"], reply.get("FunctionError")),
               (0, "", 200, "Unhandled"))
        expect(found, f"the error of {name} {event}", (error["errorType"], error["errorMessage"].split(" Error: ")[1]),
               (kind, message))
        if name == "eats" and not log.endswith("Error Type: Runtime.OutOfMemory\n"):
            found.append(f"the log of eats is {log!r}")
    return found


def sizes(client):
    found = []
    path = client.out + ".event"
    with open(path, "w") as file:
        file.write('"' + "x" * (6291456 - 2) + '"')
    words = ("--function-name", "f", "--payload", f"file://{path}")
    code, _, complaint, payload = client.invoke(*words)
    with open(path, "rb") as file:
        expect(found, "six megabytes", (code, complaint, payload == file.read()), (0, "", True))
    with open(path, "a") as file:
        file.write(" ")
    code, _, complaint, payload = client.invoke(*words)
    if code != 254 or "(RequestEntityTooLargeException)" not in complaint or payload:
        found.append(f"a byte more: {code} {complaint}")
    return found


# The command many times. All wait for the end of one pipe.
MANY = """
import os, sys
import aws

words, out, many = sys.argv[1:-2], sys.argv[-2], int(sys.argv[-1])
driver = aws.driver()
wait, begin = os.pipe()
for n in range(many):
    if not os.fork():
        os.close(begin)
        os.read(wait, 1)
        os._exit(driver.main([*words, "--payload", str(n), f"{out}.{n}"]))
os.close(begin)
sys.exit(max(os.wait()[1] for _ in range(many)) >> 8)
"""


def at_once(client, many=50):
    found = []
    words = [*client.base, "invoke", "--cli-binary-format", "raw-in-base64-out", "--function-name", "f"]
    result = subprocess.run(
        ["/usr/bin/python3", "-c", MANY, *words, client.out, str(many)], capture_output=True, text=True,
        env={**aws.ENVIRONMENT, "PYTHONPATH": os.path.dirname(__file__)})
    expect(found, "exit", (result.returncode, result.stderr), (0, ""))
    answers = []
    for n in range(many):
        with open(f"{client.out}.{n}") as file:
            answers.append(file.read())
    expect(found, "answers", answers, [str(n) for n in range(many)])
    return found


def modes(client):
    found = []
    for mode, status in (("Event", 202), ("DryRun", 204)):
        code, reply, _, payload = client.invoke("--function-name", "f", "--invocation-type", mode)
        expect(found, mode, (code, reply["StatusCode"], payload), (0, status, b""))
    return found


def names(client):
    found = []
    for name in ("arn:aws:lambda:us-east-1:000000000000:function:f", "000000000000:function:f", "f:$LATEST"):
        code, _, complaint, payload = client.invoke("--function-name", name, "--payload", "7")
        expect(found, name, (code, complaint, payload), (0, "", b"7"))
    return found


def versions_and_aliases(client):
    found = []
    code, version, _ = client.run("publish-version", "--function-name", "f", "--description", "first")
    expect(found, "version", (code, version["Version"]), (0, "1"))
    code, alias, _ = client.run(
        "create-alias", "--function-name", "f", "--name", "live", "--function-version", "1")
    expect(found, "alias", (code, alias["FunctionVersion"]), (0, "1"))
    code, reply, _, _ = client.invoke("--function-name", "f", "--qualifier", "live")
    expect(found, "executed", (code, reply["ExecutedVersion"]), (0, "1"))
    code, listed, _ = client.run("list-aliases", "--function-name", "f")
    expect(found, "aliases", (code, [a["Name"] for a in listed["Aliases"]]), (0, ["live"]))
    expect(found, "deletion", client.run("delete-alias", "--function-name", "f", "--name", "live"), (0, None, ""))
    return found


def configuring(client):
    found = []
    code, reply, complaint = client.run(
        "update-function-configuration", "--function-name", "f", "--memory-size", "256", "--timeout", "5",
        "--environment", "Variables={AB=1,CD=two}")
    expect(found, "exit", (code, complaint), (0, ""))
    expect(found, "memory", reply["MemorySize"], 256)
    expect(found, "waiter", client.run("wait", "function-updated", "--function-name", "f"), (0, None, ""))
    code, reply, _ = client.run("get-function-configuration", "--function-name", "f")
    expect(found, "variables", (code, reply["Environment"]["Variables"]), (0, {"AB": "1", "CD": "two"}))
    return found


def package(client, name, text, damaged=False):
    """A ZIP with one file, whose content may not be what its directory says."""
    path = os.path.join(os.path.dirname(client.out), name)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("file", text)
    if damaged:
        with open(path, "r+b") as file:
            data = file.read().replace(text.encode(), text[::-1].encode(), 1)
            file.seek(0)
            file.write(data)
    return "fileb://" + path


def state(client):
    code, reply, _ = client.run("get-function-configuration", "--function-name", "new")
    return code, reply["State"], reply.get("LastUpdateStatus")


def creating(client):
    found = []
    create = ("create-function", "--function-name", "new", "--runtime", "provided.al2", "--handler", "file.method",
              "--role", "arn:aws:iam::000000000000:role/r", "--zip-file")
    code, reply, complaint = client.run(*create, package(client, "one.zip", "one"))
    expect(found, "exit", (code, complaint), (0, ""))
    expect(found, "state", (reply["State"], reply["StateReasonCode"]), ("Pending", "Creating"))
    expect(found, "waiter", client.run("wait", "function-active-v2", "--function-name", "new"), (0, None, ""))
    code, reply, complaint = client.run(
        "update-function-code", "--function-name", "new", "--zip-file", package(client, "two.zip", "two"))
    expect(found, "update", (code, reply["LastUpdateStatus"]), (0, "InProgress"))
    expect(found, "waiter", client.run("wait", "function-updated-v2", "--function-name", "new"), (0, None, ""))
    expect(found, "state", state(client), (0, "Active", "Successful"))
    client.run("update-function-code", "--function-name", "new", "--zip-file", package(client, "bad.zip", "abcd", True))
    code, _, complaint = client.run("wait", "function-updated-v2", "--function-name", "new")
    if code != 255 or "Waiter FunctionUpdatedV2 failed" not in complaint:
        found.append(f"the waiter for bad code: {code} {complaint}")
    expect(found, "state", state(client), (0, "Active", "Failed"))
    client.run("delete-function", "--function-name", "new")
    client.run(*create, package(client, "bad.zip", "abcd", True))
    code, _, complaint = client.run("wait", "function-active-v2", "--function-name", "new")
    if code != 255 or "Waiter FunctionActiveV2 failed" not in complaint:
        found.append(f"the waiter for a bad function: {code} {complaint}")
    expect(found, "state", state(client), (0, "Failed", None))
    code, _, complaint, _ = client.invoke("--function-name", "new")
    if code != 254 or "(ResourceConflictException)" not in complaint or "state: Failed" not in complaint:
        found.append(f"invoked: {code} {complaint}")
    expect(found, "deletion", client.run("delete-function", "--function-name", "new"), (0, None, ""))
    return found


def paging(client):
    found = []
    code, listed, _ = client.run("list-functions", "--page-size", "1")
    expect(found, "functions", (code, sorted(f["FunctionName"] for f in listed["Functions"])), (0, FUNCTIONS))
    return found


def tagging(client):
    found = []
    arn = "arn:aws:lambda:us-east-1:000000000000:function:f"
    expect(found, "tag", client.run("tag-resource", "--resource", arn, "--tags", "k=v,l=w"), (0, None, ""))
    expect(found, "untag", client.run("untag-resource", "--resource", arn, "--tag-keys", "l"), (0, None, ""))
    expect(found, "tags", client.run("list-tags", "--resource", arn)[:2], (0, {"Tags": {"k": "v"}}))
    return found


def urls(client):
    found = []
    code, made, complaint = client.run(
        "create-function-url-config", "--function-name", "f", "--auth-type", "NONE",
        "--cors", "AllowOrigins=https://example.org,AllowMethods=GET,MaxAge=60")
    expect(found, "creation", (code, complaint), (0, ""))
    code, shown, _ = client.run("get-function-url-config", "--function-name", "f")
    expect(found, "url", (code, shown), (0, {**made, "LastModifiedTime": made["CreationTime"]}))
    code, changed, _ = client.run(
        "update-function-url-config", "--function-name", "f", "--auth-type", "AWS_IAM")
    expect(found, "change", (code, changed["AuthType"], changed["FunctionUrl"]), (0, "AWS_IAM", made["FunctionUrl"]))
    code, listed, _ = client.run("list-function-url-configs", "--function-name", "f")
    expect(found, "list", (code, [c["FunctionUrl"] for c in listed["FunctionUrlConfigs"]]), (0, [made["FunctionUrl"]]))
    expect(found, "deletion", client.run("delete-function-url-config", "--function-name", "f"), (0, None, ""))
    return found


def curl(url, *words):
    """(status, body) of a request by curl, which knows nothing of us."""
    result = subprocess.run(
        [CURL, "-s", "-w", "\n%{http_code}", *words, url], capture_output=True, text=True, check=False)
    body, _, status = result.stdout.rpartition("\n")
    return int(status), body


def calling(client):
    """The URL that was given works as it is; by its host; and, of AWS_IAM, signed by curl."""
    found = []
    _, made, _ = client.run("create-function-url-config", "--function-name", "f", "--auth-type", "NONE")
    url = made["FunctionUrl"]
    status, body = curl(url + "a?b=c", "-H", "Content-Type: application/json", "-d", '{"x":1}')
    event = json.loads(body)
    expect(found, "status", status, 200)
    expect(found, "event", (event["rawPath"], event["rawQueryString"], event["body"]), ("/a", "b=c", '{"x":1}'))
    port = url.split("/")[2].split(":")[1]
    status, body = curl(f"http://{url.split('/')[4]}.lambda-url.us-east-1.localhost:{port}/z")
    expect(found, "by its host", (status, json.loads(body)["rawPath"]), (200, "/z"))
    client.run("update-function-url-config", "--function-name", "f", "--auth-type", "AWS_IAM")
    expect(found, "unsigned", curl(url)[0], 403)
    signed = ("--aws-sigv4", "aws:amz:us-east-1:lambda", "--user")
    status, body = curl(url, *signed, "AKIDEXAMPLE:secret")
    expect(found, "signed", (status, json.loads(body)["requestContext"]["authorizer"]), (200, {"iam": {
        "accessKey": "AKIDEXAMPLE", "accountId": "000000000000", "callerId": "000000000000",
        "cognitoIdentity": None, "principalOrgId": None,
        "userArn": "arn:aws:iam::000000000000:root", "userId": "000000000000"}}))
    expect(found, "signed wrongly", curl(url, *signed, "AKIDEXAMPLE:other")[0], 403)
    client.run("delete-function-url-config", "--function-name", "f")
    expect(found, "gone", curl(url)[0], 404)
    return found


def mappings(client):
    found = []
    queue = "arn:aws:sqs:us-east-1:000000000000:orders"
    create = ("create-event-source-mapping", "--function-name", "f", "--event-source-arn", queue, "--batch-size", "5")
    code, made, complaint = client.run(*create)
    expect(found, "creation", (code, complaint, made["State"]), (0, "", "Creating"))
    expect(found, "size", made["BatchSize"], 5)
    uuid = ("--uuid", made["UUID"])
    code, _, complaint = client.run(*create)
    if code != 254 or "(ResourceConflictException)" not in complaint:
        found.append(f"a second one: {code} {complaint}")
    code, shown, _ = client.run("get-event-source-mapping", *uuid)
    expect(found, "source", (code, shown["EventSourceArn"]), (0, queue))
    code, listed, _ = client.run("list-event-source-mappings", "--event-source-arn", queue)
    expect(found, "list", (code, [m["UUID"] for m in listed["EventSourceMappings"]]), (0, [made["UUID"]]))
    code, changed, _ = client.run("update-event-source-mapping", *uuid, "--no-enabled", "--batch-size", "6")
    expect(found, "change", (code, changed["State"], changed["BatchSize"]), (0, "Disabling", 6))
    code, gone, _ = client.run("delete-event-source-mapping", *uuid)
    expect(found, "deletion", (code, gone["State"]), (0, "Deleting"))
    return found


def streams(client):
    """What only mappings of streams have is taken, shown and changed."""
    found = []
    stream = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"
    create = ("create-event-source-mapping", "--function-name", "f", "--starting-position", "TRIM_HORIZON")
    code, made, complaint = client.run(
        *create, "--event-source-arn", stream, "--parallelization-factor", "2", "--bisect-batch-on-function-error",
        "--maximum-retry-attempts", "3", "--maximum-record-age-in-seconds", "60", "--destination-config",
        '{"OnFailure":{"Destination":"arn:aws:sqs:us-east-1:000000000000:dead"}}')
    expect(found, "creation", (code, complaint), (0, ""))
    expect(found, "what it is like", [made[name] for name in (
        "EventSourceArn", "BatchSize", "StartingPosition", "ParallelizationFactor", "BisectBatchOnFunctionError",
        "MaximumRetryAttempts", "MaximumRecordAgeInSeconds")], [stream, 100, "TRIM_HORIZON", 2, True, 3, 60])
    uuid = ("--uuid", made["UUID"])
    code, changed, _ = client.run("update-event-source-mapping", *uuid, "--maximum-retry-attempts", "-1")
    expect(found, "change", (code, changed["MaximumRetryAttempts"]), (0, -1))
    code, gone, _ = client.run("delete-event-source-mapping", *uuid)
    expect(found, "deletion", (code, gone["State"]), (0, "Deleting"))
    code, _, complaint = client.run(*create, "--event-source-arn", stream + "s")
    if code != 254 or f"Stream not found: {stream}s" not in complaint:
        found.append(f"of none: {code} {complaint}")
    return found


def tables(client):
    found = []
    table = "arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/"
    code, made, complaint = client.run(
        "create-event-source-mapping", "--function-name", "f", "--starting-position", "LATEST", "--event-source-arn",
        table + "2026-11-27T00:00:00.000")
    expect(found, "creation", (code, complaint), (0, ""))
    if not made["EventSourceArn"].startswith(table):
        found.append(f"it is of {made['EventSourceArn']}")
    code, listed, _ = client.run("list-event-source-mappings", "--event-source-arn", made["EventSourceArn"])
    expect(found, "list", (code, [m["UUID"] for m in listed["EventSourceMappings"]]), (0, [made["UUID"]]))
    return found


def exceptions(client):
    found = []
    for words, name in (
            (("get-function", "--function-name", "nobody"), "ResourceNotFoundException"),
            (("get-function", "--function-name", "f", "--qualifier", "9"), "ResourceNotFoundException"),
            (("update-function-configuration", "--function-name", "f", "--memory-size", "20000"), "ValidationException")):
        code, _, complaint = client.run(*words)
        if code != 254 or f"({name})" not in complaint:
            found.append(f"{words[0]}: {code} {complaint}")
    return found


def signing(client):
    """All other tests are signed well."""
    found = []
    for variables, name in (({"AWS_SECRET_ACCESS_KEY": "other"}, "InvalidSignatureException"),
                            ({"AWS_ACCESS_KEY_ID": "AKIDOTHER"}, "UnrecognizedClientException")):
        code, _, complaint = client.run("list-functions", **variables)
        if code != 254 or f"({name})" not in complaint:
            found.append(f"{name}: {code} {complaint}")
    code, _, complaint = client.run("list-functions", "--no-sign-request")
    if code != 254 or "(MissingAuthenticationTokenException)" not in complaint:
        found.append(f"unsigned: {code} {complaint}")
    return found


def read_once(client):
    """What the other tests rely on."""
    found, read = [], aws.Read()
    for words in (["list-functions"], ["get-function", "--function-name", "nobody"], ["no-such-operation"]):
        words = [*client.base, *words]
        expect(found, words[-1], read.run(words, aws.ENVIRONMENT), aws.installed(words, aws.ENVIRONMENT))
    read.close()
    return found


def members(api, operation):
    return api["shapes"][operation["input"]["shape"]]["members"] if "input" in operation else {}


def paths(server, api):
    """What of the model is not in our table as it is there."""
    rows = subprocess.run([server, "--routes"], capture_output=True, text=True, check=True).stdout.splitlines()
    have = {row.split()[0]: tuple(row.split()[1:]) for row in rows}
    found = []
    for name, operation in sorted(api["operations"].items()):
        http = operation["http"]
        uri = http["requestUri"]
        uri = uri if "?" in uri else uri.rstrip("/")
        for member, details in members(api, operation).items():
            if details.get("location") == "uri":
                uri = uri.replace("{" + details["locationName"] + "}", "{" + member + "}")
        want = (http["method"], uri, str(http.get("responseCode", 200)))
        expect(found, name, have.get(name), want)
    return found


TESTS = (
    ("aws_lambda_invoke_prints_what_the_function_said", invoking),
    ("aws_lambda_invoke_sees_that_a_function_failed", failing),
    ("aws_lambda_invoke_shows_each_way_to_end", ends),
    ("aws_lambda_invoke_sends_and_gets_six_megabytes_and_one_byte_more_is_refused", sizes),
    ("aws_lambda_invoke_fifty_times_at_once", at_once),
    ("aws_lambda_invoke_knows_events_and_dry_runs", modes),
    ("a_function_may_be_named_in_all_forms", names),
    ("versions_and_aliases_are_made_used_and_deleted", versions_and_aliases),
    ("a_function_is_configured_and_waited_for", configuring),
    ("a_function_is_created_and_updated_and_waited_for", creating),
    ("lists_are_read_page_by_page", paging),
    ("tags_are_put_and_removed", tagging),
    ("a_function_gets_a_url_and_loses_it", urls),
    ("curl_calls_a_function_by_its_url", calling),
    ("a_queue_is_mapped_to_a_function", mappings),
    ("a_stream_is_mapped_to_a_function", streams),
    ("the_stream_of_a_table_is_mapped_to_a_function", tables),
    ("exceptions_are_known_by_their_names", exceptions),
    ("a_command_line_that_is_read_once_says_the_same", read_once),
    ("who_signs_with_the_wrong_key_or_not_at_all_is_not_let_in", signing),
)


def main():
    shapes = load(sys.argv[2])
    api = shapes.model()
    if not api or not os.path.exists(aws.AWS):
        print("1..0 # SKIP Debian's awscli is not here")
        return
    results = []
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
            [sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        command = aws.CommandLine()
        client = Client(server.stdout.readline().strip(), folder, command.run)
        for title, test in TESTS:
            command.first()
            try:
                results.append((title, test(client)))
            except (KeyError, TypeError, ValueError, OSError) as error:
                results.append((title, [repr(error)]))
        server.stdin.close()
    results.append(("the_server_closes_in_order", [] if server.returncode == 0 else [f"exit {server.returncode}"]))
    results.append(("every_operation_has_the_path_of_the_model", paths(sys.argv[1], api)))
    bad = paths(sys.argv[1], {"operations": {"Invoke": {"http": {"method": "GET", "requestUri": "/"}}}, "shapes": {}})
    results.append(("a_wrong_path_is_seen", [] if bad else ["it was accepted"]))
    print(f"1..{len(results)}")
    for number, (title, found) in enumerate(results, 1):
        print(f"{'not ok' if found else 'ok'} {number} - {title}")
        for line in found:
            print(f"# {line}")


if __name__ == "__main__":
    main()
