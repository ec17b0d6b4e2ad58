#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each request that AWS's own clients were seen to send is answered, in the shapes of their model.

requests/ holds them, with plain line ends: aws-* of the command line in Debian 12, sdk-* of the JavaScript SDK 3.1161.

usage: replay.py <lambda-server> <faas-worker> <folder of test plugins> <folder of the requests>
"""
import http.client
import json
import os
import socket
import sys

import shapes
from program import PATIENCE_S, Server, expect, report

PROGRAM, WORKER, PLUGINS, FOLDER = sys.argv[1:]

# (file, operation), in this order: later ones ask for what earlier ones made. The function f has two versions.
SUCCEED = (
    ("aws-account", "GetAccountSettings"), ("aws-publish-layer-version", "PublishLayerVersion"),
    ("aws-get-layer-version", "GetLayerVersion"), ("aws-list-layer-versions", "ListLayerVersions"),
    ("aws-wait-active", "GetFunction"), ("sdk-get", "GetFunction"), ("aws-get-function", "GetFunction"),
    ("aws-get-function-configuration", "GetFunctionConfiguration"), ("aws-list-functions", "ListFunctions"),
    ("aws-list-functions-page", "ListFunctions"), ("sdk-list", "ListFunctions"),
    ("aws-list-versions", "ListVersionsByFunction"), ("aws-publish-version", "PublishVersion"),
    ("aws-create-alias", "CreateAlias"), ("aws-get-alias", "GetAlias"), ("aws-list-aliases", "ListAliases"),
    ("aws-invoke-rr", "Invoke"), ("aws-invoke-event", "Invoke"), ("aws-invoke-dryrun", "Invoke"),
    ("aws-invoke-tail", "Invoke"), ("aws-invoke-arn", "Invoke"), ("aws-invoke-partial-arn", "Invoke"),
    ("aws-invoke-nopayload", "Invoke"), ("sdk-invoke", "Invoke"), ("sdk-invoke-arn", "Invoke"),
    ("sdk-stream", "InvokeWithResponseStream"), ("aws-put-function-concurrency", "PutFunctionConcurrency"),
    ("aws-get-function-concurrency", "GetFunctionConcurrency"),
    ("aws-delete-function-concurrency", "DeleteFunctionConcurrency"), ("aws-create-url", "CreateFunctionUrlConfig"),
    ("aws-get-url", "GetFunctionUrlConfig"), ("aws-put-runtime-mgmt", "PutRuntimeManagementConfig"),
    ("aws-list-esm", "ListEventSourceMappings"), ("aws-tag-resource", "TagResource"), ("aws-list-tags", "ListTags"),
    ("aws-untag-resource", "UntagResource"), ("aws-delete-alias", "DeleteAlias"),
    ("aws-delete-function", "DeleteFunction"),
)
# What they ask for is not there, or not to be had here: success, or an exception that the client knows.
ANSWERED = (
    ("aws-create-function", "CreateFunction"), ("aws-create-function-image", "CreateFunction"),
    ("sdk-create", "CreateFunction"), ("aws-update-function-code", "UpdateFunctionCode"),
    ("aws-update-function-configuration", "UpdateFunctionConfiguration"), ("aws-update-alias", "UpdateAlias"),
    ("aws-list-layers", "ListLayers"), ("aws-invoke-async", "InvokeAsync"),
    ("aws-put-provisioned-concurrency", "PutProvisionedConcurrencyConfig"),
    ("aws-get-provisioned-concurrency", "GetProvisionedConcurrencyConfig"),
    ("aws-put-eic", "PutFunctionEventInvokeConfig"), ("aws-get-eic", "GetFunctionEventInvokeConfig"),
    ("aws-create-esm-sqs", "CreateEventSourceMapping"), ("aws-create-esm-kinesis", "CreateEventSourceMapping"),
    ("aws-get-esm", "GetEventSourceMapping"), ("aws-update-esm", "UpdateEventSourceMapping"),
    ("aws-delete-esm", "DeleteEventSourceMapping"), ("aws-add-permission", "AddPermission"),
    ("aws-get-policy", "GetPolicy"), ("aws-remove-permission", "RemovePermission"),
)
# What Debian's model has not yet.
RUNTIMES = ["nodejs20.x", "provided.al2023", "python3.11"]
NEWER = {"http": {"responseCode": 200}}
# Of other services.
ELSEWHERE = (
    "aws-events-put", "aws-iam-role", "aws-kinesis-put", "aws-logs-tail", "aws-s3-cp", "aws-s3-put", "aws-scheduler",
    "aws-sns-publish", "aws-sqs-receive", "aws-sqs-send", "aws-sts",
)
# Of every operation, in no model.
GENERAL = {"UnknownOperationException": "message", "ValidationException": "message", "AccessDeniedException": "Message"}


def take(name):
    with open(os.path.join(FOLDER, f"{name}.http"), "rb") as file:
        head, body = file.read().split(b"\n\n", 1)
    return head.replace(b"\n", b"\r\n") + b"\r\n\r\n" + body


def replay(server, name):
    """(status, exception, body)"""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as connection:
        connection.sendall(take(name))
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
        found += shapes.judge(api["shapes"], row["output"]["shape"], json.loads(body), "answer")
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


def answers(server, api):
    for name, operation in SUCCEED:
        status, _, body = replay(server, name)
        yield f"{name}_succeeds", succeeded(api, operation, status, body)
    for name, operation in ANSWERED:
        status, exception, body = replay(server, name)
        judged = refused(api, operation, status, exception, body) if status >= 300 else \
            succeeded(api, operation, status, body)
        yield f"{name}_is_answered", judged
    for name in ELSEWHERE:
        found = []
        status, exception, _ = replay(server, name)
        expect(found, "answer", (status, exception), (404, "UnknownOperationException"))
        yield f"{name}_is_told_that_it_is_wrong_here", found


def all_are_replayed():
    listed = {name for name, _ in SUCCEED + ANSWERED} | set(ELSEWHERE)
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
    if not api:
        print("1..0 # SKIP no model of the API here; Debian's awscli has one")
        return
    api["shapes"]["Runtime"]["enum"] += RUNTIMES
    with Server(PROGRAM, WORKER, f"{PLUGINS}/echo.so") as server:
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
