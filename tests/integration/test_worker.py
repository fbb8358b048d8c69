# SPDX-License-Identifier: Apache-2.0
"""A worker alone: what it does while the router is away or says no, how it ends, and what bad clients get."""
import re
import resource
import select
import socket
import time
import unittest

import grpc
import grpc_client
import suite
import telemetry
from gateway import wait_for
from http_client import Connection
from worker_host import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, H2, HEADERS, PADDED, PING, RST_STREAM,
                         SETTINGS, WINDOW_UPDATE, WorkerHost, frame, grpc_headers, grpc_message, settings)

BODY = telemetry.logs(["one"])
NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, CANCEL, CALM = 0, 1, 7, 8, 11


def post(body=BODY, path="/v1/logs", more=""):
    return (f"POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/x-protobuf\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


class Case(unittest.TestCase):
    numbers = {}

    def setUp(self):
        self.host = WorkerHost(**self.numbers)
        self.closed = False

    def tearDown(self):
        if self.closed:
            return
        grpc_client.export(self.host.address, "logs", BODY)  # whatever happened, it still takes data
        self.assertEqual(self.host.close(), 0)

    def connect(self):
        return Connection(self.host.address)

    def raw(self, data, shut=False):
        """Sends, and returns what comes until the worker closes."""
        with socket.create_connection(self.host.address, 30) as on:
            try:
                on.sendall(data)
                if shut:
                    on.shutdown(socket.SHUT_WR)
            except ConnectionError:
                pass
            got = b""
            while True:
                try:
                    more = on.recv(65536)
                except ConnectionError:
                    return got + b"<reset>"
                if not more:
                    return got
                got += more


class Router(Case):
    def test_requests_wait_for_a_router_that_comes_back(self):
        self.host.command("down")
        with grpc_client.channel(self.host.address) as on, self.connect() as http:
            calls = [grpc_client.future(on, "logs", BODY) for _ in range(20)]
            http.send(post())
            self.host.wait_for_number("batches_open", lambda n: n >= 21)
            self.host.command("up")
            for call in calls:
                self.assertEqual(call.result(), b"")
            self.assertEqual(http.read_answer().status, 200)
        stats = self.host.stats()
        self.assertEqual(stats["distinct"], 21)
        self.assertEqual(stats["records"], 21)

    def test_nothing_is_answered_before_the_verdict(self):
        self.host.command("hold")
        with H2(self.host.address) as h2, self.connect() as http:
            h2.call(1, BODY)
            http.send(post())
            wait_for(lambda: self.host.stats()["distinct"] == 2, "two batches")
            self.assertEqual(select.select([http.socket], [], [], 0)[0], [])
            self.host.command("store")
            self.assertEqual(h2.ended(1)[-1][0], HEADERS)
            self.assertEqual(http.read_answer().status, 200)

    def test_http_clients_hear_of_an_absent_router_before_they_give_up(self):
        self.host.command("hold")
        with self.connect() as http:
            http.send(post())
            answer = http.read_answer()
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.headers["retry-after"], "1")
        self.host.command("store")
        self.host.wait_for_number("batches_stored_after_error", lambda n: n == 1)

    def test_grpc_clients_are_answered_within_their_timeout(self):
        """Half a second before it: where this machine needs that for itself, the client is tried again."""
        def code():
            with self.assertRaises(grpc.RpcError) as caught:
                grpc_client.export(self.host.address, "logs", BODY, timeout=1.5)
            return caught.exception.code()
        self.host.command("hold")
        wait_for(lambda: code() == grpc.StatusCode.UNAVAILABLE, "an answer before the client gives up")
        self.host.command("store")

    def test_refusals_of_the_router_reach_the_client(self):
        for reason, http_status, code in ((1, 503, grpc.StatusCode.UNAVAILABLE), (2, 503, grpc.StatusCode.UNAVAILABLE),
                                          (4, 503, grpc.StatusCode.UNAVAILABLE),
                                          (5, 404, grpc.StatusCode.UNIMPLEMENTED)):
            with self.subTest(reason=reason):
                self.host.command(f"refuse {reason} 2000")
                with self.connect() as http:
                    http.send(post())
                    answer = http.read_answer()
                self.assertEqual(answer.status, http_status)
                self.assertEqual(answer.headers.get("retry-after"), "2" if http_status == 503 else None)
                with self.assertRaises(grpc.RpcError) as caught:
                    grpc_client.export(self.host.address, "logs", BODY)
                self.assertEqual(caught.exception.code(), code)
        self.host.command("store")

    def test_memory_of_gone_clients_comes_back(self):
        self.host.command("hold")
        for _ in range(20):
            with H2(self.host.address) as h2:
                for stream in range(1, 40, 2):
                    h2.call(stream, BODY)
        wait_for(lambda: self.host.stats()["distinct"] > 0, "a batch")
        self.host.wait_for_number("connections", lambda n: n == 0)
        self.host.command("store")
        self.host.wait_for_number("batches_open", lambda n: n == 0)
        self.host.wait_for_number("ledger_bytes", lambda n: n == 0)


