#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What Lambda's documentation does with versions, weights, concurrency, events, URLs and permissions, by `aws`.

Of each test the first command is the program as it is installed; see aws.py.

usage: documentation.py <lambda-server> <faas-worker> <folder of test plugins>
"""
import collections
import json
import os
import sys
import tempfile
import time
import urllib.request

import aws
import clients
import tls
from program import PATIENCE_S, Server, expect, report

PROGRAM, WORKER, PLUGINS = sys.argv[1:]
NAME = ("--function-name", "my-function")
QUEUE = "arn:aws:sqs:us-east-1:000000000000:"


def run(found, client, *words):
    """What it printed, {} if nothing; a complaint is a finding."""
    code, reply, complaint = client.run(*words)
    expect(found, words[0], (code, complaint), (0, ""))
    return reply or {}


def fails(found, client, exception, *words):
    code, _, complaint = client.run(*words)
    if code != 254 or f"({exception})" not in complaint:
        found.append(f"{words[0]}: {code} {complaint}")


def weights(client, server):
    """canary: version 1, and version 2 for half of the events."""
    found = []
    expect(found, "first", run(found, client, "publish-version", *NAME)["Version"], "1")
    run(found, client, "update-function-configuration", *NAME, "--memory-size", "256")
    expect(found, "second", run(found, client, "publish-version", *NAME)["Version"], "2")
    alias = run(found, client, "create-alias", *NAME, "--name", "canary", "--function-version", "1",
                "--routing-config", "AdditionalVersionWeights={2=0.5}")
    expect(found, "weights", alias["RoutingConfig"], {"AdditionalVersionWeights": {"2": 0.5}})
    ran = collections.Counter(server.invoke("my-function:canary", "1")[1]["X-Amz-Executed-Version"] for _ in range(100))
    if set(ran) != {"1", "2"} or min(ran.values()) < 20:  # one in a thousand million draws is worse
        found.append(f"100 events went to {ran}")
    alias = run(found, client, "update-alias", *NAME, "--name", "canary", "--function-version", "2",
                "--routing-config", "AdditionalVersionWeights={}")
    ran = {server.invoke("my-function:canary", "1")[1]["X-Amz-Executed-Version"] for _ in range(20)}
    expect(found, "versions that ran then", ran, {"2"})
    return found


def reserved(client, server):
    found = []
    reply = run(found, client, "put-function-concurrency", *NAME, "--reserved-concurrent-executions", "0")
    expect(found, "reply", reply, {"ReservedConcurrentExecutions": 0})
    expect(found, "an event then", server.invoke("my-function")[0], 429)
    run(found, client, "put-function-concurrency", *NAME, "--reserved-concurrent-executions", "100")
    expect(found, "reserved", run(found, client, "get-function-concurrency", *NAME), {"ReservedConcurrentExecutions": 100})
    expect(found, "an event now", server.invoke("my-function")[0], 200)
    run(found, client, "delete-function-concurrency", *NAME)
    expect(found, "none", run(found, client, "get-function-concurrency", *NAME), {})
    return found


def provisioned(client, server):
    found = []
    qualifier = ("--qualifier", "canary")
    reply = run(found, client, "put-provisioned-concurrency-config", *NAME, *qualifier,
                "--provisioned-concurrent-executions", "2")
    expect(found, "requested", reply["RequestedProvisionedConcurrentExecutions"], 2)
    end = time.monotonic() + PATIENCE_S
    while reply.get("Status") != "READY" and time.monotonic() < end:
        reply = run(found, client, "get-provisioned-concurrency-config", *NAME, *qualifier)
    expect(found, "ready", (reply.get("Status"), reply.get("AvailableProvisionedConcurrentExecutions")), ("READY", 2))
    _, headers, _ = server.invoke("my-function:canary", "1", **{"X-Amz-Log-Type": "Tail"})
    if "Init Duration" in clients.base64.b64decode(headers["X-Amz-Log-Result"]).decode():
        found.append("the first event waited for its init")
    run(found, client, "delete-provisioned-concurrency-config", *NAME, *qualifier)
    fails(found, client, "ProvisionedConcurrencyConfigNotFoundException",
          "get-provisioned-concurrency-config", *NAME, *qualifier)
    return found


def events(client, _):
    found = []
    reply = run(found, client, "put-function-event-invoke-config", *NAME, "--maximum-event-age-in-seconds", "3600",
                "--maximum-retry-attempts", "0", "--destination-config",
                json.dumps({"OnSuccess": {"Destination": QUEUE + "done"}, "OnFailure": {"Destination": QUEUE + "failed"}}))
    expect(found, "age and retries", (reply["MaximumEventAgeInSeconds"], reply["MaximumRetryAttempts"]), (3600, 0))
    reply = run(found, client, "get-function-event-invoke-config", *NAME)
    expect(found, "destination", reply["DestinationConfig"]["OnFailure"]["Destination"], QUEUE + "failed")
    reply = run(found, client, "update-function-event-invoke-config", *NAME, "--maximum-retry-attempts", "1")
    expect(found, "after the update", (reply["MaximumEventAgeInSeconds"], reply["MaximumRetryAttempts"]), (3600, 1))
    run(found, client, "delete-function-event-invoke-config", *NAME)
    fails(found, client, "ResourceNotFoundException", "get-function-event-invoke-config", *NAME)
    return found


def urls(client, _):
    found = []
    reply = run(found, client, "create-function-url-config", *NAME, "--auth-type", "NONE")
    with urllib.request.urlopen(reply["FunctionUrl"] + "path?a=b", timeout=PATIENCE_S) as answer:
        event = json.load(answer)
    expect(found, "event", (event["version"], event["rawPath"], event["queryStringParameters"]), ("2.0", "/path", {"a": "b"}))
    run(found, client, "delete-function-url-config", *NAME)
    fails(found, client, "ResourceNotFoundException", "get-function-url-config", *NAME)
    return found


def permissions(client, _):
    found = []
    reply = run(found, client, "add-permission", *NAME, "--statement-id", "s3-account", "--action", "lambda:InvokeFunction",
                "--principal", "s3.amazonaws.com", "--source-arn", "arn:aws:s3:::bucket", "--source-account", "000000000000")
    expect(found, "statement", json.loads(reply["Statement"])["Principal"], {"Service": "s3.amazonaws.com"})
    policy = json.loads(run(found, client, "get-policy", *NAME)["Policy"])
    expect(found, "policy", [s["Sid"] for s in policy["Statement"]], ["s3-account"])
    run(found, client, "remove-permission", *NAME, "--statement-id", "s3-account")
    fails(found, client, "ResourceNotFoundException", "get-policy", *NAME)
    return found


def https(*_):
    """A server with a certificate, to clients that are told of it, and to one that is not."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        cert, key = tls.make_certificate(folder)
        with Server(PROGRAM, WORKER, f"{PLUGINS}/echo.so", "--cert", cert, "--key", key) as server:
            server.create("my-function", "echo")
            words = ["--endpoint-url", server.url, "--output", "json", "lambda"]
            invoke = ["invoke", *NAME, "--cli-binary-format", "raw-in-base64-out", "--payload", "7", f"{folder}/out"]
            code, printed, complaint = aws.installed(["--ca-bundle", cert, *words, *invoke], aws.ENVIRONMENT)
            expect(found, "invoke", (code, complaint), (0, ""))
            expect(found, "status", json.loads(printed or "{}").get("StatusCode"), 200)
            with open(f"{folder}/out") as file:
                expect(found, "answer", file.read(), "7")
            code, _, complaint = aws.installed([*words, *invoke], aws.ENVIRONMENT)
            if not code or "SSL validation failed" not in complaint:
                found.append(f"who does not know the certificate: {code} {complaint}")
            url = json.loads(aws.installed(
                ["--ca-bundle", cert, *words, "create-function-url-config", *NAME, "--auth-type", "NONE"],
                aws.ENVIRONMENT)[1])["FunctionUrl"]
            with urllib.request.urlopen(url + "path", timeout=PATIENCE_S, context=server.tls) as answer:
                expect(found, "by its URL", (url[:8], json.load(answer)["rawPath"]), ("https://", "/path"))
    return found


