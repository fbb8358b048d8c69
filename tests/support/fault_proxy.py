# SPDX-License-Identifier: Apache-2.0
"""An HTTP proxy before a ClickHouse server, that passes requests on byte for byte until it is told otherwise: it
answers in the server's place, cuts connections before or after the server has done its work, or keeps requests and
answers back.

    with FaultProxy(server.address) as proxy:
        rule = proxy.on(error(241, "MEMORY_LIMIT_EXCEEDED"), times=3)      # the next three INSERTs
        rule.wait(3)

A rule's action gets an Exchange; those below are what tests need."""
import re
import socket
import struct
import threading
import time
import urllib.parse

from gateway import DEADLINE_S, wait_for

INSERT = r"(?i)^\s*INSERT"
ANY = r""
PIECE = 65536


class Gone(Exception):
    """The connection ended, or is to be ended."""


class Request:
    """What was asked. `sql`, `token`; `parameters` (of the URL), `headers` (lower case); `status` and `code` of what was
    answered, None while or if nothing was; `bytes` of the body so far; `at`: when it came."""

    def __init__(self, number, head):
        lines = head.decode("latin-1").split("\r\n")
        self.number = number
        self.at = time.monotonic()
        self.head = head
        self.method, self.target, _ = lines[0].split(" ", 2)
        path, _, query = self.target.partition("?")
        self.path = path
        self.parameters = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        self.headers = {name.strip().lower(): value.strip() for name, value in
                        (line.split(":", 1) for line in lines[1:] if line)}
        self.body = b""
        self.bytes = 0
        self.status = self.code = None

    @property
    def sql(self):
        return self.parameters.get("query") or self.body[:1000].decode("utf-8", "replace")

    @property
    def token(self):
        return self.parameters.get("insert_deduplication_token")

    @property
    def is_insert(self):
        return re.search(INSERT, self.sql) is not None

    def __repr__(self):
        return f"<{self.number} {self.sql!r} token {self.token} → {self.status} {self.code}>"


class Rule:
    def __init__(self, action, match, times):
        self.action, self.match, self.times = action, match, times
        self.hits = []  # requests
        self._changed = threading.Condition()

    def takes(self, request):
        if self.times is not None and len(self.hits) >= self.times:
            return False
        fits = self.match(request) if callable(self.match) else re.search(self.match, request.sql)
        if fits:
            with self._changed:
                self.hits.append(request)
                self._changed.notify_all()
        return bool(fits)

    def wait(self, hits=1, deadline=DEADLINE_S):
        wait_for(lambda: len(self.hits) >= hits, f"{hits} requests that meet the fault", deadline)
        return self.hits

    def end(self):
        self.times = 0


