# SPDX-License-Identifier: Apache-2.0
"""OTLP over gRPC, spoken by a client of the C core."""
import re
import threading
import unittest

import grpc
import grpc_client
import http_client
import suite
import telemetry
from gateway import Gateway, run_program
from http_client import Connection

MIB = 1 << 20


class Grpc(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway().start()
        cls.channel = grpc_client.channel(cls.gateway.grpc)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        try:
            cls.gateway.stop()
        finally:
            cls.gateway.destroy()

    def refused(self, path, body, code, **options):
        with self.assertRaises(grpc.RpcError) as caught:
            grpc_client.call(self.channel, path, body, **options)
        self.assertEqual(caught.exception.code(), code, caught.exception)
        return caught.exception

    def arrives(self, name, lines=1):
        """Waits until records whose id begins with the name came out; returns those lines."""
        def found(all_lines):
            wanted = [line for line in all_lines if f'"stringValue":"{name}' in line]
            return wanted if len(wanted) >= lines else None
        return self.gateway.stdout.wait(found, f"{lines} lines about {name}")

    def test_every_signal_is_taken_and_comes_out(self):
        for signal in ("logs", "metrics", "traces"):
            with self.subTest(signal):
                sent = telemetry.REQUEST[signal](["plain-" + signal])
                self.assertEqual(grpc_client.call(self.channel, signal, sent), b"")
                telemetry.same(self, signal, sent, self.arrives("plain-" + signal)[0])

    def test_gzip(self):
        for signal in ("logs", "metrics", "traces"):
            with self.subTest(signal):
                sent = telemetry.REQUEST[signal]([f"gzip-{signal}-{n}" for n in range(300)])
                self.assertEqual(grpc_client.call(self.channel, signal, sent, compression=grpc.Compression.Gzip), b"")
                telemetry.same(self, signal, sent, self.arrives("gzip-" + signal)[0])

    def test_many_streams_on_one_connection(self):
        calls = [grpc_client.future(self.channel, "logs", telemetry.logs([f"stream-{n:04}"])) for n in range(500)]
        for call in calls:
            self.assertEqual(call.result(), b"")
        lines = self.gateway.stdout.wait(
            lambda all_lines: [1 for line in all_lines for _ in range(line.count('"stringValue":"stream-'))]
            if sum(line.count('"stringValue":"stream-') for line in all_lines) >= 500 else None)
        self.assertEqual(len(lines), 500)
        ids = [name for name in telemetry.ids_of(self.gateway.json_lines()) if name.startswith("stream-")]
        self.assertEqual(sorted(ids), [f"stream-{n:04}" for n in range(500)])

    def test_many_connections(self):
        channels = [grpc_client.channel(self.gateway.grpc) for _ in range(40)]
        try:
            calls = [grpc_client.future(on, "logs", telemetry.logs([f"connection-{n}"]))
                     for n, on in enumerate(channels)]
            for call in calls:
                self.assertEqual(call.result(), b"")
        finally:
            for on in channels:
                on.close()

    def test_a_message_of_20_megabytes(self):
        sent = telemetry.logs(["big"], padding=20 * MIB)
        self.assertEqual(grpc_client.call(self.channel, "logs", sent, timeout=60), b"")
        line = self.arrives("big")[0]
        self.assertGreater(len(line), 20 * MIB)
        telemetry.same(self, "logs", sent, line)

    def test_big_messages_side_by_side_do_not_block_each_other(self):
        calls = [grpc_client.future(self.channel, "logs", telemetry.logs([f"side-{n}"], padding=3 * MIB), timeout=60)
                 for n in range(8)]
        for call in calls:
            self.assertEqual(call.result(), b"")

    def test_requests_without_records_succeed_and_go_nowhere(self):
        envelopes = {"logs": b"\x0a\x00", "metrics": b"\x0a\x02\x12\x00", "traces": b"\x0a\x02\x0a\x00"}
        for signal, envelope in envelopes.items():
            for body in (b"", envelope):
                self.assertEqual(grpc_client.call(self.channel, signal, body), b"")
        for signal in envelopes:  # a signal's requests come out in their order
            grpc_client.call(self.channel, signal, telemetry.REQUEST[signal](["after-empty-" + signal]))
            self.arrives("after-empty-" + signal)
        self.assertEqual([line for line in self.gateway.json_lines() if '"test.id"' not in line], [])

    def test_unknown_services_and_methods(self):
        for path, words in (("/nothing.Service/Export", "unknown service nothing.Service"),
                            ("/opentelemetry.proto.collector.logs.v1.LogsService/Import", "unknown method Import"),
                            ("/opentelemetry.proto.collector.traces.v1.TraceService/Export", "unknown service"),
                            ("/v1/logs", "unknown service v1")):
            with self.subTest(path):
                error = self.refused(path, b"", grpc.StatusCode.UNIMPLEMENTED)
                self.assertIn(words, error.details())

    def test_malformed_protobuf_is_refused_with_what_and_where(self):
        good = telemetry.logs(["malformed"])
        for body, why in ((b"\xff\xff\xff", "broken tag"), (good[:-1], "cut off"), (b"\x0a\x05\x0a", "length too long"),
                          (b"\x0b\x0c", "a group"), (good + b"\x0a", "a tag alone"),
                          (b"\x0a\x06\x12\x09\x12\x02\x1a\x01", "the length of a scope")):
            with self.subTest(why):
                error = self.refused("logs", body, grpc.StatusCode.INVALID_ARGUMENT)
                self.assertRegex(error.details(), r"byte \d+")
                status = telemetry.status_of_error(error)
                self.assertEqual((status.code, status.message), (3, error.details()))
                self.assertIsNone(status.retry_after_s)
        self.assertEqual(grpc_client.call(self.channel, "logs", good), b"")

    def test_a_damaged_gzip_body_is_refused(self):
        # The C core compresses by itself, so the frame is made by hand.
        frame = b"\x01" + (30).to_bytes(4, "big") + b"\x1f\x8b\x08" + b"\xff" * 27
        self.assertEqual(self.raw_status(frame, "grpc-encoding: gzip"), "13")

    def raw_status(self, body, *headers):
        """grpc-status of a call whose body is made by hand. By nghttp: curl 7.88 hangs when an answer is complete
        before its request is."""
        path = self.gateway.directory + "/frame"
        with open(path, "wb") as file:
            file.write(body)
        arguments = ["nghttp", "-v", "-d", path, "-H", ":method: POST", "-H", "te: trailers",
                     "-H", "content-type: application/grpc"]
        for header in headers:
            arguments += ["-H", header]
        result = run_program(*arguments, "http://%s:%d%s" % (*self.gateway.grpc, grpc_client.EXPORT["logs"]))
        found = re.findall(r"recv \(stream_id=\d+\) grpc-status: (\d+)", result.stdout)
        self.assertEqual(len(found), 1, result.stdout)
        return found[0]

    def test_frames_that_are_no_unary_message(self):
        message = telemetry.logs(["frame"])
        frame = b"\0" + len(message).to_bytes(4, "big") + message
        for body, codes, why in ((frame, ("0",), "one message"), (b"", ("12", "13"), "none"),
                                 (frame + frame, ("12", "13"), "two"), (frame[:-1], ("13",), "cut off"),
                                 (b"\x02" + frame[1:], ("13",), "unknown flag"),
                                 (b"\x01" + frame[1:], ("13",), "compressed without a coding")):
            with self.subTest(why):
                self.assertIn(self.raw_status(body), codes)
        with self.subTest("unknown coding"):
            self.assertEqual(self.raw_status(b"\x01" + frame[1:], "grpc-encoding: snappy"), "12")

    def test_calls_that_are_cancelled_or_late_cost_nobody_else_anything(self):
        calls = [grpc_client.future(self.channel, "logs", telemetry.logs([f"cancel-{n}"], padding=MIB))
                 for n in range(20)]
        # Streams are opened in order: after this one, no cancellation speaks of a stream that was never opened, which
        # the C core does otherwise and HTTP/2 answers with the end of the connection (RFC 9113 section 6.4).
        grpc_client.call(self.channel, "logs", telemetry.logs(["opened"]))
        for call in calls[::2]:
            call.cancel()
        for call in calls[1::2]:
            self.assertEqual(call.result(), b"")
        with self.assertRaises(grpc.RpcError) as caught:
            grpc_client.export(self.gateway.grpc, "logs", telemetry.logs(["late"], padding=8 * MIB), timeout=0.001)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertEqual(grpc_client.call(self.channel, "logs", telemetry.logs(["after"])), b"")

    def test_grpc_on_the_http_port(self):
        self.assertEqual(grpc_client.export(self.gateway.http, "logs", telemetry.logs(["on-http-port"])), b"")
        self.arrives("on-http-port")

    def test_clients_in_parallel(self):
        failures = []

        def client(number):
            try:
                with grpc_client.channel(self.gateway.grpc) as on:
                    for turn in range(50):
                        grpc_client.call(on, "logs", telemetry.logs([f"parallel-{number}-{turn}"]))
            except Exception as error:  # reported by the main thread
                failures.append(error)

        threads = [threading.Thread(target=client, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])

        def count(all_lines):
            return sum(line.count('"stringValue":"parallel-') for line in all_lines)
        self.gateway.stdout.wait(lambda all_lines: count(all_lines) >= 400, "400 records")
        self.assertEqual(count(self.gateway.stdout.all()), 400)


class Limits(unittest.TestCase):
    def test_what_is_too_large_is_refused_before_it_is_sent(self):
        with Gateway(otlp={"grpc": {"max_recv_msg_size_mib": 1}}) as gateway:
            with grpc_client.channel(gateway.grpc) as on:
                for options in ({}, {"compression": grpc.Compression.Gzip}):
                    with self.subTest(options), self.assertRaises(grpc.RpcError) as caught:
                        grpc_client.call(on, "logs", telemetry.logs(["large"], padding=3 * MIB), **options)
                    error = caught.exception
                    self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED, error)
                    status = telemetry.status_of_error(error)
                    if status:
                        self.assertIsNone(status.retry_after_s, "a retry would not help")
                self.assertEqual(grpc_client.call(on, "logs", telemetry.logs(["small"], padding=MIB // 2)), b"")

    def test_the_limit_of_a_message_follows_the_protocol_not_the_port(self):
        with Gateway(otlp={"grpc": {"max_recv_msg_size_mib": 1}}) as gateway:
            body = telemetry.logs(["large"], padding=3 * MIB)
            self.assertEqual(http_client.post(gateway.grpc, "/v1/logs", body).status, 200)
            with self.assertRaises(grpc.RpcError):
                grpc_client.export(gateway.http, "logs", body)

    def test_a_signal_that_no_pipeline_takes_is_unimplemented_and_says_so(self):
        with Gateway(pipelines={"logs": ["debug"]}) as gateway:
            with self.assertRaises(grpc.RpcError) as caught:
                grpc_client.export(gateway.grpc, "traces", telemetry.traces(["t"]))
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
            self.assertIn("pipeline", caught.exception.details())
            self.assertEqual(grpc_client.export(gateway.grpc, "logs", telemetry.logs(["l"])), b"")

    def test_deep_nesting_is_refused(self):
        value = b"\x0a\x01x"  # AnyValue{string_value}
        for _ in range(200):
            array = b"\x0a" + varint(len(value)) + value      # ArrayValue{values}
            value = b"\x2a" + varint(len(array)) + array      # AnyValue{array_value}
        record = b"\x2a" + varint(len(value)) + value         # LogRecord{body}
        scope = b"\x12" + varint(len(record)) + record
        resource = b"\x12" + varint(len(scope)) + scope
        body = b"\x0a" + varint(len(resource)) + resource
        with Gateway() as gateway:
            with self.assertRaises(grpc.RpcError) as caught:
                grpc_client.export(gateway.grpc, "logs", body)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Tools(unittest.TestCase):
    def test_h2load_sees_only_success(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            message = telemetry.logs(range(5))
            path = gateway.directory + "/body.grpc"
            with open(path, "wb") as file:
                file.write(b"\0" + len(message).to_bytes(4, "big") + message)
            url = "http://%s:%d%s" % (*gateway.grpc, grpc_client.EXPORT["logs"])
            result = run_program("h2load", "-c", "4", "-m", "50", "-n", "4000", "-d", path,
                                 "-H", "content-type: application/grpc", "-H", "te: trailers", url)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("4000 succeeded, 0 failed, 0 errored", result.stdout)

    def test_a_client_that_goes_away_mid_request_does_no_harm(self):
        with Gateway() as gateway:
            for cut in (10, 24, 30, 60):
                with Connection(gateway.grpc) as connection:
                    connection.send((b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0" + b"\0" * 40)[:cut])
            self.assertEqual(grpc_client.export(gateway.grpc, "logs", telemetry.logs(["still"])), b"")
            gateway.wait_json(1)


if __name__ == "__main__":
    suite.main()
