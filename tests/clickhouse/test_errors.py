# SPDX-License-Identifier: Apache-2.0
"""The error matrix: whatever ClickHouse, the network or what stands between answer, every record is in its table once
when the trouble is over, and meanwhile health says whose turn it is. The faults of one matrix happen side by side, each
to an exporter of its own with a database and a proxy of its own."""
import json
import os
import threading
import time
import unittest

import clickhouse
import clickhouse_tables
import dead_letters
import fault_proxy
import house
import suite
import telemetry
from clickhouse import ClickHouse
from fault_proxy import error, no_code
from gateway import Gateway, wait_for

RECORDS = 3
FIRST_INTERVAL_S = 0.025  # retries come at the earliest after half of house.IMPATIENT's 50 ms


class Fault:
    """state, words: what health says while it lasts; None: it is over too soon to be seen.
    begin(fault), end(fault): with fault.proxy, fault.database and fault.sql(statements)
    tables: whether they are there before; options: of the exporter"""

    def __init__(self, name, state, words, begin=None, end=None, tables=True, settings="", options=None, same_token=True):
        self.name, self.state, self.words = name, state, words
        self._begin, self._end = begin, end
        self.tables, self.settings, self.options = tables, settings, options or {}
        self.same_token = same_token
        self.event = threading.Event()
        self.server = self.proxy = self.database = None

    @property
    def exporter(self):
        return "clickhouse/" + self.name.replace(" ", "_")

    def sql(self, statements):
        self.server.command(statements, database=self.database)

    def prepare(self, server, database):
        self.server, self.database = server, database
        self.proxy = fault_proxy.FaultProxy(server.address)
        server.command(f"CREATE DATABASE {database}", database="default")
        if self.tables:
            self.sql(clickhouse_tables.logs())
        if self._begin:
            self._begin(self)

    def end(self):
        if self._end:
            self._end(self)
        self.proxy.clear()
        self.event.set()

    def count(self):
        return self.server.count(f"{self.database}.otel_logs")


def answers(action, times=None, **options):
    """For INSERTs: until the fault ends, or so many times."""
    return lambda fault: fault.proxy.on(action, times=times, **options)


def setting(name, value):
    return lambda fault: fault.sql(f"ALTER TABLE otel_logs MODIFY SETTING {name} = {value}")


def too_many_parts(fault):
    fault.sql("INSERT INTO otel_logs (Timestamp) VALUES (1700000000);\n"
              "ALTER TABLE otel_logs MODIFY SETTING parts_to_throw_insert = 1")


def parts_again(fault):
    fault.sql("TRUNCATE TABLE otel_logs")


def tables_come_back(fault):
    fault.sql(clickhouse_tables.logs())


def database_comes_back(fault):
    fault.server.command(f"CREATE DATABASE IF NOT EXISTS {fault.database}", database="default")
    tables_come_back(fault)


def drop_database(fault):
    fault.server.command(f"DROP DATABASE {fault.database}", database="default")


def slow(fault):
    """No INSERT is done before all is over: however late health is looked at, none was answered in time."""
    fault.proxy.on(fault_proxy.held(fault.event), times=None)


NO_SCHEMA = {"create_schema": False}
OK_HEADERS = ["X-ClickHouse-Summary: {\"read_rows\":\"0\",\"written_rows\":\"0\"}"]

