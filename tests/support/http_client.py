# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 over a bare socket: the bytes are the test's own, and so is what comes back."""
import json
import socket


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # names in lower case
        self.body = body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


class Connection:
    def __init__(self, address, timeout=30):
        self.socket = socket.create_connection(address, timeout)
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise EOFError(f"the connection ended after {self._buffer!r}")
        self._buffer += data

    def _until(self, mark):
        while mark not in self._buffer:
            self._more()
        head, self._buffer = self._buffer.split(mark, 1)
        return head

    def _exactly(self, count):
        while len(self._buffer) < count:
            self._more()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def read_answer(self):
        """One answer; an interim one (1xx) counts as one of its own."""
        lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, status, _ = (lines[0] + " ").split(" ", 2)
        if version != "HTTP/1.1":
            raise AssertionError(f"not an HTTP/1.1 answer: {lines[0]!r}")
        headers = {}
        for line in lines[1:]:
            name, value = line.split(":", 1)
            headers[name.strip().lower()] = value.strip()
        body = b""
        if not status.startswith("1"):
            body = self._exactly(int(headers.get("content-length", "0")))
        return Answer(int(status), headers, body)

    def read_end(self):
        """What is left until the peer closes."""
        try:
            while True:
                self._more()
        except (EOFError, ConnectionResetError):
            rest, self._buffer = self._buffer, b""
            return rest


def request(path, body=b"", method="POST", content_type="application/x-protobuf", headers=(), length=True):
    """The bytes of a request with its body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: test"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    if length:
        lines.append(f"Content-Length: {len(body)}")
    lines += [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def chunked(body, sizes=(1, 2, 7, 100, 4096)):
    """The body in chunks of the given sizes, over and over."""
    out, at, turn = [], 0, 0
    while at < len(body):
        piece = body[at:at + sizes[turn % len(sizes)]]
        out.append(b"%x\r\n%s\r\n" % (len(piece), piece))
        at += len(piece)
        turn += 1
    out.append(b"0\r\n\r\n")
    return b"".join(out)


def post(address, path, body, **options):
    with Connection(address) as connection:
        connection.send(request(path, body, **options))
        return connection.read_answer()
