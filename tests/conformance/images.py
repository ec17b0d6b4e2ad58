#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Container images that umoci and skopeo made run as they are, among them one with AWS's runtime client for Node.js.

usage: images.py <lambda-server> <faas-worker> <folder of test plugins> <folder of test programs>
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from program import FUNCTIONS, Server, expect, report

PROGRAM, WORKER, PLUGIN, BOOTSTRAP = sys.argv[1], sys.argv[2], sys.argv[3] + "/echo.so", sys.argv[4] + "/bootstrap-static"
CLIENT = os.path.join(os.environ.get("TEST_NPM_BUILT", ""), "node_modules", "aws-lambda-ric")
ROLE = "arn:aws:iam::000000000000:role/r"
REPOSITORY = "000000000000.dkr.ecr.us-east-1.amazonaws.com/app"
HANDLER = """exports.handler = async (event, context) => {
  if (event === 'error')
    throw new RangeError('mine');
  return { event, name: context.functionName, cwd: process.cwd(), mine: process.env.MINE };
};
"""


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=200, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stdout}")


def begin(layout, tag):
    if not os.path.exists(layout):
        run("umoci", "init", "--layout", layout)
    run("umoci", "new", "--image", f"{layout}:{tag}")


def insert(image, source, target):
    run("umoci", "insert", "--rootless", "--image", image, source, target)


def create(server, name, uri, **members):
    status, _, text = server.ask("POST", FUNCTIONS, json.dumps(
        {"FunctionName": name, "Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": uri}, **members}))
    if status != 201:
        raise OSError(f"{name}: {status} {text}")
    server.wait(name)


def says(found, server, name, act, text):
    """What the bootstrap answers to an act, which its event cannot be: that is JSON."""
    server.configure(name, Environment={"Variables": {"ACT": act}})
    status, _, answer = server.invoke(name)
    expect(found, f"{name}: {act}", (status, answer), (200, text))


def small(folder):
    """Three layers: a program and a file, another over it, and a whiteout."""
    layout = f"{folder}/umoci"
    image = f"{layout}:v1"
    files = f"{folder}/files"
    os.mkdir(files)
    for name in "kept", "gone", "changed":
        with open(f"{files}/{name}", "w", encoding="utf-8") as file:
            file.write(f"{name} at first")
    begin(layout, "v1")
    insert(image, BOOTSTRAP, "/bin/program")
    insert(image, files, "/srv/files")
    with open(f"{files}/changed", "w", encoding="utf-8") as file:
        file.write("changed later")
    insert(image, f"{files}/changed", "/srv/files/changed")
    run("umoci", "insert", "--rootless", "--image", image, "--whiteout", "/srv/files/gone")
    run("umoci", "config", "--image", image, "--config.entrypoint", "program", "--config.cmd", "one", "--config.cmd",
        "two", "--config.env", "PATH=/sbin:/bin", "--config.env", "MINE=image", "--config.workingdir", "/srv/files")
    return layout


def check_small(server, uri):
    found = []
    create(server, "small", uri)
    says(found, server, "small", "arguments", "program,one,two,")
    says(found, server, "small", "cwd", "/srv/files")
    says(found, server, "small", "env MINE", "image")
    says(found, server, "small", "list /srv/files", "changed kept")
    says(found, server, "small", "read /srv/files/changed", "changed later")
    server.configure("small", ImageConfig={"Command": ["three"]})
    says(found, server, "small", "arguments", "program,three,")
    return found


COPIES = {
    "copied": lambda folder: ([f"oci:{folder}/skopeo:v1"], f"{folder}/skopeo"),
    "copied_in_zstd": lambda folder: (["--dest-compress-format", "zstd", f"oci:{folder}/zstd:v1"], f"{folder}/zstd"),
    "saved_as_docker_does": lambda folder: ([f"docker-archive:{folder}/docker.tar:app:v1"], f"{folder}/docker.tar"),
    "saved_in_one_file": lambda folder: ([f"oci-archive:{folder}/oci.tar:v1"], f"{folder}/oci.tar"),
}


def libraries(program):
    """What the dynamic loader would map of it."""
    lines = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return [word for line in lines for word in line.split() if word.startswith("/")]


def node_root(folder):
    """What a Dockerfile would copy together: the program with its libraries, the client, a handler."""
    root = f"{folder}/root"
    node = os.path.realpath(shutil.which("node"))
    for path in {node, *libraries(node)}:
        os.makedirs(root + os.path.dirname(path), exist_ok=True)
        shutil.copy(os.path.realpath(path), root + path)
    os.makedirs(f"{root}/var/task")
    with open(f"{root}/var/task/index.js", "w", encoding="utf-8") as file:
        file.write(HANDLER)
    for name in "bin", "dist":
        shutil.copytree(f"{CLIENT}/{name}", f"{root}/var/task/node_modules/aws-lambda-ric/{name}")
    return root, node


def node_image(folder):
    """Two layers in a layout: the machine's part, and the function's."""
    root, node = node_root(folder)
    layout = f"{folder}/node"
    image = f"{layout}:latest"
    begin(layout, "latest")
    for name in sorted(os.listdir(root)):
        insert(image, f"{root}/{name}", f"/{name}")
    run("umoci", "config", "--image", image, "--config.entrypoint", node, "--config.entrypoint",
        "node_modules/aws-lambda-ric/bin/index.mjs", "--config.cmd", "index.handler", "--config.workingdir", "/var/task",
        "--config.env", "MINE=image", "--config.env", "PATH=/usr/bin:/bin")
    return layout


def check_node(server):
    found = []
    create(server, "node", "node", Timeout=30, MemorySize=512)
    status, headers, text = server.invoke("node", '"hello"')
    expect(found, "answer", (status, text and json.loads(text)),
           (200, {"event": "hello", "name": "node", "cwd": "/var/task", "mine": "image"}))
    status, headers, text = server.invoke("node", '"error"')
    expect(found, "error", (headers["X-Amz-Function-Error"], json.loads(text).get("errorMessage")), ("Unhandled", "mine"))
    return found


def judge(title, test, *words):
    try:
        return title, test(*words)
    except (OSError, subprocess.SubprocessError) as error:
        return title, [error]


def start(*images):
    return Server(PROGRAM, WORKER, PLUGIN, *(word for image in images for word in ("--image", image)))


def with_node(folder):
    with start(f"node={node_image(folder)}") as server:
        return check_node(server)


def by_umoci(layout):
    with start(f"{REPOSITORY}={layout}") as server:
        return check_small(server, f"{REPOSITORY}:v1")


def by_skopeo(folder, layout, how):
    """umoci ends a layer where others would not: what skopeo reads whole, it may write anew."""
    words, path = COPIES[how](folder)
    run("skopeo", "--insecure-policy", "copy", f"oci:{layout}:v1", *words)
    with start(f"{REPOSITORY}={path}") as server:
        return check_small(server, f"{REPOSITORY}:v1")


def main():
    if not shutil.which("umoci"):
        print("1..0 # SKIP umoci is not there")
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        layout = small(folder)
        results = [judge("an_image_that_umoci_made_runs", by_umoci, layout)]
        if shutil.which("skopeo"):
            results += [judge(f"an_image_that_skopeo_{how}_runs", by_skopeo, folder, layout, how) for how in COPIES]
        else:
            print("# skopeo is not there")
        if os.path.exists(f"{CLIENT}/bin/index.mjs") and shutil.which("node"):
            results.append(judge("an_image_with_the_client_for_node_js_runs", with_node, folder))
        else:
            print("# the client for Node.js is not there")
        report(results)


if __name__ == "__main__":
    main()