FAULTS = [
    # The engine itself.
    Fault("too many parts", "running", "Too many parts", too_many_parts, parts_again),
    Fault("disk full", "degraded", "enough free space", setting("min_free_disk_bytes_to_perform_insert", 10**15),
          setting("min_free_disk_bytes_to_perform_insert", 0)),
    Fault("missing tables", "degraded", "otel_logs", None, tables_come_back, tables=False, options=NO_SCHEMA),
    Fault("missing database", "degraded", "does not exist", drop_database, database_comes_back, tables=False, options=NO_SCHEMA),
    Fault("unknown setting", "degraded", "no_such_setting", answers(error(115, "UNKNOWN_SETTING", 404,
          "Code: 115. DB::Exception: Unknown setting 'no_such_setting'. (UNKNOWN_SETTING)"))),
    # The engine's words, said by the proxy.
    Fault("memory limit", "running", "MEMORY_LIMIT", answers(error(241, "MEMORY_LIMIT_EXCEEDED")), same_token=False),
    Fault("timeout of the server", "running", "TIMEOUT", answers(error(159, "TIMEOUT_EXCEEDED", 408))),
    Fault("read only table", None, "TABLE_IS_READ_ONLY", answers(error(242, "TABLE_IS_READ_ONLY"))),
    Fault("too many queries", "running", "TOO_MANY", answers(error(202, "TOO_MANY_SIMULTANEOUS_QUERIES"))),
    Fault("unknown status", "running", "UNKNOWN_STATUS", answers(fault_proxy.done_but(error(319, "UNKNOWN_STATUS_OF_INSERT")))),
    Fault("keeper", "running", "KEEPER", answers(error(999, "KEEPER_EXCEPTION"))),
    Fault("unheard of", "running", "NEW_ERROR", answers(error(98765, "NEW_ERROR"))),
    # Proxies and the network.
    Fault("bad gateway", "running", "502", answers(no_code(502))),
    Fault("unavailable", "running", "503", answers(no_code(503, "", ["Retry-After: 1"]))),
    Fault("gateway timeout", "running", "504", answers(fault_proxy.done_but(no_code(504)))),
    Fault("too many requests", "running", "429", answers(no_code(429))),
    Fault("not clickhouse", "degraded", "200", answers(no_code(200, "<html>Please log in</html>"))),
    Fault("nothing written", "degraded", "0 rows", answers(no_code(200, "", OK_HEADERS))),
    Fault("slow", "running", "", slow, options={"timeout": "1s"}),
    Fault("reset before", None, "", answers(fault_proxy.reset_before, times=3)),
    Fault("reset within", None, "", answers(fault_proxy.reset_within(), times=3)),
    Fault("reset after commit", None, "", answers(fault_proxy.reset_after, times=3)),
    Fault("cut answer", None, "", answers(fault_proxy.cut_answer, times=2)),
    Fault("early answer", "running", "early", answers(fault_proxy.early(252, "TOO_MANY_PARTS"))),
    # Not the INSERT, but what is asked before it.
    Fault("questions fail", "running", "MEMORY_LIMIT", answers(error(241, "MEMORY_LIMIT_EXCEEDED"), match="(?i)describe|system.*tables")),
    Fault("questions are cut", None, "", answers(fault_proxy.reset_before, times=3, match="(?i)describe|system.*tables")),
]


