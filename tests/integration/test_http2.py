# SPDX-License-Identifier: Apache-2.0
"""OTLP/HTTP over HTTP/2 with prior knowledge, on both ports and beside gRPC: what is taken, what is refused, and that
answers are those of HTTP/1.1."""
import gzip
import json
import subprocess
import unittest

import suite
import telemetry
from gateway import Gateway
from http_client import Answer, post
from telemetry import HTTP_PATH, status_of_answer
from worker_host import (DATA, END_HEADERS, END_STREAM, H2, HEADERS, RST_STREAM, WINDOW_UPDATE, WorkerHost, frame,
                         grpc_headers, grpc_message, header_block)

PROTOBUF, JSON = "application/x-protobuf", "application/json"
MIB = 1 << 20
EMPTY_JSON = b'{"resourceLogs":[]}'


def http_headers(path="/v1/logs", *more, method="POST", content_type=PROTOBUF):
    fields = [(":method", method), (":scheme", "http"), (":path", path), (":authority", "test")]
    if content_type:
        fields.append(("content-type", content_type))
    return header_block(fields + list(more))


def json_logs(*names):
    records = [{"body": {"stringValue": name}, "attributes": [{"key": "test.id", "value": {"stringValue": name}}]}
               for name in names]
    return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).encode()


