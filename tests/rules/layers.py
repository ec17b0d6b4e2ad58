#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The layering rule: reads every #include below lib/ and names each that looks upwards or sideways.

usage: layers.py <root of the project>
"""
import pathlib
import re
import sys
import tempfile

import tap

STAGES = ("admit", "queue", "env", "outcome")
CONDUCTOR = (
    "faas", "runtime", "functions", "information", "isolation", "invoke", "invocation", "runner", "seat", "told", "conduct",
    "versions", "code", "config", "build", "cancel", "durable", "testing", "arrive", "turn", "parts", "layers", "limits", "trace",
    "deliver", "ending", "messages", "recall", "remember", "resources", "streams", "secrets", "roles",
    "calls", "changes", "images", "snapshots",
)


def is_top(name):
    """The conductor's files."""
    stem = name.removesuffix(".c").removesuffix(".h")
    return stem != name and stem in CONDUCTOR


# Folder -> the folders it may include, itself among them.
MAY = {
    "base": {"base"},
    "model": {"base", "model"},
    **{stage: {"base", "model", stage} for stage in STAGES},
    "worker": {"base", "worker"},
    "source": {"base", "model", "source"},
    "http": {"base", "model", "http"},
    "": {"base", "model", "", *STAGES},  # the files directly in lib/
    "control": {"base", "model", "", *STAGES, "control"},  # the door whose words are JSON
}
# Folder -> single files of other folders that it may include as well.
MAY_FILE = {
    "env": {"testing.h"},
    "worker": {"env/wire.h", "http/parser.h", "http/message.h", "http/answer.h"},  # programs speak HTTP
    "source": {"invoke.h", "control/control.h", "changes.h", "messages.h", "roles.h"},
    "http": {"invoke.h", "control/control.h"},
}
WORKER_PUBLIC = {"faas/plugin.h", "faas/types.h", "faas/faas.h"}

# Headers of other people -> where in lib/ they may appear, by the beginning of the path.
FOREIGN = {
    "uv.h": ("base/", "env/", "source/", "http/", "faas.c"),
    "sqlite3.h": ("model/store",),
    "libpq-fe.h": ("model/store",),
    "ffi.h": ("worker/",),
    "seccomp.h": ("worker/",),
    "openssl/evp.h": ("base/cipher.c", "base/digest.c", "base/base64.c"),
    "jansson.h": ("base/document.c",),
    "http/llhttp.h": ("http/parser.h",),
    "openssl/ssl.h": ("http/wire.c",),
    "openssl/err.h": ("http/wire.c",),
    "archive.h": ("base/archive.c", "base/tarball.c"),
    "archive_entry.h": ("base/archive.c", "base/tarball.c"),
    # Ours, but not for the host: nobody trusts who reads a ZIP.
    "base/archive.h": ("base/", "worker/unpack/"),
    "base/tarball.h": ("base/", "worker/unpack/"),
    "base/zip_index.h": ("base/", "worker/unpack/"),
}
LIBC = set(
    "assert ctype dirent dlfcn elf errno execinfo fcntl float grp inttypes libgen limits link malloc "
    "locale math netdb poll pthread pwd sched semaphore setjmp signal spawn stdalign stdarg stdatomic "
    "stdbool stddef stdint stdio stdio_ext stdlib stdnoreturn string strings syscall threads time uchar "
    "ucontext unistd wchar cpuid immintrin".split()
)
LIBC_FOLDERS = {"sys", "linux", "asm", "arpa", "net", "netinet", "sanitizer"}

INCLUDE = re.compile(r"^\s*#\s*include\s*([<\"])([^>\"]+)[>\"]", re.M)


def is_libc(header):
    return header.removesuffix(".h") in LIBC or header.split("/")[0] in LIBC_FOLDERS


def ours(folder, header):
    """Whether a header of lib/ may be included from a file in `folder`."""
    target = header.split("/")[0] if "/" in header else ""
    return target in MAY[folder] or header in MAY_FILE.get(folder, ())


def judge(path, header):
    """What is wrong with this include, or None. `path` is relative to lib/."""
    folder = path.split("/")[0] if "/" in path else ""
    if header in FOREIGN:
        allowed = path.startswith(FOREIGN[header])
        return None if allowed else f"only {' '.join(FOREIGN[header])} may know this library"
    if header.startswith("faas/"):
        allowed = folder != "worker" or header in WORKER_PUBLIC
        return None if allowed else f"worker may include only {' '.join(sorted(WORKER_PUBLIC))}"
    if is_libc(header):
        return None
    if header.split("/")[0] not in MAY and not is_top(header):
        return "no header of lib/, the C library, or a library we know; if it should be, say so here"
    return None if ours(folder, header) else f"{folder or 'lib'} may not look there"


