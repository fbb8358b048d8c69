# SPDX-License-Identifier: Apache-2.0
"""Tables of every generation are written to as they are: what they have is filled, what they lack is left out, what is
theirs alone keeps its defaults."""
import clickhouse_rows
import clickhouse_tables
import house
import samples
import suite
from gateway import SIGNALS

HYPERDX = """,
    `__hdx_materialized_k8s.pod.name` LowCardinality(String) MATERIALIZED ResourceAttributes['k8s.pod.name'],
    SampleRate UInt64 DEFAULT 1,
    ResourceAttributeItems Array(String) ALIAS arrayMap((k, v) -> concat(k, '=', v), mapKeys(ResourceAttributes),
        mapValues(ResourceAttributes))"""


class Generations(house.Case):
    def check(self, statements, signals=SIGNALS, leaves_out=(), seed=11):
        """With create_schema on: tables that are there are left alone. Returns the expected rows."""
        self.server.command(statements)
        before = self.server.query("SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()"
                                   " ORDER BY name")
        maker = samples.Maker(seed)
        found = {}
        with self.gateway() as gateway:
            for signal in signals:
                requests = [maker.fill(signal) for _ in range(3)]
                tables = clickhouse_rows.expected(signal, requests)
                for body in requests:
                    house.send(gateway, signal, body)
                for table, rows in tables.items():
                    self.server.wait_count(table, len(rows))
                    # Times of reception are somewhere in the years to come.
                    clickhouse_rows.compare(self, self.server, table, rows, (samples.NOON * 1.01, 1 << 62),
                                            columns=set(rows[0]) - set(leaves_out))
                found.update(tables)
            self.wait_counts(gateway, rejected=0, lost=0)
        self.said = gateway.stderr.text()  # all of it: the gateway has ended
        after = self.server.query("SELECT name, create_table_query FROM system.tables WHERE database = currentDatabase()"
                                  " ORDER BY name")
        self.assertEqual([row for row in after if row["name"] in {row["name"] for row in before}], before)
        return found

    def test_before_0151_and_0160(self):
        """Logs with TimestampTime, metrics in ns."""
        self.check(clickhouse_tables.everything(generation="old"))
        self.assertEqual(self.server.value("SELECT countIf(TimestampTime != toDateTime(Timestamp)) FROM otel_logs"), 0)

    def test_logs_without_event_name(self):
        self.check(clickhouse_tables.logs(generation="old", event_name=False), ["logs"], ["EventName"])
        self.assertIn("EventName", self.said)  # said, once
        self.assertEqual(self.said.count("EventName"), 1, self.said)

    def test_tables_of_hyperdx(self):
        found = self.check(clickhouse_tables.logs(more=HYPERDX) + ";\n" + clickhouse_tables.traces(more=HYPERDX),
                           ["logs", "traces"])
        for table in (house.LOGS, house.TRACES):
            self.assertEqual(self.server.values(f"SELECT DISTINCT SampleRate FROM {table}"), [1])
            (row,) = self.server.query("SELECT countIf(`__hdx_materialized_k8s.pod.name` != '') AS pods, countIf("
                                       f"length(ResourceAttributeItems) > 0) AS items FROM {table}")
            self.assertEqual(row["items"], sum(bool(r["ResourceAttributes"]) for r in found[table]))
            self.assertGreater(row["pods"], 0)

    def test_columns_that_are_missing(self):
        """Also one field of a Nested, which leaves out all of it; and an extra column with a default of its own."""
        links = ("Links.TraceId", "Links.SpanId", "Links.TraceState", "Links.Attributes")
        self.check(clickhouse_tables.traces(more=", Cluster LowCardinality(String) DEFAULT 'here'")
                   + ";\nALTER TABLE otel_traces DROP COLUMN `Links.TraceState`;\nALTER TABLE otel_traces DROP COLUMN TraceState",
                   ["traces"], ["TraceState", *links])
        self.assertEqual(self.server.values("SELECT DISTINCT Cluster FROM otel_traces"), ["here"])
        self.assertEqual(self.server.values("SELECT DISTINCT length(`Links.TraceId`) FROM otel_traces"), [0])

    def test_columns_of_other_types(self):
        """As people have them: plain strings, narrower and wider numbers."""
        self.check(clickhouse_tables.logs()
                   + ";\nALTER TABLE otel_logs MODIFY COLUMN SeverityText String;\n"
                     "ALTER TABLE otel_logs MODIFY COLUMN SeverityNumber Int32;\n"
                     "ALTER TABLE otel_logs MODIFY COLUMN LogAttributes Map(String, String);\n"
                     "ALTER TABLE otel_logs MODIFY COLUMN Body LowCardinality(String)", ["logs"])

    def test_a_column_that_goes_while_we_write(self):
        with self.gateway() as gateway:
            ids = self.send(gateway)
            self.wait_once(ids)
            # The table's own key forbids the others.
            self.server.command("ALTER TABLE otel_logs DROP COLUMN ScopeVersion;\nALTER TABLE otel_logs DROP COLUMN EventName")
            ids += self.send(gateway)
            self.wait_once(ids)
            self.server.command("ALTER TABLE otel_logs ADD COLUMN EventName String")
            ids += self.send(gateway)
            self.wait_once(ids)

    def test_other_names(self):
        with self.gateway(logs_table_name="my_logs", traces_table_name="my-traces",
                          metrics_tables={"sum": {"name": "my_sums"}}) as gateway:
            for signal, table in (("logs", "my_logs"), ("traces", "`my-traces`"), ("metrics", "my_sums")):
                self.wait_once(self.send(gateway, signal), signal, table)
        self.assertIn("my-traces_trace_id_ts", self.server.tables())
        self.assertNotIn(house.LOGS, self.server.tables())

    def test_the_old_column_is_created_when_asked_for(self):
        with self.gateway(timestamp_time=True) as gateway:
            self.wait_once(self.send(gateway))
        self.assertEqual(self.server.value("SELECT countIf(TimestampTime != toDateTime(Timestamp)) FROM otel_logs"), 0)


class Created(house.Case):
    def test_created_tables_are_those_of_the_collector(self):
        """Names and types of the columns, against the description written down by hand."""
        def described():
            return {table: [(row["name"], row["type"], row["default_type"]) for row in self.server.query(f"DESCRIBE `{table}`")]
                    for table in self.server.tables() if not table.endswith("_mv")}
        self.server.command(clickhouse_tables.everything())
        wanted = described()
        self.setUp()
        with self.gateway() as gateway:
            maker = samples.Maker(3)
            for signal in SIGNALS:
                requests = [maker.fill(signal) for _ in range(3)]
                for body in requests:
                    house.send(gateway, signal, body)
                for table, rows in clickhouse_rows.expected(signal, requests).items():
                    self.server.wait_count(table, len(rows))
        found = described()
        self.assertEqual(set(found), set(wanted))
        for table, columns in wanted.items():
            self.assertEqual(sorted(found[table]), sorted(columns), table)
        windows = self.server.query("SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE"
                                    " '%MergeTree' AND NOT match(engine_full, 'non_replicated_deduplication_window = [1-9]')")
        self.assertEqual(windows, [])


if __name__ == "__main__":
    suite.main()
