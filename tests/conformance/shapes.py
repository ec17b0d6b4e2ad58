#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the control door answers has the shapes of the API, by the model that AWS's own client reads.

The model is that of Debian's awscli, where it is installed; nothing of it is kept here.

usage: shapes.py <the door>
"""
import base64
import io
import json
import pathlib
import re
import subprocess
import sys
import zipfile

PACKAGES = "/usr/lib/python3/dist-packages/"
MODEL = "botocore/data/lambda/2015-03-31/service-2.json"
PLAIN = {
    "string": str, "integer": int, "long": int, "double": (int, float), "float": (int, float),
    "boolean": bool, "blob": str, "timestamp": (int, float),
}
ARN = "arn:aws:lambda:local-1:000000000000:function:f"


def package(text):
    """A ZIP with one file, as it stands in JSON."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("text", text)
    return base64.b64encode(data.getvalue()).decode()


SIGNER = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/1"
MAPPING = "the UUID that CreateEventSourceMapping answered"
MADE = "arn:what:CreateCodeSigningConfig:answered"
# In this order: the later ones ask for what the earlier ones made.
REQUESTS = [
    ("GetFunction", {"FunctionName": "f"}),
    ("GetFunctionConfiguration", {"FunctionName": "f"}),
    ("UpdateFunctionConfiguration", {  # both versions of an alias have the same one
        "FunctionName": "f",
        "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:local-1:000000000000:dead"},
    }),
    ("PublishVersion", {"FunctionName": "f", "Description": "first"}),
    ("UpdateFunctionConfiguration", {
        "FunctionName": "f", "MemorySize": 256, "Timeout": 5, "Description": "d",
        "Handler": "echo.context", "EphemeralStorage": {"Size": 600},
        "Environment": {"Variables": {"NAME": "other"}},
        "TracingConfig": {"Mode": "Active"},
        "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG", "LogGroup": "mine"},
    }),
    ("PublishVersion", {"FunctionName": "f"}),
    ("ListVersionsByFunction", {"FunctionName": "f", "MaxItems": 2}),
    ("ListFunctions", {"FunctionVersion": "ALL", "MaxItems": 1, "Marker": "1"}),
    ("CreateAlias", {
        "FunctionName": "f", "Name": "live", "FunctionVersion": "1",
        "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.25}},
    }),
    ("UpdateAlias", {"FunctionName": "f", "Name": "live", "Description": "d"}),
    ("GetAlias", {"FunctionName": "f", "Name": "live"}),
    ("ListAliases", {"FunctionName": "f", "FunctionVersion": "1"}),
    ("PutProvisionedConcurrencyConfig", {
        "FunctionName": "f", "Qualifier": "live", "ProvisionedConcurrentExecutions": 2,
    }),
    ("GetProvisionedConcurrencyConfig", {"FunctionName": "f", "Qualifier": "live"}),
    ("ListProvisionedConcurrencyConfigs", {"FunctionName": "f", "MaxItems": 1}),
    ("DeleteProvisionedConcurrencyConfig", {"FunctionName": "f", "Qualifier": "live"}),
    ("CreateFunctionUrlConfig", {
        "FunctionName": "f", "Qualifier": "live", "AuthType": "AWS_IAM",
        "Cors": {"AllowCredentials": True, "AllowMethods": ["GET"], "AllowOrigins": ["*"], "MaxAge": 5},
    }),
    ("UpdateFunctionUrlConfig", {
        "FunctionName": "f", "Qualifier": "live", "AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM",
    }),
    ("GetFunctionUrlConfig", {"FunctionName": "f", "Qualifier": "live"}),
    ("ListFunctionUrlConfigs", {"FunctionName": "f", "MaxItems": 1}),
    ("DeleteFunctionUrlConfig", {"FunctionName": "f", "Qualifier": "live"}),
    ("DeleteAlias", {"FunctionName": "f", "Name": "live"}),
    ("AddPermission", {
        "FunctionName": "f", "StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::bucket", "SourceAccount": "000000000000",
    }),
    ("GetPolicy", {"FunctionName": "f"}),
    ("RemovePermission", {"FunctionName": "f", "StatementId": "s3"}),
    ("PutFunctionConcurrency", {"FunctionName": "f", "ReservedConcurrentExecutions": 7}),
    ("GetFunctionConcurrency", {"FunctionName": "f"}),
    ("GetFunction", {"FunctionName": "f"}),
    ("DeleteFunctionConcurrency", {"FunctionName": "f"}),
    ("GetFunctionConcurrency", {"FunctionName": "f"}),
    ("GetAccountSettings", {}),
    ("TagResource", {"Resource": ARN, "Tags": {"team": "blue", "cost": "7"}}),
    ("ListTags", {"Resource": ARN}),
    ("GetFunction", {"FunctionName": "f"}),
    ("UntagResource", {"Resource": ARN, "TagKeys": ["cost"]}),
    ("PutFunctionEventInvokeConfig", {
        "FunctionName": "f", "Qualifier": "1", "MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60,
        "DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:local-1:000000000000:dead"}},
    }),
    ("UpdateFunctionEventInvokeConfig", {"FunctionName": "f", "Qualifier": "1", "MaximumRetryAttempts": 0}),
    ("GetFunctionEventInvokeConfig", {"FunctionName": "f", "Qualifier": "1"}),
    ("ListFunctionEventInvokeConfigs", {"FunctionName": "f"}),
    ("DeleteFunctionEventInvokeConfig", {"FunctionName": "f", "Qualifier": "1"}),
    ("DeleteFunction", {"FunctionName": "f", "Qualifier": "1"}),
    ("CreateEventSourceMapping", {
        "FunctionName": "f", "EventSourceArn": "arn:aws:sqs:local-1:000000000000:orders", "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 1, "Enabled": False, "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 7}, "FilterCriteria": {"Filters": [{"Pattern": '{"body":{"a":[1]}}'}]},
    }),
    ("GetEventSourceMapping", {"UUID": MAPPING}),
    ("UpdateEventSourceMapping", {"UUID": MAPPING, "BatchSize": 50, "Enabled": True}),
    ("ListEventSourceMappings", {"FunctionName": "f", "MaxItems": 1}),
    ("DeleteEventSourceMapping", {"UUID": MAPPING}),
    ("CreateFunction", {
        "FunctionName": "g", "Role": "arn:aws:iam::000000000000:role/r", "Runtime": "provided.al2",
        "Handler": "text.method", "Code": {"ZipFile": package("one")}, "Timeout": 5, "MemorySize": 256,
        "Description": "d", "PackageType": "Zip", "Publish": True, "Tags": {"key": "value"},
    }),
    ("UpdateFunctionCode", {"FunctionName": "g", "ZipFile": package("two"), "DryRun": True}),
    ("UpdateFunctionCode", {"FunctionName": "g", "ZipFile": package("two"), "Publish": True}),
    ("PublishLayerVersion", {
        "LayerName": "base", "Description": "d", "Content": {"ZipFile": package("layer")},
        "CompatibleRuntimes": ["provided.al2"], "LicenseInfo": "MIT",
    }),
    ("GetLayerVersion", {"LayerName": "base", "VersionNumber": 1}),
    ("GetLayerVersionByArn", {"Arn": "arn:aws:lambda:local-1:000000000000:layer:base:1"}),
    ("ListLayers", {}),
    ("ListLayerVersions", {"LayerName": "base", "MaxItems": 1}),
    ("UpdateFunctionConfiguration", {
        "FunctionName": "g", "Layers": ["arn:aws:lambda:local-1:000000000000:layer:base:1"],
    }),
    ("AddLayerVersionPermission", {
        "LayerName": "base", "VersionNumber": 1, "StatementId": "all", "Action": "lambda:GetLayerVersion",
        "Principal": "*", "OrganizationId": "o-0123456789",
    }),
    ("GetLayerVersionPolicy", {"LayerName": "base", "VersionNumber": 1}),
    ("RemoveLayerVersionPermission", {"LayerName": "base", "VersionNumber": 1, "StatementId": "all"}),
    ("DeleteLayerVersion", {"LayerName": "base", "VersionNumber": 1}),
    ("GetFunction", {"FunctionName": "g"}),
    ("PutRuntimeManagementConfig", {
        "FunctionName": "g", "UpdateRuntimeOn": "Manual",
        "RuntimeVersionArn": "arn:aws:lambda:local-1::runtime:0123456789",
    }),
    ("GetRuntimeManagementConfig", {"FunctionName": "g", "Qualifier": "$LATEST"}),
    ("CreateCodeSigningConfig", {
        "Description": "d", "AllowedPublishers": {"SigningProfileVersionArns": [SIGNER]},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Enforce"},
    }),
    ("UpdateCodeSigningConfig", {"CodeSigningConfigArn": MADE, "Description": "e"}),
    ("GetCodeSigningConfig", {"CodeSigningConfigArn": MADE}),
    ("ListCodeSigningConfigs", {"MaxItems": 1}),
    ("PutFunctionCodeSigningConfig", {"FunctionName": "g", "CodeSigningConfigArn": MADE}),
    ("GetFunctionCodeSigningConfig", {"FunctionName": "g"}),
    ("ListFunctionsByCodeSigningConfig", {"CodeSigningConfigArn": MADE}),
    ("DeleteFunctionCodeSigningConfig", {"FunctionName": "g"}),
    ("DeleteCodeSigningConfig", {"CodeSigningConfigArn": MADE}),
]

