# SPDX-License-Identifier: Apache-2.0
"""Which rows a request has to become, told from Google's protobuf for Python and from the description of the tables
alone; and whether those are the rows that SQL finds. Times are ns since the epoch here, maps lists of [key, value]."""
import base64
import math
import os
import struct
from collections import Counter
from decimal import Decimal

import otlp_oracle
from clickhouse_tables import LOGS, METRICS, TRACES

TIME_MAX_NS = 0xFFFFFFFF * 10**9  # what a DateTime can hold
RECEIVED = "the time of reception"  # in a row: instead of a time that the record does not say
SPAN_KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
STATUS_CODES = ("Unset", "Ok", "Error")


# -- values in words

def double_text(number):
    """The fewest digits that are this number, with an exponent only below 1e-6 and from 1e21 on."""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    sign = "-" if math.copysign(1, number) < 0 else ""
    if number == 0:
        return sign + "0"
    _, digits, exponent = Decimal(repr(abs(number))).normalize().as_tuple()
    digits = "".join(map(str, digits))
    first = len(digits) + exponent - 1  # the power of ten of the first digit
    if not 1e-6 <= abs(number) < 1e21:
        return f"{sign}{digits[0]}{'.' + digits[1:] if digits[1:] else ''}e{'+' if first > 0 else '-'}{abs(first)}"
    if exponent >= 0:
        return sign + digits + "0" * exponent
    if first >= 0:
        return f"{sign}{digits[:first + 1]}.{digits[first + 1:]}"
    return f"{sign}0.{'0' * (-first - 1)}{digits}"


def string_json(text):
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + "".join(short.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in text) + '"'


def value_json(value):
    kind = value.WhichOneof("value")
    if kind is None:
        return "null"
    content = getattr(value, kind)
    if kind == "array_value":
        return "[" + ",".join(map(value_json, content.values)) + "]"
    if kind == "kvlist_value":
        items = sorted(content.values, key=lambda item: item.key.encode())
        return "{" + ",".join(f"{string_json(item.key)}:{value_json(item.value)}" for item in items) + "}"
    if kind in ("string_value", "bytes_value") or kind == "double_value" and not math.isfinite(content):
        return string_json(value_text(value))
    return value_text(value)


def value_text(value):
    kind = value.WhichOneof("value")
    if kind is None:
        return ""
    content = getattr(value, kind)
    if kind == "string_value":
        return content
    if kind == "bool_value":
        return "true" if content else "false"
    if kind == "int_value":
        return str(content)
    if kind == "double_value":
        return double_text(content)
    if kind == "bytes_value":
        return base64.b64encode(content).decode()
    return value_json(value)


def map_of(attributes):
    pairs = [[item.key, value_text(item.value)] for item in attributes]
    return sorted(pairs, key=lambda pair: pair[0].encode())


def service_of(resource):
    return next((value_text(item.value) for item in resource.attributes if item.key == "service.name"), "")


def time_of(ns):
    return min(ns, TIME_MAX_NS)


def row_time(*said):
    return time_of(next(filter(None, said), 0)) or RECEIVED


def id_of(data):
    return data.hex() if any(data) else ""


# -- rows

def log_rows(request):
    for resource in request.resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield LOGS, {
                    "Timestamp": row_time(record.time_unix_nano, record.observed_time_unix_nano),
                    "TraceId": id_of(record.trace_id), "SpanId": id_of(record.span_id),
                    "TraceFlags": record.flags & 0xFF, "SeverityText": record.severity_text,
                    "SeverityNumber": record.severity_number & 0xFF, "ServiceName": service_of(resource.resource),
                    "Body": value_text(record.body), "ResourceSchemaUrl": resource.schema_url,
                    "ResourceAttributes": map_of(resource.resource.attributes), "ScopeSchemaUrl": scope.schema_url,
                    "ScopeName": scope.scope.name, "ScopeVersion": scope.scope.version,
                    "ScopeAttributes": map_of(scope.scope.attributes), "LogAttributes": map_of(record.attributes),
                    "EventName": record.event_name,
                }


def _named(names, number):
    return names[number] if 0 <= number < len(names) else ""


