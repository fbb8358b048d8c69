# SPDX-License-Identifier: Apache-2.0
"""The exporter, the router and ClickHouse itself are killed at random while clients send numbered records of all signals
over gRPC and HTTP. At the end every record that was accepted is in its table, and none twice.

MASQUES_SEED chooses who is killed and when (printed); MASQUES_KILLS how often."""
import http.client
import os
import random
import time
from collections import Counter

import house
import suite
from clickhouse import ServerError
from gateway import wait_for
from oracle import Clients, Oracle, Verdict, seed_of_run, wait_delivered


KILLS = int(os.environ.get("MASQUES_KILLS", "12"))
CLIENTS = 6
BACKLOG = 20000  # records that may wait when the next one is killed: what is never written proves nothing
FAMILY_EVERY = 8  # kills, and all of the gateway dies at once; with it ends the patience that grew with each restart
TABLES = {"logs": (house.LOGS, "LogAttributes"), "traces": (house.TRACES, "SpanAttributes"),
          "metrics": (house.GAUGE, "Attributes")}


class TablesEnd:
    """The far end of oracle.Verdict: what SQL finds."""

    def __init__(self, server):
        self.server = server
        self.forgotten = 0

    @staticmethod
    def rejected():
        return set()

    def start_again(self):
        """Where the kill came between a token and its rows (ClickHouse.forget_lost_tokens()), the token goes, too."""
        self.forgotten += self.server.forget_lost_tokens()
        self.server.start()

    def revive(self):
        """The library aborts at times when a client's connection breaks: one more crash to live through."""
        code = self.server.process.poll()
        if code is not None:
            print(f"the engine ended by itself with {code}")
            self.start_again()

    def numbers(self):
        try:
            return self._numbers()
        except (OSError, http.client.HTTPException):
            self.revive()
            return set()

    def _numbers(self):
        found = set()
        for table, attributes in TABLES.values():
            try:
                found.update(self.server.values(
                    f"SELECT toUInt64(splitByChar('-', {attributes}['test.id'])[1]) FROM {table}"))
            except ServerError as error:
                if error.code != 60:
                    raise
        return found

    def check(self, oracle):
        counts = Counter()
        for signal, (table, attributes) in TABLES.items():
            for row in self.server.query(
                    f"SELECT {attributes}['test.id'] AS id, {attributes}['test.payload'] AS payload FROM {table}"):
                counts[oracle.check(signal, row["id"], row["payload"])] += 1
        return counts


class Crash(house.Case):
    def kill(self, gateway, end, name):
        """Kills it; it need not be back when this returns, unless it is ClickHouse."""
        if name == "server":
            self.server.kill()
            time.sleep(self.random.choice((0, 0.2, 1)))  # how long it is away is part of the case
            end.start_again()
        else:
            gateway.kill_child(name)

    def kill_family(self, gateway):
        gateway.kill_family([name for name in ("router", house.NAME) if self.random.random() < 0.5])
        gateway.start()

    def wait_written(self, gateway, end):
        """Until little waits; the engine may end by itself meanwhile."""
        def is_little():
            end.revive()
            return gateway.children().get(house.NAME, {}).get("queue", {}).get("records", BACKLOG) < BACKLOG
        wait_for(is_little, "the backlog to be written", 240, pause=0.05)

    def test_random_kills(self):
        seed = seed_of_run(20261126)
        self.random = random.Random(seed)
        oracle = Oracle(random.Random(seed + 1), payload=(0, 200))
        gateway = self.gateway(insert_rows=200, sending_queue={"batch": {"flush_timeout": "100ms", "min_size": 1000}})
        gateway.options({"store": {"directory": os.path.join(gateway.directory, "store"), "fsync": "never"}})
        end = TablesEnd(self.server)
        with gateway:
            clients = Clients(oracle, gateway, random.Random(seed + 2), CLIENTS, records=(1, 40), pace_s=0.01).start()
            self.addCleanup(clients.stop)
            deck = [house.NAME, "router", "server"]
            killed = Counter()
            begin = time.monotonic()
            for turn in range(KILLS):
                oracle.wait_acknowledged(self.random.randrange(20, 2000))
                self.wait_written(gateway, end)
                for name in [deck[turn % 3]] + ([self.random.choice(deck)] if self.random.random() < 0.2 else []):
                    print(f"{time.monotonic() - begin:6.1f} s, record {oracle.sent_count()}: {name}", flush=True)
                    self.kill(gateway, end, name)
                    killed[name] += 1
                if turn % 3 == 2:
                    self.random.shuffle(deck)
                if turn % FAMILY_EVERY == FAMILY_EVERY - 1:
                    self.kill_family(gateway)
                    killed["family"] += 1
            clients.stop()
            wanted = {key.number for key in oracle.acknowledged()}
            print(f"{dict(killed)} killed within {time.monotonic() - begin:.1f} s, {len(wanted)} records accepted, "
                  f"{len(oracle.failures())} requests failed; {end.forgotten} tokens without rows taken back")
            try:
                wait_delivered(oracle, end, deadline=240)
                self.wait_nothing_pending(gateway)
            except AssertionError:
                print(self.child(gateway), "\n".join(gateway.stderr.all()[-40:]), sep="\n")
                raise
            verdict = Verdict(oracle, end).require(lost=0)
            print(verdict)
            self.assertFalse(verdict.missing)
            for signal, (table, attributes) in TABLES.items():
                (row,) = self.server.query(f"SELECT count() AS count, uniqExact({attributes}['test.id']) AS ids FROM {table}")
                print(f"{table}: count() {row['count']}, uniqExact(id) {row['ids']}")
                self.assertEqual(row["count"], row["ids"])
                accepted = sum(key.signal == signal for key in oracle.acknowledged())
                if not oracle.failures():  # otherwise some may be stored that nobody was told of
                    self.assertEqual(row["count"], accepted)
            self.wait_counts(gateway, delivered=verdict.delivered, rejected=0, lost=0)


if __name__ == "__main__":
    suite.main()
