# SPDX-License-Identifier: MIT
"""One thing of each kind that a function may do, by the word in the event. Beside handlers.mjs."""
import os
import sys
import time

count = 0


def lambda_handler(event, context):
    global count
    count += 1
    return globals()["do_" + event["do"]](event, context)


def do_echo(event, _):
    return event["value"]


def do_count(*_):
    return count


def do_fail(*_):
    raise ValueError("as wanted")


def do_exit(event, _):
    os._exit(event["status"])


def do_kill(event, _):
    os.kill(os.getpid(), event["signal"])
    time.sleep(60)


def do_spin(*_):
    while True:
        pass


def do_eat(*_):
    pieces = []
    while True:
        pieces.append(b"x" * (1 << 20))


def do_print(event, _):
    print(event["text"])


def do_keep(event, _):
    with open("/tmp/kept", "w", encoding="utf-8") as file:
        file.write(event["text"])


def do_kept(*_):
    with open("/tmp/kept", encoding="utf-8") as file:
        return file.read()


def do_variable(event, _):
    return os.environ.get(event["name"])


def do_places(event, _):
    """Which of these can be seen."""
    return [path for path in event["paths"] if os.path.exists(path)]


def do_write(event, _):
    try:
        with open(event["path"], "w", encoding="utf-8"):
            return "written"
    except OSError as error:
        return type(error).__name__


def do_context(_, context):
    return [context.function_name, context.aws_request_id, context.invoked_function_arn,
            context.memory_limit_in_mb, 0 < context.get_remaining_time_in_millis() <= 10000,
            context.log_stream_name.startswith("20")]


def do_big(event, _):
    return "x" * event["size"]


def do_version(*_):
    return f"python{sys.version_info[0]}.{sys.version_info[1]}"


def do_leave(event, _):
    sys.exit(event["status"])


def do_thread_count(event, _):
    import threading

    go = threading.Event()
    threads = [threading.Thread(target=go.wait) for _ in range(event["count"])]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    return len(threads)


def do_stream(_, context):
    return context.log_stream_name
