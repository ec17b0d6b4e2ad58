#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The documented steps of IAM by AWS's own command line, and what those may do who have a role.

Of each test the first command is the program as it is installed; see aws.py.

usage: least_privilege.py <the server>
"""
import json
import os
import subprocess
import sys
import tempfile

import aws
from program import expect, report

CURL = "/usr/bin/curl"
ACCOUNT = "000000000000"
FUNCTION = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:"
TRUST = json.dumps({
    "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


class Client:
    """The command line, as aws.installed, for one access key."""

    def __init__(self, port, folder, command, key="AKIDEXAMPLE"):
        self.base = ["--endpoint-url", f"http://127.0.0.1:{port}", "--output", "json"]
        self.out = os.path.join(folder, "out")
        self.port, self.folder, self.command = port, folder, command
        self.environment = {**aws.ENVIRONMENT, "AWS_ACCESS_KEY_ID": key}

    def as_role(self, name):
        return Client(self.port, self.folder, self.command, "ROLE" + name)

    def run(self, *words):
        """(what it printed as JSON or None, what it complained)"""
        _, printed, complaint = self.command([*self.base, *words], self.environment)
        return json.loads(printed) if printed.strip() else None, complaint.strip()

    def invoke(self, name):
        """What it complained; "": nothing."""
        return self.run("lambda", "invoke", "--function-name", name, "--cli-binary-format", "raw-in-base64-out",
                        "--payload", "1", self.out)[1]


def denied(found, what, complaint, action, resource, who):
    want = (f"User: arn:aws:sts::{ACCOUNT}:assumed-role/{who}/ROLE{who} is not authorized to perform: {action} on "
            f"resource: {resource} because no identity-based policy allows the {action} action")
    if want[:255] not in complaint:  # as much as an error's message holds
        found.append(f"{what}: {complaint!r} lacks {want!r}")


def policy(effect, action, resource):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": effect, "Action": action, "Resource": resource}]})


def make_role(client, name, *policies):
    client.run("iam", "create-role", "--role-name", name, "--assume-role-policy-document", TRUST)
    for number, text in enumerate(policies):
        client.run("iam", "put-role-policy", "--role-name", name, "--policy-name", f"p{number}",
                   "--policy-document", text)
    return client.as_role(name)


def steps(client):
    found = []
    reply, complaint = client.run(
        "iam", "create-role", "--role-name", "lambda-ex", "--assume-role-policy-document", TRUST)
    expect(found, "complaint", complaint, "")
    role = reply["Role"]
    expect(found, "arn", role["Arn"], f"arn:aws:iam::{ACCOUNT}:role/lambda-ex")
    expect(found, "trust", role["AssumeRolePolicyDocument"], json.loads(TRUST))
    expect(found, "attaching", client.run(
        "iam", "attach-role-policy", "--role-name", "lambda-ex", "--policy-arn", BASIC), (None, ""))
    reply, _ = client.run("iam", "list-attached-role-policies", "--role-name", "lambda-ex")
    expect(found, "attached", reply["AttachedPolicies"],
           [{"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC}])
    text = policy("Allow", "sqs:*", "*")
    expect(found, "putting", client.run("iam", "put-role-policy", "--role-name", "lambda-ex", "--policy-name", "q",
                                        "--policy-document", text), (None, ""))
    reply, _ = client.run("iam", "get-role-policy", "--role-name", "lambda-ex", "--policy-name", "q")
    expect(found, "policy", reply["PolicyDocument"], json.loads(text))
    expect(found, "roles", [r["RoleName"] for r in client.run("iam", "list-roles")[0]["Roles"]], ["lambda-ex"])
    expect(found, "again", client.run("iam", "get-role", "--role-name", "lambda-ex")[0]["Role"], role)
    reply, _ = client.run("lambda", "update-function-configuration", "--function-name", "f", "--role", role["Arn"])
    expect(found, "role of f", reply["Role"], role["Arn"])
    return found


def errors(client):
    found = []
    for words, want in ((("get-role", "--role-name", "none"), "(NoSuchEntity)"),
                        (("delete-role", "--role-name", "lambda-ex"), "(DeleteConflict)"),
                        (("create-user", "--user-name", "a"), "(InvalidAction)"),
                        (("create-role", "--role-name", "x", "--assume-role-policy-document", "{}"),
                         "(MalformedPolicyDocument)")):
        complaint = client.run("iam", *words)[1]
        if want not in complaint:
            found.append(f"{words[0]}: {complaint!r} lacks {want}")
    return found


def who(client):
    found = []
    expect(found, "root", client.run("sts", "get-caller-identity")[0],
           {"UserId": ACCOUNT, "Account": ACCOUNT, "Arn": f"arn:aws:iam::{ACCOUNT}:root"})
    make_role(client, "nobody")
    expect(found, "role", client.as_role("nobody").run("sts", "get-caller-identity")[0]["Arn"],
           f"arn:aws:sts::{ACCOUNT}:assumed-role/nobody/ROLEnobody")
    return found


def exactly(client):
    """What the policy allows, and one function or action more."""
    found = []
    caller = make_role(client, "caller", policy("Allow", "lambda:InvokeFunction", FUNCTION + "f"))
    expect(found, "invoking", caller.invoke("f"), "")
    denied(found, "another", caller.invoke("fails"), "lambda:InvokeFunction", FUNCTION + "fails", "caller")
    denied(found, "an alias", caller.invoke("f:live"), "lambda:InvokeFunction", FUNCTION + "f:live", "caller")
    denied(found, "looking", caller.run("lambda", "get-function", "--function-name", "f")[1],
           "lambda:GetFunction", FUNCTION + "f", "caller")
    denied(found, "listing", caller.run("lambda", "list-functions")[1], "lambda:ListFunctions", "*", "caller")
    denied(found, "roles", caller.run("iam", "delete-role", "--role-name", "caller")[1], "iam:DeleteRole",
           f"arn:aws:iam::{ACCOUNT}:role/caller", "caller")
    return found


def nothing(client):
    found = []
    denied(found, "no policy", make_role(client, "empty").invoke("f"), "lambda:InvokeFunction", FUNCTION + "f", "empty")
    denied(found, "no role", client.as_role("missing").invoke("f"), "lambda:InvokeFunction", FUNCTION + "f", "missing")
    return found


def a_denial(client):
    found = []
    caller = make_role(client, "torn", policy("Allow", "*", "*"), policy("Deny", "lambda:*", FUNCTION + "fails"))
    expect(found, "invoking", caller.invoke("f"), "")
    want = "with an explicit deny in an identity-based policy"
    complaint = caller.invoke("fails")
    if want not in complaint:
        found.append(f"{complaint!r} lacks {want!r}")
    return found


def by_the_function(client):
    """The function's own policy may let somebody in, too."""
    found = []
    caller = make_role(client, "guest")
    denied(found, "before", caller.invoke("f"), "lambda:InvokeFunction", FUNCTION + "f", "guest")
    _, complaint = client.run(
        "lambda", "add-permission", "--function-name", "f", "--statement-id", "guest",
        "--action", "lambda:InvokeFunction", "--principal", f"arn:aws:iam::{ACCOUNT}:role/guest")
    expect(found, "permission", complaint, "")
    expect(found, "invoking", caller.invoke("f"), "")
    denied(found, "another", caller.invoke("fails"), "lambda:InvokeFunction", FUNCTION + "fails", "guest")
    client.run("lambda", "remove-permission", "--function-name", "f", "--statement-id", "guest")
    denied(found, "after", caller.invoke("f"), "lambda:InvokeFunction", FUNCTION + "f", "guest")
    return found