class Http2(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(otlp={"http": {"max_request_body_size": 8 * MIB}, "grpc": {"max_recv_msg_size_mib": 1}})
        cls.gateway.start()

    @classmethod
    def tearDownClass(cls):
        try:
            cls.gateway.stop()
        finally:
            cls.gateway.destroy()

    def curl(self, path, body, *options, address=None, content_type=PROTOBUF, method="POST"):
        """What curl makes of it, as an Answer; the version of HTTP is checked."""
        done = subprocess.run(
            ["curl", "-sS", "-i", "--noproxy", "*", "--http2-prior-knowledge", "-X", method, "-H",
             f"Content-Type: {content_type}", *options, *(["--data-binary", "@-"] if body is not None else []),
             "http://%s:%d%s" % (*(address or self.gateway.http), path)],
            input=body, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
        self.assertEqual(done.stderr, b"", done.stdout)
        head, content = done.stdout.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.assertTrue(lines[0].startswith("HTTP/2 "), lines)
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        self.assertEqual(int(headers["content-length"]), len(content))
        return Answer(int(lines[0].split()[1]), headers, content)

    def arrives(self, name):
        return self.gateway.stdout.wait(
            lambda lines: next((line for line in lines if f'"stringValue":"{name}"' in line), None), name)

    # -- what is taken

    def test_every_signal_on_both_ports(self):
        for signal, path in HTTP_PATH.items():
            for port in ("http", "grpc"):
                for coding in ("identity", "gzip"):
                    with self.subTest(signal=signal, port=port, coding=coding):
                        name = f"h2-{signal}-{port}-{coding}"
                        sent = telemetry.REQUEST[signal]([name])
                        body = gzip.compress(sent) if coding == "gzip" else sent
                        answer = self.curl(path, body, "-H", "Content-Encoding: " + coding,
                                           address=getattr(self.gateway, port))
                        self.assertEqual((answer.status, answer.headers["content-type"], answer.body),
                                         (200, PROTOBUF, b""))
                        telemetry.same(self, signal, sent, self.arrives(name))

    def test_json(self):
        for coding in ("identity", "gzip"):
            with self.subTest(coding):
                body = json_logs("h2-json-" + coding)
                answer = self.curl("/v1/logs", gzip.compress(body) if coding == "gzip" else body, "-H",
                                   "Content-Encoding: " + coding, content_type=JSON + "; charset=utf-8")
                self.assertEqual((answer.status, answer.headers["content-type"], answer.body), (200, JSON, b"{}"))
                self.arrives("h2-json-" + coding)

    def test_large_bodies_with_and_without_a_length(self):
        sent = telemetry.logs(["h2-large"], padding=3 * MIB)
        for option in ("Accept: */*", "Content-Length:"):  # the latter takes curl's own away
            with self.subTest(option):
                self.assertEqual(self.curl("/v1/logs", sent, "-H", option).status, 200)
        telemetry.same(self, "logs", sent, self.arrives("h2-large"))

    def test_grpc_and_http_on_one_connection(self):
        body = telemetry.logs(["both"])
        with H2(self.gateway.http) as h2:
            h2.send(frame(HEADERS, END_HEADERS, 1, http_headers()),
                    frame(HEADERS, END_HEADERS, 3, grpc_headers()),
                    frame(HEADERS, END_HEADERS, 5, http_headers(content_type=JSON)),
                    frame(DATA, 0, 1, body[:7]), frame(DATA, 0, 3, grpc_message(body)[:9]),
                    frame(DATA, 0, 5, json_logs("both")[:9]), frame(DATA, END_STREAM, 3, grpc_message(body)[9:]),
                    frame(DATA, END_STREAM, 5, json_logs("both")[9:]), frame(DATA, END_STREAM, 1, body[7:]))
            ends, answers = set(), {}
            while ends != {1, 3, 5}:
                kind, flags, stream, payload = h2.read()
                if kind == DATA:
                    answers[stream] = answers.get(stream, b"") + payload
                if stream and flags & END_STREAM:
                    ends.add(stream)
            self.assertEqual(answers, {3: bytes(5), 5: b"{}"})  # in protobuf success is no bytes at all

    def test_an_interim_answer_for_those_who_wait_for_it(self):
        with H2(self.gateway.http) as h2:
            h2.send(frame(HEADERS, END_HEADERS, 1, http_headers("/v1/logs", ("expect", "100-continue"))))
            kind, flags, _, _ = h2.until(lambda _, __, stream, ___: stream == 1)
            self.assertEqual((kind, flags & END_STREAM), (HEADERS, 0))
            h2.send(frame(DATA, END_STREAM, 1, telemetry.logs(["continue"])))
            self.assertEqual(h2.ended(1)[-1][0], HEADERS)

    # -- what is refused

    def test_refusals_are_those_of_http_1(self):
        good = telemetry.logs(["x"])
        cases = [("/v1/nothing", good, PROTOBUF, (), 404), ("/", good, JSON, (), 404),
                 ("/v1/logs", good, "text/plain", (), 415), ("/v1/logs", good[:-1], PROTOBUF, (), 400),
                 ("/v1/logs", b"{]", JSON, (), 400), ("/v1/logs", b"", JSON, (), 400),
                 ("/v1/logs", good, PROTOBUF, ("br",), 415), ("/v1/logs", b"no gzip", PROTOBUF, ("gzip",), 400),
                 ("/v1/logs", gzip.compress(bytes(9 * MIB)), PROTOBUF, ("gzip",), 413)]
        for path, body, kind, coding, status in cases:
            with self.subTest(path=path, kind=kind, coding=coding):
                options = [word for name in coding for word in ("-H", "Content-Encoding: " + name)]
                answer = self.curl(path, body, *options, content_type=kind)
                other = post(self.gateway.http, path, body, content_type=kind,
                             headers=[("Content-Encoding", name) for name in coding])
                for name in ("content-type", "retry-after", "allow", "accept-encoding"):
                    self.assertEqual(answer.headers.get(name), other.headers.get(name).lower()
                                     if name in other.headers else None, name)
                self.assertEqual((answer.status, answer.body), (status, other.body))
                self.assertTrue(status_of_answer(answer).message)

    def test_methods(self):
        answer = self.curl("/v1/logs", None, method="GET")
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "post"))
        with H2(self.gateway.http) as h2:
            h2.send(frame(HEADERS, END_HEADERS | END_STREAM, 1, http_headers(method="HEAD")))
            self.assertEqual([kind for kind, *_ in h2.ended(1)], [HEADERS])

    def test_a_length_over_the_limit_is_refused_before_the_body(self):
        with H2(self.gateway.http) as h2:
            h2.send(frame(HEADERS, END_HEADERS, 1, http_headers("/v1/logs", ("content-length", str(9 * MIB)))))
            frames = h2.ended(1)
            self.assertEqual([kind for kind, *_ in frames], [HEADERS, DATA])
            self.assertIn(b"limit", frames[1][3])
            reset = h2.until(lambda kind, _, stream, __: (kind, stream) == (RST_STREAM, 1))
            self.assertEqual(reset[3], bytes(4))  # NO_ERROR: stop sending
            h2.send(frame(HEADERS, END_HEADERS, 3, http_headers()), frame(DATA, END_STREAM, 3))
            self.assertEqual(h2.ended(3)[-1][0], HEADERS)  # the connection goes on

    def test_a_body_without_a_length_is_stopped_at_the_limit(self):
        answer = self.curl("/v1/logs", telemetry.logs(["big"], padding=9 * MIB), "-H", "Content-Length:")
        self.assertEqual(answer.status, 413)

    def test_the_limit_follows_the_protocol_not_the_port(self):
        body = telemetry.logs(["protocol"], padding=2 * MIB)
        for port in (self.gateway.http, self.gateway.grpc):
            self.assertEqual(self.curl("/v1/logs", body, address=port).status, 200)

    def test_headers_over_the_limit(self):
        with H2(self.gateway.http) as h2:
            h2.send(frame(HEADERS, END_HEADERS, 1, http_headers("/v1/logs", ("x-large", "v" * 9000))))
            frames = h2.ended(1)
            self.assertEqual([kind for kind, *_ in frames], [HEADERS, DATA])

    def test_a_body_that_does_not_fit_its_length_is_a_protocol_error(self):
        for size in (3, 5):
            with H2(self.gateway.http) as h2:
                h2.send(frame(HEADERS, END_HEADERS, 1, http_headers("/v1/logs", ("content-length", "4"))),
                        frame(DATA, END_STREAM, 1, bytes(size)))
                self.assertEqual(h2.ended(1)[-1][0], RST_STREAM)


