#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each request that AWS's own clients were seen to send is answered, in the shapes of their model.

requests/ holds them, with plain line ends: aws-* of the command line in Debian 12, sdk-* of the JavaScript SDK 3.1161.

usage: replay.py <lambda-server> <faas-worker> <folder of test plugins> <folder of the requests> <of the runtimes>
"""
import http.client
import json
import os
import re
import socket
import sys
import time

import shapes
from program import FUNCTIONS, PATIENCE_S, Server, expect, report

PROGRAM, WORKER, PLUGINS, FOLDER, RUNTIMES_DIR = sys.argv[1:]

# What AWS itself would refuse in a request, because of what is made up in it, and what stands there instead.
LETTER = (b'"A": "1"', b'"AA": "1"')  # names of variables have two letters
PACKAGE = "UEsDBBQAAAAAAGwgdV3PJ+vWFQAAABUAAAAEAAAAbS5weWRlZiBoKGUsYyk6IHJldHVybiBlClBLAQIUAxQAAAAAAGwgdV3PJ+vWFQAAA" \
    "BUAAAAEAAAAAAAAAAAAAACkgQAAAABtLnB5UEsFBgAAAAABAAEAMgAAADcAAAAAAA=="
NO_ZIP = (b'"UEs="', b'"%s"' % PACKAGE.encode())
OTHER = (b'"FunctionName":"f"', b'"FunctionName":"g"')
REVISION = (b', "RevisionId": "r1"', b"")
# Subnets, groups and keys, none of which is there.
NOWHERE = (b'"VpcConfig": {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}, ', b"")
NO_KEY = (b'"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k", ', b"")
LETTERS = (b'"X": "y"', b'"XX": "y"')
NO_JSON = (b"def h(e,c): return e\n", b'{"an": "event"}')
NO_TOPIC = (b"arn:aws:sns:us-east-1:000000000000:bad", b"arn:aws:sqs:us-east-1:000000000000:bad")
MAPPING = b"11111111-1111-1111-1111-111111111111"

# (file, operation, changes...), in this order: later ones ask for what earlier ones made. f has two versions.
SUCCEED = (
    ("aws-account", "GetAccountSettings"), ("aws-publish-layer-version", "PublishLayerVersion"),
    ("aws-publish-layer-version", "PublishLayerVersion"), ("aws-list-layers", "ListLayers"),
    ("aws-get-layer-version", "GetLayerVersion"), ("aws-list-layer-versions", "ListLayerVersions"),
    ("aws-wait-active", "GetFunction"), ("sdk-get", "GetFunction"), ("aws-get-function", "GetFunction"),
    ("aws-get-function-configuration", "GetFunctionConfiguration"), ("aws-list-functions", "ListFunctions"),
    ("aws-list-functions-page", "ListFunctions"), ("sdk-list", "ListFunctions"),
    ("aws-list-versions", "ListVersionsByFunction"), ("aws-publish-version", "PublishVersion"),
    ("aws-create-alias", "CreateAlias"), ("aws-get-alias", "GetAlias"), ("aws-list-aliases", "ListAliases"),
    ("aws-invoke-rr", "Invoke"), ("aws-invoke-event", "Invoke"), ("aws-invoke-dryrun", "Invoke"),
    ("aws-invoke-tail", "Invoke"), ("aws-invoke-arn", "Invoke"), ("aws-invoke-partial-arn", "Invoke"),
    ("aws-invoke-nopayload", "Invoke"), ("sdk-invoke", "Invoke"), ("sdk-invoke-arn", "Invoke"),
    ("aws-invoke-async", "InvokeAsync", NO_JSON),
    ("sdk-stream", "InvokeWithResponseStream"), ("aws-put-function-concurrency", "PutFunctionConcurrency"),
    ("aws-get-function-concurrency", "GetFunctionConcurrency"),
    ("aws-delete-function-concurrency", "DeleteFunctionConcurrency"), ("aws-create-url", "CreateFunctionUrlConfig"),
    ("aws-get-url", "GetFunctionUrlConfig"), ("aws-put-runtime-mgmt", "PutRuntimeManagementConfig"),
    ("aws-put-provisioned-concurrency", "PutProvisionedConcurrencyConfig"),
    ("aws-get-provisioned-concurrency", "GetProvisionedConcurrencyConfig"),
    ("aws-put-eic", "PutFunctionEventInvokeConfig", NO_TOPIC),
    ("aws-put-eic", "PutFunctionEventInvokeConfig", NO_TOPIC, (b"?Qualifier=prod", b"")),
    ("aws-get-eic", "GetFunctionEventInvokeConfig"),
    ("aws-add-permission", "AddPermission"), ("aws-get-policy", "GetPolicy"), ("aws-remove-permission", "RemovePermission"),
    ("aws-create-esm-sqs", "CreateEventSourceMapping"), ("aws-list-esm", "ListEventSourceMappings"),
    ("aws-get-esm", "GetEventSourceMapping"), ("aws-update-esm", "UpdateEventSourceMapping"),
    ("aws-delete-esm", "DeleteEventSourceMapping"),
    ("aws-tag-resource", "TagResource"), ("aws-list-tags", "ListTags"),
    ("aws-untag-resource", "UntagResource"), ("aws-update-alias", "UpdateAlias", REVISION, (b'"2"', b'"1"')),
    ("aws-delete-alias", "DeleteAlias"), ("aws-update-function-code", "UpdateFunctionCode"),
    ("aws-delete-function", "DeleteFunction"), ("aws-delete-function", "DeleteFunction", (b"?Qualifier=1", b"")),
    ("aws-create-function", "CreateFunction", LETTER, (b'"B":', b'"BB":')),
    ("aws-update-function-configuration", "UpdateFunctionConfiguration", NOWHERE, NO_KEY, LETTERS),
    ("sdk-create", "CreateFunction", NO_ZIP, OTHER),
)
# As they are, when all of the above is over: AWS refuses them, too, or what they ask for is not to be had here.
REFUSED = (
    ("aws-create-function", "CreateFunction", "ValidationException"),
    ("sdk-create", "CreateFunction", "ResourceConflictException"),
    ("aws-create-function-image", "CreateFunction", "InvalidParameterValueException"),
    ("aws-update-function-configuration", "UpdateFunctionConfiguration", "ValidationException"),
    ("aws-update-alias", "UpdateAlias", "ResourceNotFoundException"),
    ("aws-invoke-async", "InvokeAsync", "InvalidRequestContentException"),
    ("aws-put-eic", "PutFunctionEventInvokeConfig", "ResourceNotFoundException"),
    ("aws-get-provisioned-concurrency", "GetProvisionedConcurrencyConfig", "ResourceNotFoundException"),
    ("aws-create-esm-kinesis", "CreateEventSourceMapping", "InvalidParameterValueException"),
    ("aws-get-esm", "GetEventSourceMapping", "ResourceNotFoundException"),
    ("aws-update-esm", "UpdateEventSourceMapping", "ResourceNotFoundException"),
    ("aws-delete-esm", "DeleteEventSourceMapping", "ResourceNotFoundException"),
)
# What Debian's model has not yet.
RUNTIMES = ["nodejs20.x", "provided.al2023", "python3.11"]
NEWER = {"http": {"responseCode": 200}}
# Of other services.
ELSEWHERE = (
    "aws-kinesis-put", "aws-logs-tail", "aws-s3-cp", "aws-s3-put", "aws-scheduler",
)
# Forms, which are answered by XML: of IAM and STS, or of who has them, too.
FORMS = (
    ("aws-iam-role", 400, b"<Code>MalformedPolicyDocument</Code>"),  # it is {}
    ("aws-sts", 200, b"<Arn>arn:aws:iam::000000000000:root</Arn>"),
    ("aws-sns-publish", 400, b"<Code>InvalidAction</Code>"),
    ("aws-sqs-receive", 400, b"<Code>InvalidAction</Code>"),
    ("aws-sqs-send", 400, b"<Code>InvalidAction</Code>"),
)
# JSON of other services, which have some of theirs here.
TARGETS = (
    ("aws-events-put", 200, b'"FailedEntryCount":'),
)
# Of every operation, in no model.
GENERAL = {"UnknownOperationException": "message", "ValidationException": "message", "AccessDeniedException": "Message"}


def take(name, changes=()):
    with open(os.path.join(FOLDER, f"{name}.http"), "rb") as file:
        head, body = file.read().removesuffix(b"\n").split(b"\n\n", 1)
    for old, new in changes:
        if old not in head + body:
            raise ValueError(f"{name} has no {old!r}")
        head, body = head.replace(old, new), body.replace(old, new)
    if changes:
        head = re.sub(rb"(?i)(?<=\ncontent-length: )\d+", b"%d" % len(body), head)
    return head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body


def replay(server, name, changes=()):
    """(status, exception, body)"""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as connection:
        connection.sendall(take(name, changes))
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.headers.get("x-amzn-ErrorType", ""), answer.read()


def succeeded(api, operation, status, body):
    """What of a good answer is not as the model has it."""
    row = api["operations"].get(operation, NEWER)
    found = []
    expected = {200, 202, 204} if operation == "Invoke" else {row["http"].get("responseCode", 200)}
    if status not in expected:
        found.append(f"the status is {status}, none of {expected}: {body!r}")
    elif row is NEWER or "payload" in api["shapes"].get(row.get("output", {}).get("shape"), {}):
        return found  # bytes, or events
    elif "output" in row:
        answer = json.loads(body or b"{}")
        found += shapes.judge(api["shapes"], row["output"]["shape"], answer, "answer")
    else:
        expect(found, "what was answered", body, b"")
    return found


def refused(api, operation, status, exception, body):
    """What of an exception its client does not know."""
    known = {error["shape"] for error in api["operations"][operation].get("errors", ())}
    text = json.loads(body)
    if exception in GENERAL:
        return [] if 400 <= status < 500 and text.get(GENERAL[exception]) else [f"{status} {body!r}"]
    if exception not in known:
        return [f"{operation} has no {exception}: {body!r}"]
    found = []
    shape = api["shapes"][exception]
    expect(found, f"status of {exception}", status, shape["error"]["httpStatusCode"])
    member = "Message" if "Message" in shape["members"] else "message"
    if not text.get(member):
        found.append(f"{exception} says no {member}: {body!r}")
    return found


def settled(server, name):
    """Until what was begun of it is over: others may not begin meanwhile."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        text = server.ask("GET", f"{FUNCTIONS}/{name}/configuration")[2]
        if '"State":"Pending"' not in text and "InProgress" not in text:
            return
        time.sleep(0.01)