class Ending(Case):
    def test_requests_in_flight_are_finished(self):
        self.host.command("hold")
        with H2(self.host.address) as h2, self.connect() as http, self.connect() as idle, H2(self.host.address) as quiet:
            idle.send(post()[:0])
            h2.call(1, BODY)
            http.send(post())
            wait_for(lambda: self.host.stats()["distinct"] == 2, "two batches")
            self.host.command("drain")
            self.assertEqual(h2.goaway(), NO_ERROR)
            self.assertEqual(quiet.goaway(), NO_ERROR)
            self.assertNotEqual(quiet.rest(), None)
            with self.assertRaises(OSError):
                wait_for(lambda: self.connect().close(), "the listener to be closed")
            self.host.command("store")
            self.assertEqual(h2.ended(1)[-1][1] & END_STREAM, END_STREAM)
            answer = http.read_answer()
            self.assertEqual((answer.status, answer.headers["connection"]), (200, "close"))
            h2.rest()
        self.closed = True
        self.assertEqual(self.host.wait_for_end(), 0)

    def test_a_request_may_be_on_its_way(self):
        """HTTP/1.1 cannot be told that it must not be sent any more: a connection is closed a second after it was heard."""
        with self.connect() as used, self.connect() as new:
            used.send(post())
            self.assertEqual(used.read_answer().status, 200)
            begun = time.monotonic()
            used.send(post())
            self.assertEqual(used.read_answer().status, 200)
            self.host.command("drain")
            for http in (new, used):
                self.assertEqual(http.read_end(), b"")
        self.assertGreater(time.monotonic() - begun, 0.8)
        self.closed = True
        self.assertEqual(self.host.wait_for_end(), 0)

    def test_the_time_to_drain_is_limited(self):
        self.closed = True
        self.host.close()
        self.host = WorkerHost(drain_ms=300)
        with H2(self.host.address) as h2:
            h2.send(frame(HEADERS, END_HEADERS, 1, grpc_headers()))
            h2.until(lambda kind, flags, *_: kind == SETTINGS and flags & ACK)
            self.host.command("drain")
            code = self.host.wait_for_end()
        self.assertEqual(code, 0)


