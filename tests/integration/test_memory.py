# SPDX-License-Identifier: Apache-2.0
"""Resident memory of worker and router stays flat: what 20,000 requests have not taken, 100,000 do not take."""
import unittest

import grpc_client
import suite
import telemetry
from gateway import Gateway, resident_kib, run_program, wait_for

FIRST, REST = 20_000, 80_000
RECORDS = 5
SLACK_KIB = 1024  # an arena or a table that happens to grow once; a leak of 16 bytes a request would be more


class Memory(unittest.TestCase):
    def load(self, gateway, protocol, requests):
        message = telemetry.logs(range(RECORDS), padding=400)
        path = gateway.directory + "/body"
        if protocol == "grpc":
            message = b"\0" + len(message).to_bytes(4, "big") + message
            how = ["-m", "10", "-H", "content-type: application/grpc", "-H", "te: trailers",
                   "http://%s:%d%s" % (*gateway.grpc, grpc_client.EXPORT["logs"])]
        else:
            how = ["--h1", "-H", "content-type: application/x-protobuf", "http://%s:%d/v1/logs" % gateway.http]
        with open(path, "wb") as file:
            file.write(message)
        result = run_program("h2load", "-c", "8", "-n", str(requests), "-d", path, *how, timeout=600)
        self.assertIn(f"{requests} succeeded, 0 failed", result.stdout, result.stderr)

    def settle(self, gateway, requests):
        """Waits until everything is delivered; returns the resident memory of workers and router in KiB."""
        wait_for(lambda: gateway.child("nop")["delivered"]["logs"] == requests * RECORDS, "all deliveries", 120)
        children = gateway.children()
        return {name: resident_kib(child["pid"]) for name, child in children.items()
                if child["kind"] in ("worker", "router")}

    def check(self, protocol):
        with Gateway(exporters={"nop": {}}, workers=1) as gateway:
            self.load(gateway, protocol, FIRST)
            before = self.settle(gateway, FIRST)
            self.load(gateway, protocol, REST)
            after = self.settle(gateway, FIRST + REST)
            print(f"{protocol}: resident KiB after {FIRST} requests {before}, after {FIRST + REST} {after}")
            for name in before:
                self.assertLess(after[name] - before[name], SLACK_KIB, name)

    def test_grpc(self):
        self.check("grpc")

    def test_http(self):
        self.check("http")


if __name__ == "__main__":
    suite.main()
