# SPDX-License-Identifier: Apache-2.0
"""Whole connections of Claude Code, byte for byte (tests/fixtures/raw): replayed over a socket, the telemetry in them
comes out. What is in them is read here by a few lines of framing, independent of the gateway's own."""
import glob
import os
import unittest

import suite
import telemetry
from gateway import FIXTURES, Gateway
from http_client import Connection
from worker_host import DATA, PADDED, PREFACE

SCOPES = {"com.anthropic.claude_code.events": "logs", "com.anthropic.claude_code": "metrics",
          "com.anthropic.claude_code.tracing": "traces"}


def http2_messages(stream):
    """The gRPC message of every HTTP/2 stream."""
    bodies, at = {}, len(PREFACE)
    while at + 9 <= len(stream):  # RFC 9113 section 4.1
        size, kind, flags = int.from_bytes(stream[at:at + 3], "big"), stream[at + 3], stream[at + 4]
        number = int.from_bytes(stream[at + 5:at + 9], "big")
        payload = stream[at + 9:at + 9 + size]
        at += 9 + size
        if kind == DATA:
            if flags & PADDED:
                payload = payload[1:len(payload) - payload[0]]
            bodies[number] = bodies.get(number, b"") + payload
    for body in bodies.values():
        assert body[0] == 0 and int.from_bytes(body[1:5], "big") == len(body) - 5
    return [body[5:] for body in bodies.values()]


def http1_messages(stream):
    """The body of every HTTP/1.1 request."""
    bodies = []
    while stream:
        head, stream = stream.split(b"\r\n\r\n", 1)
        headers = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if b"content-length" in headers:
            size = int(headers[b"content-length"])
            bodies.append(stream[:size])
            stream = stream[size:]
            continue
        body = b""
        while True:
            size, stream = stream.split(b"\r\n", 1)
            size = int(size, 16)
            body += stream[:size]
            stream = stream[size + 2:]
            if size == 0:
                break
        bodies.append(body)
    return bodies


class RawReplay(unittest.TestCase):
    def replay(self, path, pieces):
        with open(path, "rb") as file:
            stream = file.read()
        is_http2 = stream.startswith(PREFACE)
        messages = http2_messages(stream) if is_http2 else http1_messages(stream)
        self.assertGreaterEqual(len(messages), 3)
        with Gateway() as gateway, Connection(gateway.grpc if is_http2 else gateway.http) as connection:
            for at in range(0, len(stream), pieces):
                connection.send(stream[at:at + pieces])
            self.comes_out(gateway, messages)
            if not is_http2:
                for _ in messages:
                    self.assertEqual(connection.read_answer().status, 200)

    def comes_out(self, gateway, messages):
        """Every line of the console must be one message, or several that were delivered together."""
        wanted = {signal: [] for signal in telemetry.TOP_KEY}
        for message in messages:
            signal = signal_of(message)
            wanted[signal] += self.pieces(signal, telemetry.oracle.decode(signal, message))

        def arrived(lines):
            found = {signal: [record for line in telemetry.lines_of(signal, lines) for record in
                              self.pieces(signal, telemetry.oracle.from_json(signal, line))]
                     for signal in telemetry.TOP_KEY}
            return found if sum(map(len, found.values())) >= sum(map(len, wanted.values())) else None
        found = gateway.stdout.wait(arrived, f"{len(messages)} requests")
        for signal, resources in found.items():
            self.assertEqual(sorted(resources), sorted(wanted[signal]), signal)

    @staticmethod
    def pieces(signal, message):
        """The Resource… entries, which concatenation leaves alone."""
        normal = telemetry.oracle.normalise(message)
        return [entry.SerializeToString(deterministic=True) for entry in normal.ListFields()[0][1]]


def signal_of(message):
    """By the name of the first scope, which stands at the same place in all three kinds of request."""
    for number in (1, 2, 1, 1):  # Resource…, Scope…, scope, name
        message = next(value for found, value in telemetry.fields(message) if found == number)
    return SCOPES[message.decode()]


def add_tests():
    for path in sorted(glob.glob(os.path.join(FIXTURES, "raw", "*.c2s.raw"))):
        name = os.path.basename(path).removesuffix(".c2s.raw").replace(".", "_").replace("-", "_")
        for pieces, how in ((1 << 20, "at_once"), (7, "in_pieces_of_7")):
            setattr(RawReplay, f"test_{name}_{how}",
                    lambda self, path=path, pieces=pieces: self.replay(path, pieces))


add_tests()

if __name__ == "__main__":
    suite.main()