class Matrix(house.Case):
    def check(self, faults):
        exporters = {}
        for number, fault in enumerate(faults):
            fault.prepare(self.server, f"{self.server.database}_{number}")
            self.addCleanup(fault.proxy.close)
            exporters[fault.exporter] = self.options(fault.proxy.endpoint, **fault.options)
            exporters[fault.exporter]["database"] = fault.database
        gateway = Gateway(exporters=exporters, masques={"workers": 1})
        self.addCleanup(gateway.destroy)
        with gateway:
            begin = time.monotonic()
            ids = [next(self.ids) for _ in range(RECORDS)]
            house.send(gateway, "logs", telemetry.logs(ids))
            for fault in faults:
                with self.subTest(fault.name):
                    self.check_begun(gateway, fault)
            for fault in faults:
                fault.end()
            ended = time.monotonic()
            for fault in faults:
                with self.subTest(fault.name):
                    self.check_ended(gateway, fault, ids, begin)
            print(f"all faults shown after {ended - begin:.1f} s, over after {time.monotonic() - ended:.1f} s more")

    def check_begun(self, gateway, fault):
        """The trouble is told in health, with the server's own words, and nothing is given up."""
        if fault.state is None:
            return
        seen = []

        def told():
            seen[:] = [gateway.child(fault.exporter)]
            return seen[0]["state"] == fault.state and fault.words in seen[0]["lastError"] != ""
        try:
            wait_for(told, f"{fault.state}, {fault.words!r}", pause=0.05)
        except AssertionError as wrong:
            self.fail(f"{wrong}; it is {seen}; asked were {fault.proxy.requests[-5:]}")
        child = seen[0]
        self.assertEqual((sum(child["lost"].values()), sum(child["rejected"].values())), (0, 0), child)

    def check_ended(self, gateway, fault, ids, begin):
        try:
            wait_for(lambda: fault.count() >= len(ids), "the records", pause=0.05)
        except AssertionError as wrong:
            self.fail(f"{wrong}: {fault.count()} rows; {gateway.child(fault.exporter)}; asked were {fault.proxy.requests[-8:]}")
        wait_for(lambda: sum(gateway.child(fault.exporter)["delivered"].values()) == len(ids),
                 f"the exporter to know so for {fault.name}")
        self.assertEqual(fault.count(), len(ids), f"written more than once: {fault.proxy.requests}")
        inserts = fault.proxy.inserts()
        print(f"{fault.name}: {len(inserts)} INSERTs, {len(fault.proxy.requests)} requests")
        if fault.same_token:
            self.assertEqual(len(house.tokens(inserts)), 1, inserts)
        # There was a pause before every retry.
        self.assertLess(len(inserts), 3 + (time.monotonic() - begin) / FIRST_INTERVAL_S)
        child = wait_for(lambda: (c := gateway.child(fault.exporter))["state"] == "running" and c,
                         f"{fault.name} to be over in health")
        self.assertEqual((sum(child["lost"].values()), sum(child["rejected"].values())), (0, 0), child)
        self.assertEqual(fault.proxy.failures, [])

    def test_every_fault(self):
        self.check(FAULTS)


class Down(house.Case):
    """With a server of their own, since it dies."""

    def setUp(self):
        super().setUp()
        self.server = ClickHouse()
        self.addCleanup(self.server.destroy)

    def test_down_at_first_then_there_then_gone_and_back_empty(self):
        """ClickHouse is not there when the gateway starts; it comes; it is killed while records come in; it comes back
        with another disk."""
        with self.gateway() as gateway:
            ids = self.send(gateway)
            self.wait_state(gateway, "running", "onnect")  # "Connection refused", or as libcurl puts it
            self.server.start()
            self.wait_once(ids)

            self.server.kill()
            ids += self.send(gateway)
            self.wait_words(gateway)
            self.server.start()
            self.wait_once(ids)
            self.wait_counts(gateway, delivered=6)  # or they would be written to the other disk, too

            self.server.kill()
            ids = self.send(gateway)
            os.rename(self.server.data, self.server.data + ".old")
            self.server.start()
            self.wait_once(ids)
            self.wait_counts(gateway, delivered=9, rejected=0, lost=0)

    def test_a_server_that_hangs(self):
        """It takes connections and answers nothing, for longer than the timeout."""
        self.server.start()
        with self.gateway(timeout="3s") as gateway:
            ids = self.send(gateway)
            self.wait_once(ids)
            self.server.pause()
            try:
                ids += self.send(gateway)
                self.wait_words(gateway)
            finally:
                self.server.go_on()
            self.wait_once(ids)

    def test_everything_is_dropped_while_it_runs(self):
        self.server.start()
        self.server.new_database("here")
        with self.gateway() as gateway:
            self.wait_once(self.send(gateway))
            self.wait_counts(gateway, delivered=3)
            self.server.raw("DROP DATABASE here", settings={"database": "default"})
            self.wait_once(self.send(gateway))
            self.wait_counts(gateway, delivered=6)
            self.server.command("DROP TABLE otel_logs")
            self.wait_once(self.send(gateway))