class Http1(Case):
    def test_pipelined_requests_are_answered_in_order(self):
        bad = post(b"\x0a\xff")
        got = self.raw((post() + bad) * 10 + post(b""), shut=True)
        self.assertEqual(re.findall(rb"HTTP/1.1 (\d+)", got), [b"200", b"400"] * 10 + [b"200"])

    def test_bytes_may_come_one_by_one(self):
        with self.connect() as http:
            http.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in post():
                http.send(bytes([byte]))
            self.assertEqual(http.read_answer().status, 200)

    def test_a_refused_upload_still_reads_its_answer(self):
        head = b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
        for request, status in ((head + b"Content-Length: 99999999\r\n\r\n", b"413"), (head + b"\r\n", b"411"),
                                (head.replace(b"/v1/logs", b"/nothing") + b"Content-Length: 700000\r\n\r\n", b"404")):
            with self.subTest(status):
                got = self.raw(request + b"x" * 700000)
                self.assertTrue(got.startswith(b"HTTP/1.1 " + status), got[:200])
                self.assertIn(b"Connection: close", got)

    def test_a_refused_request_whose_body_is_there_costs_no_connection(self):
        with self.connect() as http:
            for path, status in (("/nothing", 404), ("/v1/logs", 200), ("/nothing", 404), ("/v1/logs", 200)):
                http.send(post(path=path))
                self.assertEqual(http.read_answer().status, status)

    def test_continue_is_said_only_where_the_body_is_welcome(self):
        with self.connect() as http:
            http.send(post(b"", more="Expect: 100-continue\r\n").replace(b"Content-Length: 0", b"Content-Length: 9"))
            self.assertEqual(http.socket.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
        head = post(b"", more="Expect: 100-continue\r\n").replace(b"Content-Length: 0", b"Content-Length: 999999999")
        self.assertTrue(self.raw(head).startswith(b"HTTP/1.1 413"))

    def test_tls_on_a_plaintext_port_is_said_once(self):
        for _ in range(3):
            self.assertIn(self.raw(b"\x16\x03\x01\x00\xa5\x01"), (b"", b"<reset>"))
        self.assertEqual(self.host.errors().count("speaks TLS"), 1)
        self.host.wait_for_number("tls_on_plaintext", lambda n: n == 3)

    def test_a_lack_of_descriptors_passes(self):
        normal = resource.prlimit(self.host.pid, resource.RLIMIT_NOFILE)
        with self.connect() as first:
            first.send(post())
            self.assertEqual(first.read_answer().status, 200)
            resource.prlimit(self.host.pid, resource.RLIMIT_NOFILE, (4, normal[1]))
            with self.connect() as waiting:
                waiting.send(post())
                self.host.wait_for_number("accept_pauses", lambda n: n > 0)
                self.assertLess(self.host.numbers()["accept_pauses"], 100)  # it pauses, it does not spin
                resource.prlimit(self.host.pid, resource.RLIMIT_NOFILE, normal)
                self.assertEqual(waiting.read_answer().status, 200)


class Slow(Case):
    # Not shorter: between its connection and its first bytes the test itself may have to wait for a processor.
    numbers = {"headers_timeout_ms": 1000, "body_timeout_ms": 1000, "idle_timeout_ms": 2000, "write_timeout_ms": 1000,
               "body_bytes_per_s": 1 << 20}

    def test_who_says_nothing_is_closed(self):
        self.assertEqual(self.raw(b""), b"")
        self.assertEqual(self.raw(b"PRI * HTTP"), b"")

    def test_a_head_that_does_not_end(self):
        self.assertTrue(self.raw(b"POST /v1/logs HTTP/1.1\r\nHost: x\r\n").startswith(b"HTTP/1.1 408"))

    def test_a_body_that_does_not_end(self):
        self.assertTrue(self.raw(post()[:-1]).startswith(b"HTTP/1.1 408"))

    def test_an_idle_connection_is_closed(self):
        got = self.raw(post())
        self.assertTrue(got.startswith(b"HTTP/1.1 200"))

    def test_an_idle_http2_connection_hears_goaway(self):
        with H2(self.host.address) as h2:
            h2.call(1, BODY)
            h2.ended(1)
            self.assertEqual(h2.goaway(), NO_ERROR)
            h2.rest()

    def test_a_grpc_message_that_does_not_end(self):
        with H2(self.host.address) as h2:
            h2.send(frame(HEADERS, END_HEADERS, 1, grpc_headers()), frame(DATA, 0, 1, grpc_message(BODY)[:-1]))
            answer = h2.ended(1)[0]
            self.assertEqual((answer[0], answer[1] & END_STREAM), (HEADERS, END_STREAM))
            self.assertEqual(h2.until(lambda kind, _, stream, __: (kind, stream) == (RST_STREAM, 1))[3],
                             bytes(4))  # NO_ERROR: stop sending

    def test_a_header_block_that_does_not_end(self):
        with H2(self.host.address) as h2:
            h2.send(frame(HEADERS, 0, 1, grpc_headers()))
            self.assertEqual(h2.goaway(), CALM)

    def test_a_client_that_opens_no_window_for_the_answer(self):
        with H2(self.host.address, (4, 0)) as h2:  # SETTINGS_INITIAL_WINDOW_SIZE
            h2.call(1, BODY)
            self.assertEqual(h2.ended(1)[-1][0], RST_STREAM)

    def test_a_client_that_does_not_read(self):
        with socket.socket() as on:
            on.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            on.connect(self.host.address)
            on.settimeout(60)  # it is the worker that ends it
            try:
                while True:
                    on.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 1000)
            except OSError:
                pass
            self.host.wait_for_number("connections", lambda n: n == 0)


