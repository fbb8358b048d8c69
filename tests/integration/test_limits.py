# SPDX-License-Identifier: Apache-2.0
"""Every limit at the door, by its option: what is refused, how it is said, and that what lies just below gets through
(docs/configuration.md: receivers::otlp, masques::limits)."""
import gzip
import random
import socket
import time
import unittest

import grpc
import grpc_client
import suite
import telemetry
from gateway import Gateway, wait_for
from http_client import Connection, post, request
from telemetry import status_of_answer, status_of_error
from test_http2 import http_headers, json_logs
from worker_host import (ACK, DATA, END_HEADERS, END_STREAM, H2, HEADERS, RST_STREAM, SETTINGS, frame,
                         grpc_headers, grpc_message)

KIB, MIB = 1 << 10, 1 << 20
PROTOBUF, JSON = "application/x-protobuf", "application/json"
GOOD = telemetry.logs(["good"])
REFUSED_STREAM, CALM = 7, 11


def json_logs_of(names):
    return json_logs(*names)


def nested(depth):
    """A log record whose body is so many messages deep, the request being 1."""
    inner = telemetry.oracle.REQUESTS["logs"]()
    record = inner.resource_logs.add().scope_logs.add().log_records.add()
    value, at = record.body, 5
    while at < depth - 1:
        value.array_value.SetInParent()
        value, at = value.array_value.values.add(), at + 2
    value.string_value = "deep"
    return inner.SerializeToString()


def nested_json(arrays):
    return (b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":' + b'{"arrayValue":{"values":[' * arrays
            + b'{"stringValue":"deep"}' + b"]}}" * arrays + b"}]}]}]}")


class Case(unittest.TestCase):
    limits, otlp = {}, {}
    host = "127.0.0.1"

    @classmethod
    def setUpClass(cls):
        endpoint = {"endpoint": cls.host + ":0"}
        otlp = {name: {**endpoint, **cls.otlp.get(name, {})} for name in ("grpc", "http")}
        cls.gateway = Gateway(workers=1, masques={"limits": cls.limits}, otlp=otlp, hang_after="300s").start()

    @classmethod
    def tearDownClass(cls):
        try:
            cls.gateway.stop()
        finally:
            cls.gateway.destroy()

    def tearDown(self):
        """Whatever was refused, the next one gets through and nothing stays charged."""
        self.assertEqual(post(self.gateway.http, "/v1/logs", GOOD).status, 200)
        self.wait_number("ledger_bytes", lambda n: n == 0)

    def number(self, name):
        return self.gateway.child("worker/1")["numbers"].get(name, 0)

    def wait_number(self, name, test):
        return wait_for(lambda: test(self.number(name)), f"the right {name}")

    def http(self, body, status, words="", kind=PROTOBUF, headers=()):
        answer = post(self.gateway.http, "/v1/logs", body, content_type=kind, headers=headers)
        self.assertEqual(answer.status, status, answer)
        if status != 200:
            self.assertIn(words, status_of_answer(answer).message)
        return answer

    def grpc(self, body, code=None, words="", **options):
        if code is None:
            grpc_client.export(self.gateway.grpc, "logs", body, **options)
            return None
        with self.assertRaises(grpc.RpcError) as caught:
            grpc_client.export(self.gateway.grpc, "logs", body, **options)
        self.assertEqual(caught.exception.code(), code)
        self.assertIn(words, caught.exception.details())
        return status_of_error(caught.exception)


