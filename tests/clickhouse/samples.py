# SPDX-License-Identifier: Apache-2.0
"""Requests to be inserted: what real clients were seen to send, and made-up ones in which every field of OTLP has every
kind of value."""
import os
import random
import struct
import sys

import otlp_oracle

sys.path.append(os.path.join(os.environ["MASQUES_SOURCE_DIR"], "tests", "integration"))
import test_captures  # noqa: E402

SECOND = 10**9
DAY = 86400 * SECOND
NOON = 1_700_049_600 * SECOND  # of 2023-11-15
STRINGS = ("", "a", "text", "ä€\U0001f600", 'quote " and \\', "new\nline\ttab\r", "\0\x01\x1f\x7f", "'", "x" * 300,
           "{\"json\":1}", "<&>", "\u2028", "null", " ", "y" * 20000)
DOUBLES = (0.0, -0.0, 1.0, -1.5, 0.1, 1e-6, 9.99e-7, 1e21, 1e20, 123456789012345680000.0, 1.7976931348623157e308, 5e-324,
           2.0**53 + 2, float("nan"), float("inf"), float("-inf"), 3.141592653589793)
INTEGERS = (0, 1, -1, 42, 2**53 + 1, 2**63 - 1, -2**63)
KEYS = ("", "a", "b", "test.key", "service.name", "ä", "key with space", "z'\"\\", "k8s.pod.name", "k" * 200, "B", "aa")


def captures(signal):
    """The captured requests of a signal, in protobuf."""
    found = [capture.message for capture in test_captures.captures() if capture.signal == signal]
    assert len(found) > 10, signal
    return found


