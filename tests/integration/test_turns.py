# SPDX-License-Identifier: Apache-2.0
"""Large bodies never hold up a worker's loop: its longest turn is a small part of what the worker spends on a body,
whatever comes, however it comes; both are CPU time of the same process, so that a busy or slow machine changes neither
side alone. What a body took is given back beside the loop: the loop itself frees no large block. Times are printed."""
import gzip
import random
import unittest

import grpc_client
import suite
import telemetry
from gateway import wait_for
from http_client import Connection, chunked, request
from worker_host import WorkerHost

PROTOBUF = "application/x-protobuf"
MIB = 1 << 20
LARGE_PART = 10  # the longest turn is at most this part of the whole, for bodies near the largest
JUST_PART = 3    # and for those that are just too large for the loop, of which receiving is a larger part
FREED_BYTES = MIB + 4096  # JOBS_DROP_BYTES, and what malloc rounds up


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def wrapped(field, inner):
    return bytes([field << 3 | 2]) + varint(len(inner)) + inner


def records(record, count):
    """ExportLogsServiceRequest with one and the same record over and over."""
    return wrapped(1, wrapped(2, wrapped(2, record) * count))


def text_of(kib):
    noise = random.Random(1)
    return "".join(noise.choice("abcdefgh") for _ in range(kib * 1024))


ATTRIBUTE = wrapped(6, wrapped(1, b"key") + wrapped(2, wrapped(1, b"a value of some length")))
RECORD = wrapped(5, wrapped(1, b"a body")) + ATTRIBUTE * 12
JSON_RECORD = (b'{"timeUnixNano":"1777629600000000000","body":{"stringValue":"claude_code.api_request"},"attributes":['
               + b",".join([b'{"key":"session.id","value":{"stringValue":"a value of some length"}}'] * 12) + b"]}")