# What the API has had for longer than Debian's model of it.
NEWER = {
    "FunctionConfiguration": {"LoggingConfig"},
    "CreateFunctionUrlConfigResponse": {"InvokeMode"},
    "FunctionUrlConfig": {"InvokeMode"},
    "GetFunctionUrlConfigResponse": {"InvokeMode"},
    "UpdateFunctionUrlConfigRequest": {"InvokeMode"},
    "UpdateFunctionUrlConfigResponse": {"InvokeMode"},
    "GetRuntimeManagementConfigResponse": {"FunctionArn"},
    "UpdateFunctionConfigurationRequest": {"LoggingConfig"},
}
# What AWS was seen to answer, whatever its model says.
SEEN = {"Creating"}
# What the API has and the control door has not yet, each with what it waits for.
NOT_YET = {
    "nobody: faas_invoke() is the door": ["Invoke", "InvokeAsync"],
}


def model():
    for path in (pathlib.Path(PACKAGES, "awscli", MODEL), pathlib.Path(PACKAGES, MODEL)):
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
    return None


def judge(shapes, name, value, path):
    """What of a value is not as its shape has it."""
    shape = shapes[name]
    kind = shape["type"]
    if kind == "structure":
        return judge_structure(shapes, shape, value, path, NEWER.get(name, ()))
    if kind == "list":
        if not isinstance(value, list):
            return [f"{path} is no list"]
        return sum((judge(shapes, shape["member"]["shape"], v, f"{path}[{i}]") for i, v in enumerate(value)), [])
    if kind == "map":
        if not isinstance(value, dict):
            return [f"{path} is no map"]
        return sum((judge(shapes, shape["value"]["shape"], v, f"{path}.{k}") for k, v in value.items()), [])
    return judge_plain(shape, kind, value, path)


