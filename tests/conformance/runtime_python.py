#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bootstrap of Python functions does what Lambda's does, as seen by the Runtime API.

usage: runtime_python.py <bootstrap>
"""
import json
import os
import re
import sys

import runtime_stub
from runtime_stub import ARN, differing

OURS = [version for version in range(9, 16) if os.path.exists(f"/usr/bin/python3.{version}")]
NBSP = "\N{NO-BREAK SPACE}"


def function(code, handler="lambda_function.lambda_handler", files=None, **variables):
    files = {"lambda_function.py": code, **(files or {})}
    return runtime_stub.Runtime(sys.argv[1], f"python3.{OURS[0]}", files, handler, **variables)


def init_failure(code, handler="lambda_function.lambda_handler", files=None, **variables):
    """The post to init/error, the exit status and the log."""
    with function(code, handler, files, **variables) as runtime:
        return *runtime.init_failure(), runtime.output()


def what_a_handler_returns_is_the_answer():
    with function("def lambda_handler(event, context):\n    return [event, 'é', None]\n") as runtime:
        kind, post = runtime.invoke(b'{"a":1}')
        again = runtime.result(b'"x"')
    return differing(kind=(kind, "response"), body=(post.body, b'[{"a": 1}, "\\u00e9", null]'),
                     type=(post.headers["Content-Type"], "application/json"),
                     again=(again, b'["x", "\\u00e9", null]'))


def the_context_has_all_members():
    code = (
        "def lambda_handler(event, c):\n"
        "    c2 = c.client_context\n"
        "    return [c.aws_request_id, c.function_name, c.function_version, c.memory_limit_in_mb,\n"
        "            c.invoked_function_arn, c.log_group_name, c.log_stream_name, c.tenant_id,\n"
        "            c.identity.cognito_identity_id, c.identity.cognito_identity_pool_id,\n"
        "            c2.custom, c2.env, c2.client.app_title, c2.client.installation_id,\n"
        "            0 < c.get_remaining_time_in_millis() <= 3000]\n")
    with function(code) as runtime:
        request = runtime.send(b"{}", {
            "Lambda-Runtime-Client-Context": '{"custom":{"k":"v"},"env":{},"client":{"app_title":"t"}}',
            "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}',
            "Lambda-Runtime-Aws-Tenant-Id": "blue"})
        have = json.loads(runtime.post().body)
    want = [request, "f", "$LATEST", "128", ARN, "/aws/lambda/f", "2026/01/01/[$LATEST]0", "blue",
            "i", "p", {"k": "v"}, {}, "t", None, True]
    return differing(context=(have, want))


def what_was_not_sent_is_none_in_the_context():
    code = ("def lambda_handler(event, c):\n"
            "    return [c.client_context, c.identity.cognito_identity_id, c.tenant_id]\n")
    with function(code) as runtime:
        return differing(context=(runtime.result(), b"[null, null, null]"))


def the_trace_of_each_request_is_in_the_environment():
    code = "import os\ndef lambda_handler(e, c):\n    return os.environ.get('_X_AMZN_TRACE_ID')\n"
    with function(code) as runtime:
        first = runtime.result(headers={"Lambda-Runtime-Trace-Id": "Root=1-2-3"})
        second = runtime.result()
    return differing(first=(first, b'"Root=1-2-3"'), second=(second, b"null"))


def a_module_may_lie_in_a_folder():
    files = {"a/b.py": "def go(e, c):\n    return __name__\n"}
    found = []
    for handler in ("a/b.go", "a.b.go"):
        with function("", handler, files) as runtime:
            found += differing(**{handler: (runtime.result(), b'"a.b"')})
    return found


def an_exception_is_told_with_its_frames_from_the_function_on():
    code = ("def inner():\n    raise ValueError('böse')\n"
            "def lambda_handler(event, context):\n    inner()\n")
    with function(code) as runtime:
        request = runtime.send(b"{}")
        post = runtime.post()
        again = runtime.invoke()[0]
        file = os.path.join(runtime.task, "lambda_function.py")
        log = runtime.output()
    want = {"errorMessage": "böse", "errorType": "ValueError", "requestId": request, "stackTrace": [
        f'  File "{file}", line 4, in lambda_handler\n    inner()\n',
        f'  File "{file}", line 2, in inner\n    raise ValueError(\'böse\')\n']}
    line = "\r".join([
        "[ERROR] ValueError: böse", "Traceback (most recent call last):",
        f'{NBSP * 2}File "{file}", line 4, in lambda_handler', f"{NBSP * 4}inner()",
        f'{NBSP * 2}File "{file}", line 2, in inner', f"{NBSP * 4}raise ValueError('böse')\n"])
    cause = json.loads(post.headers["Lambda-Runtime-Function-XRay-Error-Cause"])
    return differing(
        body=(json.loads(post.body), want), order=(list(json.loads(post.body)), list(want)),
        path=(post.path.endswith("/error"), True), log=(log.startswith(line), True),
        type=(post.headers["Lambda-Runtime-Function-Error-Type"], None),
        cause=(cause["exceptions"][0]["type"], "ValueError"), paths=(cause["paths"], [file]),
        line=(cause["exceptions"][0]["stack"][1]["line"], 2), again=(again, "error"))


def what_is_no_json_is_a_marshal_error():
    with function("def lambda_handler(event, context):\n    return {1, 2}\n") as runtime:
        kind, post = runtime.invoke()
    body = json.loads(post.body)
    return differing(kind=(kind, "error"), type=(body["errorType"], "Runtime.MarshalError"),
                     text=(body["errorMessage"],
                           "Unable to marshal response: Object of type set is not JSON serializable"),
                     trace=(body["stackTrace"], []))


def a_decimal_is_a_number():
    code = "from decimal import Decimal\ndef lambda_handler(e, c):\n    return {'n': Decimal('1.5')}\n"
    with function(code) as runtime:
        return differing(body=(runtime.result(), b'{"n": 1.5}'))


def an_event_that_is_no_json_is_an_unmarshal_error():
    with function("def lambda_handler(event, context):\n    return 1\n") as runtime:
        kind, post = runtime.invoke(b"{no")
    body = json.loads(post.body)
    return differing(kind=(kind, "error"), type=(body["errorType"], "Runtime.UnmarshalError"),
                     text=(body["errorMessage"].startswith("Unable to unmarshal input: Expecting"), True))


def an_event_of_another_type_is_bytes():
    with function("def lambda_handler(event, context):\n    return str(event)\n") as runtime:
        have = runtime.result(b"{no", {"Content-Type": "text/plain"})
    return differing(body=(have, b'"b\'{no\'"'))


def a_module_that_is_missing_fails_the_init():
    post, status, log = init_failure("", "gone.handler")
    body = json.loads(post.body)
    text = "Unable to import module 'gone': No module named 'gone'"
    return differing(
        status=(status, 1), body=(body, {"errorMessage": text, "errorType": "Runtime.ImportModuleError",
                                         "requestId": "", "stackTrace": []}),
        type=(post.headers["Lambda-Runtime-Function-Error-Type"], "Runtime.ImportModuleError"),
        log=(log, f"[ERROR] Runtime.ImportModuleError: {text}\rTraceback (most recent call last):\n"))


def a_module_whose_import_fails_is_told_by_what_it_lacks():
    post, status, _ = init_failure("import nowhere\n")
    return differing(status=(status, 1), text=(
        json.loads(post.body)["errorMessage"],
        "Unable to import module 'lambda_function': No module named 'nowhere'"))


def a_handler_that_is_missing_fails_the_init():
    post, status, _ = init_failure("", "lambda_function.gone")
    body = json.loads(post.body)
    return differing(status=(status, 1), type=(body["errorType"], "Runtime.HandlerNotFound"),
                     text=(body["errorMessage"], "Handler 'gone' missing on module 'lambda_function'"))


def a_handler_without_a_dot_is_malformed():
    post, status, _ = init_failure("", "lambda_function")
    body = json.loads(post.body)
    return differing(
        status=(status, 1), type=(body["errorType"], "Runtime.MalformedHandlerName"),
        text=(body["errorMessage"], "Bad handler 'lambda_function': not enough values to unpack "
                                    "(expected 2, got 1)"))


def a_module_of_the_interpreter_is_no_handler():
    post, _, _ = init_failure("", "sys.exit")
    body = json.loads(post.body)
    return differing(type=(body["errorType"], "Runtime.BuiltInModuleConflict"),
                     text=(body["errorMessage"], "Cannot use built-in module sys as a handler module"))


def a_syntax_error_is_told_with_its_line():
    post, status, _ = init_failure("x = 1\ndef lambda_handler(:\n")
    body = json.loads(post.body)
    return differing(
        status=(status, 1), type=(body["errorType"], "Runtime.UserCodeSyntaxError"),
        text=(body["errorMessage"].startswith("Syntax error in module 'lambda_function': "), True),
        line=("lambda_function.py\" Line 2\n    def lambda_handler(:" in body["stackTrace"][0], True))


def an_exception_at_import_fails_the_init():
    post, status, log = init_failure("raise RuntimeError('no')\n")
    body = json.loads(post.body)
    return differing(
        status=(status, 1), type=(body["errorType"], "RuntimeError"), text=(body["errorMessage"], "no"),
        header=(post.headers["Lambda-Runtime-Function-Error-Type"], "RuntimeError"),
        frame=('lambda_function.py", line 1, in <module>' in body["stackTrace"][-1], True),
        log=(log.startswith("[ERROR] RuntimeError: no\rTraceback (most recent call last):\r"), True))


def an_exit_ends_it_and_nothing_is_posted():
    with function("import sys\ndef lambda_handler(e, c):\n    sys.exit(e)\n") as runtime:
        runtime.send(b"7")
        return differing(status=(runtime.status(), 7), posts=(runtime.posts.empty(), True))


def what_is_printed_comes_at_once():
    code = "import time\ndef lambda_handler(e, c):\n    print('a', end='')\n    time.sleep(60)\n"
    with function(code) as runtime:
        runtime.send(b"{}")
        while runtime.process.poll() is None and not runtime.output():
            pass
        return differing(log=(runtime.output(), "a"))


def a_logged_line_has_level_time_and_request():
    code = ("import logging\nlog = logging.getLogger()\nlog.setLevel('INFO')\nlog.info('early')\n"
            "def lambda_handler(e, c):\n    log.warning('x %d', 5)\n    log.debug('y')\n")
    with function(code) as runtime:
        request = runtime.send(b"{}")
        runtime.post()
        early, line = runtime.output().splitlines()
    time = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z"
    return [] if re.fullmatch(rf"\[INFO\]\t{time}\t\tearly", early) and re.fullmatch(
        rf"\[WARNING\]\t{time}\t{request}\tx 5", line) else [early, line]


def logs_in_json_are_objects_of_a_level():
    code = ("import logging\nlog = logging.getLogger('mine')\n"
            "def lambda_handler(e, c):\n"
            "    log.info('no')\n    log.warning('x', extra={'color': 'red'})\n"
            "    try:\n        1 / 0\n    except ZeroDivisionError:\n        log.exception('bad')\n")
    with function(code, AWS_LAMBDA_LOG_FORMAT="JSON", AWS_LAMBDA_LOG_LEVEL="WARN") as runtime:
        request = runtime.send(b"{}")
        runtime.post()
        first, second = map(json.loads, runtime.output().splitlines())
    found = differing(
        time=(bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first.pop("timestamp"))), True),
        first=(first, {"level": "WARNING", "message": "x", "logger": "mine", "requestId": request,
                       "color": "red"}))
    return found + differing(type=(second["errorType"], "ZeroDivisionError"),
                             text=(second["errorMessage"], "division by zero"),
                             trace=(second["stackTrace"][0], "Traceback (most recent call last):"))


def a_failure_is_an_object_in_json_logs():
    with function("def lambda_handler(e, c):\n    raise KeyError('k')\n",
                  AWS_LAMBDA_LOG_FORMAT="JSON") as runtime:
        runtime.invoke()
        line = json.loads(runtime.output())
    return differing(type=(line["errorType"], "KeyError"), level=(line["log_level"], "ERROR"))


def where_frames_are_read_logs_are_framed_and_prints_are_not():
    code = ("import logging\ndef lambda_handler(e, c):\n    print('plain')\n"
            "    logging.warning('w')\n    raise ValueError('v')\n")
    with function(code, _LAMBDA_TELEMETRY_LOG_FD="yes") as runtime:
        request = runtime.send(b"{}")
        runtime.post()
        (kind, text), (kind2, text2) = runtime.framed()
        log = runtime.output()
    return differing(log=(log, "plain\n"), kind=(kind, 0xA55A0003 | 16), kind2=(kind2, 0xA55A0003 | 20),
                     end=(text.endswith(f"\t{request}\tw\n"), True),
                     lines=(text2.splitlines()[:2], ["[ERROR] ValueError: v",
                                                     "Traceback (most recent call last):"]))


def the_frame_of_a_json_log_says_so():
    code = "import logging\ndef lambda_handler(e, c):\n    logging.error('e')\n"
    with function(code, _LAMBDA_TELEMETRY_LOG_FD="yes", AWS_LAMBDA_LOG_FORMAT="JSON") as runtime:
        runtime.invoke()
        [(kind, text)] = runtime.framed()
    return differing(kind=(kind, 0xA55A0002 | 20), text=(json.loads(text)["message"], "e"))


def six_megabytes_go_both_ways_and_more_ends_nothing():
    code = "def lambda_handler(e, c):\n    return e * 2 if e[0] == 'b' else e\n"
    with function(code) as runtime:
        big = b'"' + b"a" * 6291000 + b'"'
        same = runtime.result(big) == big
        runtime.invoke(b'"' + b"b" * 6291000 + b'"')
        after = runtime.result(b'"a"')
    return differing(same=(same, True), after=(after, b'"a"'))


def hooks_are_run_around_the_snapshot():
    code = ("import snapshot_restore_py as s\nlog = []\n"
            "s.register_before_snapshot(log.append, 'b1')\ns.register_before_snapshot(log.append, 'b2')\n"
            "s.register_after_restore(log.append, 'a1')\ns.register_after_restore(log.append, 'a2')\n"
            "def lambda_handler(e, c):\n    return log\n")
    with function(code, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start") as runtime:
        have = runtime.result()
        asked = [path.rpartition("runtime/")[2] for path in runtime.asked[:2]]
    return differing(log=(have, b'["b2", "b1", "a1", "a2"]'),
                     asked=(asked, ["restore/next", "invocation/next"]))


def a_hook_that_fails_is_told():
    found = []
    for hook, status, path, kind in (
            ("before_snapshot", 64, "init", "BeforeSnapshotError"),
            ("after_restore", 65, "restore", "AfterRestoreError")):
        code = (f"import snapshot_restore_py as s\ndef bad():\n    raise ValueError('v')\n"
                f"s.register_{hook}(bad)\ndef lambda_handler(e, c):\n    pass\n")
        with function(code, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start") as runtime:
            post = runtime.post()
            found += differing(**{
                hook + " path": (post.path.rpartition("runtime/")[2], path + "/error"),
                hook + " type": (post.headers["Lambda-Runtime-Function-Error-Type"], "Runtime." + kind),
                hook + " status": (runtime.status(), status)})
    return found


def the_search_path_is_code_then_layers_then_the_rest():
    with function("import sys\ndef lambda_handler(e, c):\n    return sys.path\n") as runtime:
        have = json.loads(runtime.result())
        want = [runtime.task, f"/opt/python/lib/python3.{OURS[0]}/site-packages", "/opt/python"]
    return differing(first=(have[:3], want), last=(have[-1], "/usr/lib/python3/dist-packages"))


def a_wrapper_is_run_with_the_interpreter_and_its_arguments():
    with function("def lambda_handler(e, c):\n    import os\n    return os.environ['W']\n",
                  AWS_LAMBDA_EXEC_WRAPPER="/usr/bin/env W=1") as runtime:
        return differing(body=(runtime.result(), b'"1"'))


runtime_stub.run(globals(), None if OURS else "there is no /usr/bin/python3.9 or later")
