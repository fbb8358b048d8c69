# SPDX-License-Identifier: Apache-2.0
"""Processes are killed while clients send numbered records over gRPC and HTTP. What a client was told is stored must
be delivered; in calm weather exactly once. A durable exporter (the sink) counts.

MASQUES_SEED chooses the order of the kills (printed); MASQUES_KILLS how many there are."""
import os
import random
import shutil
import tempfile
import threading
import time
import unittest

import grpc_client
import suite
import telemetry
from gateway import Gateway, wait_for
from http_client import Connection, request
from sink import Sink

CLIENTS = 8
RECORDS = 5
KILLS = int(os.environ.get("MASQUES_KILLS", "12"))
CALM_REQUESTS = 2000


class Client(threading.Thread):
    """Sends requests one after the other, each with new ids, and remembers how they were answered."""

    def __init__(self, gateway, number):
        super().__init__(daemon=True)
        self.gateway = gateway
        self.number = number
        self.is_grpc = number % 2 == 0
        self.acknowledged = set()
        self.failed = []  # (time, what)
        self.sent = 0
        self.slowest_s = 0.0
        self.halt = threading.Event()

    def run(self):
        transport = None
        while not self.halt.is_set():
            ids = [f"c{self.number}-{self.sent}-{n}" for n in range(RECORDS)]
            self.sent += 1
            begin = time.monotonic()
            try:
                transport = transport or self.open()
                self.post(transport, telemetry.logs(ids))
                self.acknowledged.update(ids)
            except Exception as error:  # whatever it is, the records were not acknowledged
                self.failed.append((time.monotonic(), repr(error)))
                if transport:
                    transport.close()
                transport = None
            self.slowest_s = max(self.slowest_s, time.monotonic() - begin)
        if transport:
            transport.close()

    def open(self):
        if self.is_grpc:
            return grpc_client.channel(self.gateway.grpc)
        return Connection(self.gateway.http)

    def post(self, transport, body):
        if self.is_grpc:
            grpc_client.call(transport, "logs", body)
            return
        transport.send(request("/v1/logs", body))
        answer = transport.read_answer()
        if answer.status != 200:
            raise AssertionError(answer)