def judge_structure(shapes, shape, value, path, newer):
    if not isinstance(value, dict):
        return [f"{path} is no object"]
    found = [f"{path} lacks {name}" for name in shape.get("required", ()) if name not in value]
    for name, member in value.items():
        if name in shape["members"]:
            found += judge(shapes, shape["members"][name]["shape"], member, f"{path}.{name}")
        elif name not in newer:
            found.append(f"{path} has {name}, which the API has not")
    return found


def judge_plain(shape, kind, value, path):
    want = PLAIN.get(kind)
    if not want or not isinstance(value, want) or isinstance(value, bool) != (kind == "boolean"):
        return [f"{path} is {value!r}, not of the kind {kind}"]
    if "enum" in shape and value not in SEEN.union(shape["enum"]):
        return [f"{path} is {value!r}, none of {shape['enum']}"]
    size = len(value) if isinstance(value, str) else value
    if size < shape.get("min", size) or size > shape.get("max", size):
        return [f"{path} is out of range: {value!r}"]
    # The region of a runtime may be "local-1", which no pattern of an ARN takes.
    if "pattern" in shape and "arn:" not in value and not re.fullmatch(shape["pattern"], value):
        return [f"{path} is {value!r}, which does not match {shape['pattern']}"]
    return []


def ask(door, operation, request):
    door.stdin.write(f"{operation} {json.dumps(request)}\n")
    door.stdin.flush()
    return door.stdout.readline().rstrip("\n")