class Sizes(Case):
    otlp = {"http": {"max_request_body_size": 32 * KIB}, "grpc": {"max_recv_msg_size_mib": 1, "max_concurrent_streams": 3}}
    limits = {"max_depth": 20, "max_records": 10, "max_header_bytes": "2KiB", "inflate_ratio": 10}

    def test_max_request_body_size(self):
        self.http(telemetry.logs(["s"], padding=31 * KIB), 200)
        self.http(telemetry.logs(["l"], padding=33 * KIB), 413, "size limit")
        self.http(json_logs("x" * 14 * KIB), 200, kind=JSON)
        self.http(json_logs("x" * 33 * KIB), 413, "size limit", kind=JSON)

    def test_max_request_body_size_inflated(self):
        noise = random.Random(1).randbytes(9 * KIB).hex()  # which stands in a record twice
        for make, kind in ((telemetry.logs, PROTOBUF), (json_logs_of, JSON)):
            for text, status in ((noise[:14 * KIB], 200), (noise, 413)):
                packed = gzip.compress(make([text]))
                self.assertLess(len(packed), 32 * KIB)
                self.http(packed, status, "limit", kind=kind, headers=[("Content-Encoding", "gzip")])

    def test_max_recv_msg_size(self):
        self.grpc(telemetry.logs(["s"], padding=MIB - KIB))
        status = self.grpc(telemetry.logs(["l"], padding=MIB), grpc.StatusCode.RESOURCE_EXHAUSTED, "larger than max")
        self.assertIsNone(status.retry_after_s)
        noise = random.Random(1).randbytes(600 * KIB).hex()
        self.grpc(telemetry.logs([noise]), grpc.StatusCode.RESOURCE_EXHAUSTED,
                  compression=grpc.Compression.Gzip)

    def test_inflate_ratio(self):
        with Gateway(workers=1, masques={"limits": {"inflate_ratio": 10}}) as gateway:
            for size, status in ((MIB - KIB, 200), (2 * MIB, 413)):
                answer = post(gateway.http, "/v1/logs", gzip.compress(telemetry.logs(["r"], padding=size)),
                              headers=[("Content-Encoding", "gzip")])
                self.assertEqual(answer.status, status)
            self.assertIn("multiple", status_of_answer(answer).message)

    def test_max_depth(self):
        self.http(nested(19), 200)
        self.http(nested(25), 400, "20")
        self.grpc(nested(25), grpc.StatusCode.INVALID_ARGUMENT, "20")
        self.http(nested_json(6), 200, kind=JSON)
        self.http(nested_json(12), 400, "20", kind=JSON)

    def test_max_records(self):
        self.http(telemetry.logs(range(10)), 200)
        self.http(telemetry.logs(range(11)), 413, "10")
        self.grpc(telemetry.logs(range(11)), grpc.StatusCode.RESOURCE_EXHAUSTED, "10")
        self.http(json_logs(*map(str, range(10))), 200, kind=JSON)
        self.http(json_logs(*map(str, range(11))), 413, "10", kind=JSON)

    def test_max_header_bytes(self):
        self.http(GOOD, 200, headers=[("X-Large", "v" * 1000)])
        self.http(GOOD, 431, headers=[("X-Large", "v" * 2100)])
        for headers in (grpc_headers, http_headers):
            with H2(self.gateway.http) as h2:
                path = "/v1/logs" if headers is http_headers else grpc_client.EXPORT["logs"]
                h2.send(frame(HEADERS, END_HEADERS, 1, headers(path, ("x-large", "v" * 2100))))
                self.assertEqual(h2.ended(1)[0][0], HEADERS)
        self.wait_number("refused_headers_too_large", lambda n: n >= 3)

    def test_max_concurrent_streams(self):
        with H2(self.gateway.grpc) as h2:
            kind, _, _, payload = h2.until(lambda kind, flags, *_: kind == SETTINGS and not flags & ACK)
            self.assertIn(b"\x00\x03\x00\x00\x00\x03", payload)
            h2.send(*(frame(HEADERS, END_HEADERS, stream, grpc_headers()) for stream in (1, 3, 5, 7)))
            _, _, stream, code = h2.until(lambda kind, *_: kind == RST_STREAM)
            self.assertEqual((stream, int.from_bytes(code, "big")), (7, REFUSED_STREAM))


class Connections(Case):
    limits = {"max_connections": 3}

    def test_max_connections(self):
        with Connection(self.gateway.http) as first, Connection(self.gateway.http), Connection(self.gateway.grpc):
            self.wait_number("connections", lambda n: n == 3)
            with Connection(self.gateway.http) as fourth:
                self.assertEqual(fourth.read_end(), b"")
            first.send(request("/v1/logs", GOOD))
            self.assertEqual(first.read_answer().status, 200)
            self.wait_number("connections_refused", lambda n: n == 1)
        self.wait_number("connections", lambda n: n == 0)