class Kill(unittest.TestCase):
    def masques(self):
        return {}

    def setUp(self):
        self.gateway = Gateway(exporters={"debug": {"format": "json"}, "nop": {}}, workers=2,
                               masques=self.masques()).start()
        self.addCleanup(self.gateway.destroy)
        self.sink = Sink(self.gateway)
        self.addCleanup(self.sink.kill)
        self.clients = [Client(self.gateway, number) for number in range(CLIENTS)]
        for client in self.clients:
            client.start()
        self.addCleanup(self.halt)

    def halt(self):
        for client in self.clients:
            client.halt.set()
        for client in self.clients:
            client.join(120)
            self.assertFalse(client.is_alive(), "a client still waits for its answer")

    def acknowledged(self):
        return sum(len(client.acknowledged) for client in self.clients)

    def wait_progress(self, records, what):
        """Waits until so many more records are acknowledged, some of them to every client. It fails when none is for a
        minute: how long many of them take is the machine's affair."""
        before = [len(client.acknowledged) for client in self.clients]
        wanted = sum(before) + records
        while (seen := self.acknowledged()) < wanted:
            wait_for(lambda seen=seen: self.acknowledged() > seen, f"{wanted - seen} of {records} {what}")
        wait_for(lambda: all(len(client.acknowledged) > b for client, b in zip(self.clients, before)),
                 f"{what} of every client", 120)

    def kill(self, name):
        """Kills a child under load; returns the seconds until it was replaced and every client was served again."""
        begin = time.monotonic()
        pid = self.gateway.kill_child(name)
        self.gateway.wait_replaced(name, pid)
        replaced = time.monotonic() - begin
        self.wait_progress(CLIENTS * RECORDS, f"all clients to be served after {name} was killed")
        return replaced, time.monotonic() - begin

    def finish(self, once=True):
        """Everything acknowledged is delivered; the end is clean."""
        self.halt()
        wanted = set().union(*(client.acknowledged for client in self.clients))
        wait_for(lambda: wanted <= set(self.sink.counts()), f"{len(wanted)} acknowledged records in the sink", 120,
                 pause=0.2)
        counts = self.sink.counts()
        sent = {f"c{c.number}-{n}-{r}" for c in self.clients for n in range(c.sent) for r in range(RECORDS)}
        self.assertLessEqual(set(counts), sent)
        doubled = {name: count for name, count in counts.items() if count > 1}
        print(f"{len(wanted)} acknowledged, {len(counts)} delivered, {len(doubled)} of them more than once, "
              f"{sum(len(c.failed) for c in self.clients)} requests failed, "
              f"slowest answer {max(c.slowest_s for c in self.clients):.3f} s")
        if once:
            self.assertEqual(doubled, {})
        self.assertEqual(self.lost(), 0)
        self.sink.stop()
        self.gateway.stop()

    def lost(self):
        child = self.gateway.child(self.sink.name)
        return sum(child["lost"].values()) + sum(child["rejected"].values())

    def failures(self):
        return [failure for client in self.clients for failure in client.failed]

    def test_calm_everything_once(self):
        self.wait_progress(CALM_REQUESTS * RECORDS, "requests")
        self.finish()
        self.assertEqual(self.failures(), [])
        delivered = set(self.sink.counts())
        self.assertEqual(delivered, set().union(*(client.acknowledged for client in self.clients)))

    def test_killing_the_router_is_invisible(self):
        for _ in range(10):
            self.wait_progress(200, "progress")
            replaced, healed = self.kill("router")
            print(f"router: replaced after {replaced:.3f} s, every client served after {healed:.3f} s")
        self.finish()
        self.assertEqual(self.failures(), [], "clients saw the death of the router")

    def test_killing_the_console_is_invisible(self):
        for _ in range(3):
            self.wait_progress(200, "progress")
            replaced, healed = self.kill("debug")
            print(f"console: replaced after {replaced:.3f} s, every client served after {healed:.3f} s")
        self.finish()
        self.assertEqual(self.failures(), [])

    def test_killing_a_worker_costs_only_its_own_connections(self):
        for turn in range(4):
            self.wait_progress(200, "progress")
            failed = len(self.failures())
            name = f"worker/{turn % 2 + 1}"
            replaced, healed = self.kill(name)
            print(f"{name}: replaced after {replaced:.3f} s, every client served after {healed:.3f} s")
            # Each client has one connection, and one request at a time on it.
            self.assertLessEqual(len(self.failures()) - failed, CLIENTS)
        self.finish()

    def test_anything_at_any_time(self):
        seed = int(os.environ.get("MASQUES_SEED", "20261122"))
        print(f"MASQUES_SEED={seed}")
        choice = random.Random(seed)
        deck = ["router", "router", "worker/1", "worker/2", "debug", "nop"]
        for turn in range(KILLS):
            if turn % len(deck) == 0:
                choice.shuffle(deck)
            name = deck[turn % len(deck)]
            self.wait_progress(choice.randrange(10, 400), "progress")
            if choice.random() < 0.3:  # a second one while the first is on its way
                self.gateway.kill_child(choice.choice(["router", "worker/1", "debug"]))
            replaced, healed = self.kill(name)
            print(f"{name}: replaced after {replaced:.3f} s, every client served after {healed:.3f} s")
        self.finish()


class KillOverADisk(Kill):
    """The same with a store whose every answer waits for a sync."""

    def masques(self):
        directory = tempfile.mkdtemp(prefix="masques-test-", dir=os.environ.get("MASQUES_DISK", "/var/tmp"))
        self.addCleanup(shutil.rmtree, directory)
        return {"store": {"directory": os.path.join(directory, "store"), "fsync": "always"}}

    test_killing_the_console_is_invisible = None
    test_killing_a_worker_costs_only_its_own_connections = None


class SinkComesAndGoes(unittest.TestCase):
    def test_a_durable_exporter_that_is_killed_gets_the_rest_later(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            sink = Sink(gateway)
            self.addCleanup(lambda: sink.kill())
            for number in range(50):
                grpc_client.export(gateway.grpc, "logs", telemetry.logs([f"a{number}"]))
            sink.kill()
            for number in range(50):
                grpc_client.export(gateway.grpc, "logs", telemetry.logs([f"b{number}"]))
            sink = Sink(gateway)
            wanted = {f"{letter}{number}" for letter in "ab" for number in range(50)}
            wait_for(lambda: set(sink.counts()) == wanted, "all records")
            sink.stop()

    def test_what_a_sink_cannot_take_now_it_gets_again(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            sink = Sink(gateway, "--fail-every", "3", "--delay-ms", "5")
            self.addCleanup(sink.kill)
            with grpc_client.channel(gateway.grpc) as channel:
                for number in range(100):
                    grpc_client.call(channel, "logs", telemetry.logs([f"a{number}"]))
            wait_for(lambda: len(sink.counts()) == 100, "all records")
            self.assertEqual(set(sink.counts().values()), {1})
            sink.stop()


if __name__ == "__main__":
    suite.main()