class Operator(house.Case):
    """Users, whose rights another restart of the server changes."""

    def test_users_that_may_not(self):
        profiles = {"reading": {"readonly": 1}}
        broken = {
            "wrong_password": clickhouse.user("other"),
            "readonly": clickhouse.user("secret", profile="reading"),
            "no_insert": clickhouse.user("secret", ["GRANT SELECT ON *.*"]),
            "not_there": None,
        }
        words = {"wrong_password": "Authentication failed", "readonly": "readonly", "no_insert": "Not enough privileges",
                 "not_there": "Authentication failed"}
        server = ClickHouse(users={name: text for name, text in broken.items() if text}, profiles=profiles).start()
        self.addCleanup(server.destroy)
        exporters = {}
        for name in broken:
            server.command(f"CREATE DATABASE {name}")
            server.command(clickhouse_tables.logs(), database=name)
            exporters["clickhouse/" + name] = {**self.options(server.endpoint), "database": name, "username": name,
                                               "password": "secret", "create_schema": False}
        gateway = Gateway(exporters=exporters)
        self.addCleanup(gateway.destroy)
        with gateway:
            ids = [next(self.ids) for _ in range(RECORDS)]
            house.send(gateway, "logs", telemetry.logs(ids))
            for name in broken:
                def told(name=name):
                    child = gateway.child("clickhouse/" + name)
                    return child["state"] == "degraded" and words[name] in child["lastError"]
                try:
                    wait_for(told, f"words about {name}", pause=0.05)
                except AssertionError as wrong:
                    self.fail(f"{wrong}; it is {gateway.child('clickhouse/' + name)}")
            self.assertNotIn("secret", json.dumps(gateway.health()))
            rights = ["GRANT INSERT, SELECT ON *.*", "GRANT SHOW ON *.*"]
            server.users = {name: clickhouse.user("secret", rights) for name in broken}
            server.restart()
            for name in broken:
                server.wait_count(f"{name}.otel_logs", len(ids))
            wait_for(lambda: all(gateway.child("clickhouse/" + name)["state"] == "running" for name in broken),
                     "all to be well")
        self.assertNotIn("secret", gateway.stderr.text())

    def test_a_password_file_that_is_put_right(self):
        server = ClickHouse(users={"writer": clickhouse.user("secret")}).start()
        self.addCleanup(server.destroy)
        path = os.path.join(server.directory, "password")
        with open(path, "w", encoding="utf-8") as file:
            file.write("wrong\n")
        self.server = server
        with self.gateway(username="writer", password_file=path) as gateway:
            ids = self.send(gateway)
            self.wait_state(gateway, "degraded", "Authentication failed")
            with open(path, "w", encoding="utf-8") as file:
                file.write("secret\n")
            self.wait_once(ids)
            command = [open(f"/proc/{pid}/cmdline", "rb").read() for pid in (self.child(gateway)["pid"],)]
            self.assertNotIn(b"secret", b"".join(command))


