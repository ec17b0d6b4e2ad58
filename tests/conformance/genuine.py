#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that others wrote for Lambda run as they are: a script with curl, AWS's runtime clients for Node.js and C++.

usage: genuine.py <lambda-server> <faas-worker> <folder of test plugins> <folder for what is built>
"""
import base64
import concurrent.futures
import glob
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile

from program import FUNCTIONS, Server, events, expect, report

MEMORY_MB = 128
OUR_PYTHON, OUR_NODE = "python3.11", "nodejs20.x"
PROGRAM, WORKER, PLUGIN, BUILT = sys.argv[1], sys.argv[2], sys.argv[3] + "/echo.so", sys.argv[4]
RUNTIMES = os.path.join(sys.argv[3], "..", "..", "plugins", "runtimes")
CLIENT = os.path.join(os.environ.get("TEST_NPM_BUILT", ""), "node_modules", "aws-lambda-ric")

# From the tutorial in the developer guide; it says sh, which is bash there.
SCRIPT = r"""#!/bin/bash
set -euo pipefail

# Initialization - load function handler
source $LAMBDA_TASK_ROOT/"$(echo $_HANDLER | cut -d. -f1).sh"

# Processing
while true
do
  HEADERS="$(mktemp)"
  # Get an event. The HTTP request will block until one is received
  EVENT_DATA=$(curl -sS -LD "$HEADERS" "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/next")

  # Extract request ID by scraping response headers received above
  REQUEST_ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$HEADERS" | tr -d '[:space:]' | cut -d: -f2)

  # Run the handler function from the script
  RESPONSE=$($(echo "$_HANDLER" | cut -d. -f2) "$EVENT_DATA")

  # Send the response
  curl "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$REQUEST_ID/response"  -d "$RESPONSE"
done
"""
SCRIPT_HANDLER = r"""function handler () {
  EVENT_DATA=$1
  echo "$EVENT_DATA" 1>&2;
  case $EVENT_DATA in
  '"echo"') echo "Echoing request: '$EVENT_DATA'" ;;
  '"error"') curl -sS "http://${AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/invocation/$REQUEST_ID/error" \
    -d '{"errorMessage":"mine","errorType":"RangeError"}' 1>&2 ;;
  \[*) echo "$EVENT_DATA" ;;
  '"timeout"') sleep 60 ;;
  '"exit"') kill -USR1 $$ ;;
  '"status"') exit 7 ;;
  '"crash"') kill -SEGV $$ ;;
  '"killed"') kill -KILL $$ ;;
  '"memory"') head -c 500000000 /dev/zero | tail ;;
  esac
}
trap 'exit 0' USR1
"""

# The tutorial's script has its response among curl's arguments, of which none can be longer than 128 KB.
FILES = r"""#!/bin/bash
set -euo pipefail
cd /tmp

respond() {
  curl -sS -X POST "$@" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$ID/response" 1>&2
}
letters() {
  printf '"'
  head -c "$1" /dev/zero | tr '\0' x
  printf '"'
}

while true; do
  curl -sS -D head -o event "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next"
  ID=$(grep -Fi Lambda-Runtime-Aws-Request-Id head | tr -d '[:space:]' | cut -d: -f2)
  case $(head -c 20 event) in
  '"large"') letters 6291554 | respond --data-binary @- ;;
  '"larger"') letters 6291555 | respond --data-binary @- ;;
  '"stream"') { echo -n 'one '; letters 10485760; } |
    respond -T - -H 'Lambda-Runtime-Function-Response-Mode: streaming' -H 'Transfer-Encoding: chunked' ;;
  *) respond --data-binary @event ;;
  esac
done
"""

NODE = "#!/bin/sh\nexec /usr/bin/node node_modules/aws-lambda-ric/bin/index.mjs \"$_HANDLER\"\n"
NODE_HANDLER = """
exports.handler = async (event, context) => {
  switch (event) {
  case 'error': throw new RangeError('mine');
  case 'timeout': await new Promise((done) => setTimeout(done, 60000));
  case 'exit': process.exit(0);
  case 'status': process.exit(7);
  case 'crash': process.kill(process.pid, 'SIGSEGV'); await new Promise((done) => setTimeout(done, 9000));
  case 'killed': process.kill(process.pid, 'SIGKILL'); await new Promise((done) => setTimeout(done, 9000));
  case 'memory': { const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1)); }
  case 'large': return 'x'.repeat(6291554);
  case 'larger': return 'x'.repeat(6291555);
  case 'context': return [context.awsRequestId, context.functionName, context.getRemainingTimeInMillis() > 0];
  default: return event;
  }
};
exports.streaming = awslambda.streamifyResponse(async (event, stream) => {
  if (event === 'large') {
    for (let n = 0; n < 160; n++)
      if (!stream.write(Buffer.alloc(65536, n)))
        await new Promise((done) => stream.once('drain', done));
  } else {
    stream.write('one ');
    if (event === 'error')
      throw new RangeError('mine');
    stream.write('two');
  }
  stream.end();
});
exports.http = awslambda.streamifyResponse(async (event, stream) => {
  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'X-Mine': event.rawPath } });
  stream.write('one ');
  if (event.rawPath === '/broken')
    throw new RangeError('mine');
  stream.end('two');
});
"""

CPP_HANDLER = r"""
#include <aws/lambda-runtime/runtime.h>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unistd.h>

