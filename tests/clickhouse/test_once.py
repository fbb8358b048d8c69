# SPDX-License-Identifier: Apache-2.0
"""Every record once: what was committed and not heard of, what is divided, what is tried by another process, another
version or at another host."""
import json
import os
import re
import threading

import clickhouse_tables
import fault_proxy
import house
import suite
import telemetry
from clickhouse import ClickHouse
from fault_proxy import error
from gateway import BIN, SIGNALS, wait_for

MEMORY = error(241, "MEMORY_LIMIT_EXCEEDED")


def one_delivery(records):
    """Options with which so many records are one delivery, which is tried at once."""
    return {"sending_queue": {"batch": {"flush_timeout": "5m", "min_size": records}}}


class LostAnswers(house.Case):
    def test_committed_and_lost_then_out_of_memory(self):
        """What may have been written is never divided: it is tried under its one token until the server says what
        became of it."""
        with self.proxy() as proxy:
            proxy.on(fault_proxy.reset_after)
            memory = proxy.on(MEMORY, times=3)
            with self.gateway(proxy.endpoint, **one_delivery(100)) as gateway:
                ids = self.send(gateway, count=100)
                memory.wait(3, deadline=120)
                self.wait_counts(gateway, delivered=100)
                self.wait_once(ids)
            inserts = proxy.inserts()
            self.assertEqual(len(house.tokens(inserts)), 1, inserts)
            self.assertEqual([insert.code for insert in inserts], [None, 241, 241, 241, 0])

    def test_out_of_memory_is_divided(self):
        """As nothing of it can have been written."""
        with self.proxy() as proxy:
            server_takes = 30

            def too_many(request):
                """By how many rows the token is for."""
                if not request.is_insert:
                    return False
                rows = re.fullmatch(r"0-99(?::\d+\+(\d+))?", request.token.split("/")[-2])[1] or 100
                return int(rows) > server_takes
            proxy.on(MEMORY, match=too_many, times=None)
            with self.gateway(proxy.endpoint, **one_delivery(100)) as gateway:
                ids = self.send(gateway, count=100)
                self.wait_once(ids)
                self.wait_nothing_pending(gateway)
                self.wait_counts(gateway, delivered=100, rejected=0, lost=0)
            inserts = [insert for insert in proxy.inserts() if not insert.code]
            self.assertGreaterEqual(len(inserts), 100 // server_takes)
            self.assertEqual(len(house.tokens(inserts)), len(inserts))

    def test_divided_then_committed_and_lost(self):
        """Each piece has a token of its own, and that is tried again."""
        with self.proxy() as proxy:
            proxy.on(MEMORY, times=2)
            proxy.on(fault_proxy.reset_after, times=2)
            with self.gateway(proxy.endpoint, **one_delivery(100)) as gateway:
                ids = self.send(gateway, count=100)
                self.wait_counts(gateway, delivered=100)
                self.wait_once(ids)

    def test_the_real_limit_of_memory(self):
        """What an insert takes is the engine's affair: its limit is lowered until the whole is too much, and half of it or
        a quarter is not."""
        for limit in (30_000_000, 24_000_000, 19_000_000, 15_000_000, 12_000_000, 9_500_000, 7_500_000, 6_000_000):
            self.server.new_database(f"m{limit}")
            self.server.command(clickhouse_tables.logs())
            codes = self.codes_with(limit, 20000)
            print(f"{limit} bytes: {codes}")
            if 241 in codes:
                return
        self.fail("the limit was never met")

    def codes_with(self, limit, count):
        """The engine's answers to the INSERTs of one delivery, all of which is there in the end."""
        with self.proxy() as proxy:
            with self.gateway(proxy.endpoint, connection_params={"max_memory_usage": str(limit)},
                              **one_delivery(count)) as gateway:
                for _ in range(20):
                    self.send(gateway, count=count // 20)
                self.server.wait_count(house.LOGS, count, 120)
                self.assertEqual(self.server.value(f"SELECT uniqExact(LogAttributes['test.id']) FROM {house.LOGS}"), count)
                self.wait_counts(gateway, rejected=0, lost=0)
            return [insert.code for insert in proxy.inserts()]

    def test_a_partial_success_is_not_written_again(self):
        """One of the metrics' tables fails; the others are written once."""
        request = telemetry.oracle.REQUESTS["metrics"].FromString(telemetry.metrics(["a", "b"]))
        metric = request.resource_metrics[0].scope_metrics[0].metrics.add()
        metric.name = "level"
        for name in ("c", "d", "e"):
            point = metric.gauge.data_points.add()
            point.time_unix_nano = telemetry.START_NS
            item = point.attributes.add()
            item.key, item.value.string_value = "test.id", name
        for failing, other in ((house.SUM, house.GAUGE), (house.GAUGE, house.SUM)):
            self.setUp()
            with self.proxy() as proxy:
                rule = proxy.on(error(999, "KEEPER_EXCEPTION"), match=rf"(?i)^insert.*{failing}\b", times=3)
                with self.gateway(proxy.endpoint) as gateway:
                    house.send(gateway, "metrics", request.SerializeToString())
                    rule.wait(3)
                    self.server.wait_count(house.SUM, 2)
                    self.server.wait_count(house.GAUGE, 3)
                    self.wait_counts(gateway, delivered=5)
                self.assertEqual(len(proxy.inserts(failing)), 4)
                self.assertEqual(len(proxy.inserts(other)), 1)


class Processes(house.Case):
    def check_killed(self, name):
        """Between the server's commit and its answer."""
        event = threading.Event()
        self.addCleanup(event.set)
        with self.proxy() as proxy:
            rule = proxy.on(fault_proxy.answer_held(event), times=1)
            with self.gateway(proxy.endpoint) as gateway:
                ids = self.send(gateway)
                rule.wait()
                self.server.wait_count(house.LOGS, len(ids))
                gateway.wait_replaced(name, gateway.kill_child(name))
                if name == "router":  # the exporter lives, and waits for its answer
                    event.set()
                self.wait_once(ids)
                self.wait_counts(gateway, delivered=len(ids), rejected=0, lost=0)
            self.assertEqual(len(house.tokens(proxy.inserts())), 1)

    def test_the_exporter_is_killed_after_the_commit(self):
        self.check_killed(house.NAME)

    def test_the_router_is_killed_after_the_commit(self):
        self.check_killed("router")

    def test_other_settings_between_two_attempts(self):
        """The plan that was begun is carried out, whatever the limits are by now."""
        with self.proxy() as proxy:
            rule = proxy.on(fault_proxy.reset_after, times=None)
            options = one_delivery(1000)
            gateway = self.gateway(proxy.endpoint, insert_rows=400, **options)
            gateway.options({"store": {"directory": gateway.directory + "/store", "fsync": "never"}})
            with gateway:
                ids = self.send(gateway, count=1000)
                rule.wait(2)
                gateway.kill_family()
                proxy.settle()
                before = house.tokens(proxy.inserts())
                self.assertEqual(len(before), 1)
                rule.end()
                gateway.exporters = {house.NAME: self.options(proxy.endpoint, insert_rows=7, compress="gzip", timeout="30s",
                                                              **options)}
                gateway.start()
                self.wait_once(ids)
                self.wait_counts(gateway, delivered=1000)
            tokens = house.tokens(proxy.inserts())
            self.assertEqual(len(tokens), 3, tokens)  # 400, 400, 200
            self.assertEqual(tokens[0], before[0])

    def test_a_reload_between_two_attempts(self):
        """The same, while the gateway runs on."""
        with self.proxy() as proxy:
            rule = proxy.on(fault_proxy.reset_after, times=None)
            options = one_delivery(1000)
            with self.gateway(proxy.endpoint, insert_rows=400, **options) as gateway:
                ids = self.send(gateway, count=1000)
                rule.wait(2)
                pid = self.child(gateway)["pid"]
                gateway.exporters[house.NAME]["insert_rows"] = 7
                gateway.write_config()
                gateway.process.send_signal(1)  # SIGHUP
                gateway.wait_replaced(house.NAME, pid)
                rule.end()
                self.wait_once(ids)
                self.wait_counts(gateway, delivered=1000)
            self.assertEqual(len(house.tokens(proxy.inserts())), 3)


class Versions(house.Case):
    """A version of the exporter that cuts deliveries otherwise (built for this test) takes over in the middle of one."""

    OURS = os.path.join(BIN, house.PROGRAM)
    NEXT = os.path.join(os.environ["MASQUES_TEST_BIN"], house.PROGRAM + "-next")

    def check(self, first, second):
        with self.proxy() as proxy:
            lost = proxy.on(fault_proxy.reset_after, times=None)
            gateway = self.gateway(proxy.endpoint, insert_rows=400, **one_delivery(1000))
            gateway.options({"store": {"directory": gateway.directory + "/store", "fsync": "never"}})
            house.swap_program(gateway, first)
            with gateway:
                ids = self.send(gateway, count=1000)
                lost.wait(2)
                gateway.kill_family()
                proxy.settle()
                lost.end()
                before = proxy.inserts()
                self.assertEqual(len(house.tokens(before)), 1)

                house.swap_program(gateway, second)
                gateway.start()
                if first != second:
                    # What was begun by the other is not for this one, which says so and touches nothing.
                    self.wait_state(gateway, "degraded", "version")
                    self.assertEqual(proxy.inserts(), before)
                    gateway.kill_family()
                    house.swap_program(gateway, first)
                    gateway.start()
                self.wait_once(ids)
                self.wait_counts(gateway, delivered=1000, rejected=0, lost=0)
                gateway.wait_beats()  # what is counted is in the journal by then, too
                if first != second:  # and when that is done, the other goes on
                    gateway.kill_family()
                    house.swap_program(gateway, second)
                    gateway.start()
                    ids += self.send(gateway, count=1000)
                    self.wait_once(ids)

    def test_a_new_version_leaves_what_the_old_one_has_begun(self):
        self.check(self.OURS, self.NEXT)

    def test_an_old_version_leaves_what_the_new_one_has_begun(self):
        self.check(self.NEXT, self.OURS)

    def test_the_same_version_goes_on(self):
        self.check(self.NEXT, self.NEXT)


class Hosts(house.Case):
    """Two hosts; each a server of its own, as hosts that share nothing show best who was asked."""

    def setUp(self):
        super().setUp()
        self.other = ClickHouse().start()
        self.addCleanup(self.other.destroy)
        self.other.new_database(self.server.database)
        self.proxies = [self.proxy(self.server), self.proxy(self.other)]
        self.endpoint = ",".join(proxy.endpoint for proxy in self.proxies)

    def total(self):
        return self.server.count(house.LOGS) + self.other.count(house.LOGS)

    def test_the_other_one_when_one_does_not_answer(self):
        """What is sent to a server that is not there cannot be written there."""
        servers = [self.server, self.other]
        with self.gateway(",".join(server.endpoint for server in servers)) as gateway:
            first = self.send(gateway)
            wait_for(lambda: self.total() == 3, "the first records")
            self.wait_counts(gateway, delivered=3)  # or they would wait for the one that is killed
            used = 0 if self.server.count(house.LOGS) else 1
            servers[used].kill()
            second = self.send(gateway)
            servers[1 - used].wait_count(house.LOGS, len(second))
            self.wait_counts(gateway, delivered=6)
            servers[used].start()
            self.assertEqual(self.total(), len(first + second))
            self.wait_state(gateway, "running")

    def test_what_may_be_written_stays_where_it_is(self):
        """Of three attempts, each committed, none was answered: the other host is not asked, although it is well."""
        rules = [proxy.on(fault_proxy.reset_after, times=3) for proxy in self.proxies]
        with self.gateway(self.endpoint) as gateway:
            ids = self.send(gateway)
            self.wait_counts(gateway, delivered=len(ids))
            self.assertEqual(self.total(), len(ids))
        self.assertEqual(sorted(len(rule.hits) for rule in rules), [0, 3])
        self.assertEqual(sorted(len(proxy.inserts()) for proxy in self.proxies), [0, 4])


class DedupOff(house.Case):
    def test_a_table_without_a_window_is_written_to_and_shown(self):
        for window in (0, 1000):
            self.setUp()
            self.server.command(clickhouse_tables.everything(window))
            with self.gateway() as gateway:
                for signal in SIGNALS:
                    self.wait_once(self.send(gateway, signal), signal)
                if not window:
                    wait_for(lambda: "dedup: off" in json.dumps(self.child(gateway)), "dedup: off in health")
                else:
                    self.wait_nothing_pending(gateway)
                    self.assertNotIn("dedup: off", json.dumps(self.child(gateway)))


if __name__ == "__main__":
    suite.main()