def trace_rows(request):
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield TRACES, {
                    "Timestamp": row_time(span.start_time_unix_nano),
                    "TraceId": id_of(span.trace_id), "SpanId": id_of(span.span_id),
                    "ParentSpanId": id_of(span.parent_span_id), "TraceState": span.trace_state,
                    "SpanName": span.name, "SpanKind": _named(SPAN_KINDS, span.kind),
                    "ServiceName": service_of(resource.resource),
                    "ResourceAttributes": map_of(resource.resource.attributes),
                    "ScopeName": scope.scope.name, "ScopeVersion": scope.scope.version,
                    "SpanAttributes": map_of(span.attributes),
                    "Duration": max(0, span.end_time_unix_nano - span.start_time_unix_nano),
                    "StatusCode": _named(STATUS_CODES, span.status.code), "StatusMessage": span.status.message,
                    "Events.Timestamp": [time_of(event.time_unix_nano) for event in span.events],
                    "Events.Name": [event.name for event in span.events],
                    "Events.Attributes": [map_of(event.attributes) for event in span.events],
                    "Links.TraceId": [id_of(link.trace_id) for link in span.links],
                    "Links.SpanId": [id_of(link.span_id) for link in span.links],
                    "Links.TraceState": [link.trace_state for link in span.links],
                    "Links.Attributes": [map_of(link.attributes) for link in span.links],
                }


def _number(holder):
    kind = holder.WhichOneof("value")
    return float(getattr(holder, kind)) if kind else 0.0


def _exemplars(point):
    found = point.exemplars
    return {
        "Exemplars.FilteredAttributes": [map_of(item.filtered_attributes) for item in found],
        "Exemplars.TimeUnix": [time_of(item.time_unix_nano) for item in found],
        "Exemplars.Value": [_number(item) for item in found],
        # Zeros are written out, unlike elsewhere.
        "Exemplars.SpanId": [(item.span_id or bytes(8)).hex() for item in found],
        "Exemplars.TraceId": [(item.trace_id or bytes(16)).hex() for item in found],
    }


def _number_columns(point):
    return {"Value": _number(point), **_exemplars(point)}


def _distribution_columns(point):
    return {"Count": point.count, "Sum": point.sum, "Min": point.min, "Max": point.max, **_exemplars(point)}


def _histogram_columns(point):
    return {**_distribution_columns(point), "BucketCounts": list(point.bucket_counts),
            "ExplicitBounds": list(point.explicit_bounds)}


def _exponential_columns(point):
    return {**_distribution_columns(point), "Scale": point.scale, "ZeroCount": point.zero_count,
            "PositiveOffset": point.positive.offset, "PositiveBucketCounts": list(point.positive.bucket_counts),
            "NegativeOffset": point.negative.offset, "NegativeBucketCounts": list(point.negative.bucket_counts)}


def _summary_columns(point):
    return {"Count": point.count, "Sum": point.sum,
            "ValueAtQuantiles.Quantile": [item.quantile for item in point.quantile_values],
            "ValueAtQuantiles.Value": [item.value for item in point.quantile_values]}


POINT_COLUMNS = {"gauge": _number_columns, "sum": _number_columns, "histogram": _histogram_columns,
                 "exponential_histogram": _exponential_columns, "summary": _summary_columns}


def metric_rows(request):
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                data = getattr(metric, kind) if kind else None
                for point in data.data_points if data else ():
                    row = {
                        "ResourceAttributes": map_of(resource.resource.attributes),
                        "ResourceSchemaUrl": resource.schema_url,
                        "ScopeName": scope.scope.name, "ScopeVersion": scope.scope.version,
                        "ScopeAttributes": map_of(scope.scope.attributes),
                        "ScopeDroppedAttrCount": scope.scope.dropped_attributes_count,
                        "ScopeSchemaUrl": scope.schema_url, "ServiceName": service_of(resource.resource),
                        "MetricName": metric.name, "MetricDescription": metric.description, "MetricUnit": metric.unit,
                        "Attributes": map_of(point.attributes),
                        "StartTimeUnix": time_of(point.start_time_unix_nano),
                        "TimeUnix": row_time(point.time_unix_nano), "Flags": point.flags,
                        **POINT_COLUMNS[kind](point),
                    }
                    if hasattr(data, "aggregation_temporality"):
                        row["AggregationTemporality"] = data.aggregation_temporality
                    if kind == "sum":
                        row["IsMonotonic"] = data.is_monotonic
                    yield METRICS[kind], row