using namespace aws::lambda_runtime;

static invocation_response handler(invocation_request const &request)
{
	std::string const &event = request.payload;

	if (event == "\"error\"")
		return invocation_response::failure("mine", "RangeError", "");
	if (event == "\"timeout\"")
		sleep(60);
	if (event == "\"exit\"")
		exit(0);
	if (event == "\"status\"")
		exit(7);
	if (event == "\"crash\"")
		raise(SIGSEGV);
	if (event == "\"killed\"")
		raise(SIGKILL);
	if (event == "\"memory\"")
		for (;;)
			memset(malloc(1 << 20), 1, 1 << 20);
	if (event == "\"large\"" || event == "\"larger\"")
		return invocation_response::success(
			"\"" + std::string(event == "\"large\"" ? 6291554 : 6291555, 'x') + "\"", "application/json");
	if (event == "\"context\"")
		return invocation_response::success(
			"[\"" + request.request_id + "\", \"" + request.function_arn + "\", " +
			(request.get_time_remaining().count() > 0 ? "true" : "false") + "]", "application/json");
	return invocation_response::success(event, "application/json");
}

int main()
{
	run_handler(handler);
	return 0;
}
"""


class Skipped(Exception):
    pass


def pack(files, folders=()):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100755 if name == "bootstrap" else 0o100644) << 16
            archive.writestr(entry, content)
        for inside, path in folders:
            for root, _, names in os.walk(path):
                for name in names:
                    source = os.path.join(root, name)
                    archive.write(source, os.path.join(inside, os.path.relpath(source, path)))
    return base64.b64encode(data.getvalue()).decode()


def pack_node():
    folders = [(f"node_modules/aws-lambda-ric/{name}", os.path.join(CLIENT, name)) for name in ("bin", "dist")]
    return pack({"bootstrap": NODE, "index.js": NODE_HANDLER}, folders)


def create(server, name, handler, zipped, runtime="provided.al2023"):
    status, _, text = server.ask("POST", FUNCTIONS, json.dumps({
        "FunctionName": name, "Role": "arn:aws:iam::000000000000:role/r", "Runtime": runtime,
        "Handler": handler, "Timeout": 3, "MemorySize": MEMORY_MB, "Code": {"ZipFile": zipped}}))
    if status != 201:
        raise OSError(f"{name}: {status} {text[:200]}")
    server.wait(name)


def invoke(server, name, event):
    """(what kind of error or None, request id, the payload's text)"""
    status, headers, text = server.invoke(name, json.dumps(event))
    if status != 200:
        raise OSError(f"{name}: {status} {text[:200]}")
    return headers.get("X-Amz-Function-Error"), headers["x-amzn-RequestId"], text


def succeeds(server, name):
    found = []
    for event in ({"a": [1, None, "\u00fc"]}, [7]):
        error, _, text = invoke(server, name, event)
        expect(found, f"answer to {event}", (error, json.loads(text)), (None, event))
    error, request, text = invoke(server, name, "context")
    expect(found, "context", json.loads(text)[0::2], [request, True])
    return found


def script_succeeds(server, name):
    found = []
    for _ in range(2):
        error, _, text = invoke(server, name, "echo")
        expect(found, "echo", (error, text), (None, "Echoing request: '\"echo\"'"))
    return found


def fails(server, name):
    error, _, text = invoke(server, name, "error")
    reply, found = json.loads(text), []
    expect(found, "error", (error, reply["errorType"], reply["errorMessage"]), ("Unhandled", "RangeError", "mine"))
    return found


def ends(event, kind, message):
    """A way to end, after which the function goes on: it is called twice."""
    def test(server, name):
        found = []
        for _ in range(2):
            error, request, text = invoke(server, name, event)
            expect(found, f"error of {event}", error, "Unhandled")
            expect(found, f"payload of {event}", json.loads(text),
                   {"errorType": kind, "errorMessage": f"RequestId: {request} Error: {message}"})
        return found
    return test


def exits(message):
    return "Runtime.ExitError", "Runtime exited with" + message


def at_once(server, name, many=50):
    """They fit into half of a machine of 16 GB, which is what environments may have."""
    have = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    if have // 2 < (many + 2) * MEMORY_MB:
        raise Skipped(f"{have} MB are not enough for {many} environments")
    with concurrent.futures.ThreadPoolExecutor(many) as pool:
        replies = list(pool.map(lambda n: (n, invoke(server, name, [n])), range(many)))
    return [f"{n}: {reply}" for n, reply in replies if reply[0] or json.loads(reply[2]) != [n]]


def sizes(server, name):
    found = []
    error, _, text = invoke(server, name, "large")
    expect(found, "large", (error, len(text)), (None, 6291556))
    error, _, text = invoke(server, name, "larger")
    expect(found, "larger", (error, json.loads(text)["errorType"]), ("Unhandled", "Function.ResponseSizeTooLarge"))
    event = "y" * (6291456 - 2)
    error, _, text = invoke(server, name, event)
    expect(found, "a large event", (error, json.loads(text) == event), (None, True))
    return found


def in_parts(server, event, name):
    path = f"/2021-11-15/functions/{name}/response-streaming-invocations"
    status, headers, data, cut = server.stream("POST", path, json.dumps(event))
    if status != 200:
        raise OSError(f"{name}: {status} {data[:200]}")
    have = events(data)
    payload = b"".join(bytes for kind, bytes in have if kind == "PayloadChunk")
    found = []
    expect(found, "answer", (status, headers["Content-Type"], cut), (200, "application/vnd.amazon.eventstream", False))
    expect(found, "last event", have[-1][0], "InvokeComplete")
    return found, payload, json.loads(have[-1][1])


def script_streams(server, name):
    found, payload, end = in_parts(server, "stream", name)
    expect(found, "stream", (payload == b'one "' + b"x" * 10485760 + b'"', end), (True, {}))
    return found


def node_streams(server, name):
    found = []
    error, _, text = invoke(server, name, {})
    expect(found, "whole", (error, text), (None, "one two"))
    error, _, text = invoke(server, name, "error")
    expect(found, "error of the whole", (error, json.loads(text)["errorMessage"]), ("Unhandled", "mine"))
    more, payload, end = in_parts(server, {}, name)
    expect(found, "stream", (payload, end), (b"one two", {}))
    found += more
    more, payload, end = in_parts(server, "error", name)
    expect(found, "error", (payload, end["ErrorCode"], json.loads(end["ErrorDetails"])["errorMessage"]),
           (b"one ", "Runtime.Unknown", "mine"))
    found += more
    more, payload, end = in_parts(server, "large", name)
    expect(found, "large", (payload == b"".join(bytes([n]) * 65536 for n in range(160)), end), (True, {}))
    return found + more


def ours_stream_in_parts(server):
    create(server, "ours", "index.streaming", pack({"index.js": NODE_HANDLER}), OUR_NODE)
    found, payload, end = in_parts(server, {}, "ours")
    expect(found, "stream", (payload, end), (b"one two", {}))
    more, payload, end = in_parts(server, "error", "ours")
    expect(found, "error", (payload, json.loads(end["ErrorDetails"])["errorMessage"]), (b"one ", "mine"))
    found += more
    create(server, "whole", "index.handler", pack({"index.py": "def handler(event, context):\n    return event\n"}),
           OUR_PYTHON)
    more, payload, end = in_parts(server, "w" * 3000000, "whole")
    expect(found, "whole", (payload == b'"' + b"w" * 3000000 + b'"', end), (True, {}))
    return found + more


def node_streams_to_a_url(server, name):
    status, _, text = server.ask("POST", f"/2021-10-31/functions/{name}/url",
                                 json.dumps({"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"}))
    found = []
    expect(found, "url", status, 201)
    server.ask("POST", f"{FUNCTIONS}/{name}/policy", json.dumps({
        "StatementId": "all", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}))
    path = "/" + json.loads(text)["FunctionUrl"].split("/", 3)[3]
    status, headers, data, cut = server.stream("GET", path + "whole")
    expect(found, "whole", (status, headers["X-Mine"], headers["Transfer-Encoding"], data, cut),
           (201, "/whole", "chunked", b"one two", False))
    status, _, data, cut = server.stream("GET", path + "broken")
    expect(found, "broken", (status, data, cut), (201, b"one ", True))
    return found


def left_over(name):
    """What the package built for itself, and left in one place or another."""
    return next(iter(glob.glob(os.path.join(CLIENT, "deps", "**", name), recursive=True, include_hidden=True)), None)


def build_cpp():
    """A bootstrap linked with aws-lambda-cpp, on which the client for Node.js is built."""
    source, out = os.path.join(BUILT, "genuine.cc"), os.path.join(BUILT, "genuine_bootstrap")
    headers = [left_over(name).removesuffix(name) for name in ("aws/lambda-runtime/runtime.h", "curl/curl.h")]
    with open(source, "w") as file:
        file.write(CPP_HANDLER)
    subprocess.run(["c++", "-std=c++11", "-O1", *(f"-I{path}" for path in headers), source, "-o", out,
                    left_over("libaws-lambda-runtime.a"), left_over("libcurl.a"), "-lpthread"], check=True)
    with open(out, "rb") as file:
        return file.read()


def cpp_is_one_part(server, name):
    """It knows no streams: whoever asks for parts gets one answer, which may be of several chunks."""
    found, payload, end = in_parts(server, "w" * 3000000, name)
    expect(found, "whole", (payload == b'"' + b"w" * 3000000 + b'"', end), (True, {}))
    return found


ENDS = {
    "times_out": ends("timeout", "Sandbox.Timedout", "Task timed out after 3.00 seconds"),
    "crashes": ends("crash", *exits(" error: signal: segmentation fault")),
    "is_killed": ends("killed", *exits(" error: signal: killed")),
    "exits_without_an_answer": ends("exit", *exits("out providing a reason")),
    "exits_with_a_status": ends("status", *exits(" error: exit status 7")),
    "is_out_of_memory": ends("memory", *exits(" error: signal: killed")),
}


def script():
    """What is of the script in the tutorial, and of one that goes by files."""
    tutorial = "script", "function.handler", pack({"bootstrap": SCRIPT, "function.sh": SCRIPT_HANDLER})
    files = "files", "any.handler", pack({"bootstrap": FILES})
    return "the_script_with_curl", {
        tutorial: {"succeeds": script_succeeds, "fails": fails, **ENDS, "runs_fifty_times_at_once": at_once},
        files: {"has_six_megabytes": sizes, "streams": script_streams},
    }


def node():
    zipped = pack_node()
    return "the_client_for_node_js", {
        ("node", "index.handler", zipped): {
            "succeeds": succeeds, "fails": fails, **ENDS, "has_six_megabytes": sizes, "runs_fifty_times_at_once": at_once},
        ("streaming", "index.streaming", zipped): {"streams": node_streams},
        ("http", "index.http", zipped): {"streams_to_a_url": node_streams_to_a_url},
    }


def cpp():
    return "the_client_for_cpp", {
        ("cpp", "h", pack({"bootstrap": build_cpp()})): {
            "succeeds": succeeds, "fails": fails, **ENDS, "has_six_megabytes": sizes, "is_one_part": cpp_is_one_part,
            "runs_fifty_times_at_once": at_once},
    }


def clients():
    """Those that are here; what is said of one that is not."""
    have_node = os.path.exists(os.path.join(CLIENT, "dist", "rapid-client.node")) and os.path.exists("/usr/bin/node")
    for client, here, what in ((script, shutil.which("curl"), "curl"),
                               (node, have_node, "aws-lambda-ric or node"),
                               (cpp, left_over("libaws-lambda-runtime.a") and shutil.which("c++"), "aws-lambda-cpp or c++")):
        if here:
            yield client()
        else:
            print(f"# {client.__name__} is skipped: {what} is not there")


def judge(title, test, *words):
    try:
        return title, test(*words)
    except Skipped as reason:
        return f"{title} # SKIP {reason}", []
    except (KeyError, TypeError, ValueError, OSError) as error:
        return title, [repr(error)]


def main():
    results = []
    # fifty environments of 256 MB, on any machine: they are counted as configured
    with Server(PROGRAM, WORKER, PLUGIN, "--runtimes", RUNTIMES, "--memory", "16384") as server:
        for title, functions in clients():
            for (name, handler, zipped), tests in functions.items():
                create(server, name, handler, zipped)
                results += [judge(f"{title}_{does}", test, server, name) for does, test in tests.items()]
        if os.path.exists("/usr/bin/python3.11") and os.path.exists("/usr/bin/node") and subprocess.run(
                ["/usr/bin/node", "-v"], capture_output=True).stdout.startswith(b"v20."):
            results.append(judge("our_runtimes_stream", ours_stream_in_parts, server))
    report(results)


if __name__ == "__main__":
    main()
