# SPDX-License-Identifier: Apache-2.0
"""Offered far more than the slowest exporter takes: memory stays inside its limits, who has to wait is told for how
long, what was accepted is delivered, and afterwards all is as before."""
import json
import os
import subprocess
import unittest

import grpc_client
import suite
import telemetry
from gateway import BIN, DIE_WITH_TEST, Gateway, resident_kib, wait_for
from http_client import post
from sink import Sink

LOAD = os.path.join(BIN, "masques-load")
SECONDS = int(os.environ.get("MASQUES_OVERLOAD_SECONDS", "8"))
RECORDS = 100
MIB_KIB = 1024  # KiB of a MiB

LIMITS = {"ledger": "8MiB"}
OTLP = {"http": {"max_request_body_size": "4MiB"}, "grpc": {"max_recv_msg_size_mib": 4}}
# What a process may have on top of what it needs when idle: its limit, twice where that has to be copied, and slack.
MORE_KIB = {"worker": 2 * 8 * MIB_KIB + 8 * MIB_KIB, "router": 2 * 8 * MIB_KIB + 16 * MIB_KIB, "exporter": 16 * MIB_KIB}


class Overload(unittest.TestCase):
    def load(self, protocol, address, rate):
        return subprocess.Popen(
            [*DIE_WITH_TEST, LOAD, protocol, "%s:%d" % address, "--records", str(RECORDS), "--connections", "64",
             "--seconds", str(SECONDS), "--rate", str(rate)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def watch(self, gateway, idle, loads):
        """The highest memory of every process, above idle, while the loads run; KiB."""
        peak = {}

        def over():
            for name, child in gateway.children().items():
                if child["pid"] in idle:
                    more = resident_kib(child["pid"]) - idle[child["pid"]]
                    peak[name] = max(peak.get(name, 0), more)
            return all(load.poll() is not None for load in loads)
        wait_for(over, "the end of the load", deadline=SECONDS + 60, pause=0.2)
        return peak

    def test_more_than_can_be_taken(self):
        with Gateway(stdout=subprocess.DEVNULL, otlp=OTLP,
                     masques={"limits": LIMITS, "router": {"memory": "8MiB"},
                              "store": {"max_bytes": "16MiB", "segment_bytes": "1MiB"}}) as gateway:
            sink = Sink(gateway, "--delay-ms", "100")
            grpc_client.export(gateway.grpc, "logs", telemetry.logs(["first"]))
            wait_for(lambda: sink.counts()["first"], "the first record")
            idle = {child["pid"]: resident_kib(child["pid"]) for child in gateway.children().values() if child["pid"]}
            loads = [self.load("--http", gateway.http, 3000), self.load("--grpc", gateway.grpc, 3000)]
            peak = self.watch(gateway, idle, loads)
            results = [json.loads(load.communicate()[0]) for load in loads]
            print(json.dumps({"peak_kib_above_idle": peak, "results": results}))
            for result in results:
                self.assertEqual((result["failed"], result["broken"]), (0, 0), result)
                self.assertGreater(result["refused"], 0, result)
                self.assertGreater(result["requests"], 0, result)
            for name, child in gateway.children().items():
                self.assertLess(peak.get(name, 0), MORE_KIB[child["kind"]], name)
                self.assertEqual(child["restarts"], 0, name)
            self.recovers(gateway, sink, RECORDS * sum(result["requests"] for result in results) + 1)

    def recovers(self, gateway, sink, accepted):
        wait_for(lambda: post(gateway.http, "/v1/logs", telemetry.logs(["last"])).status == 200, "room again")
        wait_for(lambda: sink.counts()["last"], "the last record", deadline=120, pause=0.5)
        wait_for(lambda: all(child["numbers"]["ledger_bytes"] == 0 for child in gateway.children("worker").values()),
                 "the ledgers to be empty")
        # What was stored when its client had already been told to come again was not accepted, and is delivered.
        late = sum(child["numbers"].get("batches_stored_after_error", 0)
                   for child in gateway.children("worker").values())
        counts = sink.counts()
        self.assertTrue(1 <= counts["last"] <= 1 + late, counts["last"])
        self.assertTrue(accepted + 1 <= sum(counts.values()) <= accepted + 1 + late * RECORDS, (late, accepted))
        sink.stop()


if __name__ == "__main__":
    suite.main()
