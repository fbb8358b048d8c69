#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the JSON that we write against an independent reading of the same bytes: all captured requests, and random
ones that use every message and field, in every shape that protobuf allows on the wire.

MASQUES_TEST_BIN: the folder of the test programs. MASQUES_FIXTURES: the captures (default: those of this tree)."""
import glob
import gzip
import json
import math
import os
import random
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
import otlp_oracle as oracle

FIXTURES = os.environ.get("MASQUES_FIXTURES", os.path.join(oracle.ROOT, "tests", "fixtures"))
PROGRAM = os.path.join(os.environ.get("MASQUES_TEST_BIN", "."), "otlp_json")
RANDOM_REQUESTS = 300
SEED = 20260501


def run(*args, data):
    return subprocess.run([PROGRAM, *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


# ---- what a line must look like ------------------------------------------------------------------------------

def go_number(value):
    """The double as Go's encoding/json prints it."""
    digits = repr(abs(value))
    mantissa, _, exponent = digits.partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    point = len(whole) + int(exponent or 0)
    figures = (whole + fraction).lstrip("0")
    point -= len(whole + fraction) - len(figures)
    figures = figures.rstrip("0")
    sign = "-" if math.copysign(1, value) < 0 else ""
    if not figures:
        return sign + "0"
    if abs(value) < 1e-6 or abs(value) >= 1e21:
        tail = "." + figures[1:] if len(figures) > 1 else ""
        return "%s%s%se%+d" % (sign, figures[0], tail, point - 1)
    if point <= 0:
        return sign + "0." + "0" * -point + figures
    if point >= len(figures):
        return sign + figures + "0" * (point - len(figures))
    return sign + figures[:point] + "." + figures[point:]


class Literal:
    """A number as it was written."""

    def __init__(self, text):
        self.text = text


WIDE = ("int64", "uint64", "fixed64", "sfixed64")


def kind_of(field):
    return {getattr(field, name): name[5:].lower() for name in dir(field) if name.startswith("TYPE_")}[field.type]


def check_shape(case, node, descriptor, path):
    """Fields in the order of the .proto files, nothing that is zero, everything that is always shown, every value in
    the form of its kind."""
    names = [field.json_name for field in descriptor.fields]
    keys = list(node)
    case.assertEqual(keys, [name for name in names if name in node], path)
    for field in descriptor.fields:
        where = path + "." + field.json_name
        if oracle.is_always(field):
            case.assertIn(field.json_name, node, where)
        if field.json_name not in node:
            continue
        value = node[field.json_name]
        repeated = field.label == field.LABEL_REPEATED
        if repeated:
            case.assertTrue(value, where)
        for item in value if repeated else [value]:
            if field.message_type is not None:
                check_shape(case, item, field.message_type, where)
            else:
                check_scalar(case, item, field, repeated or field.containing_oneof is not None, where)


def check_scalar(case, item, field, zero_allowed, where):
    kind = kind_of(field)
    if not zero_allowed:
        text = item.text if isinstance(item, Literal) else item
        case.assertNotIn(text, ("", "0", False, "-0"), where)
    if kind in WIDE:
        case.assertIsInstance(item, str, where)
        case.assertRegex(item, r"^-?(0|[1-9][0-9]*)$", where)
    elif kind == "double":
        if isinstance(item, str):
            case.assertIn(item, ("NaN", "Infinity", "-Infinity"), where)
        else:
            case.assertEqual(item.text, go_number(float(item.text)), where)
    elif kind in ("enum", "uint32", "fixed32", "sint32"):
        case.assertRegex(item.text, r"^-?(0|[1-9][0-9]*)$", where)
    elif kind == "bool":
        case.assertIsInstance(item, bool, where)
    elif field.json_name in oracle.HEX_FIELDS:
        case.assertRegex(item, r"^[0-9a-f]*$", where)
    else:
        case.assertIsInstance(item, str, where)


# ---- random requests -----------------------------------------------------------------------------------------

WIRE = {"double": 1, "fixed64": 1, "sfixed64": 1, "fixed32": 5, "string": 2, "bytes": 2, "message": 2}
STRINGS = ["", "a", "service.name", "quote \" slash \\ tab\t nl\n cr\r nul\0 bell\a bs\b ff\f del\x7f esc\x1b",
           "žluťoučký kůň", "\u2028\u2029", "\U0001f680 rocket", "x" * 130, "é" * 700, "ab\ncdefghijklm", "12345678",
           "<script>&amp;</script>", "long " * 900 + "\n" + "é\U0001f600" * 300]