class Http2(Case):
    def good(self, frames):
        """The frames of a successful answer."""
        self.assertEqual([kind for kind, *_ in frames], [HEADERS, DATA, HEADERS], frames)
        self.assertEqual(frames[1][3], bytes(5))
        self.assertEqual(frames[2][1] & END_STREAM, END_STREAM)

    def test_a_request_before_any_settings_are_acknowledged(self):
        with H2(self.host.address) as h2:
            h2.call(1, BODY)
            self.good(h2.ended(1))

    def test_the_end_in_an_empty_frame_after_data_in_single_bytes(self):
        with H2(self.host.address) as h2:
            h2.send(frame(HEADERS, END_HEADERS, 1, grpc_headers()))
            h2.send(*(frame(DATA, 0, 1, bytes([byte])) for byte in grpc_message(BODY)))
            h2.send(frame(DATA, END_STREAM, 1))
            self.good(h2.ended(1))

    def test_padding_and_interleaved_streams(self):
        with H2(self.host.address) as h2:
            message = grpc_message(BODY)
            streams = range(1, 21, 2)
            h2.send(*(frame(HEADERS, END_HEADERS, stream, grpc_headers()) for stream in streams))
            for at in range(0, len(message), 7):
                h2.send(*(frame(DATA, PADDED, stream, b"\x05" + message[at:at + 7] + bytes(5)) for stream in streams))
            h2.send(*(frame(DATA, END_STREAM, stream) for stream in streams))
            ends = {}
            while len(ends) < len(streams):
                kind, flags, stream, _ = h2.read()
                if kind == HEADERS and flags & END_STREAM:
                    ends[stream] = True
        self.assertEqual(self.host.stats()["records"], len(streams))

    def test_windows_open_only_for_admitted_messages(self):
        with H2(self.host.address) as h2:
            h2.send(frame(HEADERS, END_HEADERS, 1, grpc_headers()))
            h2.until(lambda kind, flags, *_: kind == SETTINGS and flags & ACK)
            h2.send(frame(PING, 0, 0, b"whatever"))
            before = h2.until(lambda kind, _, stream, __: kind == PING or (kind, stream) == (WINDOW_UPDATE, 1))
            self.assertEqual(before[0], PING)  # no window before the prefix
            h2.send(frame(DATA, 0, 1, grpc_message(bytes(1 << 20))[:5]))
            kind, _, stream, payload = h2.read()
            self.assertEqual((kind, stream), (WINDOW_UPDATE, 1))
            self.assertEqual(int.from_bytes(payload, "big"), (1 << 20) + 5 - 65535)

    def test_a_message_over_the_limit_is_refused_on_its_prefix(self):
        with H2(self.host.address) as h2:
            h2.send(frame(HEADERS, END_HEADERS, 1, grpc_headers()), frame(DATA, 0, 1, b"\x00\x7f\xff\xff\xff"))
            answer = h2.ended(1)[0]
            self.assertEqual((answer[0], answer[1] & END_STREAM), (HEADERS, END_STREAM))
        self.host.wait_for_number("refused_too_large", lambda n: n == 1)

    def test_streams_over_a_limit_that_the_client_cannot_know_yet_are_refused(self):
        with H2(self.host.address) as h2:
            h2.send(*(frame(HEADERS, END_HEADERS, stream, grpc_headers()) for stream in range(1, 203, 2)))
            kind, _, stream, payload = h2.until(lambda kind, *_: kind == RST_STREAM)
            self.assertEqual((stream, int.from_bytes(payload, "big")), (201, REFUSED_STREAM))

    def test_large_header_lists(self):
        with H2(self.host.address) as h2:
            h2.send(frame(HEADERS, END_HEADERS, 1, grpc_headers("/x", ("x-large", "v" * 9000))))
            self.assertEqual(h2.ended(1)[0][0], HEADERS)
            h2.call(3, BODY)
            self.good(h2.ended(3))
        self.host.wait_for_number("refused_headers_too_large", lambda n: n == 1)

    def flood(self, frames, count=100000):
        """Sends until the connection ends; the code of its GOAWAY, None if it was just closed."""
        with H2(self.host.address) as h2:
            h2.socket.settimeout(60)
            try:
                for at in range(0, count, 100):
                    h2.send(*(frames(n) for n in range(at, at + 100)))
                    while select.select([h2.socket], [], [], 0)[0]:
                        got = h2.read()
                        if got is None:
                            return None
                        if got[0] == GOAWAY:
                            return int.from_bytes(got[3][4:8], "big")
            except ConnectionError:
                return None
        self.fail("the flood was taken to its end")

    def test_floods_end_the_connection(self):
        request = grpc_headers()
        floods = {
            "ping": lambda n: frame(PING, 0, 0, bytes(8)),
            "settings": lambda n: settings(),
            "priority": lambda n: frame(2, 0, 2 * n + 1, struct_priority),
            "empty data": lambda n: frame(DATA, 0, 1) if n else frame(HEADERS, END_HEADERS, 1, request),
            "rapid reset": lambda n: frame(HEADERS, END_HEADERS, 2 * n + 1, request) +
                                     frame(RST_STREAM, 0, 2 * n + 1, b"\0\0\0\x08"),
            "made you reset": lambda n: frame(HEADERS, END_HEADERS, 2 * n + 1, request) +
                                        frame(WINDOW_UPDATE, 0, 2 * n + 1, bytes(4)),
            "continuation": lambda n: frame(CONTINUATION, 0, 1, b"") if n else frame(HEADERS, 0, 1, request),
        }
        struct_priority = b"\0\0\0\0\x10"
        for name, frames in floods.items():
            with self.subTest(name):
                self.assertIn(self.flood(frames), (None, PROTOCOL_ERROR, CALM, 2))

    def test_a_cancelled_call_lets_go(self):
        self.host.command("down")
        with H2(self.host.address) as h2:
            h2.call(1, BODY)
            self.host.wait_for_number("batches_open", lambda n: n == 1)
            h2.send(frame(RST_STREAM, 0, 1, CANCEL.to_bytes(4, "big")))
            self.host.wait_for_number("requests_cancelled", lambda n: n == 1)
        self.host.command("up")

    def test_other_content_types_are_told_so(self):
        with H2(self.host.address) as h2:
            h2.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, grpc_headers(content_type="text/plain")))
            self.assertEqual(h2.ended(1)[0][0], HEADERS)
        self.host.wait_for_number("refused_unsupported_media_type", lambda n: n == 1)


if __name__ == "__main__":
    suite.main()
