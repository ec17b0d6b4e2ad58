#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The commands of Lambda's documentation for Python and JavaScript, as written, by AWS's own command line.

usage: languages.py <the server>
"""
import base64
import json
import os
import subprocess
import sys
import tempfile
import zipfile

import aws
import clients
from clients import expect

ROLE = "arn:aws:iam::000000000000:role/lambda-ex"
PYTHON = """\
import json
def lambda_handler(event, context):
    return {'statusCode': 200, 'headers': {'Content-Type': 'application/json'}, 'body': json.dumps({'message': 'Success'})}
"""
NODE = """\
exports.handler = async (event) => {
    const response = { statusCode: 200, body: JSON.stringify('Hello from Lambda!') };
    return response;
};
"""
LAYERED = "import greeting\ndef lambda_handler(event, context):\n    return greeting.hello(event['name'])\n"


def pack(folder, name, files):
    path = os.path.join(folder, name)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for inside, text in files.items():
            file.writestr(inside, text)
    return "fileb://" + path


def create(client, folder, name, runtime, handler, files, *words):
    code, reply, complaint = client.run(
        "create-function", "--function-name", name, "--runtime", runtime, "--role", ROLE,
        "--handler", handler, "--zip-file", pack(folder, name + ".zip", files), *words)
    found = []
    expect(found, "create", (code, complaint), (0, ""))
    expect(found, "runtime and handler", (reply["Runtime"], reply["Handler"]), (runtime, handler))
    return found


def answers(client, name, payload, want, *words):
    found = []
    code, reply, complaint, have = client.invoke("--function-name", name, "--payload", payload, *words)
    expect(found, "invoke", (code, complaint), (0, ""))
    expect(found, "error", reply.get("FunctionError"), None)
    expect(found, "payload", json.loads(have), want)
    return found, reply


SUCCESS = {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": '{"message": "Success"}'}


def a_python_function(client, folder):
    return create(client, folder, "my-function", "python3.11", "lambda_function.lambda_handler",
                  {"lambda_function.py": PYTHON}) + answers(client, "my-function", "{}", SUCCESS)[0]


def a_javascript_function(client, folder):
    return create(client, folder, "node-function", "nodejs20.x", "index.handler", {"index.js": NODE}) + answers(
        client, "node-function", "{}", {"statusCode": 200, "body": '"Hello from Lambda!"'})[0]


def its_configuration_is_updated_as_written(client, _):
    found = []
    command = ("update-function-configuration --function-name my-function --memory-size 512 --timeout 30 "
               "--environment Variables={DB_HOST=example.com,API_KEY=secret}")
    code, reply, complaint = client.run(*command.split())
    expect(found, "update", (code, complaint), (0, ""))
    expect(found, "changed", (reply["MemorySize"], reply["Timeout"], reply["Environment"]["Variables"]),
           (512, 30, {"DB_HOST": "example.com", "API_KEY": "secret"}))
    return found + answers(client, "my-function", "{}", SUCCESS)[0]


def the_tail_of_its_log_is_there_if_it_is_asked_for(client, _):
    found, reply = answers(client, "my-function", "{}", SUCCESS, "--log-type", "Tail")
    log = base64.b64decode(reply["LogResult"]).decode()
    if not log.startswith("START RequestId: ") or "REPORT RequestId: " not in log:
        found.append(log)
    return found


def events_and_dry_runs(client, _):
    found = []
    for mode, status in (("Event", 202), ("DryRun", 204)):
        code, reply, _, payload = client.invoke("--function-name", "my-function", "--invocation-type", mode)
        expect(found, mode, (code, reply["StatusCode"], payload), (0, status, b""))
    return found


def new_code_is_run(client, folder):
    found = []
    path = pack(folder, "new.zip", {"lambda_function.py": LAYERED.replace("greeting.hello", "str").replace(
        "import greeting\n", "")})
    code, _, complaint = client.run("update-function-code", "--function-name", "my-function", "--zip-file", path)
    expect(found, "update", (code, complaint), (0, ""))
    return found + answers(client, "my-function", '{"name":"you"}', "you")[0]


def a_layer_is_published_and_imported(client, folder):
    found = []
    layer = pack(folder, "layer.zip", {"python/greeting.py": "def hello(name):\n    return 'Hello, ' + name\n"})
    code, reply, complaint = client.run(
        "publish-layer-version", "--layer-name", "my-layer", "--zip-file", layer,
        "--compatible-runtimes", "python3.11")
    expect(found, "publish", (code, complaint), (0, ""))
    found += create(client, folder, "layered", "python3.11", "lambda_function.lambda_handler",
                    {"lambda_function.py": LAYERED})
    payload = client.invoke("--function-name", "layered", "--payload", '{"name":"you"}')[3]
    expect(found, "without it", json.loads(payload)["errorMessage"],
           "Unable to import module 'lambda_function': No module named 'greeting'")
    code, _, complaint = client.run("update-function-configuration", "--function-name", "layered", "--layers",
                                    reply["LayerVersionArn"])
    expect(found, "update", (code, complaint), (0, ""))
    return found + answers(client, "layered", '{"name":"you"}', "Hello, you")[0]


def layers_of_javascript_are_required_that_of_its_version_first(client, folder):
    found, arns = [], []
    for name, place, word in (("any", "nodejs", "any"), ("twenty", "nodejs/node20", "twenty")):
        layer = pack(folder, f"{name}.zip", {
            f"{place}/node_modules/{name}/index.js": f"module.exports = '{name}';\n",
            f"{place}/node_modules/both/index.js": f"module.exports = '{word}';\n"})
        code, reply, complaint = client.run("publish-layer-version", "--layer-name", name, "--zip-file", layer)
        expect(found, "publish", (code, complaint), (0, ""))
        arns.append(reply["LayerVersionArn"])
    found += create(client, folder, "requiring", "nodejs20.x", "index.handler", {
        "index.js": "exports.handler = async (event) => event.map(name => require(name));\n"}, "--layers", *arns)
    return found + answers(client, "requiring", '["any","twenty","both"]', ["any", "twenty", "twenty"])[0]


def an_error_is_told_with_its_trace(client, folder):
    found = create(client, folder, "failing", "python3.11", "lambda_function.lambda_handler",
                   {"lambda_function.py": "def lambda_handler(event, context):\n    raise KeyError('k')\n"})
    code, reply, _, payload = client.invoke("--function-name", "failing", "--log-type", "Tail")
    body, log = json.loads(payload), base64.b64decode(reply["LogResult"]).decode()
    expect(found, "error", (code, reply["FunctionError"], body["errorType"]), (0, "Unhandled", "KeyError"))
    expect(found, "trace", body["stackTrace"],
           ['  File "/var/task/lambda_function.py", line 2, in lambda_handler\n    raise KeyError(\'k\')\n'])
    if "[ERROR] KeyError: 'k'\rTraceback (most recent call last):\r" not in log:
        found.append(repr(log))
    return found


def a_runtime_that_is_not_here_is_refused(client, folder):
    found = []
    path = pack(folder, "x.zip", {"x.rb": ""})
    code, _, complaint = client.run("create-function", "--function-name", "x", "--runtime", "ruby3.3", "--role", ROLE,
                                    "--handler", "x.y", "--zip-file", path)
    if code != 254 or "InvalidParameterValueException" not in complaint or "ruby3.3 cannot be run here" not in complaint:
        found.append(f"{code} {complaint}")
    return found


TESTS = (a_python_function, a_javascript_function, its_configuration_is_updated_as_written,
         the_tail_of_its_log_is_there_if_it_is_asked_for, events_and_dry_runs, new_code_is_run,
         a_layer_is_published_and_imported, layers_of_javascript_are_required_that_of_its_version_first,
         an_error_is_told_with_its_trace, a_runtime_that_is_not_here_is_refused)


def main():
    lacking = [path for path in (aws.AWS, "/usr/bin/python3.11", "/usr/bin/node") if not os.path.exists(path)]
    if not lacking and not subprocess.run(["/usr/bin/node", "-v"], capture_output=True).stdout.startswith(b"v20."):
        lacking = ["Node.js 20"]
    if lacking:
        print(f"1..0 # SKIP there is no {lacking[0]}")
        return
    print(f"1..{len(TESTS)}")
    with tempfile.TemporaryDirectory() as folder, subprocess.Popen(
            [sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        client = clients.Client(server.stdout.readline().strip(), folder, aws.installed)
        for number, test in enumerate(TESTS, 1):
            try:
                found = test(client, folder)
            except (KeyError, TypeError, ValueError, OSError) as error:
                found = [repr(error)]
            print(f"{'not ok' if found else 'ok'} {number} - {test.__name__}")
            for line in found:
                print(f"# {line}")
        server.stdin.close()


main()
