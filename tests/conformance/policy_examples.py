# SPDX-License-Identifier: MIT
"""What the documentation shows of policies: its examples with names of our own, and who is let in by each.

A row: the page, what its example says, the policies by place, requests that are allowed, requests that are refused.
"""
ACCOUNT, PARTNER = "314159265358", "271828182845"
LAMBDA = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:"
BILL, POST = LAMBDA + "bill", LAMBDA + "post"
LAYER = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:layer:"
MAPPING = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:event-source-mapping:5e1f"
SIGNING = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:code-signing-config:csc-0aa1"
LOGS = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/lambda/bill"
QUEUE = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:parcels"
TOPIC, RULE = f"arn:aws:sns:eu-west-1:{ACCOUNT}:news", f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/nightly"
TABLE = f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/stock"
SHELF = "arn:aws:s3:::ledger"
WORKER = f"arn:aws:iam::{ACCOUNT}:role/worker"
STRANGE_ROLE = f"arn:aws:iam::{PARTNER}:role/courier"

ANA = {"account": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/ana", "facts": {"aws:username": "ana"}}
BEN = {"account": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/ben", "facts": {"aws:username": "ben"}}
WORK = {"account": ACCOUNT, "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/bill", "role": WORKER}
COURIER = {"account": PARTNER, "arn": f"arn:aws:sts::{PARTNER}:assumed-role/courier/van", "role": STRANGE_ROLE}
CLERK = {"account": PARTNER, "arn": f"arn:aws:iam::{PARTNER}:user/clerk", "facts": {"aws:username": "clerk"}}

INVOKE, GET, LIST = "lambda:InvokeFunction", "lambda:GetFunction", "lambda:ListFunctions"
CREATE, DELETE, CONFIGURE = "lambda:CreateFunction", "lambda:DeleteFunction", "lambda:UpdateFunctionConfiguration"
FEDERATE, OAK = "sts:AssumeRoleWithWebIdentity", f"arn:aws:iam::{ACCOUNT}:oidc-provider/oak.example"
URL, ASSUME, PASS = "lambda:InvokeFunctionUrl", "sts:AssumeRole", "iam:PassRole"

NOBODY = {}  # whoever signs nothing


def service(name):
    return {"service": name + ".amazonaws.com"}


def ask(action, resource, facts=None, who=ANA, theirs=None):
    """`theirs`: why iam-simulate decides otherwise."""
    return {**who, "action": action, "resource": resource, "owner": ACCOUNT, "theirs": theirs,
            "facts": {**who.get("facts", {}), **(facts or {})}}


def allow(action, resource="*", condition=None, **more):
    more |= {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*", condition=None, **more):
    return {**allow(action, resource, condition, **more), "Effect": "Deny"}


def without(statement, *names):
    return {name: value for name, value in statement.items() if name not in names}


def document(*statements, version="2012-10-17"):
    return {"Version": version, "Statement": statements[0] if len(statements) == 1 else list(statements)}


def own(*statements):
    return {"identity": document(*statements)}


def functions(*statements):
    """The policy of a function or another resource, and no other."""
    return {"resource_policy": document(*statements)}


def trust(principal, condition=None):
    return {"trust": document(without(allow(ASSUME, "*", condition, Principal=principal), "Resource"))}


def when(condition, action=INVOKE):
    return own(allow(action, "*", condition))


def on(facts, **more):
    return ask(INVOKE, BILL, facts, **more)


ELEMENTS = [
    ("Action", "one action, and no other", own(allow(INVOKE)), [ask(INVOKE, BILL)], [ask(GET, BILL)]),
    ("Action", "a list of actions of several services", own(allow([INVOKE, "sqs:SendMessage"])),
     [ask(INVOKE, BILL), ask("sqs:SendMessage", QUEUE)], [ask("sqs:ReceiveMessage", QUEUE)]),
    ("Action", "all actions of a service", own(allow("lambda:*")),
     [ask(DELETE, BILL), ask(LIST, "*")], [ask("sqs:SendMessage", QUEUE)]),
    ("Action", "what begins alike", own(allow("lambda:*Alias*")),
     [ask("lambda:CreateAlias", BILL), ask("lambda:ListAliases", BILL)], [ask(INVOKE, BILL)]),
    ("Action", "an action has no case", own(allow("Lambda:INVOKEfunction")), [ask(INVOKE, BILL)], [ask(GET, BILL)]),
    ("Action", "a question mark is one character", own(allow("lambda:GetFunctio?")),
     [ask(GET, BILL)], [ask("lambda:GetFunctionConfiguration", BILL)]),
    ("NotAction", "everything of what the resource names, but one", own(
        without(allow("", SHELF + "/*", NotAction="s3:DeleteObject"), "Action")),
     [ask("s3:GetObject", SHELF + "/may"), ask("s3:PutObject", SHELF + "/may")],
     [ask("s3:DeleteObject", SHELF + "/may"), ask("s3:GetObject", "arn:aws:s3:::other/may")]),
    ("NotAction", "everything but one service", own(without(allow("", NotAction="iam:*"), "Action")),
     [ask(INVOKE, BILL), ask("s3:GetObject", SHELF + "/may")], [ask(PASS, WORKER)]),
    ("NotAction", "without a second factor everything else is denied", own(allow("*"), without(deny(
        "", NotAction=["iam:*"], condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}), "Action")),
     [ask(INVOKE, BILL, {"aws:MultiFactorAuthPresent": "true"}),
      ask("iam:GetUser", ANA["arn"], {"aws:MultiFactorAuthPresent": "false"})],
     [ask(INVOKE, BILL), ask(INVOKE, BILL, {"aws:MultiFactorAuthPresent": "false"})]),
    ("Resource", "one resource", own(allow(INVOKE, BILL)), [ask(INVOKE, BILL)], [ask(INVOKE, POST)]),
    ("Resource", "a list of them", own(allow(INVOKE, [BILL, POST])),
     [ask(INVOKE, BILL), ask(INVOKE, POST)], [ask(INVOKE, LAMBDA + "sort")]),
    ("Resource", "an asterisk crosses slashes", own(allow("s3:GetObject", SHELF + "/*")),
     [ask("s3:GetObject", SHELF + "/2026/may")], [ask("s3:GetObject", SHELF + "er/2026")]),
    ("Resource", "an asterisk in the middle of a path", own(allow("s3:GetObject", SHELF + "/*/open/*")),
     [ask("s3:GetObject", SHELF + "/a/b/open/c")], [ask("s3:GetObject", SHELF + "/a/closed/c")]),
    ("Resource", "three characters, no more and no less", own(allow("s3:GetObject", SHELF + "/???.csv")),
     [ask("s3:GetObject", SHELF + "/may.csv")],
     [ask("s3:GetObject", SHELF + "/june.csv"), ask("s3:GetObject", SHELF + "/m.csv")]),
    ("Resource", "any region of one account", own(allow(INVOKE, f"arn:aws:lambda:*:{ACCOUNT}:function:bill")),
     [ask(INVOKE, BILL), ask(INVOKE, BILL.replace("eu-west-1", "us-east-2"))], [ask(INVOKE, POST)]),
    ("Resource", "a resource has a case", own(allow(INVOKE, LAMBDA + "Bill")),
     [ask(INVOKE, LAMBDA + "Bill")], [ask(INVOKE, BILL)]),
    ("Resource", "no asterisk reaches into the next segment", own(allow(
        INVOKE, ["arn:aws:lambda:eu-*:function:bill", "arn:aws:lambda:eu-*:*:function:post"])),
     [ask(INVOKE, POST)], [ask(INVOKE, BILL)]),
    ("NotResource", "all buckets are denied but one and what is in it", own(allow("s3:*"), without(
        deny("s3:*", NotResource=[SHELF, SHELF + "/*"]), "Resource")),
     [ask("s3:GetObject", SHELF + "/may"), ask("s3:ListBucket", SHELF)],
     [ask("s3:GetObject", "arn:aws:s3:::payroll/may"), ask("s3:ListBucket", "arn:aws:s3:::payroll")]),
    ("NotResource", "with Allow, everything else is allowed", own(without(allow(INVOKE, NotResource=BILL), "Resource")),
     [ask(INVOKE, POST)], [ask(INVOKE, BILL)]),
    ("Effect", "what is not allowed is denied", own(allow(GET)), [ask(GET, BILL)], [ask(INVOKE, BILL)]),
    ("Effect", "a deny wins, wherever it stands", own(deny(DELETE, BILL), allow("lambda:*")),
     [ask(DELETE, POST), ask(GET, BILL)], [ask(DELETE, BILL)]),
    ("Statement", "any of them may allow", own(allow(GET, BILL), allow(INVOKE, POST)),
     [ask(GET, BILL), ask(INVOKE, POST)], [ask(GET, POST), ask(INVOKE, BILL)]),
]

PRINCIPALS = [
    ("Principal", "an account, by its number: its own policies say who", {
        **functions(allow(INVOKE, BILL, Principal={"AWS": PARTNER})), **own(allow(INVOKE))},
     [ask(INVOKE, BILL, who=CLERK), ask(INVOKE, BILL, who=COURIER)], [ask(GET, BILL, who=CLERK)]),
    ("Principal", "an account, by its root: nobody of it without a policy of his own",
     functions(allow(INVOKE, BILL, Principal={"AWS": [ANA["arn"], f"arn:aws:iam::{PARTNER}:root"]})),
     [ask(INVOKE, BILL)], [ask(INVOKE, BILL, who=CLERK), ask(INVOKE, BILL, who=COURIER)]),
    ("Principal", "a user of the account, who needs no more",
     functions(allow(INVOKE, BILL, Principal={"AWS": ANA["arn"]})), [ask(INVOKE, BILL)], [ask(INVOKE, BILL, who=BEN)]),
    ("Principal", "several users", functions(allow(INVOKE, BILL, Principal={"AWS": [ANA["arn"], BEN["arn"]]})),
     [ask(INVOKE, BILL), ask(INVOKE, BILL, who=BEN)], [ask(INVOKE, BILL, who=WORK)]),
    ("Principal", "a role means its sessions", functions(allow(INVOKE, BILL, Principal={"AWS": WORKER})),
     [ask(INVOKE, BILL, who=WORK)], [ask(INVOKE, BILL), ask(GET, BILL, who=WORK)]),
    ("Principal", "one session of a role", functions(allow(INVOKE, BILL, Principal={"AWS": WORK["arn"]})),
     [ask(INVOKE, BILL, who=WORK)], [ask(INVOKE, BILL, who={**WORK, "arn": WORK["arn"] + "s"})]),
    ("Principal", "a service", functions(allow(INVOKE, BILL, Principal={"Service": "sns.amazonaws.com"})),
     [ask(INVOKE, BILL, who=service("sns"))], [ask(INVOKE, BILL, who=service("s3")), ask(INVOKE, BILL)]),
    ("Principal", "several services", functions(allow(INVOKE, BILL, Principal={
        "Service": ["sns.amazonaws.com", "events.amazonaws.com"]})),
     [ask(INVOKE, BILL, who=service("sns")), ask(INVOKE, BILL, who=service("events"))],
     [ask(INVOKE, BILL, who=service("s3"))]),
    ("Principal", "everybody, of an organization", {**own(allow(INVOKE)), **functions(allow(
        INVOKE, BILL, {"StringEquals": {"aws:PrincipalOrgID": "o-ledgers123"}}, Principal="*"))},
     [ask(INVOKE, BILL, {"aws:PrincipalOrgID": "o-ledgers123"}, who=CLERK)],
     [ask(INVOKE, BILL, {"aws:PrincipalOrgID": "o-strangers1"}, who=CLERK), ask(INVOKE, BILL, who=CLERK)]),
    ("NotPrincipal", "a deny for all but one user and his account", {**own(allow("s3:*")), **functions(
        deny("s3:*", [SHELF, SHELF + "/*"], NotPrincipal={"AWS": [ANA["arn"], f"arn:aws:iam::{ACCOUNT}:root"]}))},
     [ask("s3:GetObject", SHELF + "/may")], [ask("s3:GetObject", SHELF + "/may", who=CLERK)]),
    ("NotPrincipal", "better: a condition about who asks", {**own(allow("s3:*")), **functions(deny(
        "s3:*", SHELF + "/*", {"ArnNotEquals": {"aws:PrincipalArn": ANA["arn"]}}, Principal="*"))},
     [ask("s3:GetObject", SHELF + "/may", {"aws:PrincipalArn": ANA["arn"]})],
     [ask("s3:GetObject", SHELF + "/may", {"aws:PrincipalArn": BEN["arn"]}, who=BEN)]),
]

OPERATORS = [
    ("Condition operators", "a text is equal", when({"StringEquals": {"aws:PrincipalTag/job": "auditor"}}),
     [on({"aws:PrincipalTag/job": "auditor"})], [on({"aws:PrincipalTag/job": "Auditor"}), on({})]),
    ("Condition operators", "a text that is not equal, or not there",
     when({"StringNotEquals": {"aws:PrincipalTag/job": "guest"}}),
     [on({"aws:PrincipalTag/job": "clerk"}), on({})], [on({"aws:PrincipalTag/job": "guest"})]),
    ("Condition operators", "whatever its case", when({"StringEqualsIgnoreCase": {"aws:UserAgent": "Till/2"}}),
     [on({"aws:UserAgent": "TILL/2"})], [on({"aws:UserAgent": "till/3"})]),
    ("Condition operators", "unless it is that, in any case",
     when({"StringNotEqualsIgnoreCase": {"aws:UserAgent": "Till/2"}}),
     [on({"aws:UserAgent": "till/3"}), on({})], [on({"aws:UserAgent": "tILL/2"})]),
    ("Condition operators", "like a pattern", own(allow("s3:ListBucket", SHELF, {
        "StringLike": {"s3:prefix": ["", "home/", "home/${aws:username}/*"]}})),
     [ask("s3:ListBucket", SHELF, {"s3:prefix": "home/ana/2026"}), ask("s3:ListBucket", SHELF, {"s3:prefix": ""})],
     [ask("s3:ListBucket", SHELF, {"s3:prefix": "home/ben/"}), ask("s3:ListBucket", SHELF)]),
    ("Condition operators", "not like a pattern", when({"StringNotLike": {"aws:UserAgent": "curl/*"}}),
     [on({"aws:UserAgent": "till/2"}), on({})], [on({"aws:UserAgent": "curl/8"})]),
    ("Condition operators", "a number of at most", own(allow("s3:ListBucket", SHELF, {
        "NumericLessThanEquals": {"s3:max-keys": "25"}})),
     [ask("s3:ListBucket", SHELF, {"s3:max-keys": n}) for n in ("25", "3", "25.0")],
     [ask("s3:ListBucket", SHELF, {"s3:max-keys": "26"}), ask("s3:ListBucket", SHELF)]),
    ("Condition operators", "a number above", when({"NumericGreaterThan": {"aws:MultiFactorAuthAge": 60}}),
     [on({"aws:MultiFactorAuthAge": "61"})], [on({"aws:MultiFactorAuthAge": "60"}), on({})]),
    ("Condition operators", "after a date", when({"DateGreaterThan": {"aws:TokenIssueTime": "2026-03-01T00:00:00Z"}}),
     [on({"aws:TokenIssueTime": "2026-03-01T00:00:01Z"})], [on({"aws:TokenIssueTime": "2026-03-01T00:00:00Z"})]),
    ("Condition operators", "between two dates", when({
        "DateGreaterThan": {"aws:CurrentTime": "2026-03-01T00:00:00Z"},
        "DateLessThan": {"aws:CurrentTime": "2026-04-01T00:00:00Z"}}),
     [on({"aws:CurrentTime": "2026-03-14T15:09:26Z"})],
     [on({"aws:CurrentTime": "2026-02-28T23:59:59Z"}), on({"aws:CurrentTime": "2026-04-01T00:00:00Z"})]),
    ("Condition operators", "a deny for old sessions", own(allow("*"), deny("*", "*", {
        "DateLessThan": {"aws:TokenIssueTime": "2026-03-01T00:00:00Z"}})),
     [on({"aws:TokenIssueTime": "2026-03-02T00:00:00Z"}), on({})],
     [on({"aws:TokenIssueTime": "2026-02-01T00:00:00Z"})]),
    ("Condition operators", "true or false", own(allow("*"), deny("*", "*", {
        "Bool": {"aws:SecureTransport": "false"}})),
     [on({"aws:SecureTransport": "true"}), on({})], [on({"aws:SecureTransport": "false"})]),
    ("Condition operators", "bytes, in base 64", when({"BinaryEquals": {"kms:Token": "bGVkZ2Vy"}}),
     [on({"kms:Token": "bGVkZ2Vy"})], [on({"kms:Token": "bGVkZ2Vz"}), on({})]),
    ("Condition operators", "addresses of one network", when({"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}),
     [on({"aws:SourceIp": "198.51.100.7"})], [on({"aws:SourceIp": "198.51.101.7"}), on({})]),
    ("Condition operators", "addresses of both kinds", when({
        "IpAddress": {"aws:SourceIp": ["198.51.100.0/24", "2001:db8:ab::/48"]}}),
     [on({"aws:SourceIp": "198.51.100.255"}), on({"aws:SourceIp": "2001:db8:ab:1::7"})],
     [on({"aws:SourceIp": "2001:db8:ac::7"})]),
    ("Condition operators", "a deny from elsewhere, but not of what a service forwards", own(
        allow("*"), deny("*", "*", {"NotIpAddress": {"aws:SourceIp": ["198.51.100.0/24", "203.0.113.0/24"]},
                                    "Bool": {"aws:ViaAWSService": "false"}})),
     [on({"aws:SourceIp": "203.0.113.9", "aws:ViaAWSService": "false"}),
      on({"aws:SourceIp": "192.0.2.1", "aws:ViaAWSService": "true"})],
     [on({"aws:SourceIp": "192.0.2.1", "aws:ViaAWSService": "false"})]),
    ("Condition operators", "an ARN: Equals means Like", functions(allow("sqs:SendMessage", QUEUE, {
        "ArnEquals": {"aws:SourceArn": TOPIC[:-2] + "*"}}, Principal={"Service": "sns.amazonaws.com"})),
     [ask("sqs:SendMessage", QUEUE, {"aws:SourceArn": TOPIC}, who=service("sns"))],
     [ask("sqs:SendMessage", QUEUE, {"aws:SourceArn": RULE}, who=service("sns"))]),
    ("Condition operators", "no ARN like that", when({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/temp*"}}),
     [on({"aws:PrincipalArn": WORKER})], [on({"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/temp-1"})]),
    ("Condition operators", "IfExists: only if it is there", own(allow("ec2:RunInstances", "*", {
        "StringLikeIfExists": {"ec2:InstanceType": ["t4.*", "m7.*"]}})),
     [ask("ec2:RunInstances", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i", {"ec2:InstanceType": "m7.large"}),
      ask("ec2:RunInstances", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:volume/v")],
     [ask("ec2:RunInstances", f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i", {"ec2:InstanceType": "x2.large"})]),
    ("Condition operators", "Null: nobody with credentials of a session",
     when({"Null": {"aws:TokenIssueTime": "true"}}),
     [on({})], [on({"aws:TokenIssueTime": "2026-03-02T00:00:00Z"})]),
    ("Condition operators", "Null: a tag has to be there", own(allow(CREATE, "*", {
        "Null": {"aws:RequestTag/cost": "false"}})),
     [ask(CREATE, BILL, {"aws:RequestTag/cost": "7"})], [ask(CREATE, BILL)]),
    ("Condition operators", "a second factor, not older than an hour", when({
        "NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}}),
     [on({"aws:MultiFactorAuthAge": "3599"})], [on({"aws:MultiFactorAuthAge": "3600"}), on({})]),
    ("Global keys", "denied but through one endpoint", own(allow("*"), deny("s3:*", [SHELF, SHELF + "/*"], {
        "StringNotEquals": {"aws:SourceVpce": "vpce-0a7"}})),
     [ask("s3:GetObject", SHELF + "/may", {"aws:SourceVpce": "vpce-0a7"}), on({})],
     [ask("s3:GetObject", SHELF + "/may", {"aws:SourceVpce": "vpce-0a8"}), ask("s3:GetObject", SHELF + "/may")]),
    ("Global keys", "only when one of certain services asks for somebody", own(allow("s3:GetObject", "*", {
        "ForAnyValue:StringEquals": {"aws:CalledVia": ["athena.amazonaws.com"]}})),
     [ask("s3:GetObject", SHELF + "/may", {"aws:CalledVia": ["cloudformation.amazonaws.com", "athena.amazonaws.com"]})],
     [ask("s3:GetObject", SHELF + "/may", {"aws:CalledVia": ["cloudformation.amazonaws.com"]}),
      ask("s3:GetObject", SHELF + "/may")]),
    ("Condition", "the name of a key has no case", when({"StringEquals": {"AWS:UserName": "ana"}}),
     [on({})], [on({}, who=BEN)]),
    ("Multiple keys or values", "all operators and all keys, one of the values of each", when({
        "StringEquals": {"aws:PrincipalTag/team": ["till", "store"], "aws:PrincipalTag/job": "clerk"},
        "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}),
     [on({"aws:PrincipalTag/team": t, "aws:PrincipalTag/job": "clerk", "aws:PrincipalArn": ANA["arn"]})
      for t in ("till", "store")],
     [on({"aws:PrincipalTag/team": "till", "aws:PrincipalTag/job": "guest", "aws:PrincipalArn": ANA["arn"]}),
      on({"aws:PrincipalTag/team": "till", "aws:PrincipalTag/job": "clerk", "aws:PrincipalArn": WORKER}),
      on({"aws:PrincipalTag/team": "van", "aws:PrincipalTag/job": "clerk", "aws:PrincipalArn": ANA["arn"]})]),
    ("Multiple keys or values", "negated: none of the values", own(allow("*"), deny("*", "*", {
        "StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-north-1"]}})),
     [on({"aws:RequestedRegion": "eu-north-1"})], [on({"aws:RequestedRegion": "us-east-2"}), on({})]),
    ("Multiple keys or values", "negated keys of one deny: each of them has to differ", own(
        allow("*"), deny("*", "*", {
            "StringNotEquals": {"aws:PrincipalTag/job": "clerk", "aws:PrincipalTag/team": "till"}})),
     [on({"aws:PrincipalTag/job": "clerk", "aws:PrincipalTag/team": "van"}),
      on({"aws:PrincipalTag/job": "guest", "aws:PrincipalTag/team": "till"})],
     [on({"aws:PrincipalTag/job": "guest", "aws:PrincipalTag/team": "van"})]),
    ("Single- and multivalued keys", "ForAllValues: no other tag, and none at all", own(allow(
        "lambda:TagResource", BILL, {"ForAllValues:StringEquals": {"aws:TagKeys": ["cost", "team"]}})),
     [ask("lambda:TagResource", BILL, {"aws:TagKeys": ["cost", "team"]}), ask("lambda:TagResource", BILL),
      ask("lambda:TagResource", BILL, {"aws:TagKeys": "team"})],
     [ask("lambda:TagResource", BILL, {"aws:TagKeys": ["cost", "boss"]})]),
    ("Single- and multivalued keys", "ForAllValues and Null: at least one of them", own(allow(
        "lambda:TagResource", BILL, {
            "ForAllValues:StringEquals": {"aws:TagKeys": ["cost", "team"]}, "Null": {"aws:TagKeys": "false"}})),
     [ask("lambda:TagResource", BILL, {"aws:TagKeys": ["cost"]})],
     [ask("lambda:TagResource", BILL), ask("lambda:TagResource", BILL, {"aws:TagKeys": ["cost", "boss"]})]),
    ("Single- and multivalued keys", "ForAnyValue: one of them is enough to be denied", own(allow("*"), deny(
        "lambda:*TagResource", "*", {"ForAnyValue:StringLike": {"aws:TagKeys": ["boss*", "audit*"]}})),
     [ask("lambda:TagResource", BILL, {"aws:TagKeys": ["cost"]}), ask("lambda:TagResource", BILL)],
     [ask("lambda:TagResource", BILL, {"aws:TagKeys": ["cost", "audit-2"]}),
      ask("lambda:UntagResource", BILL, {"aws:TagKeys": ["boss"]})]),
    ("Single- and multivalued keys", "attributes of a table that may be asked for", own(allow(
        "dynamodb:GetItem", TABLE, {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["id", "count"]}})),
     [ask("dynamodb:GetItem", TABLE, {"dynamodb:Attributes": ["count", "id"]})],
     [ask("dynamodb:GetItem", TABLE, {"dynamodb:Attributes": ["id", "price"]})]),
]

VARIABLES = [
    ("Variables", "a folder for each user", own(allow("s3:GetObject", SHELF + "/${aws:username}/*")),
     [ask("s3:GetObject", SHELF + "/ana/may"), ask("s3:GetObject", SHELF + "/ben/may", who=BEN)],
     [ask("s3:GetObject", SHELF + "/ben/may"), ask("s3:GetObject", SHELF + "/ana/may", who=WORK)]),
    ("Variables", "a user may change himself",
     own(allow("iam:*AccessKey*", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}")),
     [ask("iam:CreateAccessKey", ANA["arn"])], [ask("iam:CreateAccessKey", BEN["arn"])]),
    ("Variables", "a folder for the team of who asks", own(allow(
        ["s3:GetObject", "s3:PutObject"], SHELF + "/${aws:PrincipalTag/team}/*")),
     [ask("s3:PutObject", SHELF + "/till/may", {"aws:PrincipalTag/team": "till"})],
     [ask("s3:PutObject", SHELF + "/van/may", {"aws:PrincipalTag/team": "till"}),
      ask("s3:PutObject", SHELF + "//may")]),
    ("Variables", "a default for who has no team", own(allow(
        "s3:GetObject", SHELF + "/${aws:PrincipalTag/team, 'all'}/*")),
     [ask("s3:GetObject", SHELF + "/till/may", {"aws:PrincipalTag/team": "till"}),
      ask("s3:GetObject", SHELF + "/all/may")],
     [ask("s3:GetObject", SHELF + "/all/may", {"aws:PrincipalTag/team": "till"}),
      ask("s3:GetObject", SHELF + "/van/may")]),
    ("Variables", "one in a condition: tags of both are the same", when({
        "StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}),
     [on({"aws:ResourceTag/team": "till", "aws:PrincipalTag/team": "till"})],
     [on({"aws:ResourceTag/team": "van", "aws:PrincipalTag/team": "till"}), on({"aws:ResourceTag/team": "till"})]),
    ("Variables", "without a value, a negated operator does not hold either", when({
        "StringNotEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}}),
     [on({"aws:ResourceTag/team": "van", "aws:PrincipalTag/team": "till"})], [on({"aws:ResourceTag/team": "till"})]),
    ("Variables", "an asterisk, a question mark and a dollar that mean themselves",
     own(allow("s3:GetObject", SHELF + "/a${*}${?}${$}/*")),
     [ask("s3:GetObject", SHELF + "/a*?$/may")], [ask("s3:GetObject", SHELF + "/abc$/may")]),
    ("Version", "in the old version a variable is its own text", {"identity": document(
        allow("s3:GetObject", SHELF + "/${aws:username}/*"), version="2008-10-17")},
     [ask("s3:GetObject", SHELF + "/${aws:username}/may", theirs="they know one version only")],
     [ask("s3:GetObject", SHELF + "/ana/may", theirs="they know one version only")]),
]

LOGIC = [
    ("Evaluation logic", "within an account either policy is enough", {
        **own(allow(GET)), **functions(allow(INVOKE, BILL, Principal={"AWS": ANA["arn"]}))},
     [ask(GET, BILL), ask(INVOKE, BILL)], [ask(DELETE, BILL), ask(INVOKE, BILL, who=BEN)]),
    ("Evaluation logic", "a deny of the resource's policy wins", {
        **own(allow("*")), **functions(deny(INVOKE, BILL, Principal={"AWS": ANA["arn"]}))},
     [ask(INVOKE, BILL, who=BEN)], [ask(INVOKE, BILL)]),
    ("Evaluation logic", "across accounts both have to allow: here the resource does not", own(allow("*")),
     [ask(INVOKE, BILL)], [ask(INVOKE, BILL, who=CLERK)]),
    ("Evaluation logic", "across accounts both have to allow: here both do, for one action", {
        **own(allow([INVOKE, GET])), **functions(allow([INVOKE, DELETE], BILL, Principal={"AWS": CLERK["arn"]}))},
     [ask(INVOKE, BILL, who=CLERK)], [ask(GET, BILL, who=CLERK), ask(DELETE, BILL, who=CLERK)]),
    ("Evaluation logic", "a service control policy limits what a user may", {
        **own(allow("*")), "control": document(allow(["lambda:*", "s3:*"]))},
     [ask(INVOKE, BILL)], [ask("sqs:SendMessage", QUEUE)]),
    ("Evaluation logic", "a service control policy gives nothing", {
        **own(allow(GET)), "control": document(allow("*"), deny(DELETE))},
     [ask(GET, BILL)], [ask(INVOKE, BILL), ask(DELETE, BILL)]),
    ("Boundaries", "only what both allow", {**own(allow(["lambda:*", "iam:*"])), "boundary": document(
        allow(["lambda:*", "s3:*"]))},
     [ask(INVOKE, BILL)], [ask("iam:CreateUser", BEN["arn"]), ask("s3:GetObject", SHELF + "/may")]),
    ("Boundaries", "a boundary alone allows nothing", {**own(allow(GET)), "boundary": document(allow("*"))},
     [ask(GET, BILL)], [ask(INVOKE, BILL)]),
    ("Boundaries", "a resource that names the user passes by the boundary", {
        **own(allow(GET)), "boundary": document(allow("s3:*")),
        **functions(allow(INVOKE, BILL, Principal={"AWS": ANA["arn"]}))},
     [ask(INVOKE, BILL)], [ask(GET, BILL)]),
    ("Boundaries", "a resource that names the role does not", {
        **own(allow("*")), "boundary": document(allow(GET)),
        **functions(allow(INVOKE, BILL, Principal={"AWS": WORKER}))},
     [ask(GET, BILL, who=WORK)], [ask(INVOKE, BILL, who=WORK)]),
    ("Session policies", "only what both allow", {**own(allow(["lambda:*", "s3:*"])), "session": document(
        allow([INVOKE, "sqs:*"]))},
     [ask(INVOKE, BILL, who=WORK)], [ask(GET, BILL, who=WORK), ask("sqs:SendMessage", QUEUE, who=WORK)]),
    ("Boundaries", "new users only with the same boundary", own(allow("iam:CreateUser", "*", {
        "StringEquals": {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/limits"}})),
     [ask("iam:CreateUser", BEN["arn"], {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/limits"})],
     [ask("iam:CreateUser", BEN["arn"]),
      ask("iam:CreateUser", BEN["arn"], {"iam:PermissionsBoundary": f"arn:aws:iam::{ACCOUNT}:policy/none"})]),
]

DEVELOPER = own(
    allow([LIST, "lambda:GetAccountSettings"]), allow(["lambda:Get*", "lambda:Invoke*", "lambda:UpdateFunctionCode"],
                                                      LAMBDA + "test-*"), allow(PASS, WORKER))
LAMBDAS = [
    ("Lambda, identity-based policies", "read only", own(allow(["lambda:Get*", "lambda:List*"])),
     [ask(GET, BILL), ask(LIST, "*"), ask("lambda:GetLayerVersion", LAYER + "fonts:1")],
     [ask(INVOKE, BILL), ask(CONFIGURE, BILL)]),
    ("Lambda, identity-based policies", "a developer of functions with a prefix, and the role to give them", DEVELOPER,
     [ask(GET, LAMBDA + "test-bill"), ask(INVOKE, LAMBDA + "test-bill:7"), ask(LIST, "*"), ask(PASS, WORKER)],
     [ask(INVOKE, BILL), ask(DELETE, LAMBDA + "test-bill"), ask(PASS, WORKER + "s")]),
    ("Lambda, identity-based policies", "one function, not its versions and aliases", own(allow(INVOKE, BILL)),
     [ask(INVOKE, BILL)], [ask(INVOKE, BILL + ":1"), ask(INVOKE, BILL + ":live")]),
    ("Lambda, identity-based policies", "its versions and aliases, not itself", own(allow(INVOKE, BILL + ":*")),
     [ask(INVOKE, BILL + ":1"), ask(INVOKE, BILL + ":live")], [ask(INVOKE, BILL)]),
    ("Lambda, identity-based policies", "itself, denied when it is named without a qualifier", own(
        allow(INVOKE, BILL + "*"), deny(INVOKE, BILL)), [ask(INVOKE, BILL + ":live")], [ask(INVOKE, BILL)]),
    ("Lambda, identity-based policies", "a role may be passed to one service", own(allow(PASS, WORKER, {
        "StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}})),
     [ask(PASS, WORKER, {"iam:PassedToService": "lambda.amazonaws.com"})],
     [ask(PASS, WORKER, {"iam:PassedToService": "ec2.amazonaws.com"}), ask(PASS, WORKER)]),
    ("Lambda, resources and conditions", "mappings of one function", own(allow(
        ["lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"],
        f"arn:aws:lambda:eu-west-1:{ACCOUNT}:event-source-mapping:*", {"StringEquals": {"lambda:FunctionArn": BILL}})),
     [ask("lambda:DeleteEventSourceMapping", MAPPING, {"lambda:FunctionArn": BILL})],
     [ask("lambda:DeleteEventSourceMapping", MAPPING, {"lambda:FunctionArn": POST}),
      ask("lambda:CreateEventSourceMapping", MAPPING, {"lambda:FunctionArn": BILL})]),
    ("Lambda, resources and conditions", "permissions only for one service", own(allow(
        "lambda:AddPermission", LAMBDA + "*", {"StringEquals": {"lambda:Principal": "sns.amazonaws.com"}})),
     [ask("lambda:AddPermission", BILL, {"lambda:Principal": "sns.amazonaws.com"})],
     [ask("lambda:AddPermission", BILL, {"lambda:Principal": "*"}), ask("lambda:RemovePermission", BILL)]),
    ("Lambda, resources and conditions", "only with a code signing configuration", own(allow(CREATE, "*", {
        "StringEquals": {"lambda:CodeSigningConfigArn": SIGNING}})),
     [ask(CREATE, BILL, {"lambda:CodeSigningConfigArn": SIGNING})],
     [ask(CREATE, BILL), ask(CREATE, BILL, {"lambda:CodeSigningConfigArn": SIGNING + "f"})]),
    ("Lambda, VPC", "only in certain subnets and groups", own(allow([CREATE, CONFIGURE], "*", {
        "ForAllValues:StringEquals": {"lambda:SubnetIds": ["subnet-0a", "subnet-0b"],
                                      "lambda:SecurityGroupIds": ["sg-0c"]}})),
     [ask(CREATE, BILL, {"lambda:SubnetIds": ["subnet-0a", "subnet-0b"], "lambda:SecurityGroupIds": ["sg-0c"]})],
     [ask(CREATE, BILL, {"lambda:SubnetIds": ["subnet-0a", "subnet-0f"], "lambda:SecurityGroupIds": ["sg-0c"]})]),
    ("Lambda, VPC", "denied without a VPC", own(allow("lambda:*"), deny([CREATE, CONFIGURE], "*", {
        "Null": {"lambda:VpcIds": "true"}})), [ask(CREATE, BILL, {"lambda:VpcIds": "vpc-0d"})], [ask(CREATE, BILL)]),
    ("Lambda, VPC", "denied in another VPC than this", own(allow("lambda:*"), deny([CREATE, CONFIGURE], "*", {
        "StringNotEquals": {"lambda:VpcIds": "vpc-0d"}})),
     [ask(CREATE, BILL, {"lambda:VpcIds": "vpc-0d"})],
     [ask(CREATE, BILL, {"lambda:VpcIds": "vpc-0e"}), ask(CREATE, BILL)]),
    ("Lambda, layers", "layers of a prefix may be made, read and deleted", own(
        allow("lambda:PublishLayerVersion", "arn:aws:lambda:*:*:layer:try-*"),
        allow(["lambda:GetLayerVersion", "lambda:DeleteLayerVersion"], "arn:aws:lambda:*:*:layer:try-*:*")),
     [ask("lambda:PublishLayerVersion", LAYER + "try-fonts"), ask("lambda:DeleteLayerVersion", LAYER + "try-fonts:3")],
     [ask("lambda:PublishLayerVersion", LAYER + "fonts"), ask("lambda:GetLayerVersion", LAYER + "try-fonts")]),
    ("Lambda, layers", "only layers of one account", own(allow([CREATE, CONFIGURE], "*", {
        "ForAllValues:StringLike": {"lambda:Layer": f"arn:aws:lambda:*:{ACCOUNT}:layer:*:*"}})),
     [ask(CREATE, BILL, {"lambda:Layer": [LAYER + "fonts:1", LAYER + "maps:2"]}), ask(CREATE, BILL)],
     [ask(CREATE, BILL, {"lambda:Layer": [LAYER + "fonts:1", f"arn:aws:lambda:eu-west-1:{PARTNER}:layer:x:1"]})]),
    ("Lambda, layers", "a layer of one's own for another account", {
        **own(allow("lambda:GetLayerVersion")),
        **functions(allow(
            "lambda:GetLayerVersion", LAYER + "fonts:1", Principal={"AWS": f"arn:aws:iam::{PARTNER}:root"}))},
     [ask("lambda:GetLayerVersion", LAYER + "fonts:1", who=CLERK)],
     [ask("lambda:GetLayerVersion", LAYER + "fonts:2", who=CLERK)]),
    ("Lambda, resource-based policies", "a topic", functions(allow(INVOKE, BILL, {
        "ArnLike": {"AWS:SourceArn": TOPIC}}, Principal={"Service": "sns.amazonaws.com"})),
     [ask(INVOKE, BILL, {"aws:SourceArn": TOPIC}, who=service("sns"))],
     [ask(INVOKE, BILL, {"aws:SourceArn": TOPIC + "2"}, who=service("sns")),
      ask(INVOKE, BILL, {"aws:SourceArn": TOPIC}, who=service("s3"))]),
    ("Lambda, resource-based policies", "a bucket, if it is still of the same account", functions(allow(INVOKE, BILL, {
        "StringEquals": {"AWS:SourceAccount": ACCOUNT}, "ArnLike": {"AWS:SourceArn": SHELF}},
        Principal={"Service": "s3.amazonaws.com"})),
     [ask(INVOKE, BILL, {"aws:SourceArn": SHELF, "aws:SourceAccount": ACCOUNT}, who=service("s3"))],
     [ask(INVOKE, BILL, {"aws:SourceArn": SHELF, "aws:SourceAccount": PARTNER}, who=service("s3")),
      ask(INVOKE, BILL, {"aws:SourceArn": SHELF}, who=service("s3"))]),
    ("Lambda, resource-based policies", "a rule", functions(allow(INVOKE, BILL, {
        "ArnLike": {"AWS:SourceArn": RULE}}, Principal={"Service": "events.amazonaws.com"})),
     [ask(INVOKE, BILL, {"aws:SourceArn": RULE}, who=service("events"))],
     [ask(INVOKE, BILL, {"aws:SourceArn": RULE.replace("nightly", "daily")}, who=service("events"))]),
    ("Lambda, resource-based policies", "any method of a path of a REST API", functions(allow(INVOKE, BILL, {
        "ArnLike": {"AWS:SourceArn": f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:a1b2/*/*/bills"}},
        Principal={"Service": "apigateway.amazonaws.com"})),
     [ask(INVOKE, BILL, {"aws:SourceArn": f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:a1b2/prod/GET/bills"},
          who=service("apigateway"))],
     [ask(INVOKE, BILL, {"aws:SourceArn": f"arn:aws:execute-api:eu-west-1:{ACCOUNT}:a1b2/prod/GET/posts"},
          who=service("apigateway"))]),
    ("Lambda, resource-based policies", "another account, for one alias", {**own(allow(INVOKE)), **functions(allow(
        INVOKE, BILL + ":live", Principal={"AWS": f"arn:aws:iam::{PARTNER}:root"}))},
     [ask(INVOKE, BILL + ":live", who=COURIER)],
     [ask(INVOKE, BILL, who=COURIER), ask(INVOKE, BILL + ":1", who=COURIER)]),
    ("Lambda, resource-based policies", "an organization", {**own(allow(INVOKE)), **functions(allow(INVOKE, BILL, {
        "StringEquals": {"aws:PrincipalOrgID": "o-ledgers123"}}, Principal="*"))},
     [ask(INVOKE, BILL, {"aws:PrincipalOrgID": "o-ledgers123"}, who=COURIER)], [ask(INVOKE, BILL, who=COURIER)]),
    ("Lambda, function URLs", "a role of another account, through a URL with IAM", {
        **own(allow([URL, INVOKE])), **functions(
            allow(URL, BILL, {"StringEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}},
                  Principal={"AWS": STRANGE_ROLE}),
            allow(INVOKE, BILL, {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}, Principal={"AWS": STRANGE_ROLE}))},
     [ask(URL, BILL, {"lambda:FunctionUrlAuthType": "AWS_IAM"}, who=COURIER),
      ask(INVOKE, BILL, {"lambda:InvokedViaFunctionUrl": "true"}, who=COURIER)],
     [ask(URL, BILL, {"lambda:FunctionUrlAuthType": "NONE"}, who=COURIER), ask(INVOKE, BILL, who=COURIER),
      ask(URL, BILL, {"lambda:FunctionUrlAuthType": "AWS_IAM"}, who=CLERK)]),
    ("Lambda, function URLs", "everybody, through a URL without IAM", functions(
        allow(URL, BILL, {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}, Principal="*"),
        allow(INVOKE, BILL, {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}}, Principal="*")),
     [ask(URL, BILL, {"lambda:FunctionUrlAuthType": "NONE"}, who=NOBODY),
      ask(INVOKE, BILL, {"lambda:InvokedViaFunctionUrl": "true"}, who=NOBODY)],
     [ask(URL, BILL, {"lambda:FunctionUrlAuthType": "AWS_IAM"}, who=NOBODY), ask(INVOKE, BILL, who=NOBODY)]),
    ("Lambda, function URLs", "only URLs with IAM may be made", own(allow("lambda:*"), deny(
        ["lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig"], "*", {
            "StringNotEquals": {"lambda:FunctionUrlAuthType": "AWS_IAM"}})),
     [ask("lambda:CreateFunctionUrlConfig", BILL, {"lambda:FunctionUrlAuthType": "AWS_IAM"})],
     [ask("lambda:CreateFunctionUrlConfig", BILL, {"lambda:FunctionUrlAuthType": "NONE"})]),
    ("Lambda, tags", "new functions have the tag of who makes them, and no other", own(allow(
        [CREATE, "lambda:TagResource"], "arn:aws:lambda:*:*:function:*", {
            "StringEquals": {"aws:RequestTag/team": "${aws:PrincipalTag/team}"},
            "ForAllValues:StringEquals": {"aws:TagKeys": "team"}})),
     [ask(CREATE, BILL, {"aws:RequestTag/team": "till", "aws:PrincipalTag/team": "till", "aws:TagKeys": ["team"]})],
     [ask(CREATE, BILL, {"aws:RequestTag/team": "van", "aws:PrincipalTag/team": "till", "aws:TagKeys": ["team"]}),
      ask(CREATE, BILL, {"aws:RequestTag/team": "till", "aws:PrincipalTag/team": "till", "aws:TagKeys": ["team", "x"]}),
      ask(CREATE, BILL, {"aws:PrincipalTag/team": "till"})]),
    ("Lambda, tags", "functions of the same team", own(allow([INVOKE, GET], "arn:aws:lambda:*:*:function:*", {
        "StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}})),
     [on({"aws:ResourceTag/team": "till", "aws:PrincipalTag/team": "till"})],
     [on({"aws:ResourceTag/team": "van", "aws:PrincipalTag/team": "till"}), on({"aws:PrincipalTag/team": "till"}),
      ask(DELETE, BILL, {"aws:ResourceTag/team": "till", "aws:PrincipalTag/team": "till"})]),
    ("Lambda, source function ARN", "a bucket for one function", own(allow("s3:PutObject", SHELF + "/*", {
        "ArnEquals": {"lambda:SourceFunctionArn": BILL}})),
     [ask("s3:PutObject", SHELF + "/may", {"lambda:SourceFunctionArn": BILL}, who=WORK)],
     [ask("s3:PutObject", SHELF + "/may", {"lambda:SourceFunctionArn": POST}, who=WORK),
      ask("s3:PutObject", SHELF + "/may", who=WORK)]),
    ("Lambda, source function ARN", "a control policy: nobody else has that bucket", {
        **own(allow("s3:*")), "control": document(allow("*"), deny("s3:*", SHELF + "/*", {
            "ArnNotEqualsIfExists": {"lambda:SourceFunctionArn": BILL}}))},
     [ask("s3:PutObject", SHELF + "/may", {"lambda:SourceFunctionArn": BILL}, who=WORK)],
     [ask("s3:PutObject", SHELF + "/may", {"lambda:SourceFunctionArn": POST}, who=WORK),
      ask("s3:PutObject", SHELF + "/may", who=WORK)]),
    ("Lambda, source function ARN", "credentials of a function only inside of a network", own(
        allow("*"), deny("*", "*", {
            "NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"},
            "ArnLike": {"lambda:SourceFunctionArn": LAMBDA + "*"}})),
     [ask(INVOKE, POST, {"aws:SourceIp": "203.0.113.3", "lambda:SourceFunctionArn": BILL}, who=WORK),
      ask(INVOKE, POST, {"aws:SourceIp": "192.0.2.3"})],
     [ask(INVOKE, POST, {"aws:SourceIp": "192.0.2.3", "lambda:SourceFunctionArn": BILL}, who=WORK)]),
    ("Lambda, execution role", "Lambda may assume it", trust({"Service": "lambda.amazonaws.com"}),
     [ask(ASSUME, WORKER, who=service("lambda"))], [ask(ASSUME, WORKER, who=service("ec2")), ask(ASSUME, WORKER)]),
    ("Lambda, execution role", "Lambda may assume it for one function", trust({"Service": "lambda.amazonaws.com"}, {
        "StringEquals": {"aws:SourceAccount": ACCOUNT}, "ArnLike": {"aws:SourceArn": BILL}}),
     [ask(ASSUME, WORKER, {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": BILL}, who=service("lambda"))],
     [ask(ASSUME, WORKER, {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": POST}, who=service("lambda")),
      ask(ASSUME, WORKER, who=service("lambda"))]),
    ("Role, trust", "a user by name needs no policy of his own", trust({"AWS": ANA["arn"]}),
     [ask(ASSUME, WORKER)], [ask(ASSUME, WORKER, who=BEN)]),
    ("Role, trust", "an account by number: users need a policy, too", {
        **own(allow(ASSUME, WORKER)), **trust({"AWS": ACCOUNT})},
     [ask(ASSUME, WORKER), ask(ASSUME, WORKER, who=BEN)], [ask(ASSUME, WORKER, who=CLERK)]),
    ("Role, trust", "a policy of one's own is not enough", {**own(allow(ASSUME, WORKER)), **trust({
        "Service": "ec2.amazonaws.com"})},
     [ask(ASSUME, WORKER, who=service("ec2"))], [ask(ASSUME, WORKER)]),
    ("Role, trust", "a stranger has to know a word", {**own(allow(ASSUME, WORKER)), **trust({"AWS": PARTNER}, {
        "StringEquals": {"sts:ExternalId": "oak-17"}})},
     [ask(ASSUME, WORKER, {"sts:ExternalId": "oak-17"}, who=CLERK)],
     [ask(ASSUME, WORKER, {"sts:ExternalId": "elm-17"}, who=CLERK), ask(ASSUME, WORKER, who=CLERK)]),
    ("Role, trust", "somebody of an identity provider, for one audience", {"trust": document(without(allow(
        FEDERATE, "*", {"StringEquals": {"oak.example:aud": "till"}}, Principal={"Federated": OAK}), "Resource"))},
     [ask(FEDERATE, WORKER, {"oak.example:aud": "till"}, who={"federated": OAK})],
     [ask(FEDERATE, WORKER, {"oak.example:aud": "van"}, who={"federated": OAK}),
      ask(FEDERATE, WORKER, {"oak.example:aud": "till"}, who={"federated": OAK + "s"}),
      ask(ASSUME, WORKER, {"oak.example:aud": "till"}, who={"federated": OAK})]),
    ("Lambda, execution role", "the three actions that are enough to log", own(
        allow("logs:CreateLogGroup", f"arn:aws:logs:eu-west-1:{ACCOUNT}:*"),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], LOGS + ":*")),
     [ask("logs:CreateLogGroup", LOGS, who=WORK), ask("logs:PutLogEvents", LOGS + ":log-stream:1", who=WORK)],
     [ask("logs:PutLogEvents", LOGS + "s:log-stream:1", who=WORK), ask("logs:DeleteLogGroup", LOGS, who=WORK)]),
    ("Lambda, execution role", "what a queue needs", own(allow(
        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], QUEUE)),
     [ask("sqs:ReceiveMessage", QUEUE, who=WORK), ask("sqs:DeleteMessage", QUEUE, who=WORK)],
     [ask("sqs:SendMessage", QUEUE, who=WORK), ask("sqs:ReceiveMessage", QUEUE + "2", who=WORK)]),
    ("Lambda, execution role", "a stream of a table, and a place for what failed", own(
        allow(["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"], TABLE + "/stream/*"),
        allow("dynamodb:ListStreams"), allow("sqs:SendMessage", QUEUE)),
     [ask("dynamodb:GetRecords", TABLE + "/stream/2026", who=WORK), ask("sqs:SendMessage", QUEUE, who=WORK)],
     [ask("dynamodb:GetItem", TABLE, who=WORK), ask("dynamodb:GetRecords", TABLE, who=WORK)]),
]

EXAMPLES = ELEMENTS + PRINCIPALS + OPERATORS + VARIABLES + LOGIC + LAMBDAS