def answers(door, api):
    """(title, what is wrong) of each request and its answer."""
    made, mapping = MADE, MAPPING
    for operation, request in REQUESTS:
        known = {MADE: made, MAPPING: mapping}
        request = {
            name: known.get(value, value) if isinstance(value, str) else value for name, value in request.items()
        }
        row = api["operations"][operation]
        found = judge(api["shapes"], row["input"]["shape"], request, "request")
        text = ask(door, operation, request)
        if text.startswith("!"):
            found.append(text)
        elif "output" in row:
            found += judge(api["shapes"], row["output"]["shape"], json.loads(text), "answer")
            mapping = json.loads(text).get("UUID", mapping)
            made = json.loads(text).get("CodeSigningConfig", {}).get("CodeSigningConfigArn", made)
        elif text != "{}":
            found.append(f"nothing was to be answered, but {text} was")
        yield f"{operation} is asked and answered in the shapes of the API", found


def refusals(door, api):
    """A request without what the API requires is refused, by every operation."""
    for operation in sorted({operation for operation, _ in REQUESTS}):
        shape = api["shapes"][api["operations"][operation]["input"]["shape"]]
        if shape.get("required"):
            text = ask(door, operation, {})
            count = len(shape["required"])
            found = [] if text.startswith(f"! ValidationException {count} validation error") else [text]
            yield f"{operation} asks for what the API requires", found


def completeness(door, api):
    """Every operation of the API is at the door or in the list of those that are not yet, and in one of them only."""
    waiting = sum(NOT_YET.values(), [])
    found = [f"{name} is no operation of the API" for name in waiting if name not in api["operations"]]
    for name in sorted(api["operations"]):
        there = not ask(door, name, {}).startswith("! UnknownOperationException")
        if there and name in waiting:
            found.append(f"{name} is at the door: take it out of NOT_YET and ask for it in REQUESTS")
        elif there and name not in dict(REQUESTS):
            found.append(f"{name} is at the door and in none of REQUESTS")
        elif not there and name not in waiting:
            found.append(f"{name} is neither at the door nor in NOT_YET")
    return found


def wrong_shapes_are_seen(api):
    good = {"FunctionName": "f", "MemorySize": 128, "State": "Active"}
    bad = ({"Nonsense": 1}, {"MemorySize": "128"}, {"State": "Happy"}, {"MemorySize": 1}, {"Version": "a b"})
    found = judge(api["shapes"], "FunctionConfiguration", good, "good")
    for change in bad:
        if not judge(api["shapes"], "FunctionConfiguration", {**good, **change}, "bad"):
            found.append(f"{change} was accepted")
    return found


def main():
    api = model()
    if not api:
        print("1..0 # SKIP no model of the API here; Debian's awscli has one")
        return
    with subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as door:
        results = [*answers(door, api), *refusals(door, api)]
        results.append(("every operation is there or known to be missing", completeness(door, api)))
        door.stdin.close()
    results.append(("the door closes in order", [] if door.returncode == 0 else [f"exit {door.returncode}"]))
    results.append(("wrong shapes are seen", wrong_shapes_are_seen(api)))
    print(f"1..{len(results)}")
    for number, (title, found) in enumerate(results, 1):
        print(f"{'not ok' if found else 'ok'} {number} - {title}")
        for line in found:
            print(f"# {line}")


if __name__ == "__main__":
    main()