class Maker:
    """Makes requests by chance: the same for the same seed."""

    def __init__(self, seed, days=1):
        self.random = random.Random(seed)
        self.days = days
        self._values = {"string_value": STRINGS, "bool_value": (True, False), "int_value": INTEGERS,
                        "double_value": DOUBLES, "bytes_value": (b"", b"\0", b"ab", bytes(range(256)))}

    def one(self, *values):
        return self.random.choice(values)

    def value(self, value, depth=0):
        kinds = [None, *self._values] + (["array_value", "kvlist_value"] if depth < 4 else [])
        kind = self.random.choice(kinds)
        if kind in self._values:
            setattr(value, kind, self.random.choice(self._values[kind]))
        elif kind:
            getattr(value, kind).SetInParent()
            for _ in range(self.random.choice((0, 1, 2, 3))):
                if kind == "array_value":
                    self.value(value.array_value.values.add(), depth + 1)
                else:
                    self.attribute(value.kvlist_value.values, depth + 1)

    def attribute(self, attributes, depth=0):
        item = attributes.add()
        item.key = self.random.choice(KEYS)
        if self.random.random() < 0.95:
            self.value(item.value, depth)

    def attributes(self, attributes):
        for _ in range(self.random.choice((0, 0, 1, 2, 5, 12))):
            self.attribute(attributes)

    def text(self):
        return self.random.choice(STRINGS[:-1])

    def time(self):
        """Of a record: within self.days from NOON on, at times none at all or beyond what a DateTime holds."""
        if self.random.random() < 0.03:
            return self.one(1, 2**64 - 1, 0xFFFFFFFF * SECOND, 0xFFFFFFFF * SECOND + 1)
        return NOON + self.random.randrange(self.days) * DAY + self.random.randrange(3600 * SECOND)

    def other_time(self):
        return self.one(0, self.time(), 2**64 - 1)

    def trace_id(self):
        return self.one(b"", bytes(16), bytes(15) + b"\1", self.random.randbytes(16))

    def span_id(self):
        return self.one(b"", bytes(8), b"\1" + bytes(7), self.random.randbytes(8))

    def resource(self, holder):
        holder.schema_url = self.text()
        if self.random.random() < 0.9:
            self.attributes(holder.resource.attributes)
            if self.random.random() < 0.6:
                service = holder.resource.attributes.add()
                service.key = "service.name"
                self.value(service.value, 4)
        if self.random.random() < 0.1:
            holder.resource.dropped_attributes_count = 3

    def scope(self, holder):
        holder.schema_url = self.text()
        if self.random.random() < 0.9:
            holder.scope.name, holder.scope.version = self.text(), self.text()
            holder.scope.dropped_attributes_count = self.one(0, 7, 2**32 - 1)
            self.attributes(holder.scope.attributes)

    # -- signals

    def fill(self, signal, records=40):
        request = otlp_oracle.REQUESTS[signal]()
        left = records
        while left > 0:
            resource = {"logs": "resource_logs", "traces": "resource_spans", "metrics": "resource_metrics"}[signal]
            resource = getattr(request, resource).add()
            self.resource(resource)
            for _ in range(self.random.choice((0, 1, 2, 3))):
                left -= getattr(self, "_scope_" + signal)(resource)
        return request.SerializeToString()

    def _scope_logs(self, resource):
        scope = resource.scope_logs.add()
        self.scope(scope)
        count = self.random.choice((0, 1, 3, 10))
        for _ in range(count):
            record = scope.log_records.add()
            record.time_unix_nano = self.one(0, self.time(), self.time())
            record.observed_time_unix_nano = self.time()
            record.severity_number = self.one(0, 1, 9, 24, 255)
            record.severity_text, record.event_name = self.text(), self.text()
            record.flags = self.one(0, 1, 0x101, 2**32 - 1)
            record.trace_id, record.span_id = self.trace_id(), self.span_id()
            record.dropped_attributes_count = self.one(0, 1)
            if self.random.random() < 0.9:
                self.value(record.body)
            self.attributes(record.attributes)
        return count

    def _scope_traces(self, resource):
        scope = resource.scope_spans.add()
        self.scope(scope)
        count = self.random.choice((0, 1, 3, 10))
        for _ in range(count):
            span = scope.spans.add()
            span.trace_id, span.span_id, span.parent_span_id = self.trace_id(), self.span_id(), self.span_id()
            span.trace_state, span.name = self.text(), self.text()
            span.kind = self.random.randrange(6)
            span.start_time_unix_nano = self.time()
            span.end_time_unix_nano = self.one(0, span.start_time_unix_nano, self.time(), 2**64 - 1)
            span.flags = self.one(0, 0x301)
            self.attributes(span.attributes)
            if self.random.random() < 0.7:
                span.status.code, span.status.message = self.random.randrange(3), self.text()
            for _ in range(self.random.choice((0, 0, 1, 3))):
                event = span.events.add()
                event.time_unix_nano, event.name = self.other_time(), self.text()
                self.attributes(event.attributes)
            for _ in range(self.random.choice((0, 0, 1, 3))):
                link = span.links.add()
                link.trace_id, link.span_id, link.trace_state = self.trace_id(), self.span_id(), self.text()
                self.attributes(link.attributes)
        return count

    def _scope_metrics(self, resource):
        scope = resource.scope_metrics.add()
        self.scope(scope)
        count = 0
        for _ in range(self.random.choice((0, 1, 3, 6))):
            metric = scope.metrics.add()
            metric.name, metric.description, metric.unit = self.text(), self.text(), self.text()
            kind = self.one("gauge", "sum", "summary", "histogram", "exponential_histogram", None)
            if not kind:
                continue
            data = getattr(metric, kind)
            data.SetInParent()
            if hasattr(data, "aggregation_temporality"):
                data.aggregation_temporality = self.random.randrange(3)
            if kind == "sum":
                data.is_monotonic = self.one(True, False)
            for _ in range(self.random.choice((0, 1, 4))):
                self._point(kind, data.data_points.add())
                count += 1
        return count

    def _point(self, kind, point):
        point.start_time_unix_nano, point.time_unix_nano = self.other_time(), self.time()
        point.flags = self.one(0, 1)
        self.attributes(point.attributes)
        if kind in ("gauge", "sum"):
            self._number(point)
        else:
            point.count = self.one(0, 5, 2**64 - 1)
            if kind == "summary" or self.random.random() < 0.7:
                point.sum = self.random.choice(DOUBLES)
        if kind == "summary":
            for _ in range(self.random.choice((0, 1, 4))):
                quantile = point.quantile_values.add()
                quantile.quantile, quantile.value = self.random.choice(DOUBLES), self.random.choice(DOUBLES)
            return
        if kind in ("histogram", "exponential_histogram") and self.random.random() < 0.7:
            point.min, point.max = self.random.choice(DOUBLES), self.random.choice(DOUBLES)
        if kind == "histogram" and self.random.random() < 0.8:
            point.bucket_counts.extend([0, 1, 2**64 - 1])
            point.explicit_bounds.extend([-1.5, 1e300])
        if kind == "exponential_histogram":
            point.scale, point.zero_count = self.one(0, -10, 20), self.one(0, 3)
            for buckets in (point.positive, point.negative):
                if self.random.random() < 0.6:
                    buckets.offset = self.one(0, -2**31, 2**31 - 1)
                    buckets.bucket_counts.extend([0, 127, 128, 2**64 - 1])
        for _ in range(self.random.choice((0, 0, 1, 3))):
            exemplar = point.exemplars.add()
            exemplar.time_unix_nano = self.other_time()
            exemplar.trace_id, exemplar.span_id = self.trace_id(), self.span_id()
            self._number(exemplar)
            self.attributes(exemplar.filtered_attributes)

    def _number(self, holder):
        kind = self.one("as_int", "as_double", None)
        if kind:
            setattr(holder, kind, self.random.choice(INTEGERS if kind == "as_int" else DOUBLES))


