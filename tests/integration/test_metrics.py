# SPDX-License-Identifier: Apache-2.0
"""GET /metrics: the format to the letter, and values that are what was sent and what became of it."""
import os
import signal
import unittest

import exposition
import grpc_client
import http_client
import suite
import telemetry
from gateway import Gateway, resident_kib, wait_for

COLLECTOR = {f"otelcol_receiver_{what}_{unit}" for what in ("accepted", "refused", "failed")
             for unit in ("log_records", "metric_points", "spans")} | {
             f"otelcol_exporter_{what}_{unit}" for what in ("sent", "send_failed", "enqueue_failed")
             for unit in ("log_records", "metric_points", "spans")} | {
             "otelcol_exporter_queue_size", "otelcol_exporter_queue_capacity", "otelcol_process_uptime",
             "otelcol_process_cpu_seconds", "otelcol_process_memory_rss"}


def scrape(gateway):
    status, headers, body = gateway.health_answer(path="/metrics")
    if status != 200 or headers["Content-Type"] != "text/plain; version=0.0.4; charset=utf-8":
        raise AssertionError(f"{status} {headers}")
    return exposition.parse(body)


def wait_value(gateway, wanted, name, **labels):
    """Waits until the series has the value; it must never be more."""
    def has_come():
        value = exposition.value(scrape(gateway), name, **labels) or 0
        if value > wanted:
            raise AssertionError(f"{name} {labels} is {value}, but only {wanted} can be")
        return value == wanted
    wait_for(has_come, f"{name} {labels} to be {wanted}")


def counters(families):
    return {(family.name, series): number for family in families.values() if family.type == "counter"
            for series, number in family.samples.items()}


def post(gateway, signal_name, body, connection=None):
    request = http_client.request(telemetry.HTTP_PATH[signal_name], body)
    with connection or http_client.Connection(gateway.http) as open_connection:
        open_connection.send(request)
        answer = open_connection.read_answer()
    if answer.status != 200:
        raise AssertionError(answer)


class Reader(unittest.TestCase):
    """The reader itself refuses what is wrong: else the rest would prove nothing."""

    def test_what_breaks_the_format_is_found(self):
        good = b"# HELP a b\n# TYPE a counter\na 1\na_ 2\n"
        head = b"# HELP a b\n# TYPE a counter\n"
        exposition.parse(head + b'a{l="x\\"\\\\\\n",m="}"} 1.5e+3\n')
        for wrong in (good, head + b"a 1", head + b"a 1\na 1\n", head + b'a{l="1"} 1\na{l="1"} 2\n', head * 2,
                      b"a 1\n", b"# HELP a b\na 1\n", b"# TYPE a counter\na 1\n", head + b'a{l="x\\t"} 1\n',
                      head + b'a{l="x"y"} 1\n', head + b'a{1="x"} 1\n', head + b"a -1\n", head + b"a NaN\n",
                      head + b'a{l="x"} 1\na{m="x"} 1\n', head + b"a\n", head + b"\n", head + b'a{l="\xff"} 1\n'):
            with self.subTest(wrong), self.assertRaises((ValueError, UnicodeDecodeError)):
                exposition.parse(wrong)


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(exporters={"debug/a": {"format": "json"}, "nop": {}},
                              pipelines={"logs": ["debug/a", "nop"], "metrics": ["nop"], "traces": ["nop"]}).start()

    @classmethod
    def tearDownClass(cls):
        try:
            cls.gateway.stop()
        finally:
            cls.gateway.destroy()

    def test_the_collectors_names_are_there_with_help_and_type(self):
        families = scrape(self.gateway)
        self.assertLessEqual(COLLECTOR, set(families))
        for name, family in families.items():
            self.assertTrue(name.startswith(("otelcol_", "masques_")), name)
            if name.startswith("masques_") and family.type == "counter":
                self.assertTrue(name.endswith("_total"), name)
            elif name.startswith("masques_"):
                self.assertFalse(name.endswith("_total"), name)

    def test_two_answers_have_the_same_order(self):
        def names():
            body = self.gateway.health_answer(path="/metrics")[2].decode()
            return [line.rsplit(" ", 1)[0] for line in body.splitlines() if not line.startswith("#")]
        wait_for(lambda: names() == names(), "the same order twice")

    def test_what_was_sent_is_what_is_counted(self):
        gateway = self.gateway
        grpc_client.export(gateway.grpc, "logs", telemetry.logs(range(7), service='quo"ted\\ \n'))
        grpc_client.export(gateway.grpc, "metrics", telemetry.metrics(range(5)))
        post(gateway, "logs", telemetry.logs(range(11), service="by http"))
        post(gateway, "traces", telemetry.traces(range(3), service="by http"))
        for transport, unit, count in (("grpc", "log_records", 7), ("http", "log_records", 11),
                                       ("grpc", "metric_points", 5), ("http", "spans", 3)):
            wait_value(gateway, count, f"otelcol_receiver_accepted_{unit}", transport=transport, receiver="otlp")
        for exporter, unit, count in (("debug/a", "log_records", 18), ("nop", "log_records", 18),
                                      ("nop", "metric_points", 5), ("nop", "spans", 3)):
            wait_value(gateway, count, f"otelcol_exporter_sent_{unit}", exporter=exporter)
        for service, name, count in (('quo"ted\\ \n', "logs", 7), ("by http", "logs", 11), ("by http", "traces", 3),
                                     ("test", "metrics", 5)):
            wait_value(gateway, count, "masques_source_records_total", service=service, signal=name)
        families = scrape(gateway)
        self.assertEqual(exposition.value(families, "otelcol_receiver_accepted_spans", transport="grpc"), 0)
        self.assertEqual(exposition.total(families, "otelcol_receiver_refused_log_records"), 0)
        self.assertEqual(exposition.total(families, "otelcol_exporter_send_failed_log_records"), 0)
        self.assertIsNone(exposition.value(families, "otelcol_exporter_sent_spans", exporter="debug/a"))
        self.assertEqual(exposition.total(families, "masques_queue_records"), 0)
        self.assertEqual(exposition.value(families, "masques_seen_records_total"), 26)
        self.assertGreater(exposition.value(families, "masques_source_last_received_seconds", service="test"), 1.7e9)
        self.assertEqual(exposition.value(families, "masques_requests_total", signal="logs"), 2)
        self.assertEqual(exposition.total(families, "masques_router_stored_records_total"), 26)

    def test_a_refusal_is_counted_by_its_reason(self):
        before = exposition.total(scrape(self.gateway), "masques_refused_requests_total")
        answer = http_client.post(self.gateway.http, "/v1/metrics", b"\xff\xff\xff")
        self.assertEqual(answer.status, 400)
        wait_for(lambda: exposition.total(scrape(self.gateway), "masques_refused_requests_total") == before + 1,
                 "the refusal")

    def test_processes_are_up_and_cost_something(self):
        wait_for(lambda: exposition.total(scrape(self.gateway), "masques_child_up") == 5, "five children")
        families = scrape(self.gateway)
        self.assertEqual(exposition.value(families, "masques_accepting"), 1)
        self.assertGreater(exposition.value(families, "otelcol_process_cpu_seconds"), 0)
        pids = [child["pid"] for child in self.gateway.children().values()] + [self.gateway.process.pid]

        def as_it_is():
            rss = sum(resident_kib(pid) for pid in pids) * 1024
            return rss / 2 < exposition.value(scrape(self.gateway), "otelcol_process_memory_rss") < rss * 2
        wait_for(as_it_is, "about as much memory as the processes have")
        uptime = exposition.value(families, "otelcol_process_uptime")
        self.assertGreater(exposition.value(scrape(self.gateway), "otelcol_process_uptime"), uptime)

    def test_only_get_and_head(self):
        status, headers, body = self.gateway.health_answer("HEAD", "/metrics")
        self.assertEqual((status, body), (200, b""))
        self.assertGreater(int(headers["Content-Length"]), 1000)
        self.assertEqual(self.gateway.health_answer("POST", "/metrics")[0], 405)


