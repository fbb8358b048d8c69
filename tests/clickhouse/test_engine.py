# SPDX-License-Identifier: Apache-2.0
"""What the other tests take for granted of the engine and its launcher: without these facts theirs would prove
nothing."""
import shutil
import unittest
from collections import Counter

import clickhouse
import suite
from clickhouse import ClickHouse, ServerError

TABLE = """CREATE TABLE t (id UInt64, m Map(String, String), at DateTime64(9), f Float64) ENGINE = MergeTree ORDER BY id
    SETTINGS non_replicated_deduplication_window = %d"""


class Engine(unittest.TestCase):
    def server(self, **options):
        server = ClickHouse(**options)
        self.addCleanup(server.destroy)
        return server.start()

    def refused(self, code, call, *arguments, **options):
        with self.assertRaises(ServerError) as caught:
            call(*arguments, **options)
        self.assertEqual(caught.exception.code, code, caught.exception)

    def test_what_is_acknowledged_outlives_kills(self):
        server = self.server()
        server.command(TABLE % 100)
        for turn in range(3):
            server.insert("t", [{"id": turn}], insert_deduplication_token=f"t{turn}")
            server.restart()
            server.insert("t", [{"id": turn}], insert_deduplication_token=f"t{turn}")
        self.assertEqual(server.values("SELECT id FROM t ORDER BY id"), [0, 1, 2])
        server.stop()
        self.assertEqual(server.process.returncode, 0)

    def test_a_token_counts_only_with_a_window(self):
        server = self.server()
        for window, wanted in ((0, 2), (1000, 1)):
            server.command("DROP TABLE IF EXISTS t;\n" + TABLE % window)
            for _ in range(2):
                server.insert("t", [{"id": 1}], insert_deduplication_token="same")
            self.assertEqual(server.count("t"), wanted, window)

    def test_a_token_is_remembered_before_its_rows_are_there(self):
        """A crash between the two, made by hand here, loses the insert whatever the client does; tests of crashes take
        such tokens back (about one kill in a hundred under load leaves one)."""
        server = self.server()
        server.command(TABLE % 100 + ";\nSYSTEM STOP MERGES t")  # the last part is to stay the only one with its row
        for turn in range(3):
            server.insert("t", [{"id": turn}], insert_deduplication_token=f"t{turn}")
        (last,) = server.values("SELECT path FROM system.parts WHERE table = 't' AND name = 'all_3_3_0'")
        server.kill()
        self.assertEqual(server.forget_lost_tokens(), 0)
        shutil.rmtree(last)
        server.start()
        server.insert("t", [{"id": 2}], insert_deduplication_token="t2")
        self.assertEqual(server.values("SELECT id FROM t ORDER BY id"), [0, 1])
        server.kill()
        self.assertEqual(server.forget_lost_tokens(), 1)
        server.start()
        for turn in range(3):
            server.insert("t", [{"id": turn}], insert_deduplication_token=f"t{turn}")
        self.assertEqual(server.values("SELECT id FROM t ORDER BY id"), [0, 1, 2])

    def test_merged_parts_are_there(self):
        server = self.server()
        server.command(TABLE % 100)
        for turn in range(3):
            server.insert("t", [{"id": turn}], insert_deduplication_token=f"t{turn}")
        server.command("OPTIMIZE TABLE t FINAL")
        server.kill()
        self.assertEqual(server.forget_lost_tokens(), 0)

    def test_values_are_read_back_exactly(self):
        server = self.server()
        server.command(TABLE % 0)
        server.command("INSERT INTO t SELECT 18446744073709551615, map('b', '/', 'a', unhex('ff'), 'a', ''),"
                       " fromUnixTimestamp64Nano(1700000000000000001), -0.")
        (row,) = server.query("SELECT * FROM t")
        self.assertEqual(row["id"], (1 << 64) - 1)
        self.assertEqual(row["m"], [["b", "/"], ["a", "\udcff"], ["a", ""]])
        self.assertEqual(row["at"], "1700000000.000000001")
        self.assertEqual(str(row["f"]), "-0.0")
        self.assertEqual(server.values("SELECT arrayJoin([nan, inf, -inf])"), ["nan", "inf", "-inf"])

    def test_users_have_passwords_and_grants(self):
        server = self.server(users={
            "writer": clickhouse.user("secret", ["GRANT INSERT ON default.t"]),
            "reader": clickhouse.user("secret", profile="readonly")}, profiles={"readonly": {"readonly": 1}})
        server.command(TABLE % 0)

        def ask(name, password, sql):
            return server.raw(sql, headers={"X-ClickHouse-User": name, "X-ClickHouse-Key": password},
                              settings={"wait_end_of_query": 0})
        ask("writer", "secret", "INSERT INTO t (id) VALUES (1)")
        self.refused(497, ask, "writer", "secret", "SELECT * FROM t")
        self.refused(516, ask, "writer", "wrong", "SELECT 1")
        self.refused(164, ask, "reader", "secret", "INSERT INTO t (id) VALUES (1)")
        self.assertEqual(server.count("t"), 1)

    def test_two_servers_beside_each_other(self):
        servers = [self.server() for _ in range(2)]
        for number, server in enumerate(servers):
            server.command(TABLE % 0)
            server.insert("t", [{"id": number}])
        self.assertEqual([server.values("SELECT id FROM t") for server in servers], [[0], [1]])
        self.assertEqual(Counter(server.count("nowhere") for server in servers), {0: 2})


if __name__ == "__main__":
    suite.main()