def answers(server, api):
    mapping = MAPPING
    for name, operation, *changes in SUCCEED:
        if MAPPING in take(name):
            changes.append((MAPPING, mapping))
        settled(server, "f")
        status, _, body = replay(server, name, changes)
        if operation == "CreateEventSourceMapping":
            mapping = json.loads(body).get("UUID", "").encode()
        yield f"{name}_succeeds", succeeded(api, operation, status, body)
    settled(server, "f")
    for name, operation, want in REFUSED:
        status, exception, body = replay(server, name)
        found = refused(api, operation, status, exception, body) if status >= 300 else [f"{status}"]
        expect(found, "exception", exception, want)
        yield f"{name}_as_it_is_is_refused", found
    for name in ELSEWHERE:
        found = []
        status, exception, _ = replay(server, name)
        expect(found, "answer", (status, exception), (404, "UnknownOperationException"))
        yield f"{name}_is_told_that_it_is_wrong_here", found
    for name, want, text in FORMS + TARGETS:
        found = []
        status, _, body = replay(server, name)
        expect(found, "status", status, want)
        expect(found, body, text in body, True)
        yield f"{name}_is_answered_by_{'xml' if (name, want, text) in FORMS else 'json'}", found


def all_are_replayed():
    listed = {name for name, *_ in SUCCEED + REFUSED + FORMS + TARGETS} | set(ELSEWHERE)
    return sorted(listed ^ {name.removesuffix(".http") for name in os.listdir(FOLDER)})


