# SPDX-License-Identifier: Apache-2.0
"""What real clients were seen to send (tests/fixtures), sent again over both transports: the console's json says the
same, field by field, as an independent decoder reads from the bytes."""
import glob
import gzip
import json
import os
import subprocess
import unittest

import grpc
import grpc_client
import suite
import telemetry
from gateway import FIXTURES, Gateway
from http_client import Connection, chunked


class Capture:
    """One captured request: NAME.bin, for gRPC also NAME.grpcframe.bin, and NAME.headers.json. `message` is the same
    request in protobuf."""

    def __init__(self, path):
        self.path = path.removesuffix(".bin")
        self.name = os.path.basename(self.path)
        self.signal = next(signal for signal in telemetry.TOP_KEY if f".{signal}." in self.name)
        self.is_grpc = ".grpc" in self.name
        with open(path, "rb") as file:
            self.body = file.read()  # as on the wire for HTTP; the message itself for gRPC
        with open(self.path + ".headers.json", encoding="utf-8") as file:
            raw = json.load(file)["rawHeaders"]
        self.headers = [(raw[at], raw[at + 1]) for at in range(0, len(raw), 2)]
        self.is_gzip = any(name.lower() == "content-encoding" and value == "gzip" for name, value in self.headers)
        self.message = gzip.decompress(self.body) if self.is_gzip else self.body
        if "http-json" in self.name:
            self.message = telemetry.oracle.from_json(self.signal, self.message.decode(), strict=False).SerializeToString()

    def frame(self):
        with open(self.path + ".grpcframe.bin", "rb") as file:
            return file.read()

    def http_request(self):
        """The request as it was: its own headers in their own order, chunks where there were chunks."""
        is_chunked = any(name.lower() == "transfer-encoding" for name, _ in self.headers)
        head = f"POST {telemetry.HTTP_PATH[self.signal]} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in self.headers) + "\r\n"
        return head.encode("latin-1") + (chunked(self.body, (len(self.body),)) if is_chunked else self.body)


def captures():
    """All but the JSON that a strict reader cannot read: intValue beyond 64 bits, "doubleValue": {}, and the like."""
    found = []
    for path in sorted(glob.glob(os.path.join(FIXTURES, "*.bin"))):
        try:
            if not path.endswith(".grpcframe.bin"):
                found.append(Capture(path))
        except telemetry.oracle.json_format.ParseError:
            pass
    return found