class Exchange:
    """One request on its way."""

    def __init__(self, proxy, connection, request):
        self.proxy, self.connection, self.request = proxy, connection, request
        self.framed = b""  # the body as it came

    def read_body(self, limit=None):
        """All of the body, or at least `limit` bytes of it (less if there are not so many)."""
        if not self.framed and self.request.headers.get("expect", "").lower() == "100-continue":
            self.connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self.request.headers.get("transfer-encoding", "").lower() == "chunked":
            self._read_chunks(limit)
        else:
            left = int(self.request.headers.get("content-length", 0))
            self.framed = self.connection.exactly(min(left, limit) if limit is not None else left)
            self.request.body = self.framed
            self.request.bytes = len(self.framed)

    def _read_chunks(self, limit):
        framed, body = [], []
        while limit is None or self.request.bytes < limit:
            line = self.connection.until(b"\r\n")
            size = int(line.split(b";")[0], 16)
            data = self.connection.exactly(size + 2)
            framed += [line, b"\r\n", data]
            body.append(data[:-2])
            self.request.bytes += size
            if size == 0:
                break
        self.framed, self.request.body = b"".join(framed), b"".join(body)

    def forward(self):
        """Passes the request on and returns the server's answer, whole; the body must have been read."""
        lines = [line for line in self.request.head.split(b"\r\n")
                 if line and not re.match(rb"(?i)(connection|expect):", line)]
        try:
            with socket.create_connection(self.proxy.server, DEADLINE_S) as upstream:
                upstream.settimeout(self.proxy.patience)
                upstream.sendall(b"\r\n".join(lines) + b"\r\nConnection: close\r\n\r\n" + self.framed)
                answer = b"".join(iter(lambda: upstream.recv(PIECE), b""))
        except OSError as error:
            raise Gone(f"the server: {error}") from error
        if b"\r\n\r\n" not in answer:
            raise Gone("the server ended the connection")
        head, body = answer.split(b"\r\n\r\n", 1)
        self._note(head)
        head = b"\r\n".join(line for line in head.split(b"\r\n") if not re.match(rb"(?i)connection:", line))
        return head + b"\r\n\r\n" + body

    def _note(self, head):
        self.request.status = int(head.split(b" ", 2)[1])
        code = re.search(rb"(?im)^x-clickhouse-exception-code: *(\d+)", head)
        self.request.code = int(code[1]) if code else 0

    def send(self, answer):
        self.connection.send(answer)

    def answer(self, status, text, code=None, headers=(), close=False):
        """An answer of the proxy's own."""
        lines = [f"HTTP/1.1 {status} Said", "Content-Type: text/plain; charset=UTF-8", f"Content-Length: {len(text.encode())}"]
        if code is not None:
            lines.append(f"X-ClickHouse-Exception-Code: {code}")
        lines += [*headers, "Connection: close" if close else "Connection: Keep-Alive"]
        head = "\r\n".join(lines).encode()
        self._note(head)
        self.send(head + b"\r\n\r\n" + text.encode())
        if close:
            self.connection.close()
            raise Gone("closed after an answer")

    def reset(self):
        self.request.status = self.request.code = None  # nobody heard
        self.connection.reset()
        raise Gone("reset")


# -- actions

def passes(exchange):
    exchange.read_body()
    exchange.send(exchange.forward())


def error(code, name="", status=500, text=None, headers=()):
    """The server's own kind of error, after it has read everything and done nothing."""
    words = text or f"Code: {code}. DB::Exception: said by a test. ({name}) (version 26.7.2.1 (official build))\n"

    def action(exchange):
        exchange.read_body()
        exchange.answer(status, words, code, headers)
    return action


def no_code(status=502, text="<html><body>Bad Gateway</body></html>", headers=()):
    """What stands between answers, and has never heard of ClickHouse."""
    def action(exchange):
        exchange.read_body()
        exchange.answer(status, text, None, headers)
    return action


def early(code, name="", status=500, after=0):
    """An error when `after` bytes of the body were read; the connection ends with most of it unread."""
    def action(exchange):
        exchange.read_body(after)
        exchange.answer(status, f"Code: {code}. DB::Exception: early. ({name})\n", code, close=True)
    return action


def reset_before(exchange):
    """The server never hears of it."""
    exchange.read_body()
    exchange.reset()


def reset_within(after=1):
    """In the middle of the body."""
    def action(exchange):
        exchange.read_body(after)
        exchange.reset()
    return action


def reset_after(exchange):
    """The server has done it, and nobody hears."""
    exchange.read_body()
    exchange.forward()
    exchange.reset()


def cut_answer(exchange):
    """Done, and the answer ends in the middle of its head."""
    exchange.read_body()
    exchange.send(exchange.forward()[:20])
    exchange.request.status = exchange.request.code = None
    exchange.connection.close()
    raise Gone("cut")


def done_but(action):
    """The server has done it; the client is told what `action` says."""
    def whole(exchange):
        exchange.read_body()
        exchange.forward()
        exchange.read_body = lambda limit=None: None
        action(exchange)
    return whole


def held(event):
    """Passed on when the event is set."""
    def action(exchange):
        exchange.read_body()
        event.wait(DEADLINE_S * 5)
        exchange.send(exchange.forward())
    return action


def answer_held(event):
    """Done at once, answered when the event is set."""
    def action(exchange):
        exchange.read_body()
        answer = exchange.forward()
        event.wait(DEADLINE_S * 5)
        exchange.send(answer)
    return action