def wrong_answers_are_seen(api):
    bad = (
        succeeded(api, "GetFunctionConcurrency", 200, b'{"ReservedConcurrentExecutions":"1"}'),
        succeeded(api, "CreateAlias", 200, b"{}"),
        succeeded(api, "DeleteAlias", 204, b"{}"),
        refused(api, "GetAlias", 404, "InvalidZipFileException", b'{"Message":"m"}'),
        refused(api, "GetAlias", 400, "ResourceNotFoundException", b'{"Message":"m"}'),
        refused(api, "GetAlias", 404, "ResourceNotFoundException", b'{"message":"m"}'),
    )
    good = refused(api, "GetAlias", 404, "ResourceNotFoundException", b'{"Message":"m"}')
    return good + [f"bad answer {i} was accepted" for i, found in enumerate(bad) if not found]


def main():
    api = shapes.model()
    lacking = [path for path in ("/usr/bin/python3.11", "/usr/bin/node") if not os.path.exists(path)]
    if not api or lacking:
        print(f"1..0 # SKIP there is no {(lacking or ['model of the API, as awscli has it'])[0]}")
        return
    api["shapes"]["Runtime"]["enum"] += RUNTIMES
    with Server(PROGRAM, WORKER, f"{PLUGINS}/echo.so", "--runtimes", RUNTIMES_DIR) as server:
        server.create("f", "echo")
        for description in ("one", "two"):
            server.ask("PUT", "/2015-03-31/functions/f/configuration", json.dumps({"Description": description}))
            server.ask("POST", "/2015-03-31/functions/f/versions", "{}")
        results = list(answers(server, api))
        results.append(("the_server_ends_in_order", [server.end()] if server.end() else []))
    results.append(("all_requests_are_replayed", all_are_replayed()))
    results.append(("wrong_answers_are_seen", wrong_answers_are_seen(api)))
    report(results)


main()
