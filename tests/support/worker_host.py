# SPDX-License-Identifier: Apache-2.0
"""A worker without its family (worker_host.c), and an HTTP/2 client that sends exactly the frames it is told to."""
import os
import re
import socket
import struct
import subprocess
import tempfile

from gateway import SANITIZER, BIN, wait_for

HOST = os.path.join(os.environ["MASQUES_TEST_BIN"], "worker_host")
PROBE = os.path.join(os.environ["MASQUES_TEST_BIN"], "turn_probe.so")
WORKER = os.path.join(BIN, "masques-receiver-worker")


class WorkerHost:
    """numbers: of WorkerSettings in control.proto. probe: measure the turns of the loop (turn_probe.c)."""

    def __init__(self, probe=False, **numbers):
        self._directory = tempfile.TemporaryDirectory(prefix="masques-worker-")
        self._errors = open(os.path.join(self._directory.name, "stderr"), "w+")
        options = [f"{name}={number}" for name, number in numbers.items()]
        environment = dict(os.environ)
        self._spent = 0
        if probe:
            self._turns = os.path.join(self._directory.name, "turns")
            environment.update(LD_PRELOAD=PROBE, TURN_PROBE=self._turns)
        self._process = subprocess.Popen([HOST, *options, WORKER, self._directory.name], text=True, env=environment,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors)
        words = self._process.stdout.readline().split()
        self.address = ("127.0.0.1", int(words[1]))
        self.pid = int(words[3])

    def command(self, text):
        """The lines that the command prints."""
        self._process.stdin.write(text + "\n")
        self._process.stdin.flush()
        lines = []
        for line in self._process.stdout:
            if line == "ok\n":
                return lines
            lines.append(line.strip())
        raise EOFError(f"the worker ended: {lines} {self.errors()}")

    def stats(self):
        words = self.command("stats")[0].split()
        return dict(zip(words[::2], map(int, words[1::2])))

    def numbers(self):
        """Of the last beat; what is missing there is 0."""
        return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", self.command("beat")[0])}

    def turns(self):
        """Since the last time that this was asked: (longest turn in CPU time, on the clock, largest block that the loop
        gave back, CPU time of the whole worker); microseconds, bytes."""
        wait_for(lambda: os.path.exists(self._turns) and os.path.getsize(self._turns) >= 32, "the worker's first turn")
        with open(self._turns, "r+b", buffering=0) as file:
            cpu, wall, freed, spent = struct.unpack("=4Q", file.read(32))
            file.seek(0)
            file.write(bytes(24))
        before, self._spent = self._spent, spent
        return cpu // 1000, wall // 1000, freed, (spent - before) // 1000

    def wait_for_beat(self):
        """Waits for a beat that has not been seen yet."""
        seen = self.numbers().get("beats", 0)
        self.wait_for_number("beats", lambda n: n > seen)

    def wait_for_number(self, name, test):
        return wait_for(lambda: test(self.numbers().get(name, 0)), f"the right {name} in a beat")

    def errors(self):
        with open(self._errors.name) as file:
            return file.read()

    def wait_for_end(self):
        """Exit code of a worker that is ending by itself."""
        return self._finish()

    def close(self):
        """Ends the worker; its exit code."""
        if self._process.poll() is None:
            self._process.stdin.close()
        return self._finish()

    def _finish(self):
        rest = self._process.stdout.read()
        self._process.wait()
        errors = self.errors()
        self._errors.close()
        self._process.stdout.close()
        if not self._process.stdin.closed:
            self._process.stdin.close()
        self._directory.cleanup()
        found = SANITIZER.search(errors)
        if found:
            raise AssertionError(errors)
        return int(re.search(r"exit (\d+)", rest).group(1))


DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
END_STREAM, END_HEADERS, ACK, PADDED = 1, 4, 1, 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def _string(text):
    """HPACK string without Huffman coding (RFC 7541 section 5.2)."""
    data = text.encode() if isinstance(text, str) else text
    if len(data) < 127:
        return bytes([len(data)]) + data
    out, rest = bytearray([127]), len(data) - 127
    while rest >= 128:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out) + data


def header_block(fields):
    """Literals without indexing and with new names (RFC 7541 section 6.2.2)."""
    return b"".join(b"\x00" + _string(name) + _string(value) for name, value in fields)


def grpc_headers(path=LOGS, *more, method="POST", content_type="application/grpc"):
    return header_block([(":method", method), (":scheme", "http"), (":path", path), (":authority", "test"),
                         ("content-type", content_type), ("te", "trailers"), *more])


def grpc_message(body, flag=0):
    return struct.pack(">BI", flag, len(body)) + body


class H2:
    def __init__(self, address, *pairs, timeout=30):
        self.socket = socket.create_connection(address, timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(PREFACE + settings(*pairs))
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *frames):
        self.socket.sendall(b"".join(frames))

    def call(self, stream, body, *more):
        """One whole gRPC request in two frames."""
        self.send(frame(HEADERS, END_HEADERS, stream, grpc_headers(LOGS, *more)),
                  frame(DATA, END_STREAM, stream, grpc_message(body)))

    def read(self):
        """The next frame as (kind, flags, stream, payload), or None when the connection has ended."""
        try:
            while len(self._buffer) < 9 or len(self._buffer) < 9 + int.from_bytes(self._buffer[:3], "big"):
                data = self.socket.recv(65536)
                if not data:
                    return None
                self._buffer += data
        except ConnectionError:
            return None
        length = int.from_bytes(self._buffer[:3], "big")
        got = (self._buffer[3], self._buffer[4], int.from_bytes(self._buffer[5:9], "big") & 0x7fffffff,
               self._buffer[9:9 + length])
        self._buffer = self._buffer[9 + length:]
        return got

    def until(self, wanted):
        """Reads up to the first frame for which wanted(kind, flags, stream, payload) is true, and returns it."""
        while True:
            got = self.read()
            if got is None:
                raise EOFError("the connection has ended")
            if wanted(*got):
                return got

    def ended(self, stream):
        """Reads up to the end of the stream; returns its frames."""
        frames = []
        while True:
            got = self.read()
            if got is None:
                raise EOFError(f"the connection has ended after {frames}")
            if got[2] != stream:
                continue
            frames.append(got)
            if got[0] == RST_STREAM or (got[0] in (DATA, HEADERS) and got[1] & END_STREAM):
                return frames

    def goaway(self):
        """Reads up to GOAWAY; its error code."""
        payload = self.until(lambda kind, *_: kind == GOAWAY)[3]
        return int.from_bytes(payload[4:8], "big")

    def rest(self):
        """Everything up to the end of the connection."""
        frames = []
        while True:
            got = self.read()
            if got is None:
                return frames
            frames.append(got)