class Poison(house.Case):
    """Rows that the table will never take: each costs itself alone."""

    def setUp(self):
        super().setUp()
        self.server.command(clickhouse_tables.logs(
            more=", Number UInt32 MATERIALIZED toUInt32(LogAttributes['test.number'])"))

    def requests(self, poisons, count, poison):
        """Requests of 100 records; returns the ids that are good, and those that are not."""
        good, bad, bodies = [], [], []
        for begin in range(0, count, 100):
            request = telemetry.oracle.REQUESTS["logs"].FromString(
                telemetry.logs([f"id{number}" for number in range(begin, min(begin + 100, count))]))
            for number, record in enumerate(request.resource_logs[0].scope_logs[0].log_records, begin):
                item = record.attributes.add()
                item.key = "test.number"
                item.value.string_value = poison if number in poisons else str(number)
                (bad if number in poisons else good).append(f"id{number}")
            bodies.append(request.SerializeToString())
        return good, bad, bodies

    def check(self, poisons, count, dies=None, poison="poison", words="Cannot parse string 'poison' as UInt32"):
        with self.proxy() as proxy:
            gateway = self.gateway(proxy.endpoint, sending_queue={"batch": {"flush_timeout": "5m", "min_size": count}})
            store = os.path.join(gateway.directory, "store")
            gateway.options({"store": {"directory": store, "fsync": "never"}})
            good, bad, bodies = self.requests(poisons, count, poison)
            with gateway:
                for body in bodies:
                    house.send(gateway, "logs", body)
                if dies:
                    dies(gateway, proxy)
                self.wait_once(good, deadline=120)
                self.wait_nothing_pending(gateway)
                self.wait_counts(gateway, delivered=len(good), rejected=len(bad), lost=0)
                letters = dead_letters.read_all(store)
                kept = [name for letter in letters for name in telemetry.ids_of(
                    [telemetry.oracle.json_format.MessageToJson(telemetry.oracle.decode("logs", letter.payload))])]
                self.assertEqual(sorted(kept), sorted(bad))
                for letter in letters:
                    self.assertIn(words, letter.reason)
                    self.assertEqual(letter.exporter, house.NAME)
            print(f"{len(poisons)} of {count} rows rejected after {len(proxy.inserts())} INSERTs")
            return proxy

    def test_one_row(self):
        self.check({0}, 1)

    def test_one_of_many(self):
        proxy = self.check({777}, 1000)
        self.assertLess(len(proxy.inserts()), 60)

    def test_one_that_ends_too_early(self):
        """The engine has a code of its own for what is empty."""
        self.check({7}, 10, poison="", words="Attempt to read after eof")

    def test_several(self):
        self.check({0, 1, 500, 999}, 1000)

    def test_all(self):
        self.check(set(range(20)), 20)

    def test_killed_while_it_divides(self):
        """The division goes on where it was."""
        def dies(gateway, proxy):
            for inserts in (3, 8, 13):
                wait_for(lambda: len(proxy.inserts()) >= inserts, "the division to be under way")
                gateway.wait_replaced(house.NAME, gateway.kill_child(house.NAME))
        self.check({100, 701}, 1000, dies)

    def test_a_view_that_fails_is_not_the_rows_fault(self):
        """The table has the rows by then: they are not divided and not rejected, and are there once when the view is put
        right."""
        self.setUp()
        self.server.command("DROP TABLE otel_logs;\n" + clickhouse_tables.logs()
                            + ";\nCREATE TABLE numbers (n UInt32) ENGINE = MergeTree ORDER BY n SETTINGS"
                              " non_replicated_deduplication_window = 100;\nCREATE MATERIALIZED VIEW numbers_mv TO numbers AS"
                              " SELECT toUInt32(LogAttributes['test.id']) AS n FROM otel_logs")
        with self.gateway() as gateway:
            ids = self.send(gateway, count=10)
            self.wait_state(gateway, "degraded", "numbers_mv")
            self.assertEqual(self.server.count("otel_logs"), 10)
            self.server.command("DROP TABLE numbers_mv;\nCREATE MATERIALIZED VIEW numbers_mv TO numbers AS"
                                " SELECT toUInt32OrZero(LogAttributes['test.id']) AS n FROM otel_logs")
            self.wait_nothing_pending(gateway)
            self.wait_once(ids)
            self.wait_counts(gateway, delivered=10, rejected=0, lost=0)


class Swarm(house.Case):
    def test_a_record_that_no_row_has_room_for(self):
        """Nearly 64 MiB of the smallest attributes: the exporter does not take them into memory, and its queue goes on."""
        swarm = telemetry.swarm(31 << 20)
        gateway = self.gateway()
        store = os.path.join(gateway.directory, "store")
        gateway.options({"store": {"directory": store, "fsync": "never"}})
        good = [f"id{number}" for number in range(20)]
        with gateway:
            house.send(gateway, "logs", telemetry.logs(good[:10]) + swarm + telemetry.logs(good[10:]))
            self.wait_once(good)
            self.wait_nothing_pending(gateway)
            self.wait_counts(gateway, delivered=20, rejected=1, lost=0)
            letter, = dead_letters.read_all(store)
            self.assertIn("a map of more than", letter.reason)
            self.assertGreater(len(letter.payload), 62 << 20)
            with open(f"/proc/{self.child(gateway)['pid']}/status", encoding="utf-8") as file:
                print(*(line.strip() for line in file if line.startswith("VmHWM")))


if __name__ == "__main__":
    suite.main()
