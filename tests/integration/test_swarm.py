# SPDX-License-Identifier: Apache-2.0
"""A request of the smallest attributes there are is much work for few bytes: it gets through like any other, and nobody
is taken for hung meanwhile."""
import json
import os
import unittest

import suite
import telemetry
from gateway import Gateway, wait_for
from http_client import post

ATTRIBUTES = 31 << 20
SANITIZED = int(os.environ.get("MASQUES_SANITIZED") or 0)


class Swarm(unittest.TestCase):
    def test_it_gets_through(self):
        count = ATTRIBUTES // 8 if SANITIZED else ATTRIBUTES  # as long takes less of it there
        gateway = Gateway(workers=1)
        self.addCleanup(gateway.destroy)
        path = os.path.join(gateway.directory, "out.json")
        gateway.exporters = {"file": {"path": path}, "nop": {}}
        with gateway:
            body = telemetry.logs(["before"]) + telemetry.swarm(count) + telemetry.logs(["after"])
            self.assertEqual(post(gateway.http, "/v1/logs", body).status, 200)
            wait_for(lambda: gateway.child("file")["delivered"]["logs"] == 3, "all three records", deadline=240, pause=0.2)
            self.assertEqual({name: child["restarts"] for name, child in gateway.children().items()},
                             {"router": 0, "worker/1": 0, "file": 0, "nop": 0})
            with open(path, encoding="ascii") as file:
                line = file.read()
        self.assertEqual(line.count('{"value":{}}'), count)
        self.assertEqual((line.count("test.id"), line.count("\n")), (2, 1))
        self.assertTrue(line.startswith('{"resourceLogs":[') and line.endswith("]}\n"), json.dumps(line[:99] + line[-99:]))


if __name__ == "__main__":
    suite.main()
