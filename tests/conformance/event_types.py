#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Events that functions get are of the types that handlers in TypeScript are written against.

usage: event_types.py <program that shows an event of each source>
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from program import report

MODULES = pathlib.Path(os.environ.get("TEST_NPM", str(pathlib.Path.home() / ".cache/libfaas/npm")), "node_modules")
COMPILER = MODULES / "typescript/bin/tsc"
RECORDS = {"aws:sqs": "SQSEvent", "aws:s3": "S3Event", "aws:sns": "SNSEvent"}
ALL = ["EventBridgeEvent<string, object>", "S3Event", "SNSEvent", "SQSEvent", "SQSEvent", "ScheduledEvent"]


def type_of(event):
    if "Records" not in event:
        return "ScheduledEvent" if event["source"] == "aws.events" else ALL[0]
    record = event["Records"][0]
    return RECORDS[record.get("eventSource") or record["EventSource"]]


def innermost(event):
    return event["Records"][0] if "Records" in event else event


def complaints(kind, event):
    """What the compiler says of it. Of a literal it knows each member; it may have none too many."""
    with tempfile.TemporaryDirectory() as folder:
        name = kind.split("<")[0]
        source = pathlib.Path(folder, "event.ts")
        source.write_text(f"import type {{ {name} }} from 'aws-lambda'\n"
                          f"export const event = {json.dumps(event)} satisfies {kind}\n")
        pathlib.Path(folder, "node_modules").symlink_to(MODULES)
        done = subprocess.run(["node", COMPILER, "--noEmit", "--strict", "--skipLibCheck", "--types", "aws-lambda", source],
                              capture_output=True, text=True, cwd=folder)
    return done.stdout.splitlines() or [done.stderr][:done.returncode]


def as_typed(event):
    """A message without a subject: SNS says null, which the types have forgotten."""
    sns = innermost(event).get("Sns", {})
    if sns.get("Subject", "") is None:
        del sns["Subject"]
    return event


def check(events):
    yield "there_is_an_event_of_each_source", [] if sorted(map(type_of, events)) == ALL else [list(map(type_of, events))]
    for event in events:
        kind = type_of(event)
        yield f"an_event_is_a_{kind}", complaints(kind, event)
    for event in {type_of(event): event for event in events}.values():
        innermost(event)["surplus"] = 1
        yield f"a_{type_of(event)}_with_a_member_too_many_is_refused", [] if complaints(type_of(event), event) else ["it is not"]


if not COMPILER.exists() or not (MODULES / "@types/aws-lambda").exists():
    print("1..0 # SKIP typescript or @types/aws-lambda is not here")
    sys.exit()
with tempfile.TemporaryDirectory() as inbox:
    shown = subprocess.run([sys.argv[1], inbox], capture_output=True, text=True)
if shown.returncode:
    report([("events_are_shown", [shown.stderr])])
    sys.exit(1)
report(list(check([as_typed(json.loads(line)) for line in shown.stdout.splitlines()])))