def deletion(client, server):
    found = []
    run(found, client, "delete-alias", *NAME, "--name", "canary")
    run(found, client, "delete-function", *NAME, "--qualifier", "1")
    versions = run(found, client, "list-versions-by-function", *NAME)["Versions"]
    expect(found, "versions", [v["Version"] for v in versions], ["$LATEST", "2"])
    run(found, client, "delete-function", *NAME)
    fails(found, client, "ResourceNotFoundException", "get-function", *NAME)
    expect(found, "an event then", server.invoke("my-function")[0], 404)
    return found


TESTS = (
    ("an_alias_divides_its_events_by_weight", weights),
    ("reserved_concurrency_is_put_kept_and_deleted", reserved),
    ("provisioned_concurrency_is_ready_and_used", provisioned),
    ("asynchronous_invocation_is_configured", events),
    ("a_function_url_is_made_called_and_deleted", urls),
    ("permissions_are_added_shown_and_removed", permissions),
    ("what_is_deleted_is_gone", deletion),
    ("a_server_with_a_certificate_speaks_https", https),
)


def main():
    if not os.path.exists(aws.AWS):
        print("1..0 # SKIP Debian's awscli is not here")
        return
    results = []
    with tempfile.TemporaryDirectory() as folder, Server(PROGRAM, WORKER, f"{PLUGINS}/echo.so") as server:
        server.create("my-function", "echo")
        command = aws.CommandLine()
        client = clients.Client(server.port, folder, command.run)
        for title, test in TESTS:
            command.first()
            try:
                results.append((title, test(client, server)))
            except (KeyError, TypeError, ValueError, OSError) as error:
                results.append((title, [repr(error)]))
    report(results)


main()
