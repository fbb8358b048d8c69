# SPDX-License-Identifier: Apache-2.0
"""Knows what must arrive. The oracle hands out numbered records; clients send them over gRPC and HTTP and note which
were acknowledged; a far end says what was delivered; verdict() compares.

A record carries "<number>-<sum>" in its attribute test.id and a payload in its attribute test.payload. The sum covers
signal, number and payload, with a salt of the run's own: what arrives intact proves itself, wherever it is read.

An acknowledged record is an obligation. One whose request failed or was refused may arrive or not."""
import contextlib
import glob
import hashlib
import json
import os
import re
import threading
import time
from collections import Counter, namedtuple

import grpc_client
import otlp_oracle
import telemetry
from gateway import Timeout, wait_for
from http_client import Connection, request

SIGNALS = ("logs", "metrics", "traces")
HTTP_TIMEOUT_S = 30
PAYLOAD_CHARS = "abcdefghijklmnopqrstuvwxyz0123456789 \n\r\t\"\\/{}[]<>&\u0000\u007f\u0080\u00e4\u20ac\u2028\U0001f600"

Key = namedtuple("Key", "signal number")


class Oracle:
    """Hands out numbers, one after the other over all clients; `random` is for the payloads."""

    def __init__(self, random, signals=SIGNALS, payload=(0, 300)):
        self.signals = signals
        self.salt = random.randbytes(8)
        self._random = random
        self._payload = payload
        self._lock = threading.Lock()
        self._handed_out = []  # signal of the number that is the index
        self._acknowledged = set()
        self._failed = []
        self._changed = threading.Condition(self._lock)

    # -- sending

    def sum_of(self, signal, number, payload):
        return hashlib.blake2b(f"{signal} {number} {payload}".encode(), digest_size=8, key=self.salt).hexdigest()

    def hand_out(self, signal, count):
        """(numbers, the bytes of a request that holds them)."""
        with self._lock:
            first = len(self._handed_out)
            self._handed_out += [signal] * count
            size = self._random.randint(*self._payload)
            pool = "".join(self._random.choices(PAYLOAD_CHARS, k=64))
        numbers = range(first, first + count)
        items = []
        for number in numbers:
            payload = ((pool * (size // 64 + 1))[:size] + str(number))
            items.append((f"{number}-{self.sum_of(signal, number, payload)}", payload))
        return numbers, build(signal, items)

    def acknowledge(self, signal, numbers):
        with self._changed:
            self._acknowledged.update(Key(signal, number) for number in numbers)
            self._changed.notify_all()

    def fail(self, what):
        with self._lock:
            self._failed.append(what)

    # -- what is known

    def acknowledged(self):
        with self._lock:
            return set(self._acknowledged)

    def acknowledged_count(self):
        with self._lock:
            return len(self._acknowledged)

    def failures(self):
        with self._lock:
            return list(self._failed)

    def sent_count(self):
        with self._lock:
            return len(self._handed_out)

    def was_sent(self, key):
        return 0 <= key.number < len(self._handed_out) and self._handed_out[key.number] == key.signal

    def wait_acknowledged(self, more, what="records to be acknowledged", deadline=60):
        """Waits until so many more are. How long that takes is the machine's affair: it fails when none is for the time
        of the deadline."""
        with self._changed:
            wanted = len(self._acknowledged) + more
            while (before := len(self._acknowledged)) < wanted:
                if not self._changed.wait_for(lambda before=before: len(self._acknowledged) > before, deadline):
                    raise AssertionError(f"waited {deadline} s in vain for {more} {what}, {wanted - before} of them are "
                                         f"missing; the last failures: {self._failed[-5:]}")

    def check(self, signal, identity, payload):
        """The key of a delivered record; raises ValueError when it is not one that was sent, to the bit."""
        number, _, total = identity.partition("-")
        key = Key(signal, int(number))
        if not self.was_sent(key):
            raise ValueError(f"{signal} {identity} was never sent")
        if self.sum_of(signal, key.number, payload) != total:
            raise ValueError(f"{signal} {identity} arrived with another payload: {payload[:80]!r}")
        return key


def build(signal, items):
    """A request with a record for each (test.id, payload)."""
    message = otlp_oracle.REQUESTS[signal]()
    top = {"logs": "resource_logs", "metrics": "resource_metrics", "traces": "resource_spans"}[signal]
    resource = getattr(message, top).add()
    _attribute(resource.resource.attributes, "service.name", "oracle")
    if signal == "logs":
        scope = resource.scope_logs.add()
        add = scope.log_records.add
    elif signal == "traces":
        scope = resource.scope_spans.add()
        add = scope.spans.add
    else:
        scope = resource.scope_metrics.add()
        metric = scope.metrics.add()
        metric.name = "oracle"
        add = metric.gauge.data_points.add
    scope.scope.name = "oracle"
    for identity, payload in items:
        record = add()
        _attribute(record.attributes, "test.id", identity)
        _attribute(record.attributes, "test.payload", payload)
        number = int(identity.split("-")[0])
        if signal == "logs":
            record.time_unix_nano = telemetry.START_NS + number
            record.body.string_value = "record"
        elif signal == "metrics":
            record.time_unix_nano = telemetry.START_NS + number
            record.as_int = number
        else:
            record.trace_id = bytes(range(1, 17))
            record.span_id = (number + 1).to_bytes(8, "big")
            record.name = "span"
            record.start_time_unix_nano = record.end_time_unix_nano = telemetry.START_NS + number
    return message.SerializeToString()


def _attribute(attributes, key, value):
    item = attributes.add()
    item.key = key
    item.value.string_value = value


# -- clients

class Client(threading.Thread):
    """Sends requests one after the other on one connection, never one twice. `gateway` is asked for its address
    whenever the connection has to be made anew, since a gateway that was restarted may have another."""

    def __init__(self, oracle, gateway, transport, random, records=(1, 5), pace_s=0.01):
        super().__init__(daemon=True)
        self.oracle = oracle
        self.gateway = gateway
        self.is_grpc = transport == "grpc"
        self.random = random
        self.records = records
        self.pace_s = pace_s
        self.burst = threading.Event()  # set: without pauses
        self.halt = threading.Event()
        self.served = 0
        self.slowest_s = 0.0
        self._connection = None

    def run(self):
        while not self.halt.is_set():
            signal = self.random.choice(self.oracle.signals)
            numbers, body = self.oracle.hand_out(signal, self.random.randint(*self.records))
            begin = time.monotonic()
            try:
                self._post(signal, body)
            except Exception as error:  # whatever it is, the records were not acknowledged
                self.oracle.fail((begin, time.monotonic(), "grpc" if self.is_grpc else "http", repr(error)[:300]))
                self._close()
                self.halt.wait(0.05)
                continue
            self.oracle.acknowledge(signal, numbers)
            self.served += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - begin)
            if not self.burst.is_set():
                self.halt.wait(self.random.expovariate(1 / self.pace_s))
        self._close()

    def _post(self, signal, body):
        if self._connection is None:
            self._connection = (grpc_client.channel(self.gateway.grpc) if self.is_grpc
                                else Connection(self.gateway.http, HTTP_TIMEOUT_S))
        if self.is_grpc:
            grpc_client.call(self._connection, signal, body, timeout=HTTP_TIMEOUT_S)
            return
        self._connection.send(request(telemetry.HTTP_PATH[signal], body))
        answer = self._connection.read_answer()
        if answer.status != 200:
            raise AssertionError(answer)

    def _close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Clients:
    """Some of them, half over gRPC and half over HTTP/1.1."""

    def __init__(self, oracle, gateway, random, count=8, **options):
        self.oracle = oracle
        self.all = [Client(oracle, gateway, ("grpc", "http")[number % 2], type(random)(random.random()), **options)
                    for number in range(count)]

    def start(self):
        for client in self.all:
            client.start()
        return self

    def stop(self):
        for client in self.all:
            client.halt.set()
        for client in self.all:
            client.join(120)  # its own patience is HTTP_TIMEOUT_S, more than once when it has to connect, too
            if client.is_alive():
                raise AssertionError("a client still waits for its answer")

    def wait_all_served(self, what, times=1, deadline=120):
        """Waits until every client has been answered with success `times` more times; one of them may first have to run
        out of patience (HTTP_TIMEOUT_S) with a connection that died."""
        wanted = [client.served + times for client in self.all]
        wait_for(lambda: all(client.served >= want for client, want in zip(self.all, wanted)), what, deadline)

    def burst(self, on):
        for client in self.all:
            (client.burst.set if on else client.burst.clear)()

    def slowest_s(self):
        return max(client.slowest_s for client in self.all)


# -- far ends: what was delivered, as a Counter of keys; check() raises when something is not as it was sent

def _strings(attributes):
    return {item["key"]: item["value"].get("stringValue") for item in attributes}


def _json_records(tree):
    """(signal, attributes) of every record in a line of OTLP JSON."""
    for resource in tree.get("resourceLogs", ()):
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                yield "logs", _strings(record["attributes"])
    for resource in tree.get("resourceSpans", ()):
        for scope in resource["scopeSpans"]:
            for record in scope["spans"]:
                yield "traces", _strings(record["attributes"])
    for resource in tree.get("resourceMetrics", ()):
        for scope in resource["scopeMetrics"]:
            for metric in scope["metrics"]:
                for point in metric["gauge"]["dataPoints"]:
                    yield "metrics", _strings(point["attributes"])


class FileEnd:
    """The files that the file exporter writes as JSON lines, rotated ones included. Every line must be whole."""

    ID = re.compile(rb'"test\.id","value":\{"stringValue":"(\d+)-')

    def __init__(self, *patterns):
        self.patterns = patterns

    def files(self):
        return sorted({path for pattern in self.patterns for path in glob.glob(pattern)})

    @staticmethod
    def rejected():
        return set()

    def numbers(self):
        """A quick look: the numbers that can be found, in whatever state the files are. One that gets another name just
        now is looked at the next time."""
        found = set()
        for path in self.files():
            with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
                found.update(map(int, self.ID.findall(file.read())))
        return found

    def check(self, oracle):
        counts = Counter()
        for path in self.files():
            with open(path, "rb") as file:
                data = file.read()
            if data and not data.endswith(b"\n"):
                raise AssertionError(f"{path} ends in the middle of a line: {data[-80:]!r}")
            for number, line in enumerate(data.split(b"\n")[:-1], 1):
                try:
                    tree = json.loads(line)
                    counts.update(oracle.check(signal, names["test.id"], names["test.payload"])
                                  for signal, names in _json_records(tree))
                except (ValueError, KeyError, TypeError) as error:
                    raise AssertionError(f"{path}:{number}: {error!r} in {line[:200]!r}…{line[-80:]!r}") from error
        return counts


class SinkEnd:
    """The file of tests/support/sink with --bytes."""

    def __init__(self, sink):
        self.sink = sink

    @staticmethod
    def is_ours(identity):
        return identity[:1].isdigit()

    def numbers(self):
        return {int(name.split("-")[0]) for name in self.sink.counts() if self.is_ours(name)}

    def rejected(self):
        """The numbers that it rejected."""
        return {int(name[1:].split("-")[0]) for name in self.sink.counts() if name[:1] == "!"}

    def check(self, oracle):
        counts = Counter()
        for (signal, *_), _, ids, raw in self.sink.batches():
            found = dict(_wire_records(signal, raw))
            for identity in filter(self.is_ours, ids):
                try:
                    counts[oracle.check(signal, identity, found[identity])] += 1
                except (ValueError, KeyError) as error:
                    raise AssertionError(f"{self.sink.file}: {error!r}") from error
        return counts


def _wire_records(signal, raw):
    """(test.id, payload) of every record of a request."""
    message = otlp_oracle.decode(signal, raw)
    if signal == "logs":
        records = (r for a in message.resource_logs for b in a.scope_logs for r in b.log_records)
    elif signal == "traces":
        records = (r for a in message.resource_spans for b in a.scope_spans for r in b.spans)
    else:
        records = (r for a in message.resource_metrics for b in a.scope_metrics for m in b.metrics
                   for r in m.gauge.data_points)
    for record in records:
        names = {item.key: item.value.string_value for item in record.attributes}
        yield names["test.id"], names.get("test.payload")


# -- the verdict

class Verdict:
    """Of one far end, when all is calm. `missing`: acknowledged, and neither there nor rejected."""

    def __init__(self, oracle, end):
        acknowledged = oracle.acknowledged()
        self.counts = end.check(oracle)  # nothing that was not sent, everything intact
        self.acknowledged = len(acknowledged)
        self.delivered = len(self.counts)
        rejected = end.rejected()
        self.rejected = len(rejected)
        self.missing = sorted(key for key in acknowledged - set(self.counts) if key.number not in rejected)
        # Stored although the client was told otherwise, or was told nothing.
        self.extra = len({key.number for key in self.counts} | rejected) - (self.acknowledged - len(self.missing))
        self.doubled = sorted(key for key, count in self.counts.items() if count > 1)

    def __str__(self):
        return (f"{self.acknowledged} acknowledged, {self.delivered} delivered, {self.rejected} rejected, "
                f"{self.extra} of these never acknowledged, {len(self.missing)} missing, "
                f"{len(self.doubled)} more than once")

    def require(self, lost=0, once=True):
        """`lost`: how many records the gateway reports as lost for this exporter. It may have lost more than what was
        acknowledged, never less than what is missing."""
        if len(self.missing) > lost:
            raise AssertionError(f"{self}; {lost} reported lost; the first that are missing: {self.missing[:10]}")
        if once and self.doubled:
            raise AssertionError(f"{self}; the first that came twice: {self.doubled[:10]}")
        return self


def wait_delivered(oracle, end, lost=lambda: 0, deadline=120):
    """Waits until everything acknowledged is delivered or rejected, or reported lost."""
    wanted = {key.number for key in oracle.acknowledged()}

    def missing():
        return wanted - end.numbers() - end.rejected()
    try:
        wait_for(lambda: len(missing()) <= lost(), "the far end", deadline, pause=0.2)
    except Timeout:
        left = sorted(missing())
        raise Timeout(f"waited {deadline:.0f} s in vain for {len(left)} of {len(wanted)} acknowledged records at the far "
                      f"end, {lost()} are reported lost; the first that are missing: {left[:20]}") from None


def counted(gateway, name, what):
    """Sum over the signals of what health counts for an exporter: delivered, rejected or lost."""
    return sum(gateway.child(name)[what].values())


def seed_of_run(default):
    """MASQUES_SEED, printed, so that a run can be repeated."""
    seed = int(os.environ.get("MASQUES_SEED", default))
    print(f"MASQUES_SEED={seed}")
    return seed