def by_an_alias(client):
    """What is allowed on an alias is allowed by that name alone."""
    found = []
    caller = make_role(client, "friend")
    client.run("lambda", "publish-version", "--function-name", "f")
    client.run("lambda", "create-alias", "--function-name", "f", "--name", "live", "--function-version", "1")
    client.run("lambda", "add-permission", "--function-name", "f", "--qualifier", "live", "--statement-id", "friend",
               "--action", "lambda:InvokeFunction", "--principal", f"arn:aws:iam::{ACCOUNT}:role/friend")
    expect(found, "the alias", caller.invoke("f:live"), "")
    denied(found, "the function", caller.invoke("f"), "lambda:InvokeFunction", FUNCTION + "f", "friend")
    denied(found, "its version", caller.invoke("f:1"), "lambda:InvokeFunction", FUNCTION + "f:1", "friend")
    return found


def passing(client):
    found = []
    role = f"arn:aws:iam::{ACCOUNT}:role/lambda-ex"
    words = ("lambda", "update-function-configuration", "--function-name", "f", "--role", role)
    caller = make_role(client, "updater", policy("Allow", "lambda:*", "*"))
    expect(found, "without a role", caller.run(*words[:4], "--timeout", "5")[1], "")
    client.run("lambda", "wait", "function-updated", "--function-name", "f")
    denied(found, "with one", caller.run(*words)[1], "iam:PassRole", role, "updater")
    client.run("iam", "put-role-policy", "--role-name", "updater", "--policy-name", "pass",
               "--policy-document", policy("Allow", "iam:PassRole", role))
    expect(found, "allowed", caller.run(*words)[1], "")
    return found


