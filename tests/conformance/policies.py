#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Policies are decided as somebody else decides them: iam-simulate, a program of its own, on generated cases
and on the examples of the documentation (policy_examples.py).

What it needs is installed by ./tests/run from npm into a cache; its licence keeps it out of everything else.
Where the two differ on purpose is in EXPLAINED, case by case, and not generated.

usage: policies.py <program of ours> <script for theirs> [cases]
"""
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

from policy_examples import EXAMPLES

CASES = int(sys.argv[3]) if len(sys.argv) > 3 else 10000
SEED = 20261127
ACCOUNT, OTHER = "123456789012", "999999999999"
LAMBDA = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
USER, ROLE = f"arn:aws:iam::{ACCOUNT}:user/bob", f"arn:aws:iam::{ACCOUNT}:role/r"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"
WHO = [
    {"account": ACCOUNT, "arn": USER},
    {"account": ACCOUNT, "arn": SESSION, "role": ROLE},
    {"service": "s3.amazonaws.com"},
]
ACTIONS = ["lambda:InvokeFunction", "lambda:GetFunction", "s3:GetObject", "sqs:SendMessage"]
ACTION_PATTERNS = ["*", "lambda:*", "lambda:Invoke*", "LAMBDA:getfunction", "s3:Get?bject", "s3:Put*", "sqs:*"]
RESOURCES = [LAMBDA + "f", LAMBDA + "f:live", LAMBDA + "home-bob", "arn:aws:s3:::bucket/bob/file",
             f"arn:aws:sqs:eu-west-1:{ACCOUNT}:orders"]
RESOURCE_PATTERNS = [
    "*", LAMBDA + "f", LAMBDA + "*", "arn:aws:lambda:*:*:function:f*", "arn:aws:lambda:us-*", "arn:aws:s3:::bucket/*",
    "arn:aws:s3:::b?cket/${aws:username}/*", f"arn:aws:sqs:*:{ACCOUNT}:*", LAMBDA + "home-${aws:username}",
    LAMBDA + "home-${aws:userid, 'bob'}", "arn:aws:sqs:eu-west-1:*:ord*s", LAMBDA + "F",
]
# Whole, and without variables that may have no value: see EXPLAINED.
PLAIN_PATTERNS = [p for p in RESOURCE_PATTERNS if "username" not in p and p.count(":") != 3]
PRINCIPALS = [
    "*", {"AWS": "*"}, {"AWS": ACCOUNT}, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, {"AWS": USER}, {"AWS": [ROLE]},
    {"AWS": SESSION}, {"AWS": [USER, SESSION]}, {"Service": "s3.amazonaws.com"}, {"Service": ["sns.amazonaws.com"]},
    {"AWS": OTHER, "Service": "s3.amazonaws.com"},
]
# Kind -> operators, values of a policy, values of a request.
KINDS = {
    "text": (["StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"],
             ["a", "A", "bob", "${aws:username}", "${aws:none}", "${aws:none, 'a'}", "a*", ""],
             ["a", "A", "bob", "b", "a*", ""]),
    "like": (["StringLike", "StringNotLike"],
             ["a*", "*b", "a?c", "*", "${aws:username}*", "x${*}y", "a*b*c", "${?}"],
             ["a", "abc", "bob", "bobby", "x*y", "xzy", "aXbYc", "?"]),
    "number": (["NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals",
                "NumericGreaterThan", "NumericGreaterThanEquals"],
               ["1", "2", "10", "-1", "2.5", "1.0"], ["1", "2", "10", "-1", "2.50", "x"]),
    "date": (["DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan",
              "DateGreaterThanEquals"],
             ["2026-01-01", "2026-01-01T00:00:00Z", "2025-12-31T23:00:00-01:00", "2027-05-06T07:08:09Z"],
             ["2026-01-01T00:00:00Z", "2026-06-01T12:00:00Z", "2025-01-01T00:00:00Z", "2028-01-01T00:00:00Z"]),
    "flag": (["Bool"], ["true", "false", True], ["true", "false"]),
    "bytes": (["BinaryEquals"], ["QmluYXJ5", "AAAA"], ["QmluYXJ5", "BBBB"]),
    "address": (["IpAddress", "NotIpAddress"],
                ["10.0.0.0/8", "10.1.2.3/32", "192.168.0.0/17", "2001:db8::/32", "8.0.0.0/5"],
                ["10.1.2.3", "192.168.127.1", "192.168.128.1", "2001:db8:1::1", "8.8.8.8"]),
    "arn": (["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
            ["arn:aws:s3:::b*", LAMBDA + "f", LAMBDA + "*", "arn:aws:sns:*:*:t?pic", "arn:*:s3:::*"],
            ["arn:aws:s3:::bucket", LAMBDA + "f", LAMBDA + "f:1", f"arn:aws:sns:us:{ACCOUNT}:topic", "bob"]),
}


def some(draw, things, most=3):
    """One of them, or a list of some."""
    return draw.choice(things) if draw.random() < 0.5 else draw.sample(things, draw.randint(1, min(most, len(things))))


def condition(draw):
    block = {}
    for _ in range(draw.choice([1, 1, 1, 2])):
        kind = draw.choice([*KINDS, "null"])
        if kind == "null":
            block["Null"] = {f"aws:{draw.choice(list(KINDS))}": some(draw, ["true", "false"], 1)}
            continue
        operators, values, _ = KINDS[kind]
        operator = draw.choice(["", "", "", "ForAllValues:", "ForAnyValue:"]) + draw.choice(operators)
        operator += draw.choice(["", "", "IfExists"])
        block[operator] = {draw.choice(["aws:", "AWS:"]) + kind: some(draw, values)}
    return block


def statement(draw, principals):
    made = {"Effect": draw.choice(["Allow", "Allow", "Allow", "Deny"])}
    made[draw.choice(["Action"] * 5 + ["NotAction"])] = some(draw, ACTION_PATTERNS)
    if draw.random() < 0.8:
        made["Resource"] = some(draw, RESOURCE_PATTERNS)
    else:
        made["NotResource"] = some(draw, PLAIN_PATTERNS)
    if principals:
        if draw.random() < 0.85:
            made["Principal"] = draw.choice(PRINCIPALS)
        else:
            made["NotPrincipal"] = draw.choice(PRINCIPALS)
    if draw.random() < 0.5:
        made["Condition"] = condition(draw)
    return made


def document(draw, principals=False):
    made = [statement(draw, principals) for _ in range(draw.randint(1, 4))]
    return {"Version": "2012-10-17", "Statement": made if len(made) > 1 or draw.random() < 0.5 else made[0]}


def facts(draw):
    made = {"aws:username": "bob"} if draw.random() < 0.7 else {}
    for kind, (_, _, values) in KINDS.items():
        chance = draw.random()
        if chance < 0.6:
            made[f"aws:{kind}"] = draw.choice(values)
        elif chance < 0.75:
            made[f"aws:{kind}"] = draw.sample(values, 2)
    return made


def case(draw):
    who = draw.choice(WHO[:2] * 3 + WHO[2:])
    made = {**who, "action": draw.choice(ACTIONS), "resource": draw.choice(RESOURCES), "facts": facts(draw)}
    if "service" in who:
        return {**made, "owner": ACCOUNT, "resource_policy": document(draw, True)}
    made["identity"] = document(draw)
    if draw.random() < 0.3:
        made["boundary"] = document(draw)
    if draw.random() < 0.4:
        made["resource_policy"] = document(draw, True)
        made["owner"] = draw.choice([ACCOUNT, ACCOUNT, OTHER])
    elif "role" in who and draw.random() < 0.3:
        made["session"] = document(draw)
    return made


def asks(more=None, **statement_more):
    """One statement that allows, asked by a user."""
    row = {"Effect": "Allow", "Action": "lambda:*", "Resource": "*", **statement_more}
    return {**WHO[0], "action": ACTIONS[0], "resource": RESOURCES[0], "facts": {},
            "identity": {"Version": "2012-10-17", "Statement": row}, **(more or {})}


OLD = {"Version": "2008-10-17", "Statement": {
    "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:x": "${aws:username}"}}}}
ONLY_S3 = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
# What we say and they do not, with the reason.
EXPLAINED = [
    ("an operation on nothing in particular is covered by no pattern of ARNs, only by \"*\"", "ImplicitlyDenied",
     asks({"resource": "*", "action": "lambda:ListFunctions"}, Resource="arn:aws:lambda:*:*:*")),
    ("${*} is an asterisk wherever variables are, not only beside wildcards", "Allowed",
     asks({"facts": {"aws:x": "a*b"}}, Condition={"StringEquals": {"aws:x": "a${*}b"}})),
    ("in the old version a variable is its own text", "Allowed",
     asks({"facts": {"aws:x": "${aws:username}"}, "identity": OLD})),
    ("seconds since 1970 and a written date are the same point in time", "Allowed",
     asks({"facts": {"aws:x": "86400"}}, Condition={"DateEquals": {"aws:x": "1970-01-02T00:00:00Z"}})),
    ("an incomplete ARN is completed in NotResource as it is in Resource", "Allowed",
     asks({"identity": {"Version": "2012-10-17", "Statement": {
         "Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:us-*"}}})),
    ("a statement with a variable without a value applies to nothing, whatever else is in its NotResource",
     "ImplicitlyDenied", asks({"identity": {"Version": "2012-10-17", "Statement": {
         "Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::${aws:none}"}}})),
    ("0.0.0.0/0 is every address of four bytes", "Allowed",
     asks({"facts": {"aws:x": "10.1.2.3"}}, Condition={"IpAddress": {"aws:x": "0.0.0.0/0"}})),
    ("an address of four bytes is another than one of sixteen", "Allowed",
     asks({"facts": {"aws:x": "2001:db8::1"}}, Condition={"NotIpAddress": {"aws:x": "10.1.2.3"}})),
    ("a key without any value is a key that is not there", "Allowed",
     asks({"facts": {"aws:x": []}}, Condition={"Null": {"aws:x": "true"}})),
    ("letters have a case in ASCII only: other rules depend on a locale", "ImplicitlyDenied",
     asks({"facts": {"aws:x": "\u00e4"}}, Condition={"StringEqualsIgnoreCase": {"aws:x": "\u00c4"}})),
    ("a resource that names the session itself passes by its session policy", "Allowed",
     {**WHO[1], "action": ACTIONS[0], "resource": RESOURCES[0], "facts": {}, "session": ONLY_S3,
      "resource_policy": {"Version": "2012-10-17", "Statement": {
          "Effect": "Allow", "Principal": {"AWS": SESSION}, "Action": "*", "Resource": "*"}}}),
]


def answers(command, cases):
    text = "".join(json.dumps(c) + "\n" for c in cases)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    if done.returncode or len(lines) != len(cases):
        raise SystemExit(f"{command[0]} answered {len(lines)} of {len(cases)} cases\n{done.stderr}")
    return lines


def differences(cases, ours, theirs):
    return [f"ours {a}, theirs {b}: {json.dumps(c)}" for c, a, b in zip(cases, ours, theirs) if a != b]


def every_kind_of_answer_is_there(ours):
    few = [word for word in ("Allowed", "ExplicitlyDenied", "ImplicitlyDenied") if ours.count(word) < CASES / 20]
    return [f"{word}: {ours.count(word)} of {CASES}" for word in few]


def examples(ours, theirs):
    """A row for each: whoever it lets in and whoever not, as the page says, and as somebody else decides."""
    asked = [{**case, **policies, "example": number, "allowed": allowed}
             for number, (_, _, policies, *lists) in enumerate(EXAMPLES)
             for allowed, requests in zip((True, False), lists) for case in requests]
    found = [[] for _ in EXAMPLES]
    for case, mine, other in zip(asked, answers(ours, asked), answers(theirs, asked)):
        if mine.startswith("!") or (mine == "Allowed") != case["allowed"]:
            found[case["example"]].append(f"not as documented: {mine}: {json.dumps(case)}")
        if (mine == other) == bool(case["theirs"]):
            found[case["example"]].append(f"ours {mine}, theirs {other}: {json.dumps(case)}")
    few = [says for _, says, _, allowed, refused in EXAMPLES if not allowed or not refused]
    return [(f"each of the {len(EXAMPLES)} examples lets somebody in, and somebody not", few),
            *((f"{page}: {says}", lines) for (page, says, *_), lines in zip(EXAMPLES, found))]


def main():
    modules = os.environ.get("TEST_NPM", str(pathlib.Path.home() / ".cache/libfaas/npm"))
    if not shutil.which("node") or not pathlib.Path(modules, "node_modules/@cloud-copilot/iam-simulate").exists():
        print("1..0 # SKIP no node, or no iam-simulate: ./tests/run installs it where npm can be reached")
        return
    ours, theirs = [sys.argv[1]], ["node", sys.argv[2], modules]
    draw = random.Random(SEED)
    cases = [case(draw) for _ in range(CASES)]
    mine = answers(ours, cases)
    other = answers(theirs, cases)
    results = [
        (f"{CASES} generated cases are decided as somebody else decides them", differences(cases, mine, other)[:20]),
        ("all kinds of answers are among them", every_kind_of_answer_is_there(mine)),
        ("a difference would be seen", [] if differences(cases, mine[1:], other[:-1]) else ["it was not"]),
    ]
    results += examples(ours, theirs)
    known = [row[2] for row in EXPLAINED]
    for (why, wanted, _), a, b in zip(EXPLAINED, answers(ours, known), answers(theirs, known)):
        found = [] if a == wanted else [f"ours is {a}, not {wanted}"]
        results.append((why, found + ([] if a != b else ["they agree by now: generate it"])))
    print(f"1..{len(results)}")
    for number, (title, found) in enumerate(results, 1):
        print(f"{'not ok' if found else 'ok'} {number} - {title}")
        for line in found:
            print(f"# {line}")


if __name__ == "__main__":
    main()