def json_of(record, count):
    return b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[' + b",".join([record] * count) + b"]}]}]}"


BIG = 63 * MIB
LARGE = {  # name: (body, content type, coding)
    "protobuf": lambda: (records(RECORD, BIG // (len(RECORD) + 4)), PROTOBUF, None),
    "tiny records": lambda: (records(b"", 999_999), PROTOBUF, None),
    "attributes without end": lambda: (records(wrapped(6, b"") * (BIG // 2), 1), PROTOBUF, None),
    "no UTF-8": lambda: (records(wrapped(5, wrapped(1, b"\xff" * 1000)), BIG // 1010), PROTOBUF, None),
    "damaged records": lambda: (records(b"\x2a\x50", 999_999), PROTOBUF, None),
    "json": lambda: (json_of(JSON_RECORD, BIG // (len(JSON_RECORD) + 1)), "application/json", None),
    "tiny json": lambda: (json_of(b"{}", 999_999), "application/json", None),
    "unknown json": lambda: (b'{"x":[' + b"[]," * (BIG // 3) + b"[]]}", "application/json", None),
    "gzip": lambda: (gzip.compress(records(RECORD, BIG // (len(RECORD) + 4)), 1), PROTOBUF, "gzip"),
    "gzip json": lambda: (gzip.compress(json_of(JSON_RECORD, BIG // (len(JSON_RECORD) + 1)), 1), "application/json", "gzip"),
    "gzip that lies": lambda: (gzip.compress(records(RECORD, 40000), 1)[:-4] + bytes(4), PROTOBUF, "gzip"),
}
JUST_LARGE = {  # REFINE_LOOP_BYTES, REFINE_LOOP_JSON_BYTES and some more
    "just large": lambda: (records(wrapped(6, b"") * 130_000, 1), PROTOBUF, None),
    "just large records": lambda: (records(b"", 130_000), PROTOBUF, None),
    "just large damage": lambda: (records(b"\x2a\x50", 65_000), PROTOBUF, None),
    "just large gzip": lambda: (gzip.compress(records(wrapped(6, b"") * 130_000, 1)), PROTOBUF, "gzip"),
    "just large json": lambda: (json_of(b"{}", 130_000), "application/json", None),
    "just large json values": lambda: (json_of(b'{"attributes":[' + b"{}," * 130_000 + b"{}]}", 1), "application/json", None),
}
SMALL = {  # as much as is done on the loop
    "a small body": lambda: (records(wrapped(6, b"") * 65_000, 1), PROTOBUF, None),
    "small records": lambda: (records(b"", 65_000), PROTOBUF, None),
    "small damage": lambda: (records(b"\x2a\x50", 32_000), PROTOBUF, None),
    "small values": lambda: (records(wrapped(5, wrapped(5, wrapped(1, b"") * 65_000)), 1), PROTOBUF, None),
    "small gzip": lambda: (gzip.compress(records(wrapped(6, b"") * 65_000, 1)), PROTOBUF, "gzip"),
    "small json": lambda: (json_of(b"{}", 64_000), "application/json", None),
    "small json values": lambda: (json_of(b'{"attributes":[' + b"{}," * 64_000 + b"{}]}", 1), "application/json", None),
    "small json numbers": lambda: (json_of(b'{"x":[' + b"1," * 97_000 + b"1]}", 1), "application/json", None),
}


class Turns(unittest.TestCase):
    def setUp(self):
        self.host = WorkerHost(probe=True, inflate_ratio=2000)
        self.host.wait_for_beat()
        self.host.turns()  # its start does not count

    def tearDown(self):
        self.assertEqual(self.host.close(), 0)

    def check(self, name, part=LARGE_PART):
        """The longest turn since the last check is less than 1 / part of what the worker has used since then, and no
        turn gave a large block back."""
        self.host.wait_for_beat()
        self.host.wait_for_number("batches_open", lambda n: n == 0)
        self.host.wait_for_number("ledger_bytes", lambda n: n == 0)
        cpu, wall, freed, whole = self.host.turns()
        print(f"{name}: longest turn {cpu} us of CPU ({wall} us on the clock) of {whole} us for all of it: "
              f"{100 * cpu / whole:.1f} %; largest block freed {freed} bytes")
        self.assertLess(freed, FREED_BYTES, name)
        if part:
            self.assertLess(cpu * part, whole, name)

    def send_all(self, bodies, part):
        for name, make in bodies.items():
            body, kind, coding = make()
            headers = [("Content-Encoding", coding)] if coding else []
            with self.subTest(name), Connection(self.host.address, timeout=120) as on:
                on.send(request("/v1/logs", body, content_type=kind, headers=headers))
                self.assertIn(on.read_answer().status, (200, 400))
                self.check(name, part)

    def test_no_large_body_holds_up_the_loop(self):
        self.send_all(LARGE, LARGE_PART)

    def test_nor_does_one_that_is_just_too_large_for_it(self):
        self.send_all(JUST_LARGE, JUST_PART)

    def test_what_is_done_on_the_loop_is_measured(self):
        self.send_all(SMALL, None)

    def test_chunks_and_messages_are_no_worse(self):
        body, kind, _ = LARGE["protobuf"]()
        with Connection(self.host.address, timeout=120) as on:
            on.send(request("/v1/logs", length=False, content_type=kind, headers=[("Transfer-Encoding", "chunked")]))
            on.send(chunked(body, sizes=(60_000, 100_000)))
            self.assertEqual(on.read_answer().status, 200)
        self.check("chunks")
        self.assertEqual(grpc_client.export(self.host.address, "logs", body, timeout=120), b"")
        self.check("gRPC")

    def test_clients_that_go_leave_no_long_turn(self):
        body, kind, _ = LARGE["protobuf"]()
        for part in (len(body) - 1, len(body)):
            end = self.host.numbers().get("received_bytes", 0) + part
            with Connection(self.host.address) as on:
                on.send(request("/v1/logs", body, content_type=kind)[:-1 if part < len(body) else None])
                self.host.wait_for_number("received_bytes", lambda n, end=end: n >= end)
            self.host.wait_for_number("connections", lambda n: n == 0)
            self.check("a client that goes")


if __name__ == "__main__":
    suite.main()
