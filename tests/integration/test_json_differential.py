#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds our reading of OTLP/JSON against an independent one: all captured JSON requests; random requests that use
every message and field, as our own writer and as others write them; and the damages that cost neither a batch nor a
record.

MASQUES_TEST_BIN: the folder of the test programs. MASQUES_FIXTURES: the captures (default: those of this tree)."""
import base64
import glob
import gzip
import json
import math
import os
import random
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
sys.path.insert(0, HERE)
import otlp_oracle as oracle
from test_json_oracle import FIXTURES, PROGRAM, SEED, Generator, kind_of

RANDOM_REQUESTS = 200


def read(signal, text):
    """The bytes that the JSON means, its records, and how many values were mended; None and the reason instead."""
    data = text if isinstance(text, bytes) else text.encode()
    done = subprocess.run([PROGRAM, signal, "read"], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    words = done.stderr.decode()
    if done.returncode != 0:
        return None, words, None
    records, mended, _ = words.split(" ", 2)
    return done.stdout, int(records), int(mended)


def canonical(message):
    return message.SerializeToString(deterministic=True)


def captures(*parts):
    """The captured requests whose names have all parts: name, signal, content."""
    for path in sorted(glob.glob(os.path.join(FIXTURES, "*.bin"))):
        name = os.path.basename(path)
        if not all(part in name for part in parts) or "grpcframe" in name:
            continue
        with open(path, "rb") as file:
            data = file.read()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        yield name, next(s for s in oracle.SIGNALS if "." + s + "." in name), data


# ---- the ways in which JSON may be written -----------------------------------------------------------------------

BASE64_URL = str.maketrans("+/", "-_")
SPACES = ["", "", "", " ", "\n", "\t \r\n"]
UNKNOWN = ['"', "\\", "{", "}", "[", "]", "\u017e", 0, -1.5e-7, 1e300, None, True, [], {}, [[[]]], {"a": [{"b": {}}]}]


class Writer:
    """Writes a message as OTLP/JSON that means the same, never twice in the same way."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def space(self):
        return self.random.choice(SPACES)

    def quoted(self, text):
        r = self.random
        plain = json.dumps(text, ensure_ascii=r.random() < 0.4)
        if r.random() < 0.3:
            plain = plain.replace("/", "\\/")
        if r.random() < 0.1 and text.isascii():
            return '"' + "".join("\\u%04X" % ord(c) for c in text) + '"'
        return plain

    def whole(self, value):
        """An integer, plain, in quotes, with an exponent, or with a fraction of zeros."""
        forms = [str(value), '"%d"' % value, "%d.0" % value, '"%d.000e0"' % value, "%d.00E-0" % value]
        zeros = len(str(value)) - len(str(value).rstrip("0"))
        if value and zeros:
            forms.append("%se+%d" % (str(value)[:-zeros], zeros))
        if value > 0:
            digits = str(value)
            forms += [digits + "00e-2", "%s.%s0e%d" % (digits[0], digits[1:], len(digits) - 1)]
        return self.random.choice(forms)

    def real(self, value):
        if math.isnan(value):
            return '"NaN"'
        if math.isinf(value):
            return '"Infinity"' if value > 0 else '"-Infinity"'
        forms = [repr(value), '"%r"' % value, "%.25e" % value, "%.17g" % value]
        if abs(value) < 1e30:
            forms.append("%.40f" % value if value == 0 or abs(value) > 1e-20 else repr(value))
        return self.random.choice(forms)

    def enum(self, field, value):
        names = field.enum_type.values_by_number
        if value in names and self.random.random() < 0.4:
            return '"%s"' % names[value].name
        return self.whole(value)

    def bytes(self, field, value):
        r = self.random
        if field.json_name in oracle.HEX_FIELDS:
            text = value.hex()
            return self.quoted(r.choice([text, text.upper()]))
        text = base64.b64encode(value).decode()
        text = r.choice([text, text.translate(BASE64_URL)])
        return self.quoted(r.choice([text, text.rstrip("=")]))

    def item(self, field, value):
        kind = kind_of(field)
        if kind == "message":
            return self.message(value)
        if kind == "string":
            return self.quoted(value)
        if kind == "bytes":
            return self.bytes(field, value)
        if kind == "bool":
            return "true" if value else "false"
        if kind == "enum":
            return self.enum(field, value)
        return self.real(value) if kind == "double" else self.whole(value)

    def value(self, field, value):
        if field.label != field.LABEL_REPEATED:
            return self.item(field, value)
        items = [self.space() + self.item(field, one) + self.space() for one in value]
        return "[" + (",".join(items) or self.space()) + "]"

    def key(self, field):
        r = self.random
        name = r.choice([field.json_name] * 3 + [field.name])
        return self.quoted(name) if r.random() < 0.1 else '"%s"' % name

    def extras(self, message):
        """Members that mean nothing: unknown keys, and fields that are null."""
        r = self.random
        present = {field.name for field, _ in message.ListFields()}
        members = []
        if r.random() < 0.2:
            members.append(self.quoted(r.choice(["x", "", "Body", "string_value_strindex", "k" * 200])) + ":" +
                           json.dumps(r.choice(UNKNOWN)))
        absent = [field for field in message.DESCRIPTOR.fields if field.name not in present]
        if absent and r.random() < 0.2:
            members.append(self.key(r.choice(absent)) + ":null")
        return members

    def message(self, message):
        r = self.random
        members = [self.key(field) + self.space() + ":" + self.space() + self.value(field, value)
                   for field, value in message.ListFields()] + self.extras(message)
        if r.random() < 0.5:
            r.shuffle(members)
        members = self.with_doubles(message, members)
        return "{" + ",".join(self.space() + m + self.space() for m in members) + "}"

    def with_doubles(self, message, members):
        """Gives a key twice: what comes first does not count."""
        r = self.random
        fields = [field for field, _ in message.ListFields()]
        if not fields or r.random() > 0.1:
            return members
        field = r.choice(fields)
        other = r.choice(["null", self.value(field, getattr(message, field.name))])
        return [self.key(field) + ":" + other] + members