def other_address():
    """An address of this machine that is not loopback; None: there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent
            address = probe.getsockname()[0]
        except OSError:
            return None
    return None if address.startswith("127.") or address == "0.0.0.0" else address


@unittest.skipUnless(other_address(), "there is no address but loopback")
class Address(Case):
    limits = {"connections_per_address": 2}
    host = "0.0.0.0"

    def test_connections_per_address(self):
        there = (other_address(), self.gateway.http[1])
        here = ("127.0.0.1", self.gateway.http[1])
        with Connection(there), Connection(there):
            self.wait_number("connections", lambda n: n == 2)
            with Connection(there) as third:
                self.assertEqual(third.read_end(), b"")
            with Connection(here), Connection(here), Connection(here):  # exempt
                self.wait_number("connections", lambda n: n == 5)
        self.wait_number("connections_refused", lambda n: n == 1)


class Times(Case):
    # Not shorter: between its connection and its first bytes the test itself may have to wait for a processor.
    limits = {"header_timeout": "1s", "body_timeout": "1s", "body_rate": "1MiB", "idle_timeout": "2s",
              "write_timeout": "500ms", "discard_timeout": "200ms", "discard_bytes": "300KiB"}

    def test_header_timeout_of_the_first_bytes(self):
        for first in (b"", b"PRI * HT", b"POST /v1"):
            with self.subTest(first), Connection(self.gateway.http) as on:
                on.send(first)
                self.assertIn(on.read_end()[:12], (b"", b"HTTP/1.1 408"))

    def test_header_timeout_of_a_header_block(self):
        with H2(self.gateway.grpc) as h2:
            h2.send(frame(HEADERS, 0, 1, grpc_headers()))
            self.assertEqual(h2.goaway(), CALM)

    def test_body_timeout(self):
        with Connection(self.gateway.http) as on:
            on.send(request("/v1/logs", GOOD)[:-1])
            answer = on.read_answer()
            self.assertEqual((answer.status, answer.headers["connection"]), (408, "close"))
        for headers, body in ((grpc_headers(), grpc_message(GOOD)[:-1]), (http_headers(), GOOD[:-1])):
            with H2(self.gateway.http) as h2:
                h2.send(frame(HEADERS, END_HEADERS, 1, headers), frame(DATA, 0, 1, body))
                self.assertEqual(h2.ended(1)[0][0], HEADERS)
                self.assertEqual(h2.until(lambda kind, _, stream, __: (kind, stream) == (RST_STREAM, 1))[3], bytes(4))
        self.wait_number("refused_body_timeout", lambda n: n >= 3)

    def test_body_rate(self):
        """A long body that keeps coming has longer than the timeout; one that stalls has not."""
        body = telemetry.logs(["paced"], padding=4 * MIB)
        with Connection(self.gateway.http) as on:
            begun = time.monotonic()  # before any of it is there: a slow machine only makes it more
            on.send(request("/v1/logs", body)[:3 * MIB])
            self.assertEqual(on.read_answer().status, 408)
            self.assertGreater(time.monotonic() - begun, 3)  # 3 MiB at 1 MiB/s, and body_timeout

    def test_idle_timeout(self):
        with Connection(self.gateway.http) as on:
            on.send(request("/v1/logs", GOOD))
            self.assertEqual(on.read_answer().status, 200)
            self.assertEqual(on.read_end(), b"")
        with H2(self.gateway.grpc) as h2:
            h2.call(1, GOOD)
            h2.ended(1)
            self.assertEqual(h2.goaway(), 0)
            h2.rest()

    def test_write_timeout(self):
        with H2(self.gateway.grpc, (4, 0)) as h2:  # no window for an answer
            h2.send(frame(HEADERS, END_HEADERS, 1, http_headers(content_type=JSON)),
                    frame(DATA, END_STREAM, 1, json_logs("x")))
            self.assertEqual(h2.ended(1)[-1][0], RST_STREAM)
        with socket.socket() as on:  # no room for answers
            on.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            on.connect(self.gateway.http)
            on.settimeout(60)  # it is the gateway that ends it
            try:
                while True:
                    on.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
            except OSError:
                pass
            self.wait_number("connections", lambda n: n == 0)

    def test_discard_bytes(self):
        head = request("/v1/nothing", b"", length=False, headers=[("Content-Length", "100000000")])
        with Connection(self.gateway.http) as on:
            on.send(head + b"x" * 200 * KIB)
            self.assertEqual(on.read_answer().status, 404)
            with self.assertRaises(OSError):
                for _ in range(1000):
                    on.send(b"x" * 100 * KIB)

    def test_discard_timeout(self):
        head = request("/v1/nothing", b"", length=False, headers=[("Content-Length", "100000000")])
        with Connection(self.gateway.http) as on:
            on.send(head)
            self.assertEqual(on.read_answer().status, 404)
            self.wait_number("connections", lambda n: n == 0)  # although the client stays


class Ledger(Case):
    otlp = {"http": {"max_request_body_size": MIB}, "grpc": {"max_recv_msg_size_mib": 1}}
    limits = {"ledger": "2MiB"}

    def promise(self, size):
        """A connection that has announced a body and sent a byte of it."""
        on = Connection(self.gateway.http)
        on.send(request("/v1/logs", b"x", length=False, headers=[("Content-Length", str(size))]))
        return on

    def test_half_received_bodies_leave_no_room_and_the_next_one_is_told(self):
        with self.promise(MIB), self.promise(MIB - 9000):
            self.wait_number("ledger_bytes", lambda n: n >= 2 * MIB - 9000)
            answer = self.http(telemetry.logs(["refused"], padding=10_000), 503, "overloaded")
            self.assertEqual(answer.headers["retry-after"], "1")
            status = self.grpc(telemetry.logs(["refused"], padding=10_000), grpc.StatusCode.UNAVAILABLE)
            self.assertEqual(status.retry_after_s, 1)
            self.assertEqual(post(self.gateway.http, "/v1/logs", GOOD).status, 200)  # what fits, fits
        # The connections are reset: everything comes back (tearDown).

    def test_bodies_of_unknown_size_grow_until_there_is_no_room(self):
        with self.promise(MIB), self.promise(MIB - 200 * KIB):
            self.wait_number("ledger_bytes", lambda n: n >= 2 * MIB - 200 * KIB)
            body = telemetry.logs(["chunks"], padding=500 * KIB)
            with Connection(self.gateway.http) as on:
                on.send(request("/v1/logs", length=False, headers=[("Transfer-Encoding", "chunked")]))
                on.send(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
                self.assertEqual(on.read_answer().status, 503)

    def test_inflating_asks_too(self):
        body = gzip.compress(telemetry.logs([random.Random(1).randbytes(10_000).hex()], padding=900 * KIB))
        with self.promise(MIB), self.promise(MIB - 100 * KIB):
            self.wait_number("ledger_bytes", lambda n: n >= 2 * MIB - 100 * KIB)
            self.http(body, 503, "memory", headers=[("Content-Encoding", "gzip")])

    def test_requests_kept_behind_another_are_charged(self):
        """Pipelined requests wait behind one that waits: they are bytes of ours as well."""
        self.gateway.kill_child("router", 19)  # SIGSTOP: nothing is answered
        try:
            connections = []
            for _ in range(40):
                on = Connection(self.gateway.http)
                connections.append(on)
                on.send(request("/v1/logs", GOOD) * 600)
            self.wait_number("ledger_bytes", lambda n: n > MIB)
            self.assertLessEqual(self.number("ledger_peak_bytes"), 2 * MIB)
        finally:
            for on in connections:
                on.close()
            self.gateway.kill_child("router", 18)

    def test_cancelled_streams_give_back_what_they_held(self):
        with H2(self.gateway.grpc) as h2:
            for stream in range(1, 400, 2):
                h2.send(frame(HEADERS, END_HEADERS, stream, grpc_headers()),
                        frame(DATA, 0, stream, grpc_message(bytes(500 * KIB))[:1000]),
                        frame(RST_STREAM, 0, stream, (8).to_bytes(4, "big")))
            h2.call(401, GOOD)
            h2.ended(401)
            self.assertLessEqual(self.number("ledger_peak_bytes"), 2 * MIB)


if __name__ == "__main__":
    suite.main()
