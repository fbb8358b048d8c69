# SPDX-License-Identifier: Apache-2.0
"""OTLP over HTTP/1.1: what is taken, what is refused, and in which words."""
import gzip
import random
import socket
import subprocess
import unittest

import suite
import telemetry
from gateway import Gateway, wait_for
from http_client import Connection, chunked, post, request
from telemetry import HTTP_PATH, status_of_answer

MIB = 1 << 20
PROTOBUF = "application/x-protobuf"


class Http(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(otlp={"http": {"max_request_body_size": 8 * MIB}}).start()

    @classmethod
    def tearDownClass(cls):
        try:
            cls.gateway.stop()
        finally:
            cls.gateway.destroy()

    def arrives(self, name):
        """Waits until a record with that id came out; returns its line."""
        return self.gateway.stdout.wait(
            lambda lines: next((line for line in lines if f'"stringValue":"{name}"' in line), None), name)

    def succeeds(self, answer):
        self.assertEqual(answer.status, 200, answer)
        self.assertEqual(answer.headers["content-type"], PROTOBUF)
        self.assertEqual(answer.body, b"")

    # -- what is taken

    def test_every_signal_with_content_length(self):
        for signal, path in HTTP_PATH.items():
            with self.subTest(signal):
                sent = telemetry.REQUEST[signal](["length-" + signal])
                self.succeeds(post(self.gateway.http, path, sent))
                telemetry.same(self, signal, sent, self.arrives("length-" + signal))

    def test_every_signal_in_chunks(self):
        for signal, path in HTTP_PATH.items():
            with self.subTest(signal):
                sent = telemetry.REQUEST[signal](["chunked-" + signal])
                with Connection(self.gateway.http) as connection:
                    connection.send(request(path, length=False, headers=[("Transfer-Encoding", "chunked")])
                                    + chunked(sent))
                    self.succeeds(connection.read_answer())
                telemetry.same(self, signal, sent, self.arrives("chunked-" + signal))

    def test_gzip_with_length_and_in_chunks(self):
        sent = telemetry.logs([f"gzip-{n}" for n in range(200)])
        packed = gzip.compress(sent)
        self.succeeds(post(self.gateway.http, "/v1/logs", packed, headers=[("Content-Encoding", "gzip")]))
        telemetry.same(self, "logs", sent, self.arrives("gzip-0"))
        with Connection(self.gateway.http) as connection:
            connection.send(request("/v1/logs", length=False,
                                    headers=[("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked")])
                            + chunked(packed))
            self.succeeds(connection.read_answer())

    def test_every_byte_alone(self):
        """However the bytes are cut into packets, the request is the same."""
        sent = request("/v1/logs", telemetry.logs(["bytewise"]))
        with Connection(self.gateway.http) as connection:
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(len(sent)):
                connection.send(sent[at:at + 1])
            self.succeeds(connection.read_answer())
        self.arrives("bytewise")

    def test_keep_alive_for_all_signals_on_one_connection(self):
        with Connection(self.gateway.http) as connection:
            for turn in range(5):
                for signal, path in HTTP_PATH.items():
                    connection.send(request(path, telemetry.REQUEST[signal]([f"keep-{turn}"]),
                                            headers=[("Connection", "keep-alive")]))
                    self.succeeds(connection.read_answer())

    def test_pipelined_requests_are_answered_in_order(self):
        with Connection(self.gateway.http) as connection:
            burst = b""
            for turn in range(20):
                burst += request("/v1/logs" if turn % 4 else "/v1/nothing", telemetry.logs([f"pipe-{turn}"]))
            connection.send(burst)
            self.assertEqual([connection.read_answer().status for _ in range(20)],
                             [200 if turn % 4 else 404 for turn in range(20)])
        for turn in range(20):
            if turn % 4:
                self.arrives(f"pipe-{turn}")

    def test_connection_close_and_http_1_0(self):
        with Connection(self.gateway.http) as connection:
            connection.send(request("/v1/logs", telemetry.logs(["close"]), headers=[("Connection", "close")]))
            self.succeeds(connection.read_answer())
            self.assertEqual(connection.read_end(), b"")
        body = telemetry.logs(["old"])
        with Connection(self.gateway.http) as connection:
            connection.send(b"POST /v1/logs HTTP/1.0\r\nContent-Type: application/x-protobuf\r\n"
                            b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            self.succeeds(connection.read_answer())
            self.assertEqual(connection.read_end(), b"")

    def test_expect_100_continue(self):
        body = telemetry.logs(["expect"])
        with Connection(self.gateway.http) as connection:
            connection.send(request("/v1/logs", body, headers=[("Expect", "100-continue")])[:-len(body)])
            self.assertEqual(connection.read_answer().status, 100)
            connection.send(body)
            self.succeeds(connection.read_answer())

    def test_expect_with_a_body_that_is_refused_gets_no_100(self):
        with Connection(self.gateway.http) as connection:
            connection.send(b"POST /v1/logs HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-protobuf\r\n"
                            b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % (100 * MIB))
            self.assertEqual(connection.read_answer().status, 413)

    def test_content_types_are_compared_as_they_should_be(self):
        for kind in ("application/x-protobuf", "APPLICATION/X-PROTOBUF", "application/x-protobuf; charset=utf-8"):
            with self.subTest(kind):
                self.succeeds(post(self.gateway.http, "/v1/logs", telemetry.logs(["kind"]), content_type=kind))

    def test_no_records_is_success(self):
        for body in (b"", b"\x0a\x00"):
            for path in HTTP_PATH.values():
                self.succeeds(post(self.gateway.http, path, body))

    def test_a_body_of_megabytes(self):
        sent = telemetry.logs(["large-body"], padding=7 * MIB)
        self.succeeds(post(self.gateway.http, "/v1/logs", sent))
        telemetry.same(self, "logs", sent, self.arrives("large-body"))

    def test_a_query_is_no_part_of_the_path(self):
        self.succeeds(post(self.gateway.http, "/v1/logs?tenant=a", telemetry.logs(["query"])))

    def test_http_on_the_grpc_port(self):
        self.succeeds(post(self.gateway.grpc, "/v1/logs", telemetry.logs(["on-grpc-port"])))
        self.arrives("on-grpc-port")

    def test_curl_sends_a_file(self):
        path = self.gateway.directory + "/body.bin"
        sent = telemetry.logs([f"curl-{n}" for n in range(3000)])
        with open(path, "wb") as file:
            file.write(sent)
        for extra in ([], ["-H", "Transfer-Encoding: chunked"], ["-H", "Expect: 100-continue"]):
            with self.subTest(extra):
                result = subprocess.run(
                    ["curl", "-sS", "--noproxy", "*", "-w", "%{http_code}", "-H", "Content-Type: " + PROTOBUF, *extra,
                     "--data-binary", "@" + path, "http://%s:%d/v1/logs" % self.gateway.http],
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
                self.assertEqual((result.stdout, result.stderr), (b"200", b""))

    # -- what is refused

    def refused(self, answer, http, grpc=None):
        """Checks the refusal; returns its Status."""
        self.assertEqual(answer.status, http, answer)
        status = status_of_answer(answer)
        self.assertTrue(status.message, answer)
        if grpc is not None:
            self.assertEqual(status.code, grpc, answer)
        return status

    def test_unknown_paths_are_404_with_help(self):
        body = telemetry.logs(["lost"])
        for path in ("/", "/v1/log", "/v1/Logs", "/v1/logs/", "/v1/profiles", "/v2/logs", "/base/v1/logs"):
            with self.subTest(path):
                answer = post(self.gateway.http, path, body)
                self.assertEqual(answer.headers["content-type"], PROTOBUF)
                self.assertIn("/v1/", self.refused(answer, 404).message)
        self.assertIn("OTEL_EXPORTER_OTLP_ENDPOINT", self.refused(post(self.gateway.http, "/", body), 404).message)

    def test_other_methods_are_405_with_allow(self):
        for method in ("GET", "PUT", "DELETE", "OPTIONS"):
            with self.subTest(method):
                answer = post(self.gateway.http, "/v1/logs", b"", method=method)
                self.refused(answer, 405)
                self.assertEqual(answer.headers["allow"], "POST")

    def test_a_post_without_a_length_is_411(self):
        with Connection(self.gateway.http) as connection:
            connection.send(request("/v1/logs", length=False))
            self.refused(connection.read_answer(), 411)

    def test_too_large_is_413_by_the_length_alone(self):
        with Connection(self.gateway.http) as connection:
            connection.send(b"POST /v1/logs HTTP/1.1\r\nHost: t\r\nContent-Type: application/x-protobuf\r\n"
                            b"Content-Length: %d\r\n\r\n" % (9 * MIB))
            answer = connection.read_answer()
            self.refused(answer, 413, 8)
            self.assertNotIn("retry-after", answer.headers)

    def test_too_large_inflated_or_in_chunks_is_413(self):
        large = telemetry.logs(["inflated"], padding=9 * MIB)
        noise = random.Random(1)  # so that it shrinks no more than telemetry does
        body = telemetry.logs([noise.randbytes(10_000).hex() for _ in range(250)])
        self.assertGreater(len(body), 9 * MIB)
        for packed in (gzip.compress(large), gzip.compress(body, 1)):
            answer = post(self.gateway.http, "/v1/logs", packed, headers=[("Content-Encoding", "gzip")])
            self.refused(answer, 413, 8)
        with Connection(self.gateway.http) as connection:
            connection.send(request("/v1/logs", length=False, headers=[("Transfer-Encoding", "chunked")]))
            try:
                for at in range(0, len(large), 65536):
                    connection.send(b"%x\r\n%s\r\n" % (len(large[at:at + 65536]), large[at:at + 65536]))
                connection.send(b"0\r\n\r\n")
            except OSError:
                pass  # it has answered and stopped listening
            self.refused(connection.read_answer(), 413, 8)

    def test_an_early_refusal_is_readable_while_the_body_still_comes(self):
        """The client writes first and reads later: it must find the answer, not a reset."""
        body = b"x" * (700 * 1024)  # less than what is taken and thrown away
        for path, kind, status in (("/v1/nothing", PROTOBUF, 404), ("/v1/logs", "text/plain", 415)):
            with self.subTest(path), Connection(self.gateway.http) as connection:
                connection.send(request(path, body, content_type=kind))
                self.refused(connection.read_answer(), status)

    def test_other_content_types_and_codings_are_415(self):
        body = telemetry.logs(["kind"])
        for kind in ("text/plain", "application/octet-stream", "application/jsonl", None, "application/grpc"):
            with self.subTest(kind):
                answer = post(self.gateway.http, "/v1/logs", body, content_type=kind)
                self.assertIn(answer.headers["content-type"], ("application/json",))
                self.refused(answer, 415)
        for coding in ("br", "deflate", "gzip, gzip", "snappy"):
            with self.subTest(coding):
                answer = post(self.gateway.http, "/v1/logs", body, headers=[("Content-Encoding", coding)])
                self.assertIn("gzip", self.refused(answer, 415).message)
                self.assertIn("gzip", answer.headers["accept-encoding"])

    def test_malformed_protobuf_is_400_with_what_and_where(self):
        for body in (b"\xff\xff", telemetry.logs(["cut"])[:-1], b"\x0a\x7f"):
            status = self.refused(post(self.gateway.http, "/v1/logs", body), 400, 3)
            self.assertRegex(status.message, r"byte \d+")

    def test_damaged_gzip_is_400(self):
        packed = gzip.compress(telemetry.logs(["damaged"]))
        for body in (b"no gzip", packed[:-1], packed[:-8] + b"\0" * 8, packed + b"garbage"):
            with self.subTest(body[-12:]):
                self.refused(post(self.gateway.http, "/v1/logs", body, headers=[("Content-Encoding", "gzip")]), 400)

    def test_broken_requests_are_400_and_the_end(self):
        good = "Host: t\r\nContent-Type: application/x-protobuf\r\n"
        for head, why in (
                ("POST /v1/logs HTTP/1.1\r\n" + good + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "two lengths"),
                ("POST /v1/logs HTTP/1.1\r\n" + good + "Content-Length: +3\r\n\r\nabc", "a sign"),
                ("POST /v1/logs HTTP/1.1\r\n" + good + "Content-Length : 3\r\n\r\nabc", "a space before the colon"),
                ("POST /v1/logs HTTP/1.1\r\n" + good
                 + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", "length and chunks"),
                ("POST /v1/logs HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "no host"),
                ("POST /v1/logs HTTP/1.1\n" + good.replace("\r", "") + "Content-Length: 0\n\n", "bare line feeds"),
                ("POST /v1/logs HTTP/1.1\r\n" + good + "X: a\r\n b\r\nContent-Length: 0\r\n\r\n", "a folded line"),
                ("POST /v1/logs\r\n\r\n", "no version"),
                ("POST /v1/logs HTTP/1.1\r\n" + good + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
                 "a chunk size in C")):
            with self.subTest(why), Connection(self.gateway.http) as connection:
                connection.send(head.encode())
                self.refused(connection.read_answer(), 400)
                connection.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(connection.read_end(), b"")

    def test_headers_over_the_limit_are_refused(self):
        with Connection(self.gateway.http) as connection:
            connection.send(request("/v1/logs", headers=[("X-Large", "x" * 9000)]))
            self.assertIn(connection.read_answer().status, (413, 431))

    def test_tls_on_a_plain_port_is_closed_and_said_once(self):
        hello = b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + bytes(40)
        for address in (self.gateway.http, self.gateway.grpc, self.gateway.http):
            with Connection(address) as connection:
                connection.send(hello)
                self.assertEqual(connection.read_end(), b"")
        self.gateway.stderr.wait(lambda lines: any("TLS" in line for line in lines), "a line about TLS")
        said = [line for line in self.gateway.stderr.all() if "TLS" in line]
        self.assertLessEqual(len(said), 2, "once for each worker at most: " + str(said))

    def test_a_client_that_goes_away_mid_request_does_no_harm(self):
        sent = request("/v1/logs", telemetry.logs(["gone"]))
        for cut in (1, 10, 40, len(sent) - 1):
            with Connection(self.gateway.http) as connection:
                connection.send(sent[:cut])
        self.succeeds(post(self.gateway.http, "/v1/logs", telemetry.logs(["after-gone"])))


class OtherConfigurations(unittest.TestCase):
    def test_a_signal_that_no_pipeline_takes_is_404_and_says_so(self):
        with Gateway(pipelines={"logs": ["debug"]}) as gateway:
            answer = post(gateway.http, "/v1/metrics", telemetry.metrics(["m"]))
            self.assertEqual(answer.status, 404)
            self.assertIn("pipeline", status_of_answer(answer).message)

    def test_paths_can_be_configured(self):
        with Gateway(otlp={"http": {"logs_url_path": "/custom/logs"}}) as gateway:
            self.assertEqual(post(gateway.http, "/custom/logs", telemetry.logs(["c"])).status, 200)
            self.assertEqual(post(gateway.http, "/v1/logs", telemetry.logs(["c"])).status, 404)

    def test_slow_clients_are_ended(self):
        limits = {"header_timeout": "1s", "body_timeout": "1s", "idle_timeout": "1s"}
        with Gateway(masques={"limits": limits}) as gateway:
            with wait_for(lambda: self.served(gateway), "a request to be answered") as idle, \
                    Connection(gateway.http) as head, Connection(gateway.http) as body:
                head.send(b"POST /v1/logs HTT")
                body.send(request("/v1/logs", b"x" * 100)[:-50])
                self.assertEqual(idle.read_end(), b"")
                head.read_end()
                answer = body.read_end()
                self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1.1 408 "), answer)
            with wait_for(lambda: self.served(gateway), "the next request to be answered"):
                pass

    @staticmethod
    def served(gateway):
        """A connection with a request that was answered; None: it took us longer to send it than the limits allow."""
        connection = Connection(gateway.http)
        try:
            connection.send(request("/v1/logs", telemetry.logs(["one"])))
            if connection.read_answer().status == 200:
                return connection
        except (EOFError, OSError):
            pass
        connection.close()
        return None


if __name__ == "__main__":
    suite.main()