class OwnListener(unittest.TestCase):
    def test_metrics_have_an_endpoint_of_their_own_where_the_configuration_has_one(self):
        with Gateway(telemetry={"metrics": {"address": "127.0.0.1:0"}}, health=False) as gateway:
            with http_client.Connection(gateway.metrics_address) as connection:
                connection.send(http_client.request("/metrics", method="GET"))
                answer = connection.read_answer()
                self.assertEqual(answer.status, 200)
                self.assertLessEqual(COLLECTOR, set(exposition.parse(answer.body)))


class MetricsOfReplacedProcesses(unittest.TestCase):
    def test_no_counter_goes_down_when_processes_are_killed(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            sent = 0
            last = {}
            for victim in (None, "worker/1", "worker/2", "router", "nop"):
                if victim:
                    gateway.wait_replaced(victim, gateway.kill_child(victim))
                for _ in range(8):  # connections, so that both workers get some
                    post(gateway, "logs", telemetry.logs(range(10)))
                    sent += 10
                wait_value(gateway, sent, "otelcol_receiver_accepted_log_records", transport="http")
                wait_value(gateway, sent, "masques_router_stored_records_total", signal="logs")
                wait_value(gateway, sent, "otelcol_exporter_sent_log_records", exporter="nop")
                wait_value(gateway, sent, "masques_source_records_total", service="test", signal="logs")
                now = counters(scrape(gateway))
                for series, number in last.items():
                    self.assertGreaterEqual(now.get(series, -1), number, (victim, series))
                last = now
            families = scrape(gateway)
            for victim in ("worker/1", "worker/2", "router", "nop"):
                self.assertEqual(exposition.value(families, "masques_child_restarts_total", child=victim), 1)

    def test_an_exporter_that_hangs_has_a_queue(self):
        with Gateway(exporters={"nop": {}, "debug": {"format": "json"}}, hang_after="300s") as gateway:
            pid = gateway.kill_child("nop", signal.SIGSTOP)
            try:
                post(gateway, "logs", telemetry.logs(range(9)))
                wait_value(gateway, 9, "otelcol_exporter_sent_log_records", exporter="debug")
                wait_value(gateway, 9, "masques_queue_records", exporter="nop", signal="logs")
                wait_for(lambda: exposition.value(scrape(gateway), "otelcol_exporter_queue_size", exporter="nop",
                                                  data_type="logs") > 0, "bytes that wait")
                families = scrape(gateway)
                self.assertEqual(exposition.value(families, "otelcol_exporter_queue_size", exporter="nop",
                                                  data_type="traces"), 0)
                self.assertGreater(exposition.value(families, "otelcol_exporter_queue_capacity", exporter="nop",
                                                    data_type="logs"), 1 << 20)
                self.assertEqual(exposition.value(families, "masques_store_state", state="ok"), 1)
                self.assertEqual(exposition.value(families, "masques_store_state", state="full"), 0)
                wait_for(lambda: exposition.value(scrape(gateway), "masques_queue_oldest_seconds", exporter="nop",
                                                  signal="logs") > 0, "the age of the oldest")
            finally:
                os.kill(pid, signal.SIGCONT)
            wait_value(gateway, 9, "otelcol_exporter_sent_log_records", exporter="nop")


if __name__ == "__main__":
    suite.main()
