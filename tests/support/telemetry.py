# SPDX-License-Identifier: Apache-2.0
"""Telemetry to send, and what came out of it: requests with numbered records, google.rpc.Status, comparisons."""
import base64
import json

import otlp_oracle as oracle

START_NS = 1_700_000_000_000_000_000
HTTP_PATH = {"logs": "/v1/logs", "metrics": "/v1/metrics", "traces": "/v1/traces"}
TOP_KEY = {"logs": "resourceLogs", "metrics": "resourceMetrics", "traces": "resourceSpans"}
GRPC_CODES = {3: "INVALID_ARGUMENT", 8: "RESOURCE_EXHAUSTED", 12: "UNIMPLEMENTED", 13: "INTERNAL", 14: "UNAVAILABLE"}


# -- requests

def _attribute(attributes, key, value):
    item = attributes.add()
    item.key = key
    if isinstance(value, int):
        item.value.int_value = value
    else:
        item.value.string_value = value


def logs(ids, service="test", padding=0):
    """A request with a log record for each id, which stands in its attribute test.id."""
    request = oracle.REQUESTS["logs"]()
    resource = request.resource_logs.add()
    _attribute(resource.resource.attributes, "service.name", service)
    scope = resource.scope_logs.add()
    scope.scope.name = "test"
    for number, name in enumerate(ids):
        record = scope.log_records.add()
        record.time_unix_nano = START_NS + number
        record.severity_number = 9
        record.body.string_value = "record " + str(name) + "." * padding
        _attribute(record.attributes, "test.id", str(name))
    return request.SerializeToString()


def events(session, numbers, service="claude-code"):
    """A request with events as Claude Code numbers them: session.id and event.sequence on every record."""
    request = oracle.REQUESTS["logs"]()
    resource = request.resource_logs.add()
    _attribute(resource.resource.attributes, "service.name", service)
    scope = resource.scope_logs.add()
    scope.scope.name = "com.anthropic.claude_code.events"
    for number in numbers:
        record = scope.log_records.add()
        record.time_unix_nano = START_NS + number
        record.body.string_value = "claude_code.api_request"
        _attribute(record.attributes, "session.id", session)
        _attribute(record.attributes, "event.name", "api_request")
        _attribute(record.attributes, "event.sequence", number)
    return request.SerializeToString()


def metrics(ids, service="test"):
    request = oracle.REQUESTS["metrics"]()
    resource = request.resource_metrics.add()
    _attribute(resource.resource.attributes, "service.name", service)
    scope = resource.scope_metrics.add()
    scope.scope.name = "test"
    metric = scope.metrics.add()
    metric.name = "requests"
    metric.sum.aggregation_temporality = 1
    metric.sum.is_monotonic = True
    for number, name in enumerate(ids):
        point = metric.sum.data_points.add()
        point.time_unix_nano = START_NS + number
        point.as_int = number
        _attribute(point.attributes, "test.id", str(name))
    return request.SerializeToString()


def traces(ids, service="test"):
    request = oracle.REQUESTS["traces"]()
    resource = request.resource_spans.add()
    _attribute(resource.resource.attributes, "service.name", service)
    scope = resource.scope_spans.add()
    scope.scope.name = "test"
    for number, name in enumerate(ids):
        span = scope.spans.add()
        span.trace_id = bytes(range(1, 17))
        span.span_id = (number + 1).to_bytes(8, "big")
        span.name = "span " + str(name)
        span.start_time_unix_nano = START_NS + number
        span.end_time_unix_nano = START_NS + number + 1000
        _attribute(span.attributes, "test.id", str(name))
    return request.SerializeToString()


def swarm(attributes):
    """A request with one log record that consists of so many empty attributes, two bytes each."""
    def message(number, *parts):
        content = b"".join(parts)
        length, rest = b"", len(content)
        while rest > 0x7f:
            length, rest = length + bytes([rest & 0x7f | 0x80]), rest >> 7
        return bytes([number << 3 | 2]) + length + bytes([rest]) + content
    time_ns = b"\x09" + START_NS.to_bytes(8, "little")
    return message(1, message(2, message(2, time_ns, message(6) * attributes)))


REQUEST = {"logs": logs, "metrics": metrics, "traces": traces}


# -- what came out

def signal_of(line):
    """The signal of a line of OTLP JSON."""
    key = next(iter(json.loads(line)))
    return next(signal for signal, top in TOP_KEY.items() if top == key)


def lines_of(signal, lines):
    return [line for line in lines if line.startswith('{"' + TOP_KEY[signal] + '"')]


def ids_of(lines):
    """Every test.id in lines of OTLP JSON, in order."""
    found = []

    def walk(node):
        if isinstance(node, list):
            for item in node:
                walk(item)
        elif isinstance(node, dict):
            if node.get("key") == "test.id":
                found.append(node["value"]["stringValue"])
            for item in node.values():
                walk(item)

    for line in lines:
        walk(json.loads(line))
    return found


def same(case, signal, sent, line, name=""):
    """Asserts that a line of JSON means what the bytes of a request mean, field by field."""
    wanted = oracle.normalise(oracle.decode(signal, sent))
    got = oracle.normalise(oracle.from_json(signal, line))
    if got.SerializeToString(deterministic=True) != wanted.SerializeToString(deterministic=True):
        case.assertEqual(str(got), str(wanted), name)
        case.fail(name + ": the values differ in what their text does not show")


def bytes_of(signal, line):
    """A line in a form that can be looked up: the bytes of what it means."""
    return oracle.normalise(oracle.from_json(signal, line)).SerializeToString(deterministic=True)


def meaning_of(signal, sent):
    """The same for the bytes of a request."""
    return oracle.normalise(oracle.decode(signal, sent)).SerializeToString(deterministic=True)


# -- google.rpc.Status

def fields(data):
    """(number, value) of the fields of a protobuf message that are varints (int) or have a length (bytes)."""
    at = 0

    def varint():
        nonlocal at
        value, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while at < len(data):
        tag = varint()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, varint()
        elif kind == 2:
            size = varint()
            yield tag >> 3, data[at:at + size]
            at += size
        else:
            raise ValueError(f"wire type {kind} in a google.rpc.Status")


class Status:
    """google.rpc.Status from protobuf: code, message, retry_after_s (None without RetryInfo)."""

    def __init__(self, data):
        self.code, self.message, self.retry_after_s = 0, "", None
        for number, value in fields(data):
            if number == 1:
                self.code = value
            elif number == 2:
                self.message = value.decode("utf-8")
            elif number == 3:
                self._detail(dict(fields(value)))

    def _detail(self, any_message):
        if any_message[1] == b"type.googleapis.com/google.rpc.RetryInfo":
            delay = dict(fields(dict(fields(any_message[2]))[1]))
            self.retry_after_s = delay.get(1, 0) + delay.get(2, 0) / 1e9


def status_of_answer(answer):
    """The Status in the body of an HTTP answer, by its content type."""
    kind = answer.headers.get("content-type", "")
    if kind == "application/x-protobuf":
        return Status(answer.body)
    if kind == "application/json":
        tree = json.loads(answer.body)
        status = Status(b"")
        status.code, status.message = tree.get("code", 0), tree.get("message", "")
        return status
    raise AssertionError(f"no content type that a Status may have: {answer!r}")


def status_of_error(error):
    """The Status in the trailers of a failed gRPC call; None when it has none."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            return Status(value if isinstance(value, bytes) else base64.b64decode(value + "=="))
    return None
