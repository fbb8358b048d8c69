# SPDX-License-Identifier: Apache-2.0
"""DuckDB reads the file exporter's JSON lines as they are (tests/duckdb/read.mjs)."""
import json
import os
import unittest

import suite
import telemetry
import test_captures
import test_file
from gateway import run_program, wait_for

READER = os.path.join(os.environ["MASQUES_SOURCE_DIR"], "tests", "duckdb", "read.mjs")


class DuckDb(test_file.Case):
    def lines_so_far(self):
        try:
            with open(self.path, "rb") as file:
                return file.read().count(b"\n")
        except FileNotFoundError:
            return 0

    def check(self, signal):
        captures = [capture for capture in test_captures.captures() if capture.signal == signal]
        self.assertGreater(len(captures), 10)
        key = telemetry.TOP_KEY[signal]
        with self.gateway() as gateway:
            for capture in captures:
                test_file.post(gateway, signal, capture.message)
            wait_for(lambda: self.lines_so_far() == len(captures), "all captures in the file")
            result = run_program("node", READER, self.path, key, timeout=120)
            self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)
            with open(self.path, encoding="utf-8") as file:
                resources = sum(len(json.loads(line)[key]) for line in file)
            self.assertEqual(json.loads(result.stdout), {"rows": str(len(captures)), "resources": str(resources)})

    def test_logs(self):
        self.check("logs")

    def test_metrics(self):
        self.check("metrics")

    def test_traces(self):
        self.check("traces")


if __name__ == "__main__":
    suite.main()
