#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bootstrap of Node.js functions does what Lambda's does, as seen by the Runtime API.

usage: runtime_nodejs.py <bootstrap>
"""
import base64
import json
import os
import re
import subprocess
import sys

import runtime_stub
from runtime_stub import ARN, differing

NODE = "/usr/bin/node"
MAJOR = subprocess.run([NODE, "-p", "process.versions.node.split('.')[0]"], capture_output=True,
                       text=True, check=True).stdout.strip() if os.path.exists(NODE) else None
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def function(code, handler="index.handler", files=None, name="index.js", **variables):
    files = {name: code, **(files or {})}
    return runtime_stub.Runtime(sys.argv[1], f"nodejs{MAJOR}.x", files, handler, **variables)


def init_failure(code, handler="index.handler", **rest):
    """The body and the headers of the post to init/error, and the exit status."""
    with function(code, handler, **rest) as runtime:
        post, status = runtime.init_failure()
        return json.loads(post.body), post.headers, status


def what_an_async_handler_returns_is_the_answer():
    with function("exports.handler = async (event) => ({ event, s: 'é' });") as runtime:
        kind, post = runtime.invoke(b'{"a":1}')
        again = runtime.result(b'"x"')
    return differing(kind=(kind, "response"), body=(post.body, '{"event":{"a":1},"s":"é"}'.encode()),
                     type=(post.headers["Content-Type"], "application/json"),
                     again=(again, '{"event":"x","s":"é"}'.encode()))


def nothing_returned_is_null():
    with function("exports.handler = async () => {};") as runtime:
        return differing(body=(runtime.result(), b"null"))


def a_module_may_await_and_export_a_handler():
    code = "const v = await Promise.resolve(7);\nexport const handler = async () => v;"
    found = []
    for name, files in (("index.mjs", {}), ("index.js", {"package.json": '{"type":"module"}'})):
        with function(code, name=name, files=files) as runtime:
            found += differing(**{name: (runtime.result(), b"7")})
    return found


def a_handler_may_lie_in_a_folder_and_in_an_object():
    files = {"a/b.js": "exports.o = { go: async () => 1 };"}
    with function("", "a/b.o.go", files) as runtime:
        return differing(body=(runtime.result(), b"1"))


def a_callback_that_waits_answers_after_the_last_timer():
    code = ("exports.handler = (event, context, callback) => {\n"
            "  const answer = { n: 0 };\n  context.callbackWaitsForEmptyEventLoop = event;\n"
            "  callback(null, answer);\n  setTimeout(() => { answer.n = 1; }, 30);\n};")
    with function(code) as runtime:
        return differing(waits=(runtime.result(b"true"), b'{"n":1}'),
                         does_not=(runtime.result(b"false"), b'{"n":0}'))


def the_old_ways_to_end_work():
    found = []
    for code, kind, body in (
            ("succeed('s')", "response", "s"), ("done(null, 'd')", "response", "d"),
            ("fail('bad')", "error", {"errorType": "string", "errorMessage": "bad", "trace": []}),
            ("fail()", "error", {"errorType": "string", "errorMessage": "handled", "trace": []})):
        with function(f"exports.handler = (event, context) => {{ context.{code}; }};") as runtime:
            have = runtime.invoke()
            found += differing(**{code: ((have[0], json.loads(have[1].body)), (kind, body))})
    return found


def only_the_first_answer_counts():
    code = "exports.handler = (e, context, callback) => { context.succeed(1); callback('no'); };"
    with function(code) as runtime:
        return differing(first=(runtime.result(), b"1"), second=(runtime.result(), b"1"))


def who_says_nothing_answers_null():
    with function("exports.handler = () => {};") as runtime:
        return differing(body=(runtime.result(), b"null"), again=(runtime.result(), b"null"))


def a_promise_that_is_never_kept_is_an_error():
    with function("exports.handler = () => new Promise(() => {});") as runtime:
        kind, post = runtime.invoke()
        again = runtime.invoke()[0]
    return differing(kind=(kind, "error"), again=(again, "error"),
                     type=(json.loads(post.body)["errorType"], "Runtime.NodeJsExit"))


def the_context_has_all_members():
    code = ("exports.handler = async (event, c) => [c.awsRequestId, c.functionName, c.functionVersion,\n"
            "  c.memoryLimitInMB, c.invokedFunctionArn, c.logGroupName, c.logStreamName, c.tenantId,\n"
            "  c.identity, c.clientContext, c.callbackWaitsForEmptyEventLoop,\n"
            "  c.getRemainingTimeInMillis() > 0 && c.getRemainingTimeInMillis() <= 3000];")
    with function(code) as runtime:
        request = runtime.send(b"{}", {
            "Lambda-Runtime-Client-Context": '{"custom":{"k":"v"}}',
            "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId":"i"}',
            "Lambda-Runtime-Aws-Tenant-Id": "blue"})
        have = json.loads(runtime.post().body)
    return differing(context=(have, [
        request, "f", "$LATEST", "128", ARN, "/aws/lambda/f", "2026/01/01/[$LATEST]0", "blue",
        {"cognitoIdentityId": "i"}, {"custom": {"k": "v"}}, True, True]))


def a_header_that_cannot_be_read_fails_the_invocation_alone():
    with function("exports.handler = async () => 1;") as runtime:
        kind, post = runtime.invoke(headers={"Lambda-Runtime-Client-Context": "{no"})
        after = runtime.result()
    return differing(kind=(kind, "error"), after=(after, b"1"), text=(
        json.loads(post.body)["errorMessage"].startswith("Cannot parse ClientContext as json: "), True))


def the_trace_of_each_request_is_in_the_environment():
    with function("exports.handler = async () => process.env._X_AMZN_TRACE_ID ?? null;") as runtime:
        first = runtime.result(headers={"Lambda-Runtime-Trace-Id": "Root=1-2-3"})
        return differing(first=(first, b'"Root=1-2-3"'), second=(runtime.result(), b"null"))


def an_error_is_told_with_its_trace():
    code = "exports.handler = async () => { const e = new TypeError('böse'); e.code = 'C'; throw e; };"
    with function(code) as runtime:
        request = runtime.send(b"{}")
        post = runtime.post()
        again = runtime.invoke()[0]
        file, log = os.path.join(runtime.task, "index.js"), runtime.output().splitlines()[0]
    body, cause = json.loads(post.body), json.loads(post.headers["Lambda-Runtime-Function-XRay-Error-Cause"])
    head, text = log.split("\tInvoke Error \t")
    logged = json.loads(text)
    return differing(
        order=(list(body), ["errorType", "errorMessage", "trace"]), again=(again, "error"),
        body=((body["errorType"], body["errorMessage"], body["trace"][0]),
              ("TypeError", "böse", "TypeError: böse")),
        type=(post.headers["Lambda-Runtime-Function-Error-Type"], None),
        cause=(cause["exceptions"][0]["message"], "böse"), path=(cause["paths"][0], file),
        head=(bool(re.fullmatch(rf"{TIME}\t{request}\tERROR", head)), True),
        logged=((logged["errorType"], logged["code"], logged["stack"] == body["trace"]),
                ("TypeError", "C", True)))


def a_thrown_error_of_a_plain_handler_is_told():
    with function("exports.handler = () => { throw new Error('x'); };") as runtime:
        kind, post = runtime.invoke()
    return differing(kind=(kind, "error"), text=(json.loads(post.body)["errorMessage"], "x"))


def what_is_no_json_is_an_error():
    with function("exports.handler = async () => 1n;") as runtime:
        kind, post = runtime.invoke()
        again = runtime.invoke()[0]
    return differing(kind=(kind, "error"), again=(again, "error"), text=(
        json.loads(post.body)["errorMessage"], "Unable to stringify response body"))


def a_rejection_that_nobody_handles_ends_it():
    code = ("exports.handler = () => new Promise(() => {\n"
            "  Promise.reject(new Error('lost'));\n  setTimeout(() => {}, 60000);\n});")
    with function(code) as runtime:
        kind, post = runtime.invoke()
        body, status, log = json.loads(post.body), runtime.status(), runtime.output()
    return differing(kind=(kind, "error"), status=(status, 128),
                     type=(body["errorType"], "Runtime.UnhandledPromiseRejection"),
                     text=(body["errorMessage"], "Error: lost"),
                     log=("\tERROR\tUnhandled Promise Rejection \t" in log, True))


def an_exception_that_nobody_catches_ends_it():
    code = ("exports.handler = () => new Promise(() => {\n"
            "  setTimeout(() => { throw new RangeError('late'); }, 1);\n});")
    with function(code) as runtime:
        kind, post = runtime.invoke()
        body, status, log = json.loads(post.body), runtime.status(), runtime.output()
    return differing(kind=(kind, "error"), status=(status, 129), type=(body["errorType"], "RangeError"),
                     log=("\tERROR\tUncaught Exception \t" in log, True))


def a_module_that_is_missing_fails_the_init():
    body, headers, status = init_failure("", "gone.handler")
    return differing(
        type=(body["errorType"], "Runtime.ImportModuleError"), status=(status, 129),
        header=(headers["Lambda-Runtime-Function-Error-Type"], "Runtime.ImportModuleError"),
        text=(body["errorMessage"].startswith("Error: Cannot find module 'gone'\nRequire stack:\n"), True),
        trace=(body["trace"][0], "Runtime.ImportModuleError: Error: Cannot find module 'gone'"))


def what_a_module_requires_and_is_missing_fails_the_init():
    body, _, _ = init_failure("require('nowhere');")
    return differing(type=(body["errorType"], "Runtime.ImportModuleError"),
                     text=(body["errorMessage"].split("\n")[0], "Error: Cannot find module 'nowhere'"))


def a_handler_that_is_missing_or_no_function_fails_the_init():
    found = []
    for code, text in (("", "index.handler is undefined or not exported"),
                       ("exports.handler = 7;", "index.handler is not a function")):
        body, _, _ = init_failure(code)
        found += differing(type=(body["errorType"], "Runtime.HandlerNotFound"), text=(body["errorMessage"], text))
    return found


def a_handlers_name_is_judged():
    found = []
    for handler, text in (
            ("index", "Bad handler"),
            ("../x.handler", "'../x.handler' is not a valid handler name. Use absolute paths when "
                             "specifying root directories in handler names.")):
        body, _, _ = init_failure("", handler)
        found += differing(type=(body["errorType"], "Runtime.MalformedHandlerName"),
                           text=(body["errorMessage"], text))
    return found


def a_syntax_error_fails_the_init():
    body, _, _ = init_failure("exports.handler = (;")
    return differing(type=(body["errorType"], "Runtime.UserCodeSyntaxError"),
                     text=(body["errorMessage"], "SyntaxError: Unexpected token ';'"))


def an_error_at_the_top_fails_the_init():
    body, headers, status = init_failure("throw new EvalError('no');")
    return differing(type=(body["errorType"], "EvalError"), text=(body["errorMessage"], "no"),
                     header=(headers["Lambda-Runtime-Function-Error-Type"], "EvalError"), status=(status, 129))


def a_runtime_of_another_version_says_so():
    with runtime_stub.Runtime(sys.argv[1], "nodejs1.x", {}, "index.handler") as runtime:
        body = json.loads(runtime.post().body)
    return differing(type=(body["errorType"], "Runtime.InvalidRuntime"),
                     text=(body["errorMessage"].startswith("nodejs1.x needs Node.js 1, and "), True))


def an_exit_ends_it_and_nothing_is_posted():
    with function("exports.handler = async () => process.exit(0);") as runtime:
        runtime.send(b"{}")
        return differing(status=(runtime.status(), 0), posts=(runtime.posts.empty(), True))


def a_console_line_has_time_request_and_level():
    methods = {"log": "INFO", "info": "INFO", "warn": "WARN", "error": "ERROR", "debug": "DEBUG", "trace": "TRACE"}
    code = "console.log('early');\nexports.handler = async () => {\n" + "".join(
        f"  console.{method}('a %d', 5, {{ b: 1 }}, 'c\\nd');\n" for method in methods) + "};"
    with function(code) as runtime:
        request = runtime.send(b"{}")
        runtime.post()
        early, *lines = runtime.output().split("\n")[:-1]
    found = [] if re.fullmatch(rf"{TIME}\tundefined\tINFO\tearly", early) else [early]
    if len(lines) != len(methods):
        found.append(lines)
    return found + [line for level, line in zip(methods.values(), lines)
                    if not re.fullmatch(rf"{TIME}\t{request}\t{level}\ta 5 {{ b: 1 }} c\rd", line)]


def logs_in_json_are_objects_of_a_level():
    code = ("exports.handler = async () => {\n  console.info('no');\n  console.warn({ a: 1 });\n"
            "  console.error('bad', new TypeError('t'));\n  console.error(new Error('e'));\n};")
    with function(code, AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="WARN") as runtime:
        request = runtime.send(b"{}")
        runtime.post()
        first, second, third = map(json.loads, runtime.output().splitlines())
    return differing(
        time=(bool(re.fullmatch(TIME, first.pop("timestamp"))), True),
        first=(first, {"level": "WARN", "requestId": request, "message": {"a": 1}}),
        second=((second["errorType"], second["errorMessage"], second["stackTrace"][0]),
                ("TypeError", "t", "TypeError: t")),
        third=((third["message"]["errorType"], third["message"]["errorMessage"]), ("Error", "e")))


def where_frames_are_read_the_console_is_framed():
    code = ("exports.handler = async () => {\n  process.stdout.write('plain\\n');\n"
            "  console.warn('w\\nx');\n};")
    found = []
    for form, kind in (("Text", 0xA55A0003), ("JSON", 0xA55A0002)):
        with function(code, _LAMBDA_TELEMETRY_LOG_FD="yes", AWS_LAMBDA_LOG_FORMAT=form) as runtime:
            request = runtime.send(b"{}")
            runtime.post()
            [(have, text)] = runtime.framed()
            line = json.loads(text)["message"] if form == "JSON" else text.split(f"\t{request}\tWARN\t")[1]
            found += differing(kind=(have, kind | 16), log=(runtime.output(), "plain\n"),
                               line=(line, "w\nx" if form == "JSON" else "w\nx\n"))
    return found


def six_megabytes_go_both_ways_and_more_ends_nothing():
    with function("exports.handler = async (e) => (e[0] === 'b' ? e + e : e);") as runtime:
        big = b'"' + b"a" * 6291000 + b'"'
        same = runtime.result(big) == big
        runtime.invoke(b'"' + b"b" * 6291000 + b'"')
        return differing(same=(same, True), after=(runtime.result(b'"a"'), b'"a"'))


def a_streamed_answer_comes_in_chunks():
    code = ("exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {\n"
            "  stream.setContentType('text/plain');\n  stream.write('a');\n  stream.write({ b: event });\n"
            "  stream.end('c');\n});")
    with function(code) as runtime:
        kind, post = runtime.invoke(b"1")
        again = runtime.invoke(b"2")[1].body
    return differing(
        kind=(kind, "response"), body=(post.body, b'a{"b":1}c'), again=(again, b'a{"b":2}c'),
        type=(post.headers["Content-Type"], "text/plain"), trailers=(post.trailers, {}),
        mode=(post.headers["Lambda-Runtime-Function-Response-Mode"], "streaming"),
        announced=(post.headers.get_all("Trailer"), [
            "Lambda-Runtime-Function-Error-Type", "Lambda-Runtime-Function-Error-Body"]))


def a_streamed_answer_may_begin_with_the_head_of_an_http_one():
    code = ("exports.handler = awslambda.streamifyResponse(async (event, stream) => {\n"
            "  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });\n"
            "  stream.end('body');\n});")
    with function(code) as runtime:
        post = runtime.invoke()[1]
    return differing(body=(post.body, b'{"statusCode":201}' + bytes(8) + b"body"),
                     type=(post.headers["Content-Type"], "application/vnd.awslambda.http-integration-response"))


def a_pipeline_into_a_stream_works():
    code = ("const { pipeline } = require('stream/promises');\nconst { Readable } = require('stream');\n"
            "exports.handler = awslambda.streamifyResponse(async (event, stream) => {\n"
            "  await pipeline(Readable.from(['x'.repeat(100000), 'y']), stream);\n});")
    with function(code) as runtime:
        return differing(body=(runtime.result(), b"x" * 100000 + b"y"))


def a_stream_that_fails_tells_it_in_its_trailers():
    code = ("exports.handler = awslambda.streamifyResponse(async (event, stream) => {\n"
            "  if (event) stream.write('half');\n  throw new TypeError('broken');\n});")
    found = []
    with function(code) as runtime:
        for event, body in ((b"1", b"half"), (b"0", b"")):
            kind, post = runtime.invoke(event)
            error = json.loads(base64.b64decode(post.trailers["lambda-runtime-function-error-body"]))
            found += differing(
                kind=(kind, "response"), body=(post.body, body), error=(error["errorMessage"], "broken"),
                type=(post.trailers["lambda-runtime-function-error-type"], "TypeError"))
    return found


def a_type_of_content_comes_too_late_after_the_first_byte():
    code = ("exports.handler = awslambda.streamifyResponse(async (event, stream) => {\n"
            "  stream.write('x');\n  try { stream.setContentType('a/b'); } catch (e) { stream.write(e.name); }\n"
            "  stream.end();\n});")
    with function(code) as runtime:
        return differing(body=(runtime.result(), b"xRuntime.InvalidStreamingOperation"))


def the_search_path_of_modules_names_the_layers():
    with function("exports.handler = async () => process.env.NODE_PATH.split(':');") as runtime:
        have = json.loads(runtime.result())
        want = [f"/opt/nodejs/node{MAJOR}/node_modules", "/opt/nodejs/node_modules"]
        return differing(first=(have[:2], want), last=(have[-1], runtime.task))


def a_wrapper_is_run_with_the_interpreter_and_its_arguments():
    with function("exports.handler = async () => process.env.W;",
                  AWS_LAMBDA_EXEC_WRAPPER="/usr/bin/env W=1") as runtime:
        return differing(body=(runtime.result(), b'"1"'))


runtime_stub.run(globals(), None if MAJOR else f"there is no {NODE}")
