# SPDX-License-Identifier: Apache-2.0
"""The exporter's blocks, read by the engine: every column of every table says what an independent decoder reads from
the same requests. Without the exporter itself: tests/support/native_dump writes the blocks."""
import os
import shutil
import tempfile
import unittest
from random import Random

import clickhouse_rows
import clickhouse_tables
import otlp_oracle
import samples
import suite
from clickhouse import ClickHouse
from gateway import SIGNALS, run_program

DUMP = os.path.join(os.environ["MASQUES_TEST_BIN"], "native_dump")
RECEIVED_NS = 1795000000 * 10**9  # as native_dump has it


class Native(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = ClickHouse().start()
        cls.addClassCleanup(cls.server.destroy)

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="masques-test-")
        self.addCleanup(shutil.rmtree, self.directory)

    def check(self, signal, requests, generation="new", **options):
        """Into new tables."""
        paths = []
        for number, body in enumerate(requests):
            paths.append(os.path.join(self.directory, str(number)))
            with open(paths[-1], "wb") as file:
                file.write(body)
        result = run_program(DUMP, signal, self.directory, *paths)
        self.assertEqual(result.returncode, 0, result.stderr)

        tables = clickhouse_rows.expected(signal, requests)
        self.assertTrue(tables)
        self.server.new_database("native")
        self.server.command(clickhouse_tables.everything(generation=generation))
        for table, rows in tables.items():
            with open(os.path.join(self.directory, table), "rb") as file:
                # A day too many for one block of the server: that is the plan's business, not the block's.
                self.server.insert_native(table, file.read(), max_partitions_per_insert_block=0)
            clickhouse_rows.compare(self, self.server, table, rows, (RECEIVED_NS, RECEIVED_NS), **options)
        return tables

    def test_captures(self):
        for signal in SIGNALS:
            with self.subTest(signal):
                self.check(signal, samples.captures(signal))

    def test_every_kind_of_value(self):
        for signal in SIGNALS:
            with self.subTest(signal):
                maker = samples.Maker(20261126)
                tables = self.check(signal, [maker.fill(signal) for _ in range(30)])
                self.assertGreaterEqual(min(map(len, tables.values())), 50)
                self.assertEqual(len(tables), 5 if signal == "metrics" else 1)

    def test_the_same_in_other_bytes(self):
        """Fields in any order, in pieces, twice, packed or not: what protobuf allows."""
        for signal in SIGNALS:
            with self.subTest(signal):
                maker, random = samples.Maker(99), Random(100)
                messages = [otlp_oracle.decode(signal, maker.fill(signal)) for _ in range(15)]
                bodies = [samples.scrambled(message, random) for message in messages]
                for message, body in zip(messages, bodies):
                    self.assertEqual(otlp_oracle.decode(signal, body).SerializeToString(deterministic=True),
                                     message.SerializeToString(deterministic=True))
                    self.assertNotEqual(body, message.SerializeToString())
                self.check(signal, bodies)

    def test_tables_of_older_versions(self):
        for signal in SIGNALS:
            with self.subTest(signal):
                maker = samples.Maker(7)
                self.check(signal, [maker.fill(signal)], generation="old")

    def test_a_difference_is_found(self):
        maker = samples.Maker(1)
        body = maker.fill("logs")
        ((table, rows),) = self.check("logs", [body]).items()
        for name, value in (("Body", "another"), ("LogAttributes", [["a", "b"]]), ("TraceFlags", 77)):
            spoilt = [{**rows[0], name: value}, *rows[1:]]
            with self.assertRaisesRegex(AssertionError, f"(?s)1 of .* rows are missing.*{name}"):
                clickhouse_rows.compare(self, self.server, table, spoilt, (RECEIVED_NS, RECEIVED_NS))


if __name__ == "__main__":
    suite.main()
