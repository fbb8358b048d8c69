# SPDX-License-Identifier: Apache-2.0
"""An independent reader of OTLP: Google's protobuf for Python over the .proto files of this tree, compiled into a
temporary directory at import. decode() and from_json() give messages that can be compared with ==; normalise() takes
away what JSON cannot say."""
import atexit
import base64
import glob
import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

from google.protobuf import json_format

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROTO = os.path.join(ROOT, "proto")
SIGNALS = ("logs", "metrics", "traces")

# JSON names of the fields that are written in hex, and of those that are written even if they are absent.
HEX_FIELDS = {"traceId", "spanId", "parentSpanId"}
ALWAYS_FIELDS = {"resource", "scope", "body", "status", "positive", "negative"}


def _compile():
    out = tempfile.mkdtemp(prefix="otlp-oracle-")
    atexit.register(shutil.rmtree, out, True)
    files = glob.glob(os.path.join(PROTO, "opentelemetry", "**", "*.proto"), recursive=True)
    subprocess.run(["protoc", "--proto_path=" + PROTO, "--python_out=" + out] + files, check=True)
    sys.path.insert(0, out)


_compile()


def _service(package, name):
    module = importlib.import_module(
        "opentelemetry.proto.collector.%s.v1.%s_service_pb2" % (package, package))
    return getattr(module, name)


REQUESTS = {
    "logs": _service("logs", "ExportLogsServiceRequest"),
    "metrics": _service("metrics", "ExportMetricsServiceRequest"),
    "traces": _service("trace", "ExportTraceServiceRequest"),
}


def decode(signal, data):
    """The request that the bytes mean, without its unknown fields."""
    message = REQUESTS[signal].FromString(data)
    message.DiscardUnknownFields()
    return message


def is_always(field):
    """True for a submessage that is written even if it is absent."""
    if field.message_type is None or field.label == field.LABEL_REPEATED:
        return False
    return (field.json_name in ALWAYS_FIELDS or
            field.json_name == "value" and field.containing_type.name == "KeyValue")


def normalise(message):
    """Sets what is always shown and drops ids that are all zero, here and in all submessages."""
    for field in message.DESCRIPTOR.fields:
        if is_always(field):
            getattr(message, field.name).SetInParent()
        if field.json_name in HEX_FIELDS and not any(getattr(message, field.name)):
            message.ClearField(field.name)
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for item in value if field.label == field.LABEL_REPEATED else [value]:
            normalise(item)
    return message


def _hex_to_base64(node):
    if isinstance(node, list):
        return [_hex_to_base64(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: base64.b64encode(bytes.fromhex(value)).decode() if key in HEX_FIELDS
            else _hex_to_base64(value) for key, value in node.items()}


def from_json(signal, text, strict=True):
    """The request that OTLP JSON means: proto3 JSON, but ids in hex. Unknown keys are an error if `strict`."""
    message = REQUESTS[signal]()
    # A double may be written -0, which Python would take for the integer 0.
    tree = json.loads(text, parse_int=lambda digits: -0.0 if digits == "-0" else int(digits))
    return json_format.ParseDict(_hex_to_base64(tree), message, max_recursion_depth=400,
                                 ignore_unknown_fields=not strict)


def records(signal, message):
    """How many log records, spans or data points."""
    if signal == "logs":
        return sum(len(s.log_records) for r in message.resource_logs for s in r.scope_logs)
    if signal == "traces":
        return sum(len(s.spans) for r in message.resource_spans for s in r.scope_spans)
    total = 0
    for resource in message.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                kind = metric.WhichOneof("data")
                total += len(getattr(metric, kind).data_points) if kind else 0
    return total