class Waiting(unittest.TestCase):
    def test_a_router_that_is_away_is_503_with_retry_after(self):
        host = WorkerHost()
        host.command("refuse 1 2000")
        with H2(host.address) as h2:
            h2.send(frame(HEADERS, END_HEADERS, 1, http_headers(content_type=JSON)),
                    frame(DATA, END_STREAM, 1, json_logs("x")))
            frames = h2.ended(1)
        self.assertEqual([kind for kind, *_ in frames], [HEADERS, DATA])
        self.assertIn(b"RetryInfo", frames[1][3])
        host.command("store")
        self.assertEqual(host.close(), 0)

    def test_windows_open_as_bodies_are_admitted(self):
        host = WorkerHost(ledger_bytes=2 * MIB, http_max_bytes=MIB, grpc_max_bytes=MIB)
        with H2(host.address) as h2:
            h2.send(frame(HEADERS, END_HEADERS, 1, http_headers("/v1/logs", ("content-length", str(MIB)))))
            opened = h2.until(lambda kind, _, stream, __: (kind, stream) == (WINDOW_UPDATE, 1))
            self.assertEqual(int.from_bytes(opened[3], "big"), MIB - 65535)
            h2.send(frame(HEADERS, END_HEADERS, 3, http_headers("/v1/logs", ("content-length", str(MIB)))),
                    frame(HEADERS, END_HEADERS, 5, http_headers("/v1/logs", ("content-length", "1000"))))
            self.assertEqual(h2.ended(5)[0][0], HEADERS)  # 503: the ledger is full with the promised two
        host.wait_for_number("refused_overloaded", lambda n: n == 1)
        host.wait_for_number("ledger_bytes", lambda n: n == 0)
        self.assertEqual(host.close(), 0)


if __name__ == "__main__":
    suite.main()
