# SPDX-License-Identifier: MIT
"""AWS's own command line, as it is installed, or the same read once: most of a command's time is that of reading it.

As a program it is the latter: for each line of JSON, [words, environment], it forks, the child is the command, and
the line that follows is [exit status, what it printed, what it complained].
"""
import json
import os
import subprocess
import sys
import tempfile

AWS = "/usr/bin/aws"
ENVIRONMENT = {
    **os.environ, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1", "AWS_PAGER": "", "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
}


def installed(words, environment):
    """(exit status, what it printed, what it complained)"""
    result = subprocess.run([AWS, *words], capture_output=True, text=True, env=environment)
    return result.returncode, result.stdout, result.stderr


class Read:
    """Ends with its pipe, or with who made it."""

    def __init__(self):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, words, environment):
        self.process.stdin.write(json.dumps([words, environment]) + "\n")
        self.process.stdin.flush()
        return tuple(json.loads(self.process.stdout.readline()))

    def close(self):
        self.process.communicate()


class CommandLine:
    """The first command after first() is the one that is installed."""

    def __init__(self):
        self.read, self.next = Read(), installed

    def first(self):
        self.next = installed

    def run(self, words, environment):
        run, self.next = self.next, self.read.run
        return run(words, environment)


def run_tests(server, tests, client_of):
    """(title, what is wrong) of each test, with a client of its server, and of the server's end."""
    results = []
    with subprocess.Popen([server], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        command = CommandLine()
        client = client_of(process.stdout.readline().strip(), command.run)
        for title, test in tests:
            command.first()
            try:
                results.append((title, test(client)))
            except (KeyError, TypeError, ValueError, OSError) as error:
                results.append((title, [repr(error)]))
        process.stdin.close()
    results.append(("the_server_closes_in_order", [] if process.returncode == 0 else [f"exit {process.returncode}"]))
    return results


def driver():
    """What each command reads before it knows what to do."""
    import awscli.clidriver

    made = awscli.clidriver.create_clidriver()
    loader = made.session.get_component("data_loader")
    for service in ("lambda", "iam"):
        loader.load_service_model(service, "service-2")
    loader.load_data("endpoints")
    return made


def command(main, words, environment, out, complaint):
    os.dup2(out.fileno(), 1)
    os.dup2(complaint.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    status = main(words)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def text(file):
    file.seek(0)
    return file.read().decode()


def serve():
    sys.argv[0] = AWS
    main = driver().main
    for line in sys.stdin:
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaint:
            child = os.fork()
            if not child:
                command(main, *json.loads(line), out, complaint)
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            print(json.dumps([status, text(out), text(complaint)]), flush=True)


if __name__ == "__main__":
    serve()
