#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Items of tables and events of buses by AWS's own command line, as if they were DynamoDB's and EventBridge's.

Of each test the first command is the program as it is installed; see aws.py.

usage: services.py <the server>
"""
import json
import os
import re
import sys

import aws
from program import expect, report

ACCOUNT = "000000000000"
TABLE = ("--table-name", "orders")
KEY = {"Id": {"S": "1"}}
ITEM = {**KEY, "Count": {"N": "7"}, "Tags": {"SS": ["a", "b"]}, "Raw": {"B": "AAEC"}}
NEXT = {**KEY, "Count": {"N": "8"}}
EVENT = {"Source": "shop", "DetailType": "paid", "Detail": '{"n":1}'}


class Client:
    def __init__(self, port, command, key="AKIDEXAMPLE"):
        self.base = ["--endpoint-url", f"http://127.0.0.1:{port}", "--output", "json"]
        self.port, self.command = port, command
        self.environment = {**aws.ENVIRONMENT, "AWS_ACCESS_KEY_ID": key}

    def as_role(self, name):
        return Client(self.port, self.command, "ROLE" + name)

    def run(self, *words):
        """(what it printed as JSON or None, what it complained)"""
        _, printed, complaint = self.command([*self.base, *words], self.environment)
        return json.loads(printed) if printed.strip() else None, complaint.strip()

    def table(self, operation, member, value, *words):
        return self.run("dynamodb", operation, *TABLE, "--" + member, json.dumps(value), *words)

    def events(self, *entries):
        return self.run("events", "put-events", "--entries", json.dumps(entries))


def complains(found, what, answer, operation, kind, text):
    begin = f"An error occurred ({kind}) when calling the {operation} operation"
    if answer[0] is not None or not answer[1].startswith(begin) or text not in answer[1]:
        found.append(f"{what}: {answer!r} is not {begin!r} with {text!r}")


def items(client):
    """What is put is there, as it was, until it is deleted."""
    found = []
    expect(found, "a put", client.table("put-item", "item", ITEM), (None, ""))
    expect(found, "the item", client.table("get-item", "key", KEY), ({"Item": ITEM}, ""))
    expect(found, "what was replaced", client.table("put-item", "item", NEXT, "--return-values", "ALL_OLD"),
           ({"Attributes": ITEM}, ""))
    expect(found, "what was deleted", client.table("delete-item", "key", KEY, "--return-values", "ALL_OLD"),
           ({"Attributes": NEXT}, ""))
    expect(found, "no item", client.table("get-item", "key", KEY, "--consistent-read"), (None, ""))
    expect(found, "a second end", client.table("delete-item", "key", KEY), (None, ""))
    return found


def tables(client):
    """One is made, used and deleted."""
    found = []
    shape = {"AttributeDefinitions": [{"AttributeName": "K", "AttributeType": "N"}],
             "KeySchema": [{"AttributeName": "K", "KeyType": "HASH"}],
             "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}}
    words = [w for name, value in shape.items() for w in (f"--{re.sub('(?<=.)(?=[A-Z])', '-', name).lower()}", json.dumps(value))]
    named = ("--table-name", "made")
    made, complaint = client.run("dynamodb", "create-table", *named, *words, "--billing-mode", "PAY_PER_REQUEST")
    arn = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/made"
    expect(found, "a new table", (made, complaint), ({"TableDescription": {
        "TableName": "made", "TableStatus": "ACTIVE", "TableArn": arn, **shape}}, ""))
    item = json.dumps({"K": {"N": "1"}})
    expect(found, "a put", client.run("dynamodb", "put-item", *named, "--item", item), (None, ""))
    words[1] = words[1].replace('"N"', '"S"')
    complains(found, "another one", client.run("dynamodb", "create-table", *named, *words, "--billing-mode", "PAY_PER_REQUEST"),
              "CreateTable", "ResourceInUseException", "")
    gone, complaint = client.run("dynamodb", "delete-table", *named)
    expect(found, "its end", (gone, complaint), (
        {"TableDescription": {"TableName": "made", "TableStatus": "DELETING", "TableArn": arn}}, ""))
    complains(found, "a late look", client.run("dynamodb", "get-item", *named, "--key", item), "GetItem",
              "ResourceNotFoundException", "Requested resource not found: ")
    return found


def wrong_items(client):
    found = []
    answer = client.run("dynamodb", "get-item", "--table-name", "nowhere", "--key", json.dumps(KEY))
    complains(found, "no table", answer, "GetItem", "ResourceNotFoundException",
              "Requested resource not found: ")
    complains(found, "another key", client.table("get-item", "key", {"Other": {"S": "1"}}), "GetItem",
              "ValidationException", "One or more parameter values were invalid: Missing the key Id in the item")
    complains(found, "a condition", client.table("put-item", "item", ITEM, "--condition-expression", "a = b"), "PutItem",
              "ValidationException", "this would do nothing here: ConditionExpression")
    complains(found, "new values", client.table("put-item", "item", ITEM, "--return-values", "ALL_NEW"), "PutItem",
              "ValidationException", "ReturnValues is NONE or ALL_OLD, not: ALL_NEW")
    expect(found, "an item", client.table("get-item", "key", KEY), (None, ""))
    return found


def events(client):
    """Each entry is answered by itself."""
    found = []
    answer, complaint = client.events(EVENT, {**EVENT, "Detail": "x"}, {**EVENT, "EventBusName": "shop"})
    expect(found, "complaint", complaint, "")
    expect(found, "failures", answer["FailedEntryCount"], 1)
    expect(found, "answers", ["EventId" in entry for entry in answer["Entries"]], [True, False, True])
    expect(found, "the reason", answer["Entries"][1]["ErrorCode"], "MalformedDetail")
    return found


def rights(client):
    """A role may do what its policy says, and no more."""
    found = []
    trust = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    table, bus = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/orders", f"arn:aws:events:us-east-1:{ACCOUNT}:event-bus/shop"
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": table},
        {"Effect": "Deny", "Action": "dynamodb:*", "Resource": f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/secret"},
        {"Effect": "Allow", "Action": "dynamodb:DeleteTable", "Resource": "*"},
        {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}]}
    client.run("iam", "create-role", "--role-name", "writer", "--assume-role-policy-document", json.dumps(trust))
    client.run("iam", "put-role-policy", "--role-name", "writer", "--policy-name", "p", "--policy-document",
               json.dumps(policy))
    writer = client.as_role("writer")
    expect(found, "a put", writer.table("put-item", "item", ITEM), (None, ""))
    complains(found, "a look", writer.table("get-item", "key", KEY), "GetItem", "AccessDeniedException", "User: arn:aws:sts::")
    complains(found, "an end", writer.table("delete-item", "key", KEY), "DeleteItem", "AccessDeniedException", "User: arn:aws:sts::")
    expect(found, "what is there still", client.table("get-item", "key", KEY), ({"Item": ITEM}, ""))
    answer, complaint = writer.events({**EVENT, "EventBusName": "shop"})
    expect(found, "an event", (complaint, answer and answer["FailedEntryCount"]), ("", 0))
    complains(found, "an event of another bus", writer.events({**EVENT, "EventBusName": "shop"}, EVENT), "PutEvents",
              "AccessDeniedException", "User: arn:aws:sts::")
    for name in ("secret", "arn:aws:dynamodb:eu-west-1:111111111111:table/secret"):
        complains(found, name, writer.run("dynamodb", "delete-table", "--table-name", name), "DeleteTable",
                  "AccessDeniedException", ":table/secret")
    complains(found, "a bus by the ARN of another account", writer.events(
        {**EVENT, "EventBusName": "arn:aws:events:us-east-1:111111111111:event-bus/default"}), "PutEvents",
        "AccessDeniedException", f"{ACCOUNT}:event-bus/default")
    stranger = Client(client.port, client.command, "nobody")
    answer, complaint = stranger.table("get-item", "key", KEY)
    if answer is not None or "(UnrecognizedClientException)" not in complaint:
        found.append(f"a stranger: {answer!r} {complaint!r}")
    return found


TESTS = (
    ("an_item_is_put_shown_and_deleted", items),
    ("a_table_is_made_used_and_deleted", tables),
    ("what_cannot_be_done_with_items_is_refused_and_does_nothing", wrong_items),
    ("each_event_of_a_request_is_answered_by_itself", events),
    ("a_role_may_do_what_its_policy_names", rights),
)


def main():
    if not os.path.exists(aws.AWS):
        print("1..0 # SKIP Debian's awscli is not here")
        return
    report(aws.run_tests(sys.argv[1], TESTS, Client))


if __name__ == "__main__":
    main()