ROWS = {"logs": log_rows, "traces": trace_rows, "metrics": metric_rows}


def expected(signal, requests):
    """{table: [rows]} of requests in protobuf."""
    found = {}
    for body in requests:
        for table, row in ROWS[signal](otlp_oracle.decode(signal, body)):
            found.setdefault(table, []).append(row)
    return found


# -- what SQL finds

def ns_of(text):
    seconds, _, fraction = str(text).partition(".")
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0") or 0)


class Reader:
    """How a table's rows are read: by the types that the server says the columns have."""

    def __init__(self, server, table):
        self.server = server
        self.table = table
        described = server.query(f"DESCRIBE TABLE {table}")
        self.types = {row["name"]: row["type"] for row in described if row["default_type"] != "MATERIALIZED"}

    def rows(self, where="1"):
        """As expected() has them; columns of other origin included."""
        return [{name: self._value(name, value) for name, value in row.items()}
                for row in self.server.query(f"SELECT * FROM {self.table} WHERE {where}")]

    def _value(self, name, value):
        kind = self.types[name]
        if "DateTime" in kind:
            return list(map(ns_of, value)) if isinstance(value, list) else ns_of(value)
        if "Float64" in kind:
            return list(map(float, value)) if isinstance(value, list) else float(value)
        return value

    def as_stored(self, row, columns):
        """The expected row as this table can hold it: of some columns, in the precision of their types."""
        return {name: self._stored(name, value) for name, value in row.items() if name in columns}

    def _stored(self, name, value):
        if self.types[name] not in ("DateTime", "Array(DateTime)") or value == RECEIVED:
            return value
        if isinstance(value, list):
            return [item // 10**9 * 10**9 for item in value]
        return value // 10**9 * 10**9


def _bits(value):
    """Something that is equal only for equal bits: NaN to NaN, 0.0 not to -0.0."""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else struct.pack(">d", value)
    if isinstance(value, list):
        return tuple(map(_bits, value))
    return value


def _key(row):
    return tuple((name, _bits(row[name])) for name in sorted(row))


def compare(case, server, table, rows, received=(0, 0), columns=None):
    """Asserts that the table holds these rows, each as often as expected, and no others. `received`: between which
    times (ns) records without a time came in. `columns`: those to be compared; None: all that are expected, and the
    table must have each of them."""
    reader = Reader(server, table)
    names = set(rows[0]) if columns is None else set(columns)
    case.assertLessEqual(names, set(reader.types), table)
    found = [{name: row[name] for name in names} for row in reader.rows()]
    wanted = [reader.as_stored(row, names) for row in rows]
    for name in ("Timestamp", "TimeUnix"):
        if any(row.get(name) == RECEIVED for row in wanted):
            _receive(case, wanted, found, name, received)
    missing, more = Counter(map(_key, wanted)), Counter(map(_key, found))
    missing, more = missing - more, more - missing
    if not missing and not more:
        return
    lines = [f"{table}: {missing.total()} of {len(wanted)} rows are missing, {more.total()} are there instead"]
    if missing and more:
        have = dict(next(iter(missing)))
        near = min(more, key=lambda row: sum(have[name] != value for name, value in row))
        lines += [f"  {name}: " + _difference(have[name], value) for name, value in near if have[name] != value]
    case.fail("\n".join(lines))


def _difference(wanted, found):
    """From where on they differ."""
    wanted, found = repr(wanted), repr(found)
    same = len(os.path.commonprefix([wanted, found]))
    begin = max(0, same - 40)
    return f"…{wanted[begin:same + 160]}… expected, …{found[begin:same + 160]}… found (from character {begin} on)"


def _receive(case, wanted, found, name, received):
    """The times of reception that the table has instead are taken out of the comparison, once seen to be in range."""
    odd = sum(row[name] == RECEIVED for row in wanted)
    said = {row[name] for row in wanted}
    ours = [row for row in found if row[name] not in said and received[0] <= row[name] <= received[1]]
    case.assertEqual(len(ours), odd, f"rows with a time of reception as {name}")
    for row in ours:
        row[name] = RECEIVED