def violations(lib):
    found = []
    for file in sorted(lib.rglob("*.[ch]")):
        path = file.relative_to(lib).as_posix()
        folder = path.split("/")[0] if "/" in path else ""
        if folder not in MAY or not folder and not is_top(path):
            found.append(f"lib/{path}: not a place of the architecture")
            continue
        for quote, header in INCLUDE.findall(file.read_text()):
            wrong = "write it as <folder/file.h>" if quote == '"' else judge(path, header)
            if wrong:
                found.append(f"lib/{path}: includes {header}: {wrong}")
    return found


def of_one_file(path, text):
    with tempfile.TemporaryDirectory() as root:
        file = pathlib.Path(root, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return violations(pathlib.Path(root))


def every_include_looks_down():
    return violations(pathlib.Path(sys.argv[1], "lib"))


def what_is_allowed_is_accepted():
    return (
        of_one_file("env/pool.c", "#include <env/pool.h>\n#include <base/mem.h>\n#include <uv.h>\n")
        + of_one_file("worker/main.c", "#include <env/wire.h>\n#include <ffi.h>\n#include <sys/wait.h>\n")
        + of_one_file("invoke.c", "#include <admit/admit.h>\n#include <outcome/outcome.h>\n")
        + of_one_file("http/api.c", "#include <control/control.h>\n")
    )


def base_that_includes_model_is_refused():
    return of_one_file("base/mem.c", "#include <model/name.h>\n")


def a_stage_that_includes_its_sibling_is_refused():
    return of_one_file("admit/admit.c", "#  include <outcome/outcome.h>\n")


def a_stage_that_includes_the_conductor_is_refused():
    return of_one_file("env/pool.c", "#include <invoke.h>\n")


def a_conductor_that_includes_a_door_is_refused():
    return of_one_file("invoke.c", "#include <control/control.h>\n")


def a_worker_that_includes_more_of_env_than_the_wire_is_refused():
    return of_one_file("worker/run.c", "#include <env/pool.h>\n")


def a_host_that_includes_the_worker_is_refused():
    return of_one_file("faas.c", "#include <worker/run.h>\n")


def libuv_in_the_model_is_refused():
    return of_one_file("model/name.c", "#include <uv.h>\n")


def libffi_outside_the_worker_is_refused():
    return of_one_file("env/thread.c", "#include <ffi.h>\n")


def sqlite_outside_the_store_is_refused():
    return of_one_file("model/name.c", "#include <sqlite3.h>\n")


def jansson_in_the_worker_is_refused():
    return of_one_file("worker/run.c", "#include <jansson.h>\n")


def a_host_that_reads_a_zip_itself_is_refused():
    return of_one_file("model/package/package.c", "#include <base/archive.h>\n")


def an_unknown_library_is_refused():
    return of_one_file("base/mem.c", "#include <glib.h>\n")


def an_include_in_quotes_is_refused():
    return of_one_file("base/mem.c", '#include "mem.h"\n')


def a_file_in_an_unknown_folder_is_refused():
    return of_one_file("util/misc.c", "")


def a_stray_file_in_lib_is_refused():
    return of_one_file("util.c", "")


tap.run(
    [every_include_looks_down, what_is_allowed_is_accepted],
    [
        base_that_includes_model_is_refused,
        a_stage_that_includes_its_sibling_is_refused,
        a_stage_that_includes_the_conductor_is_refused,
        a_conductor_that_includes_a_door_is_refused,
        a_worker_that_includes_more_of_env_than_the_wire_is_refused,
        a_host_that_includes_the_worker_is_refused,
        libuv_in_the_model_is_refused,
        libffi_outside_the_worker_is_refused,
        sqlite_outside_the_store_is_refused,
        jansson_in_the_worker_is_refused,
        a_host_that_reads_a_zip_itself_is_refused,
        an_unknown_library_is_refused,
        an_include_in_quotes_is_refused,
        a_file_in_an_unknown_folder_is_refused,
        a_stray_file_in_lib_is_refused,
    ],
)