class Captures(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.captures = captures()
        cls.gateway = Gateway().start()
        cls.channel = grpc_client.channel(cls.gateway.grpc)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        try:
            cls.gateway.stop()
        finally:
            cls.gateway.destroy()

    def send_all(self, chosen, send):
        """Sends one after the other and compares each with the line that it becomes."""
        self.assertGreaterEqual(len(chosen), 20)
        for capture in chosen:
            with self.subTest(capture.name):
                before = len(self.gateway.json_lines())
                send(capture)
                line = self.gateway.wait_json(before + 1)[before]
                telemetry.same(self, capture.signal, capture.message, line, capture.name)

    def test_the_fixtures_are_all_there(self):
        kinds = {".".join(capture.name.split(".")[-2:-1]) for capture in self.captures}
        self.assertEqual(kinds, {"grpc", "grpc-gzip", "http-protobuf", "http-protobuf-gzip", "http-json",
                                 "http-json-gzip"})

    def test_http_captures_as_they_were(self):
        def send(capture):
            with Connection(self.gateway.http) as connection:
                connection.send(capture.http_request())
                self.assertEqual(connection.read_answer().status, 200)
        self.send_all([capture for capture in self.captures if not capture.is_grpc], send)

    def test_http_captures_over_http2(self):
        """On either port, with the headers and bytes of the client itself."""
        ports = [self.gateway.http, self.gateway.grpc]
        connection_headers = ("host", "connection", "transfer-encoding", "content-length")

        def send(capture):
            headers = [word for name, value in capture.headers if name.lower() not in connection_headers
                       for word in ("-H", f"{name}: {value}")]
            result = subprocess.run(
                ["curl", "-sS", "--noproxy", "*", "--http2-prior-knowledge", "-o", "/dev/null", "-w",
                 "%{http_version} %{http_code}", *headers, "--data-binary", "@" + capture.path + ".bin",
                 "http://%s:%d%s" % (*ports[0], telemetry.HTTP_PATH[capture.signal])],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
            self.assertEqual((result.stdout, result.stderr), (b"2 200", b""))
            ports.reverse()
        self.send_all([capture for capture in self.captures if not capture.is_grpc], send)

    def test_http_captures_over_grpc(self):
        def send(capture):
            coding = grpc.Compression.Gzip if capture.is_gzip else grpc.Compression.NoCompression
            grpc_client.call(self.channel, capture.signal, capture.message, compression=coding)
        self.send_all([capture for capture in self.captures if not capture.is_grpc], send)

    def test_grpc_captures_over_grpc(self):
        self.send_all([capture for capture in self.captures if capture.is_grpc],
                      lambda capture: grpc_client.call(self.channel, capture.signal, capture.message))

    def test_grpc_captures_frame_by_frame(self):
        """With the headers and the compressed bytes of the client itself."""
        def send(capture):
            headers = [word for name, value in capture.headers
                       if not name.startswith(":") and name not in ("accept-encoding",)
                       for word in ("-H", f"{name}: {value}")]
            result = subprocess.run(
                ["curl", "-sS", "--noproxy", "*", "--http2-prior-knowledge", "-D", "-", "-o", "/dev/null", *headers,
                 "--data-binary", "@" + capture.path + ".grpcframe.bin",
                 "http://%s:%d%s" % (*self.gateway.grpc, grpc_client.EXPORT[capture.signal])],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, check=False)
            self.assertIn(b"grpc-status: 0", result.stdout, result.stderr)
        self.send_all([capture for capture in self.captures if capture.is_grpc], send)

    def test_grpc_captures_over_http(self):
        def send(capture):
            with Connection(self.gateway.http) as connection:
                body = gzip.compress(capture.message)
                connection.send((f"POST {telemetry.HTTP_PATH[capture.signal]} HTTP/1.1\r\nHost: test\r\n"
                                 "Content-Type: application/x-protobuf\r\nContent-Encoding: gzip\r\n"
                                 f"Content-Length: {len(body)}\r\n\r\n").encode() + body)
                self.assertEqual(connection.read_answer().status, 200)
        self.send_all([capture for capture in self.captures if capture.is_grpc], send)

    def test_all_at_once_nothing_is_lost_or_doubled(self):
        """Sent without waiting, in any order on two workers: each comes out exactly once."""
        before = len(self.gateway.json_lines())
        calls = [grpc_client.future(self.channel, capture.signal, capture.message)
                 for capture in self.captures * 5]
        for call in calls:
            self.assertEqual(call.result(), b"")
        # Batches that are delivered together make one line, so what is compared are the records.
        wanted = self.count_records(telemetry.oracle.decode(c.signal, c.message) for c in self.captures * 5)

        def arrived(lines):
            fresh = [line for line in lines if line.startswith("{")][before:]
            found = self.count_records(telemetry.oracle.from_json(telemetry.signal_of(line), line) for line in fresh)
            return found if sum(found.values()) >= sum(wanted.values()) else None
        self.assertEqual(self.gateway.stdout.wait(arrived, "all records"), wanted)

    @staticmethod
    def count_records(messages):
        found = dict.fromkeys(telemetry.TOP_KEY, 0)
        for message in messages:
            signal = next(name for name, kind in telemetry.oracle.REQUESTS.items() if isinstance(message, kind))
            found[signal] += telemetry.oracle.records(signal, message)
        return found


if __name__ == "__main__":
    suite.main()
