#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Events that functions get are of the types that handlers in TypeScript are written against.

usage: event_types.py <program that shows an event of each source> <http, if there is some>
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from program import report

MODULES = pathlib.Path(os.environ.get("TEST_NPM", str(pathlib.Path.home() / ".cache/libfaas/npm")), "node_modules")
COMPILER = MODULES / "typescript/bin/tsc"
RECORDS = {"aws:sqs": "SQSEvent", "aws:s3": "S3Event", "aws:sns": "SNSEvent", "aws:kinesis": "KinesisStreamEvent",
           "aws:dynamodb": "DynamoDBStreamEvent"}
HTTP = ["APIGatewayProxyEvent", "APIGatewayProxyEventV2", "LambdaFunctionURLEvent"]
ALL = sorted(["DynamoDBStreamEvent", "DynamoDBStreamEvent", "EventBridgeEvent<string, object>", "KinesisStreamEvent", "S3Event",
              "SNSEvent", "SQSEvent", "SQSEvent", "ScheduledEvent"] + (HTTP if sys.argv[2] == "http" else []))


def type_of(event):
    if "requestContext" in event:
        return HTTP[0] if "resource" in event else HTTP[2] if event["routeKey"] == "$default" else HTTP[1]
    if "Records" not in event:
        return "ScheduledEvent" if event["source"] == "aws.events" else "EventBridgeEvent<string, object>"
    record = event["Records"][0]
    return RECORDS[record.get("eventSource") or record["EventSource"]]


def innermost(event):
    return event["Records"][0] if "Records" in event else event


def complaints(events):
    """What the compiler says of each. Of a literal it knows each member; it may have none too many."""
    names = ", ".join({type_of(event).split("<")[0] for event in events})
    lines = [f"import type {{ {names} }} from 'aws-lambda'"]
    lines += [f"export const e{n} = {json.dumps(event)} satisfies {type_of(event)}" for n, event in enumerate(events)]
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder, "event.ts")
        source.write_text("\n".join(lines) + "\n")
        pathlib.Path(folder, "node_modules").symlink_to(MODULES)
        done = subprocess.run(["node", COMPILER, "--noEmit", "--strict", "--skipLibCheck", "--types", "aws-lambda", source],
                              capture_output=True, text=True, cwd=folder)
    said = done.stdout.splitlines() or [done.stderr][:done.returncode]
    found = [[line for line in said if line.startswith(f"event.ts({n + 2},")] for n in range(len(events))]
    others = [line for line in said if re.match(r"event\.ts\((?!1,)", line) is None and not line.startswith(" ")]
    return [lines + others for lines in found]


def as_typed(event):
    """SNS says null of a message without a subject, and an HTTP API its version, which the types have forgotten."""
    if type_of(event) == HTTP[0]:
        assert event.pop("version") == "1.0"
    sns = innermost(event).get("Sns", {})
    if sns.get("Subject", "") is None:
        del sns["Subject"]
    return event


def check(events):
    yield "there_is_an_event_of_each_source", [] if sorted(map(type_of, events)) == ALL else [list(map(type_of, events))]
    for event, found in zip(events, complaints(events)):
        yield f"an_event_is_a_{type_of(event)}", found
    others = list({type_of(event): event for event in events}.values())
    for event in others:
        innermost(event)["surplus"] = 1
    for event, found in zip(others, complaints(others)):
        yield f"a_{type_of(event)}_with_a_member_too_many_is_refused", [] if found else ["it is not"]


if not COMPILER.exists() or not (MODULES / "@types/aws-lambda").exists():
    print("1..0 # SKIP typescript or @types/aws-lambda is not here")
    sys.exit()
with tempfile.TemporaryDirectory() as inbox:
    shown = subprocess.run([sys.argv[1], inbox], capture_output=True, text=True)
if shown.returncode:
    report([("events_are_shown", [shown.stderr])])
    sys.exit(1)
report(list(check([as_typed(json.loads(line)) for line in shown.stdout.splitlines()])))