def walk(message):
    """The message and all that are inside it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in value if field.label == field.LABEL_REPEATED else [value]:
                yield from walk(item)


def as_the_oracle_takes_it(text):
    """The captured JSON with an integer too large called a double, and without the key that no schema has."""
    tree = json.loads(text.replace(b'"intValue":1.7976931348623157e+308', b'"doubleValue":1.7976931348623157e+308'))
    for resources in tree.values():
        for resource in resources:
            resource["resource"].pop("schemaUrl", None)
    return json.dumps(tree)


def without_clock_and_chance(message):
    """Nor what JavaScript cannot say in JSON: NaN, the infinities (null) and the sign of zero."""
    for part in walk(message):
        for field, value in part.ListFields():
            if field.json_name in oracle.HEX_FIELDS or field.name.endswith("unix_nano"):
                part.ClearField(field.name)
            elif kind_of(field) == "double" and field.label != field.LABEL_REPEATED:
                if not math.isfinite(value):
                    part.ClearField(field.name)
                elif value == 0:
                    setattr(part, field.name, 0.0)
    return oracle.normalise(message)


class JsonDifferential(unittest.TestCase):
    maxDiff = None

    def same(self, got, wanted, name):
        if canonical(got) != canonical(wanted):
            self.assertEqual(str(got), str(wanted), name)
            self.fail(name + ": the bytes differ")

    def check(self, signal, text, wanted, name, damaged=False):
        data, records, mended = read(signal, text)
        self.assertIsNotNone(data, "%s: %s" % (name, records))
        self.same(oracle.decode(signal, data), wanted, name)
        self.assertEqual(records, oracle.records(signal, wanted), name)
        if not damaged:
            self.assertEqual(mended, 0, name)

    def test_captured_requests_mean_what_the_oracle_says(self):
        done = 0
        for name, signal, text in captures("http-json"):
            with self.subTest(name):
                self.check(signal, text, oracle.from_json(signal, as_the_oracle_takes_it(text)), name, damaged=True)
            done += 1
        self.assertGreater(done, 20)

    def test_captured_requests_mean_the_same_in_both_encodings(self):
        """One program sent both, in two runs: only its clock and its random ids differ."""
        done = 0
        for name, signal, text in captures("otel-js", "http-json"):
            with open(os.path.join(FIXTURES, name.replace("http-json-gzip", "http-protobuf")
                                   .replace("http-json", "http-protobuf")), "rb") as file:
                wanted = without_clock_and_chance(oracle.decode(signal, file.read()))
            data, reason, _ = read(signal, text)
            self.assertIsNotNone(data, reason)
            with self.subTest(name):
                self.same(without_clock_and_chance(oracle.decode(signal, data)), wanted, name)
            done += 1
        self.assertGreater(done, 8)

    def test_what_we_write_we_read_back(self):
        generator = Generator(SEED + 10)
        for i in range(RANDOM_REQUESTS):
            signal = oracle.SIGNALS[i % 3]
            data = generator.message(oracle.REQUESTS[signal].DESCRIPTOR)
            text = subprocess.run([PROGRAM, signal], input=data, stdout=subprocess.PIPE, check=True).stdout
            wanted = oracle.normalise(oracle.decode(signal, data))
            back, reason, mended = read(signal, text)
            with self.subTest(i=i, signal=signal):
                self.assertIsNotNone(back, reason)
                self.same(oracle.normalise(oracle.decode(signal, back)), wanted, "random %d" % i)
                self.assertEqual(mended, 0)

    def test_however_it_is_written_it_means_the_same(self):
        generator = Generator(SEED + 11)
        writer = Writer(SEED + 12)
        for i in range(RANDOM_REQUESTS):
            signal = oracle.SIGNALS[i % 3]
            wanted = oracle.decode(signal, generator.message(oracle.REQUESTS[signal].DESCRIPTOR))
            text = writer.message(wanted)
            with self.subTest(i=i, signal=signal):
                self.check(signal, text, wanted, "random %d" % i, damaged=True)

    def test_where_the_json_is_broken_it_is_refused(self):
        """A text is JSON for Python or refused by us: cut anywhere, and with any byte replaced."""
        generator = Generator(SEED + 13)
        text = b""
        while len(text) < 2000:
            data = generator.message(oracle.REQUESTS["traces"].DESCRIPTOR)
            text = subprocess.run([PROGRAM, "traces"], input=data, stdout=subprocess.PIPE, check=True).stdout
        chance = random.Random(SEED)
        for i in range(150):
            at = chance.randrange(len(text))
            damaged = text[:at] if i % 2 else text[:at] + bytes([chance.choice(b'{}[]",:\\n0-e.\x01\xff ')]) + text[at + 1:]
            try:
                json.loads(damaged.decode("utf-8", "replace"))
                valid = True
            except ValueError:
                valid = False
            data, reason, _ = read("traces", damaged)
            self.assertEqual(data is not None, valid, "%r: %s" % (damaged[max(0, at - 30):at + 30], reason))


if __name__ == "__main__":
    unittest.main()
