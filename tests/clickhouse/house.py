# SPDX-License-Identifier: Apache-2.0
"""What the tests of the exporter have in common: one engine for a script, a database for each test, a gateway whose only
exporter writes there, as impatient as tests are."""
import itertools
import os
import shutil
import unittest
from collections import Counter

import clickhouse_tables
import grpc_client
import telemetry
from clickhouse import ClickHouse
from fault_proxy import FaultProxy
from gateway import BIN, RECEIVER, Gateway, wait_for
from http_client import post as http_post

NAME = "clickhouse"
PROGRAM = "masques-exporter-clickhouse"
IMPATIENT = {
    "retry_on_failure": {"initial_interval": "50ms", "max_interval": "200ms"},
    "sending_queue": {"batch": {"flush_timeout": "50ms"}},
}
SUM, GAUGE = clickhouse_tables.METRICS["sum"], clickhouse_tables.METRICS["gauge"]
LOGS, TRACES = clickhouse_tables.LOGS, clickhouse_tables.TRACES
TABLE_OF = {"logs": LOGS, "traces": TRACES, "metrics": SUM}  # of telemetry.REQUEST
ATTRIBUTES_OF = {"logs": "LogAttributes", "traces": "SpanAttributes", "metrics": "Attributes"}


def send(gateway, signal, body, grpc=False):
    """Until it is stored."""
    if grpc:
        grpc_client.export(gateway.grpc, signal, body)
        return
    answer = http_post(gateway.http, telemetry.HTTP_PATH[signal], body)
    if answer.status != 200:
        raise AssertionError(answer)


def merged(left, right):
    """Options, those of `right` first."""
    return {key: merged(left[key], right[key]) if isinstance(left.get(key), dict) and isinstance(right.get(key), dict)
            else {**left, **right}[key] for key in {**left, **right}}


class Case(unittest.TestCase):
    maxDiff = None
    server_options = {}
    numbers = itertools.count(1)

    @classmethod
    def setUpClass(cls):
        cls.server = ClickHouse(**cls.server_options).start()
        cls.addClassCleanup(cls.server.destroy)

    def setUp(self):
        if self.server.process.poll() is not None:  # a test before this one needed it so
            self.server.start()
        self.server.new_database(f"t{next(self.numbers)}")
        self.ids = (f"id{number}" for number in itertools.count())

    # -- the cast

    def options(self, endpoint=None, **more):
        return merged(IMPATIENT, {"endpoint": endpoint or self.server.endpoint, "database": self.server.database, **more})

    def gateway(self, endpoint=None, masques=None, **options):
        """Not started yet."""
        gateway = Gateway(exporters={NAME: self.options(endpoint, **options)}, masques=masques)
        self.addCleanup(gateway.destroy)
        return gateway

    def proxy(self, server=None):
        proxy = FaultProxy((server or self.server).address)
        self.addCleanup(proxy.close)
        self.addCleanup(lambda: self.assertEqual(proxy.failures[:3], []))
        return proxy

    # -- sending

    def send(self, gateway, signal="logs", count=3, **options):
        """New records in one request; returns their ids."""
        ids = [next(self.ids) for _ in range(count)]
        send(gateway, signal, telemetry.REQUEST[signal](ids), **options)
        return ids

    # -- what came

    def found(self, signal="logs", table=None):
        """How often each id is in its table."""
        table = table or TABLE_OF[signal]
        return Counter(self.server.values(f"SELECT {ATTRIBUTES_OF[signal]}['test.id'] FROM {table}"))

    def wait_once(self, ids, signal="logs", table=None, deadline=120):
        """Waits until these are in the table, each once and nothing else."""
        self.server.wait_count(table or TABLE_OF[signal], len(ids), deadline)
        self.assertEqual(self.found(signal, table), Counter(ids))

    # -- what the gateway says

    def child(self, gateway):
        return gateway.child(NAME)

    def wait_state(self, gateway, state, words="", deadline=120):
        """Waits until the exporter's state in health is this, with these words among what it said last."""
        seen = []

        def is_so():
            child = self.child(gateway)
            seen[:] = [child]
            return child["state"] == state and words in child["lastError"]
        try:
            return wait_for(is_so, f"state {state} with {words!r}", deadline)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {seen}") from None

    def wait_words(self, gateway, words=""):
        """Of whatever the trouble is."""
        return wait_for(lambda: words in (said := self.child(gateway)["lastError"]) != "" and said, f"words {words!r} in health")

    def wait_counts(self, gateway, **wanted):
        """Waits until health counts this: delivered, rejected, lost. Rows are in their table before the exporter has heard
        that they are; what breaks something next waits for `delivered`, or the INSERT may come again."""
        def counts():
            child = self.child(gateway)
            return all(sum(child[what].values()) == count for what, count in wanted.items())
        try:
            wait_for(counts, f"{wanted} in health")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {self.child(gateway)}") from None

    def wait_nothing_pending(self, gateway):
        """Now, and not at the time of the last beat."""
        gateway.wait_beats()
        wait_for(lambda: self.child(gateway)["queue"]["records"] == 0, "nothing to be pending")


def swap_program(gateway, path):
    """From its next start on, the gateway runs this program as its exporter."""
    programs = os.path.join(gateway.directory, "bin")
    if not os.path.isdir(programs):
        os.mkdir(programs)
        for program in os.listdir(BIN):
            # The gateway looks for the others beside its own file, wherever a symbolic link to that lies.
            (shutil.copy2 if program == os.path.basename(RECEIVER) else os.symlink)(
                os.path.join(BIN, program), os.path.join(programs, program))
        gateway.program = os.path.join(programs, os.path.basename(RECEIVER))
    place = os.path.join(programs, PROGRAM)
    os.unlink(place)
    os.symlink(path, place)


def tokens(requests):
    """The deduplication tokens, in order of first use."""
    return list(dict.fromkeys(request.token for request in requests))
