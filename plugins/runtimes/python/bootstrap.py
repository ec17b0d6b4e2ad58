# SPDX-License-Identifier: MIT
"""A Python function over the Runtime API: one event after the other."""
import os
import sys

from faas_runtime import function, logs, snapshot
from faas_runtime.api import RuntimeApi
from faas_runtime.errors import Failure

EXIT_FAILED, EXIT_BEFORE, EXIT_AFTER = 1, 64, 65


def end(api, error, status, phase="init"):
    """What it dies of is printed and told."""
    failure = Failure(error, "")
    logs.failed(failure)
    api.init_failed(failure, phase)
    sys.exit(status)


def start(api):
    try:
        return function.load(os.environ["_HANDLER"])
    except Exception as error:  # whatever the module raised
        return end(api, error, EXIT_FAILED)


def be_restored(api):
    """The snapshot is taken while it waits for the restore."""
    try:
        snapshot.before()
    except Exception as error:
        end(api, error, EXIT_BEFORE)
    api.wait_for_restore()
    try:
        snapshot.after()
    except Exception as error:
        end(api, error, EXIT_AFTER, "restore")


def main():
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    logs.begin()
    function.find_modules()
    handler = start(api)
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        be_restored(api)
    while True:
        event, about = api.next()
        answer = function.invoke(handler, event, about)
        if isinstance(answer, bytes):
            api.respond(about.request_id, answer)
        else:
            logs.failed(answer)
            api.failed(about.request_id, answer)


main()
