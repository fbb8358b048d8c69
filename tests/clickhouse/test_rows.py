# SPDX-License-Identifier: Apache-2.0
"""The whole path: requests over gRPC and HTTP, the store, the exporter, the engine. What SQL reads back is what an
independent decoder reads from the requests, in every column of every table."""
import random
import time

import clickhouse_rows
import clickhouse_tables
import house
import samples
import suite
import telemetry
from gateway import SIGNALS, wait_for

DAYS = 3


class Rows(house.Case):
    def check(self, gateway, signal, requests, **options):
        begin = time.time_ns() // 10**9 * 10**9
        for number, body in enumerate(requests):
            house.send(gateway, signal, body, grpc=number % 2 == 0)
        tables = clickhouse_rows.expected(signal, requests)
        for table, rows in tables.items():
            self.server.wait_count(table, len(rows))
        for table, rows in tables.items():
            clickhouse_rows.compare(self, self.server, table, rows, (begin, time.time_ns()), **options)
        return tables

    def test_captures(self):
        """Into tables that the exporter creates."""
        with self.gateway() as gateway:
            for signal in SIGNALS:
                tables = self.check(gateway, signal, samples.captures(signal))
                print({table: len(rows) for table, rows in tables.items()})
            self.wait_counts(gateway, rejected=0, lost=0)

    def test_every_kind_of_value(self):
        """Into tables made by hand, with every compression."""
        for number, compress in enumerate(("zstd", "lz4", "gzip", "none")):
            with self.subTest(compress):
                if number:
                    self.setUp()
                self.server.command(clickhouse_tables.everything())
                maker = samples.Maker(number, DAYS)
                with self.gateway(compress=compress) as gateway:
                    for signal in SIGNALS:
                        self.check(gateway, signal, [maker.fill(signal) for _ in range(8)])
                    self.wait_counts(gateway, rejected=0, lost=0)

    def test_traces_are_found_by_their_id(self):
        with self.gateway() as gateway:
            ids = self.send(gateway, "traces")
            self.wait_once(ids, "traces")
            self.server.wait_count("otel_traces_trace_id_ts", 1)  # the view writes when the table has its rows
            self.assertEqual(self.server.query("SELECT TraceId, toUnixTimestamp(Start) AS start FROM otel_traces_trace_id_ts"),
                             [{"TraceId": bytes(range(1, 17)).hex(), "start": 1_700_000_000}])

    def test_requests_as_the_engine_sees_them(self):
        """One INSERT for each table and day, which names no columns and is not asynchronous."""
        with self.proxy() as proxy:
            maker = samples.Maker(5, DAYS)
            with self.gateway(proxy.endpoint) as gateway:
                requests = [maker.fill("metrics") for _ in range(5)]
                tables = self.check(gateway, "metrics", requests)
            wanted = {(table, row["TimeUnix"] // samples.DAY) for table, rows in tables.items() for row in rows}
            inserts = proxy.inserts()
            self.assertGreaterEqual(len(inserts), len(wanted))
            self.assertEqual(len({insert.token for insert in inserts}), len(inserts))
            for insert in inserts:
                self.assertEqual(insert.parameters["async_insert"], "0", insert)
                self.assertRegex(insert.sql, r"^INSERT INTO \S+ FORMAT Native$")
                self.assertEqual(insert.headers["content-encoding"], "zstd")
                self.assertTrue(insert.token)


    def test_many_days(self):
        """More than the server takes in one INSERT (max_partitions_per_insert_block): each goes alone."""
        days = 130
        request = telemetry.oracle.REQUESTS["logs"].FromString(telemetry.logs(range(days * 3)))
        for number, record in enumerate(request.resource_logs[0].scope_logs[0].log_records):
            record.time_unix_nano = samples.NOON - number % days * samples.DAY
        with self.proxy() as proxy:
            with self.gateway(proxy.endpoint) as gateway:
                self.check(gateway, "logs", [request.SerializeToString()])
            self.assertEqual(len(proxy.inserts()), days)
            self.assertEqual(self.server.value("SELECT uniqExact(_partition_id) FROM otel_logs"), days)


class Large(house.Case):
    def test_a_record_of_many_megabytes(self):
        with self.gateway() as gateway:
            noise = random.Random(1).randbytes(5 << 20).hex()
            request = telemetry.oracle.REQUESTS["logs"].FromString(telemetry.logs(["a"]))
            request.resource_logs[0].scope_logs[0].log_records[0].body.string_value = noise
            house.send(gateway, "logs", request.SerializeToString())
            self.server.wait_count(house.LOGS, 1)
            self.assertTrue(self.server.value("SELECT Body FROM otel_logs") == noise)

    def test_a_hundred_thousand_rows_at_once(self):
        """More than one block, and each row once."""
        count, requests = 100000, 25
        with self.proxy() as proxy:
            gateway = self.gateway(proxy.endpoint, sending_queue={"batch": {
                "flush_timeout": "5m", "min_size": count, "max_size": count}})
            with gateway:
                begin = time.monotonic()
                for _ in range(requests):
                    self.send(gateway, count=count // requests)
                self.server.wait_count(house.LOGS, count, 120)
                print(f"{count} rows after {time.monotonic() - begin:.1f} s in {len(proxy.inserts())} INSERTs")
                self.assertEqual(self.server.value(f"SELECT uniqExact(LogAttributes['test.id']) FROM {house.LOGS}"), count)
                wait_for(lambda: self.child(gateway)["queue"]["records"] == 0, "nothing to be pending")
            self.assertEqual(len(proxy.inserts()), 1)


if __name__ == "__main__":
    suite.main()
