#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each constraint of the API's model, broken alone, is told in the words of Lambda, before anything is done.

The model is that of Debian's awscli, where it is installed. A request that the shapes test
sends is broken at one place at a time; what the control door answers is compared with
the words that Lambda has for that constraint.

usage: constraints.py <the door> <shapes.py>
"""
import copy
import importlib.util
import json
import re
import subprocess
import sys

SHOWN = 64  # bytes of a value; of a longer one the beginning is shown
MESSAGE = 255  # of struct faas_error
FREE = {"NextMarker", "Marker"}

# Members that are refused whatever is in them, since nothing here would act on them.
REFUSED = {
    "Topics": "there is no Kafka", "SelfManagedEventSource": "there is no Kafka",
    "AmazonManagedKafkaEventSourceConfig": "there is no Kafka",
    "SelfManagedKafkaEventSourceConfig": "there is no Kafka",
    "SourceAccessConfigurations": "there are neither Kafka nor MQ",
    "Queues": "there is no MQ",
}


def load(path):
    spec = importlib.util.spec_from_file_location("shapes", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# What AWS was seen to say of a pattern, whatever its model says.
SEEN = {"(^\\$LATEST$)|((?!^[0-9]+$)([a-zA-Z0-9-_]+))": "((?!^\\d+$)^[0-9a-zA-Z-_]+$)"}


# ---- values ---------------------------------------------------------------

def fits(shape, value):
    size = len(value) if isinstance(value, (str, list, dict)) else value
    return (shape.get("min", size) <= size <= shape.get("max", size)
            and ("enum" not in shape or value in shape["enum"])
            and ("pattern" not in shape or not isinstance(value, str) or re.fullmatch(shape["pattern"], value)))


CANDIDATES = (
    "f", "1", "7", "abc", "a.b", "/mnt/data", "o-0123456789", "000000000000", "lambda:GetLayerVersion",
    "arn:aws:iam::000000000000:role/r", "arn:aws:sqs:us-east-1:000000000000:q", "$LATEST", "host:9092", "ALL",
    "arn:aws:lambda:us-east-1:000000000000:layer:base:1", "arn:aws:lambda:us-east-1:000000000000:function:f",
    "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-01234567890123456",
    "arn:aws:lambda:us-east-1::runtime:0123456789",
    "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0",
)


def sample(shapes, name):
    """Something that breaks no constraint."""
    shape = shapes[name]
    kind = shape["type"]
    if kind == "structure":
        return {member: sample(shapes, shape["members"][member]["shape"]) for member in shape.get("required", ())}
    if kind == "list":
        return [sample(shapes, shape["member"]["shape"])] * max(1, shape.get("min", 1))
    if kind == "map":
        return {sample(shapes, shape["key"]["shape"]): sample(shapes, shape["value"]["shape"])}
    if kind == "boolean":
        return True
    if kind == "string":
        options = shape.get("enum", ()) or [c for c in CANDIDATES if fits(shape, c)] or ["x" * shape.get("min", 1)]
        return options[0]
    if kind == "blob":
        return "AAAA"
    return shape.get("min", 1)


def stretched(shape, length):
    """A text of that length which the pattern takes, if there is one."""
    for candidate in ("a" * length, "1" * length, "arn:" + "a" * (length - 4)):
        if "pattern" not in shape or re.fullmatch(shape["pattern"], candidate):
            return candidate
    for candidate in CANDIDATES:
        if "pattern" in shape and re.fullmatch(shape["pattern"], candidate) and len(candidate) < length:
            longer = candidate + candidate[-1] * (length - len(candidate))
            if re.fullmatch(shape["pattern"], longer):
                return longer
    return "a" * length if length else ""


def unfit(shape):
    """A text that breaks the pattern and, if that can be, nothing else."""
    for candidate in ("!", "a b", "!" * max(1, shape.get("min", 1)), "a b" * shape.get("min", 1), ""):
        if not re.fullmatch(shape["pattern"], candidate) and (
                shape.get("min", 0) <= len(candidate) <= shape.get("max", len(candidate))):
            return candidate
    return None


# ---- words ------------------------------------------------------------------

def shown(value):
    if isinstance(value, list):
        text = "[" + ", ".join(map(plain, value)) + "]"
    elif isinstance(value, dict):
        text = "{" + ", ".join(f"{k}={plain(v)}" for k, v in value.items()) + "}"
    else:
        text = plain(value)
    return text if len(text) <= SHOWN else text[:SHOWN - 3] + "..."


def plain(value):
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def number(value):
    return f"{value:g}"


def words(shape, constraint):
    kind = shape["type"]
    if constraint == "pattern":
        return "Member must satisfy regular expression pattern: " + SEEN.get(shape["pattern"], shape["pattern"])
    if constraint == "enum":
        return "Member must satisfy enum value set: ["
    what = "value" if kind in ("integer", "long", "double", "float") else "length"
    how = "greater than or equal to" if constraint == "min" else "less than or equal to"
    return f"Member must have {what} {how} {number(shape[constraint])}"


def broken(shape):
    """(constraint, value) for each that a value can break."""
    kind = shape["type"]
    if kind == "string":
        if shape.get("min"):
            yield "min", stretched(shape, shape["min"] - 1)
        if "max" in shape:
            yield "max", stretched(shape, shape["max"] + 1)
        if "pattern" in shape and unfit(shape) is not None:
            yield "pattern", unfit(shape)
        if "enum" in shape:
            yield "enum", "nonsense"
    elif kind in ("integer", "long", "double", "float"):
        if "min" in shape:
            yield "min", shape["min"] - 1
        if "max" in shape:
            yield "max", shape["max"] + 1


# ---- requests ---------------------------------------------------------------

def sites(shapes, name, path=()):
    """(path, shape name, required, secret): all members at any depth; of lists and maps the first item."""
    shape = shapes[name]
    for member, ref in shape.get("members", {}).items():
        required = member in shape.get("required", ())
        yield from inside(shapes, ref["shape"], path + (member,), required)


def inside(shapes, name, path, required):
    shape = shapes[name]
    secret = shape.get("sensitive", False)
    yield path, name, required, secret
    if shape["type"] == "structure":
        yield from sites(shapes, name, path)
    elif shape["type"] == "list":
        yield from inside(shapes, shape["member"]["shape"], path + (0,), False)
    elif shape["type"] == "map":
        yield path + ("{key}",), shape["key"]["shape"], False, secret
        yield path + ("{value}",), shape["value"]["shape"], False, secret


def put(shapes, name, at, path, value):
    """`at`, a value of that shape, with another value at the path; what is between is made."""
    shape, head, rest = shapes[name], path[0], path[1:]
    if shape["type"] == "list":
        item = shape["member"]["shape"]
        return [put(shapes, item, sample(shapes, item), rest, value) if rest else value]
    if shape["type"] == "map":
        key, item = sample(shapes, shape["key"]["shape"]), sample(shapes, shape["value"]["shape"])
        return {value: item} if head == "{key}" else {key: value}
    at = dict(at if isinstance(at, dict) else sample(shapes, name))
    child = shape["members"][head]["shape"]
    if not rest:
        at[head] = value
        if value is None:
            del at[head]
    else:
        at[head] = put(shapes, child, at.get(head, sample(shapes, child)), rest, value)
    return at


def at(request, path):
    for step in path:
        request = request[step]
    return request


def place(path):
    return ".".join(f"{step + 1}.member" if isinstance(step, int) else step[0].lower() + step[1:] for step in path)


def cases(shapes, name, base):
    """(path, constraint, request, what is to be said)."""
    for path, child, required, secret in sites(shapes, name):
        shape = shapes[child]
        if path[-1] in FREE:
            continue
        if required:
            request = put(shapes, name, base, path, None)
            yield path, "required", request, f"Value null at '{place(path)}'", "Member must not be null"
        if shape["type"] in ("list", "map"):
            yield from sizes(shapes, name, base, path, child)
        for constraint, value in broken(shape):
            request = put(shapes, name, base, path, value)
            yield (path, constraint, request, *complaint(request, path, shape, constraint, value, secret))


def complaint(request, path, shape, constraint, value, secret):
    """Items that are no structures are told of with their list."""
    text = words(shape, constraint)
    if not isinstance(path[-1], int) and path[-1] not in ("{key}", "{value}"):
        return f"Value '{shown(value)}' at '{place(path)}'", text
    whole, kind = at(request, path[:-1]), "Member" if isinstance(path[-1], int) else \
        "Map keys" if path[-1] == "{key}" else "Map value"
    told = "Value" if secret else f"Value '{shown(whole)}'"
    return f"{told} at '{place(path[:-1])}'", f"{kind} must satisfy constraint: [", text


def sizes(shapes, name, base, path, child):
    shape = shapes[child]
    if shape["type"] == "map" and shapes[shape["key"]["shape"]].get("enum"):
        return
    for constraint, size in (("min", shape.get("min", 0) - 1), ("max", shape.get("max", -2) + 1)):
        if size < 0 or size > 200:
            continue
        if shape["type"] == "list":
            value = [sample(shapes, shape["member"]["shape"])] * size
        else:
            value = {f"k{i}": sample(shapes, shape["value"]["shape"]) for i in range(size)}
        request = put(shapes, name, base, path, value)
        told = "Value" if any(isinstance(v, dict) for v in value) else f"Value '{shown(value)}'"
        yield path, constraint, request, f"{told} at '{place(path)}'", words(shape, constraint)


# ---- judging ------------------------------------------------------------------

def refused_whole(path):
    return any(step in REFUSED for step in path if isinstance(step, str))


def judge(text, path, said):
    if refused_whole(path):
        return [] if text.startswith("! InvalidParameterValueException") and "does nothing with" in text else [text]
    begin = "! ValidationException 1 validation error detected: "
    want = said[0] + " failed to satisfy constraint: " + said[1]
    whole = (begin + want)[:len("! ValidationException ") + MESSAGE]
    found = [] if text.startswith(whole) else [f"    said: {text}", f"expected: {begin + want}"]
    full = len(text) - len("! ValidationException ") >= MESSAGE - 3
    if len(said) > 2 and not full and said[2] not in text:
        found.append(f"{text}: {said[2]} is not told of")
    return found


def ask(door, operation, request):
    door.stdin.write(f"{operation} {json.dumps(request)}\n")
    door.stdin.flush()
    return door.stdout.readline().rstrip("\n")


def base_of(operation, requests, shapes, name):
    request = copy.deepcopy(dict(reversed(requests)).get(operation, {}))
    members = shapes[name]["members"]
    for member, value in list(request.items()):
        if member in members and isinstance(value, str) and not fits(shapes[members[member]["shape"]], value):
            request[member] = sample(shapes, members[member]["shape"])
    return request


def results(door, api, requests):
    shapes = api["shapes"]
    for operation in sorted({operation for operation, _ in requests}):
        row = api["operations"][operation]
        if "input" not in row:
            continue
        name = row["input"]["shape"]
        found, count = [], 0
        for path, constraint, request, *said in cases(shapes, name, base_of(operation, requests, shapes, name)):
            count += 1
            wrong = judge(ask(door, operation, request), path, said)
            if wrong:
                found += [f"{operation}.{place(path)}, {constraint}:", *wrong]
        yield f"{operation}: {count} constraints", found


def wrong_words_are_seen(api):
    """Each of these is a false answer to the same request."""
    path, said = ("MemorySize",), ("Value '1' at 'memorySize'", "Member must have value greater than or equal to 128")
    right = f"! ValidationException 1 validation error detected: {said[0]} failed to satisfy constraint: {said[1]}"
    wrong = (
        "{}", right.replace("128", "127"), right.replace("'1'", "'2'"), right.replace("memorySize", "timeout"),
        right.replace("ValidationException", "InvalidParameterValueException"),
        right.replace("1 validation error", "2 validation errors"),
        "! InvalidParameterValueException CreateFunction does nothing with 'MemorySize' here",
    )
    found = judge(right, path, said) + [f"{text} was accepted" for text in wrong if not judge(text, path, said)]
    row = api["operations"]["CreateFunction"]["input"]["shape"]
    count = sum(1 for _ in cases(api["shapes"], row, {}))
    return found + ([] if count > 40 else [f"CreateFunction has {count} constraints"])


def main():
    shapes = load(sys.argv[2])
    api = shapes.model()
    if not api:
        print("1..0 # SKIP no model of the API here; Debian's awscli has one")
        return
    with subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as door:
        told = list(results(door, api, shapes.REQUESTS))
        door.stdin.close()
    told.append(("the door closes in order", [] if door.returncode == 0 else [f"exit {door.returncode}"]))
    told.append(("wrong words are seen", wrong_words_are_seen(api)))
    print(f"1..{len(told)}")
    for number_, (title, found) in enumerate(told, 1):
        print(f"{'not ok' if found else 'ok'} {number_} - {title}")
        for line in found:
            print(f"# {line}")


if __name__ == "__main__":
    main()
