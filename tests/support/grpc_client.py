# SPDX-License-Identifier: Apache-2.0
"""Unary gRPC with python3-grpcio, without stubs: bytes out, bytes in."""
import grpc

EXPORT = {
    "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    "metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
}
OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_http_proxy", 0),
    ("grpc.use_local_subchannel_pool", 1),  # every channel has connections of its own
)


def channel(address, *options):
    return grpc.insecure_channel("%s:%d" % address, options=OPTIONS + options)


def call(on, path, body, **options):
    """The answer's bytes; grpc.RpcError otherwise. `path` may be a signal's name."""
    options.setdefault("timeout", 30)
    method = on.unary_unary(EXPORT.get(path, path), request_serializer=None, response_deserializer=None)
    return method(body, **options)


def future(on, path, body, **options):
    options.setdefault("timeout", 30)
    method = on.unary_unary(EXPORT.get(path, path), request_serializer=None, response_deserializer=None)
    return method.future(body, **options)


def export(address, path, body, **options):
    with channel(address) as on:
        return call(on, path, body, **options)