DOUBLES = [0.0, 1.0, -1.0, 0.1, 2.5, 1e-6, 9.99e-7, 1e-7, 1e20, 1e21, 1.5e21, 1e22, 1e300, 5e-324, 2.2250738585072014e-308,
           1.7976931348623157e308, 2 ** -44, 2.0 ** 60, 123456789.123456789, 1 / 3, 100.0, 1e15, 1e16, 123456789012345680.0,
           float("nan"), float("inf"), float("-inf"), 4.35, 0.000001, 299792458.0, 5e-7]
WHOLE = [0, 1, 2, 9, 10, 99, 100, 127, 128, 255, 256, 2 ** 31 - 1]


def varint(value, padding=0):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7f or padding:
        out.append(value & 0x7f | 0x80)
        if value <= 0x7f:
            padding -= 1
        value >>= 7
    out.append(value)
    return bytes(out)


class Generator:
    """Writes wire bytes of a message from its descriptor. What they mean is the oracle's to say, so anything that is
    legal goes: fields in any order, twice, in pieces, packed or not, unknown ones in between."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.used = set()

    def number(self, kind):
        r = self.random
        if kind == "double":
            value = r.choice(DOUBLES) if r.random() < 0.6 else struct.unpack("<d", r.randbytes(8))[0]
            if math.isnan(value):
                value = float("nan")
            return struct.pack("<d", value)
        if kind in ("fixed64", "sfixed64"):
            return struct.pack("<Q", r.choice(WHOLE + [2 ** 63, 2 ** 64 - 1, 1795380168397000000]))
        if kind == "fixed32":
            return struct.pack("<I", r.choice(WHOLE + [2 ** 32 - 1]))
        if kind == "bool":
            return varint(r.choice([0, 1, 1]))
        if kind == "enum":
            return varint(r.choice([0, 1, 2, 3, 17, 99, -1]))
        if kind == "uint32":
            return varint(r.choice(WHOLE + [2 ** 32 - 1]))
        if kind == "sint32":
            return varint(r.choice(WHOLE + [2 ** 32 - 1, 3, 5]))
        return varint(r.choice(WHOLE + [2 ** 63 - 1, 2 ** 64 - 1, -2 ** 63, 2 ** 32]))

    def text(self, field):
        r = self.random
        if kind_of(field) == "string":
            return r.choice(STRINGS).encode()
        if field.json_name in oracle.HEX_FIELDS:
            size = 16 if field.json_name == "traceId" else 8
            return r.choice([r.randbytes(size), b"", bytes(size), bytes(size - 1) + b"\1"])
        return r.randbytes(r.choice([0, 1, 2, 3, 4, 57, 300]))

    def framed(self, number, body):
        return varint(number << 3 | 2) + varint(len(body), self.random.choice([0, 0, 0, 1])) + body

    def occurrence(self, field, depth):
        """One occurrence of the field, tag and all."""
        r = self.random
        kind = kind_of(field)
        if kind == "message":
            return self.framed(field.number, self.message(field.message_type, depth + 1))
        if kind in ("string", "bytes"):
            return self.framed(field.number, self.text(field))
        if field.label == field.LABEL_REPEATED and r.random() < 0.6:
            return self.framed(field.number, b"".join(self.number(kind) for _ in range(r.randrange(5))))
        return varint(field.number << 3 | WIRE.get(kind, 0)) + self.number(kind)

    def unknown(self):
        r = self.random
        number = r.choice([1000, 17, 536870911])
        return r.choice([varint(number << 3) + varint(r.randrange(1 << 40)),
                         varint(number << 3 | 1) + bytes(8), varint(number << 3 | 5) + bytes(4),
                         varint(number << 3 | 2) + varint(3) + b"\xff\xfe\xfd"])

    def message(self, descriptor, depth=0):
        r = self.random
        parts = []
        for field in descriptor.fields:
            if field.name.endswith("_strindex"):
                continue  # counts as absent outside profiles
            message = field.message_type is not None
            structural = depth < 4 and message and field.label == field.LABEL_REPEATED
            chance = 0.95 if structural else max(0.0, 0.75 - 0.07 * depth) if message else 0.6
            if r.random() > chance:
                continue
            self.used.add(field.full_name)
            times = r.choice([1, 1, 2, 3]) if field.label == field.LABEL_REPEATED else r.choice([1, 1, 1, 2])
            parts += [self.occurrence(field, depth) for _ in range(times)]
        if r.random() < 0.5:
            r.shuffle(parts)
        if r.random() < 0.15:
            parts.insert(r.randrange(len(parts) + 1), self.unknown())
        return b"".join(parts)


def all_fields(descriptor, seen):
    if descriptor.full_name in seen:
        return set()
    seen.add(descriptor.full_name)
    found = set()
    for field in descriptor.fields:
        if field.name.endswith("_strindex"):
            continue
        found.add(field.full_name)
        if field.message_type is not None:
            found |= all_fields(field.message_type, seen)
    return found


# ---- the tests -----------------------------------------------------------------------------------------------

class JsonOracle(unittest.TestCase):
    maxDiff = None

    def check(self, signal, data, name):
        wanted = oracle.decode(signal, data)
        counted = run(signal, "count", data=data)
        self.assertEqual(counted.returncode, 0, name + ": " + counted.stderr.decode())
        self.assertEqual(int(counted.stdout), oracle.records(signal, wanted), name)
        written = run(signal, data=data)
        self.assertEqual(written.returncode, 0, name + ": " + written.stderr.decode())
        text = written.stdout.decode("utf-8")
        self.assertTrue(text.endswith("\n") and text.count("\n") == 1, name)
        got = oracle.normalise(oracle.from_json(signal, text))
        oracle.normalise(wanted)
        if got.SerializeToString(deterministic=True) != wanted.SerializeToString(deterministic=True):
            self.assertEqual(str(got), str(wanted), name)
            self.fail(name + ": the bytes differ")
        shape = json.loads(text, parse_float=Literal, parse_int=Literal)
        check_shape(self, shape, wanted.DESCRIPTOR, name)

    def test_captured_requests_mean_the_same_in_json(self):
        done = 0
        for path in sorted(glob.glob(os.path.join(FIXTURES, "*.bin"))):
            name = os.path.basename(path)
            if "http-json" in name or "grpcframe" in name:
                continue
            with open(path, "rb") as file:
                data = file.read()
            if data.startswith(b"\x1f\x8b"):
                data = gzip.decompress(data)
            signal = next(s for s in oracle.SIGNALS if "." + s + "." in name)
            with self.subTest(name):
                self.check(signal, data, name)
            done += 1
        self.assertGreater(done, 40)

    def test_random_requests_mean_the_same_in_json(self):
        generator = Generator(SEED)
        for i in range(RANDOM_REQUESTS):
            signal = oracle.SIGNALS[i % 3]
            data = generator.message(oracle.REQUESTS[signal].DESCRIPTOR)
            with self.subTest(i=i, signal=signal):
                self.check(signal, data, "random %d" % i)
        wanted = set()
        for request in oracle.REQUESTS.values():
            wanted |= all_fields(request.DESCRIPTOR, set())
        self.assertEqual(wanted - generator.used, set(), "fields that no request used")

    def test_concatenated_requests_are_one_batch(self):
        generator = Generator(SEED + 1)
        for signal in oracle.SIGNALS:
            parts = [generator.message(oracle.REQUESTS[signal].DESCRIPTOR) for _ in range(3)]
            self.check(signal, b"".join(parts), "concatenated " + signal)

    def test_an_empty_request_is_an_empty_object(self):
        for signal in oracle.SIGNALS:
            self.assertEqual(run(signal, data=b"").stdout, b"{}\n")

    def test_what_google_refuses_is_refused(self):
        """Cut anywhere, a request is either still valid for both or for neither."""
        generator = Generator(SEED + 2)
        data = generator.message(oracle.REQUESTS["traces"].DESCRIPTOR)[:4000]
        step = max(1, len(data) // 150)
        for size in range(0, len(data), step):
            try:
                oracle.decode("traces", data[:size])
                valid = True
            except Exception:
                valid = False
            self.assertEqual(run("traces", "count", data=data[:size]).returncode == 0, valid, size)


if __name__ == "__main__":
    unittest.main()