# -- the proxy

class _Connection:
    def __init__(self, peer):
        self._socket = peer
        self._buffer = bytearray()

    def _more(self):
        try:
            data = self._socket.recv(PIECE)
        except OSError as error:
            raise Gone(str(error)) from error
        if not data:
            raise Gone("the client ended the connection")
        self._buffer += data

    def until(self, mark):
        while (at := self._buffer.find(mark)) < 0:
            self._more()
        head = bytes(self._buffer[:at])
        del self._buffer[:at + len(mark)]
        return head

    def exactly(self, count):
        while len(self._buffer) < count:
            self._more()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def send(self, data):
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Gone(str(error)) from error

    def close(self):
        """With what the client still sends unread for a moment, so that it can read the answer."""
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        self._socket.close()

    def reset(self):
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
        self._socket.close()


class FaultProxy:
    """`server`: an address, to be changed at any time. `patience`: seconds that the server has for an answer. `tls`: an
    ssl.SSLContext; the proxy is then what ends TLS before the server."""

    def __init__(self, server, patience=DEADLINE_S, tls=None):
        self.server = server
        self.tls = tls
        self.patience = patience
        self.requests = []  # all of them, in the order in which they came
        self.failures = []  # of the proxy itself
        self.refused = []  # why there was no TLS with a client
        self._rules = []
        self._lock = threading.Lock()
        self._open = set()
        self._serving = set()  # addresses of clients, from their acceptance until they have ended
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def address(self):
        return self._listener.getsockname()

    @property
    def endpoint(self):
        return "%s://%s:%d" % ("https" if self.tls else "http", *self.address)

    def on(self, action, match=INSERT, times=1):
        """`match`: a pattern for the statement, or a function of the Request (whose body is not read yet). `times`: None
        is for ever. The oldest rule that takes a request is its fate."""
        rule = Rule(action, match, times)
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self):
        with self._lock:
            self._rules = []

    def inserts(self, table=None):
        """Every INSERT so far."""
        return [request for request in list(self.requests)
                if request.is_insert and (table is None or re.search(rf"\b{table}\b", request.sql))]

    def settle(self):
        """The clients are dead: waits until what they had sent is in `requests`, and has met its fate. Only without TLS."""
        with socket.create_connection(self.address, DEADLINE_S) as last:  # those that came before it are accepted before it
            ours = last.getsockname()
            wait_for(lambda: ours in self._serving, "the connections to be accepted")
        wait_for(lambda: not self._serving, "the connections to end")

    def cut_all(self):
        """Every connection that is open now."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            connection.reset()

    def close(self):
        """Nobody is there any more: connections are refused."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)  # or the thread that waits there would take one more
        except OSError:
            pass
        self._thread.join(DEADLINE_S)
        self._listener.close()
        self.cut_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _accept(self):
        while True:
            try:
                peer, address = self._listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._serving.add(address)
            threading.Thread(target=self._serve_it, args=(peer, address), daemon=True).start()

    def _serve_it(self, peer, address):
        try:
            self._serve(peer)
        finally:
            self._serving.discard(address)

    def _serve(self, peer):
        try:
            if self.tls:
                peer = self.tls.wrap_socket(peer, server_side=True)
        except OSError as refused:
            self.refused.append(str(refused))
            peer.close()
            return
        connection = _Connection(peer)
        with self._lock:
            self._open.add(connection)
        try:
            while True:
                self._exchange(connection)
        except Gone:
            pass
        except Exception as error:  # shown by the test that wonders
            self.failures.append(repr(error))
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.reset()

    def _exchange(self, connection):
        head = connection.until(b"\r\n\r\n")
        with self._lock:
            request = Request(len(self.requests), head)
            self.requests.append(request)
        exchange = Exchange(self, connection, request)
        if "query" not in request.parameters:
            exchange.read_body()  # the statement is in it
            exchange.read_body = lambda limit=None: None
        with self._lock:
            action = next((rule.action for rule in self._rules if rule.takes(request)), passes)
        action(exchange)
