# SPDX-License-Identifier: Apache-2.0
"""ClickHouse's own client for JavaScript reads what the exporter wrote (read.mjs)."""
import json
import os

import house
import suite
from gateway import SIGNALS, run_program

READER = os.path.join(os.environ["MASQUES_SOURCE_DIR"], "tests", "clickhouse", "read.mjs")


class JsClient(house.Case):
    def test_it_reads_all_signals(self):
        with self.gateway() as gateway:
            ids = {signal: self.send(gateway, signal) for signal in SIGNALS}
            for signal in SIGNALS:
                self.wait_once(ids[signal], signal)
        result = run_program("node", READER, self.server.endpoint, self.server.database, timeout=120)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
        found = json.loads(result.stdout)
        self.assertLessEqual({"otel_logs", "otel_traces", "otel_traces_trace_id_ts", "otel_metrics_sum"}, set(found["tables"]))
        self.assertEqual(found["logs"], [
            {"Timestamp": f"2023-11-14 22:13:20.00000000{number}", "ServiceName": "test", "Body": f"record {name}", "id": name,
             "LogAttributes": {"test.id": name}} for number, name in enumerate(ids["logs"])])
        self.assertEqual(found["spans"], [
            {"SpanName": f"span {name}", "Duration": 1000, "StatusCode": "Unset", "SpanKind": "Unspecified"}
            for name in ids["traces"]])
        self.assertEqual(found["sums"], {"sum": 3, "count": 3, "monotonic": True})


if __name__ == "__main__":
    suite.main()