# -- the same requests in other bytes

def _varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number, kind, data):
    tag = _varint(number << 3 | kind)
    return tag + (_varint(len(data)) + data if kind == 2 else data)


def _scalar(field, value):
    """(wire type, bytes) of a value."""
    types = type(field)
    if field.type in (types.TYPE_STRING, types.TYPE_BYTES):
        return 2, value.encode() if isinstance(value, str) else value
    if field.type == types.TYPE_DOUBLE:
        return 1, struct.pack("<d", value)
    if field.type in (types.TYPE_FIXED64, types.TYPE_SFIXED64):
        return 1, struct.pack("<Q", value & (1 << 64) - 1)
    if field.type == types.TYPE_FIXED32:
        return 5, struct.pack("<I", value)
    if field.type in (types.TYPE_SINT32, types.TYPE_SINT64):
        value = value << 1 if value >= 0 else (-value << 1) - 1
    return 0, _varint(int(value))


def _cut(random, pieces):
    at = random.randint(0, len(pieces))
    return pieces[:at], pieces[at:]


def _pieces(message, random):
    """The fields of a message, each in bytes of its own; order matters only among those of one number, and what has to
    follow another is in one piece with it."""
    pieces = []
    for field, value in message.ListFields():
        many = field.label == field.LABEL_REPEATED
        if field.message_type is None:
            encoded = [_scalar(field, item) for item in (value if many else [value])]
            if many and random.random() < 0.5:  # packed
                pieces.append(_field(field.number, 2, b"".join(data for _, data in encoded)))
                continue
            run = [_field(field.number, *item) for item in encoded]
            if not many and random.random() < 0.3:  # the last one counts
                kind, data = encoded[0]
                run.insert(0, _field(field.number, kind, b"overridden" if kind == 2 and not field.name.endswith("_id")
                                     else data))
            pieces.append(b"".join(run))
        elif many:
            pieces.append(b"".join(_field(field.number, 2, scrambled(item, random)) for item in value))
        elif field.containing_oneof is None and random.random() < 0.5:  # in two halves, which are one message
            left, right = _cut(random, _pieces(value, random))
            pieces.append(_field(field.number, 2, b"".join(left)) + _field(field.number, 2, b"".join(right)))
        else:
            pieces.append(_field(field.number, 2, scrambled(value, random)))
    return pieces


def scrambled(message, random):
    """Bytes that mean the same: fields in any order, twice, packed or not, submessages in pieces, fields of versions to
    come among them."""
    pieces = _pieces(message, random)
    if random.random() < 0.1:
        pieces.append(_field(1000, random.choice((0, 2)), b"\x05"))
    random.shuffle(pieces)
    return b"".join(pieces)
