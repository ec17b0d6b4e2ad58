# SPDX-License-Identifier: MIT
"""A function: where its modules are, what its handler is, and one call of it."""
import importlib
import json
import os
import site
import sys
from decimal import Decimal

from faas_runtime import logs
from faas_runtime.context import LambdaContext
from faas_runtime.errors import Failure, Fault

SYSTEM = "/usr/lib/python3/dist-packages"
VERSION = f"python{sys.version_info[0]}.{sys.version_info[1]}"


def find_modules():
    """Its code, then its layers, then all else; and exit() and its like, which came of -S too."""
    task = os.environ.get("LAMBDA_TASK_ROOT", "/var/task")
    sys.path[:0] = [task, f"/opt/python/lib/{VERSION}/site-packages", "/opt/python"]
    sys.path.append(SYSTEM)
    site.setquit()
    site.sethelper()


def split(name):
    module, dot, method = name.rpartition(".")
    if not dot:
        raise Fault("Runtime.MalformedHandlerName",
                    f"Bad handler '{name}': not enough values to unpack (expected 2, got 1)")
    if module.split(".")[0] in sys.builtin_module_names:
        raise Fault("Runtime.BuiltInModuleConflict",
                    f"Cannot use built-in module {module} as a handler module")
    return module, method


def load(name):
    """The handler of that name. A Fault, or whatever its module raised."""
    module, method = split(name)
    try:
        found = importlib.import_module(module.replace("/", "."))
    except ImportError as error:
        raise Fault("Runtime.ImportModuleError",
                    f"Unable to import module '{module}': {error}") from error
    except SyntaxError as error:
        line = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise Fault("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module}': {error}",
                    [line]) from error
    try:
        return getattr(found, method)
    except AttributeError as error:
        raise Fault("Runtime.HandlerNotFound",
                    f"Handler '{method}' missing on module '{module}'") from error


def plain(value):
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def write(value):
    """JSON; its letters are escaped up to 3.11, as in Lambda."""
    try:
        return json.dumps(value, default=plain, ensure_ascii=sys.version_info < (3, 12)).encode()
    except Exception as error:  # of a member of the function's own making, anything
        raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def read(event, about):
    if about.content_type != "application/json":
        return event
    try:
        return json.loads(event)
    except ValueError as error:
        raise Fault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error


def invoke(handler, event, about):
    """The answer, which is JSON in bytes, or a Failure."""
    if about.trace_id:
        os.environ["_X_AMZN_TRACE_ID"] = about.trace_id
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)
    logs.request_id, logs.tenant_id = about.request_id, about.tenant_id
    try:
        return write(handler(read(event, about), LambdaContext(about)))
    except Exception as error:
        return Failure(error, about.request_id)