def conditions(client):
    found = []
    local = json.dumps({"Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "*",
                                       "Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"},
                                                     "DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}}]})
    expect(found, "from here", make_role(client, "local", local).invoke("f"), "")
    caller = make_role(client, "remote", local.replace("127.0.0.0/8", "10.0.0.0/8"))
    denied(found, "from elsewhere", caller.invoke("f"), "lambda:InvokeFunction", FUNCTION + "f", "remote")
    return found


def call(url, key):
    """(status, body) of a signed request by curl."""
    result = subprocess.run(
        [CURL, "-s", "-w", "\n%{http_code}", "--aws-sigv4", "aws:amz:us-east-1:lambda", "--user", key + ":secret", url],
        capture_output=True, text=True, check=False)
    body, _, status = result.stdout.rpartition("\n")
    return int(status), body


def calling(client):
    """A URL is another action than an invocation."""
    found = []
    made, complaint = client.run("lambda", "create-function-url-config", "--function-name", "f", "--auth-type", "AWS_IAM")
    expect(found, "complaint", complaint, "")
    make_role(client, "invoker", policy("Allow", "lambda:InvokeFunction", "*"))
    status, body = call(made["FunctionUrl"], "ROLEinvoker")
    expect(found, "status", status, 403)
    denied(found, "an invoker", json.loads(body)["Message"], "lambda:InvokeFunctionUrl", FUNCTION + "f", "invoker")
    text = json.loads(policy("Allow", "lambda:InvokeFunctionUrl", FUNCTION + "f"))
    text["Statement"][0]["Condition"] = {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}}
    make_role(client, "reader", json.dumps(text))
    status, body = call(made["FunctionUrl"], "ROLEreader")
    expect(found, "a reader", status, 200)
    expect(found, "who he is", json.loads(body)["requestContext"]["authorizer"]["iam"]["userArn"],
           f"arn:aws:sts::{ACCOUNT}:assumed-role/reader/ROLEreader")
    client.run("lambda", "delete-function-url-config", "--function-name", "f")
    return found


TESTS = (
    ("the_documented_steps_make_a_role_and_give_it_to_a_function", steps),
    ("exceptions_are_known_by_their_codes", errors),
    ("everybody_learns_who_he_is", who),
    ("a_policy_allows_what_it_names_and_no_more", exactly),
    ("without_a_policy_or_a_role_nothing_is_allowed", nothing),
    ("what_is_denied_is_denied_whatever_is_allowed", a_denial),
    ("a_function_lets_somebody_in_by_its_own_policy", by_the_function),
    ("what_is_allowed_on_an_alias_is_allowed_by_its_name", by_an_alias),
    ("a_role_is_given_to_a_function_by_who_may_pass_it", passing),
    ("a_url_is_called_by_who_may_call_urls", calling),
    ("conditions_see_the_address_and_the_time", conditions),
)


def main():
    if not os.path.exists(aws.AWS):
        print("1..0 # SKIP Debian's awscli is not here")
        return
    with tempfile.TemporaryDirectory() as folder:
        report(aws.run_tests(sys.argv[1], TESTS, lambda port, command: Client(port, folder, command)))


if __name__ == "__main__":
    main()
