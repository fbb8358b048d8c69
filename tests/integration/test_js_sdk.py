# SPDX-License-Identifier: Apache-2.0
"""The genuine exporters of the OpenTelemetry JS SDK, in every protocol and coding: what comes out of the console is
what the program said (tests/clients/otel-sdk.mjs and values.json)."""
import json
import os
import unittest

import suite
import telemetry
from gateway import Gateway, run_program

CLIENTS = os.path.join(os.environ["MASQUES_SOURCE_DIR"], "tests", "clients")
with open(os.path.join(CLIENTS, "values.json"), encoding="utf-8") as file:
    VALUES = json.load(file)


def pairs(attributes):
    return {item["key"]: item["value"] for item in attributes}


def by_name(items, name="name"):
    return {item[name]: item for item in items}


class JsSdk(unittest.TestCase):
    maxDiff = None

    def run_client(self, gateway, protocol, compression):
        """What the client told, and the console's first line of each signal."""
        address = gateway.grpc if protocol == "grpc" else gateway.http
        result = run_program("node", os.path.join(CLIENTS, "otel-sdk.mjs"), protocol, compression,
                             "http://%s:%d" % address, timeout=120)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        gateway.stdout.wait(lambda lines: all(telemetry.lines_of(signal, lines) for signal in telemetry.TOP_KEY),
                            "all three signals")
        lines = gateway.json_lines()
        return json.loads(result.stdout), {signal: json.loads(telemetry.lines_of(signal, lines)[0])
                                           for signal in telemetry.TOP_KEY}

    def check_all(self, protocol, compression):
        with Gateway() as gateway:
            told, lines = self.run_client(gateway, protocol, compression)
            self.check_logs(lines["logs"])
            self.check_metrics(lines["metrics"], "Infinity" if protocol != "http/json" else None)  # it says null
            self.check_traces(lines["traces"], told["spans"])

    def check_resource(self, resource):
        self.assertEqual(pairs(resource["attributes"]),
                         {"service.name": {"stringValue": "js-sdk"}, "service.version": {"stringValue": "1.2.3"},
                          "host.cores": {"intValue": "8"}})

    def check_logs(self, line):
        self.check_resource(line["resourceLogs"][0]["resource"])
        scope = line["resourceLogs"][0]["scopeLogs"][0]
        self.assertEqual(scope["scope"], {"name": "js-logger", "version": "0.1.0"})
        self.assertEqual(scope["schemaUrl"], "https://example.test/schema")
        record, bodies = scope["logRecords"][0], scope["logRecords"][1:]
        self.assertEqual({key: value for key, value in record.items() if key != "attributes"},
                         {"timeUnixNano": "1700000000123000000", "observedTimeUnixNano": "1700000000456000000",
                          "severityNumber": 14, "severityText": "warn", "body": {"stringValue": "all kinds"},
                          "flags": 1, "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331",
                          "eventName": "js.event"})
        attributes = pairs(record["attributes"])
        self.assertEqual(len(attributes), len(VALUES))
        for entry, body in zip(VALUES, bodies, strict=True):
            with self.subTest(entry["key"]):
                wanted = self.wanted(entry)
                self.assertEqual(attributes[entry["key"]], wanted)
                self.assertEqual(body["body"], wanted)
                self.assertEqual(pairs(body["attributes"]), {"body.of": {"stringValue": entry["key"]}})

    @staticmethod
    def wanted(entry):
        if "repeat" in entry:
            return {"stringValue": entry["js"] * entry["repeat"]}
        return entry["any"]

    def check_metrics(self, line, infinite):
        self.check_resource(line["resourceMetrics"][0]["resource"])
        scope = line["resourceMetrics"][0]["scopeMetrics"][0]
        self.assertEqual(scope["scope"], {"name": "js-meter", "version": "0.2.0"})
        metrics = by_name(scope["metrics"])
        self.assertEqual(set(metrics), {"counter", "cost", "up.down", "gauge", "histogram", "exponential",
                                        "observable"})

        counter = metrics["counter"]
        self.assertEqual((counter["unit"], counter["description"]), ("1", "an int counter"))
        self.assertEqual((counter["sum"]["aggregationTemporality"], counter["sum"]["isMonotonic"]), (1, True))
        self.assertEqual([point["asInt"] for point in counter["sum"]["dataPoints"]], ["5", "7"])
        self.assertEqual(pairs(counter["sum"]["dataPoints"][0]["attributes"]),
                         {"route": {"stringValue": "/a"}, "code": {"intValue": "200"}, "ok": {"boolValue": True}})

        self.assertEqual(metrics["cost"]["sum"]["dataPoints"][0]["asDouble"], 0.0037)
        self.assertEqual(metrics["up.down"]["sum"]["dataPoints"][0]["asDouble"], -2)
        self.assertEqual(metrics["up.down"]["sum"]["aggregationTemporality"], 2)
        self.assertNotIn("isMonotonic", metrics["up.down"]["sum"])

        plain, negative_zero, infinity = metrics["gauge"]["gauge"]["dataPoints"]
        self.assertEqual(plain["asDouble"], 21.5)
        self.assertEqual(str(negative_zero["asDouble"]).removesuffix(".0"), "-0" if isinstance(
            negative_zero["asDouble"], float) else "0")
        self.assertEqual(infinity.get("asDouble"), infinite)
        self.assertEqual(metrics["observable"]["gauge"]["dataPoints"][0]["asDouble"], 1.25)

        point = metrics["histogram"]["histogram"]["dataPoints"][0]
        self.assertEqual((point["count"], point["sum"], point["min"], point["max"]), ("4", 45, 1, 30))
        self.assertEqual((point["bucketCounts"], point["explicitBounds"]), (["0", "1", "2", "1"], [0, 5, 10]))

        point = metrics["exponential"]["exponentialHistogram"]["dataPoints"][0]
        self.assertEqual((point["count"], point["sum"], point["zeroCount"], point["scale"]), ("4", 7, "1", 3))
        self.assertEqual(point["positive"]["offset"], -1)
        self.assertEqual([at for at, count in enumerate(point["positive"]["bucketCounts"]) if count == "1"],
                         [0, 8, 16])
        self.assertEqual((point["min"], point["max"]), (0, 4))

    def check_traces(self, line, told):
        self.check_resource(line["resourceSpans"][0]["resource"])
        scope = line["resourceSpans"][0]["scopeSpans"][0]
        self.assertEqual(scope["scope"], {"name": "js-tracer", "version": "0.3.0"})
        spans = by_name(scope["spans"])
        self.assertEqual({name: {"traceId": span["traceId"], "spanId": span["spanId"]}
                          for name, span in spans.items()}, told)
        self.assertEqual({name: span["kind"] for name, span in spans.items()},
                         {"root": 2, "child": 3, "internal": 1, "producer": 4, "consumer": 5})

        root, child = spans["root"], spans["child"]
        self.assertNotIn("parentSpanId", root)
        self.assertEqual((root["startTimeUnixNano"], root["endTimeUnixNano"]),
                         ("1700000000000000000", "1700000000999000000"))
        attributes = pairs(root["attributes"])
        plain = [entry for entry in VALUES if not entry.get("logs")]
        self.assertEqual(len(attributes), len(plain))
        for entry in plain:
            self.assertEqual(attributes[entry["key"]], self.wanted(entry), entry["key"])
        event, exception = root["events"]
        self.assertEqual((event["name"], event["timeUnixNano"], pairs(event["attributes"])),
                         ("event", "1700000000001000000", {"a": {"intValue": "1"}}))
        self.assertEqual(exception["name"], "exception")
        self.assertEqual(pairs(exception["attributes"])["exception.message"], {"stringValue": "bad thing"})
        link = root["links"][0]
        self.assertEqual((link["traceId"], link["spanId"], pairs(link["attributes"])),
                         ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", {"link": {"intValue": "1"}}))

        self.assertEqual((child["parentSpanId"], child["traceId"]), (root["spanId"], root["traceId"]))
        self.assertEqual(child["status"], {"message": "failed", "code": 2})
        self.assertEqual(spans["internal"]["status"], {"code": 1})
        self.assertEqual(root["status"], {})

    def test_grpc(self):
        self.check_all("grpc", "none")

    def test_grpc_gzip(self):
        self.check_all("grpc", "gzip")

    def test_http_protobuf(self):
        self.check_all("http/protobuf", "none")

    def test_http_protobuf_gzip(self):
        self.check_all("http/protobuf", "gzip")

    def test_http_json(self):
        self.check_all("http/json", "none")

    def test_http_json_gzip(self):
        self.check_all("http/json", "gzip")


if __name__ == "__main__":
    suite.main()
