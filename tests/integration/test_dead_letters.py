# SPDX-License-Identifier: Apache-2.0
"""Records that a destination refuses for good: kept with the reason, counted once whatever dies meanwhile, handed out
again when asked, within a quota. The files are read as their description says."""
import json
import os
import random
import threading
import time
import unittest
from collections import Counter

from google.protobuf import json_format

import dead_letters
import grpc_client
import http_client
import otlp_oracle
import suite
import telemetry
from gateway import BIN, Gateway, run_program, wait_for
from oracle import seed_of_run
from sink import Sink, StandIn

CTL = os.path.join(BIN, "masquesctl")
KILLS = 6
BLOCK = 4096  # what a letter counts for at least


def post(gateway, *ids, signal="logs"):
    answer = http_client.post(gateway.http, telemetry.HTTP_PATH[signal], telemetry.REQUEST[signal](ids))
    if answer.status != 200:
        raise AssertionError(answer)


def ids_of(letter):
    """The test.id of every record in its payload."""
    return telemetry.ids_of([json_format.MessageToJson(otlp_oracle.decode(letter.signal, letter.payload))])


class Case(unittest.TestCase):
    def gateway(self, **store):
        gateway = Gateway(exporters={"nop": {}})
        self.addCleanup(gateway.destroy)
        self.store = os.path.join(gateway.directory, "store")
        gateway.options({"store": {"directory": self.store, **store}})
        return gateway

    def sink(self, gateway, *arguments, signals="logs", **options):
        """Rejects as long as self.condition exists."""
        self.condition = os.path.join(gateway.directory, "reject")
        open(self.condition, "wb").close()
        sink = Sink(gateway, "--reject-while", self.condition, *arguments, signals=signals, **options)
        self.addCleanup(sink.kill)
        return sink

    def ctl(self, gateway, *arguments):
        done = run_program(CTL, "dead-letters", *arguments, "--json", "--runtime", gateway.runtime)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def letters(self):
        return dead_letters.read_all(self.store)

    def kept(self):
        """How often each id is in a letter."""
        return Counter(name for letter in self.letters() for name in ids_of(letter))

    def wait_letters(self, count):
        return wait_for(lambda: (found := self.letters()) and len(found) == count and found, f"{count} letters")

    @staticmethod
    def wait_rejected(gateway, count, name="sink"):
        wait_for(lambda: sum(gateway.child(name)["rejected"].values()) == count, f"{count} rejected records in health")

    @staticmethod
    def kill_router(gateway):
        gateway.wait_replaced("router", gateway.kill_child("router"))


class Letters(Case):
    def test_a_letter_says_what_was_rejected_by_whom_and_why(self):
        with self.gateway() as gateway:
            sink = self.sink(gateway, signals="logs,metrics,traces")
            before = time.time_ns()
            for number, signal in enumerate(("logs", "metrics", "traces"), 1):
                post(gateway, f"{signal}-a", f"{signal}-b", signal=signal)
                self.wait_letters(number)
            letters = self.letters()
            for letter, signal in zip(letters, ("logs", "metrics", "traces")):
                self.assertEqual((letter.exporter, letter.signal, letter.records, letter.index, letter.reason),
                                 ("sink", signal, 2, 0, "asked to reject"))
                self.assertEqual(ids_of(letter), [f"{signal}-a", f"{signal}-b"])
                self.assertTrue(before <= letter.rejected_ns <= time.time_ns(), letter)
            self.assertEqual([entry["number"] for entry in self.ctl(gateway, "list")], [letter.number for letter in letters])
            self.wait_rejected(gateway, 6)
            child = gateway.child("sink")
            self.assertEqual((sum(child["delivered"].values()), sum(child["lost"].values()), child["queue"]["records"]), (0, 0, 0))
            self.assertEqual(gateway.health()["deadLetters"]["letters"], 3)
            self.assertEqual(gateway.health_answer()[0], 200)
            self.assertEqual(sink.counts(), {})

    def test_they_are_there_after_a_restart_and_are_delivered_when_asked_for(self):
        with self.gateway() as gateway:
            sink = self.sink(gateway)
            for number in range(4):
                post(gateway, f"a{number}", f"b{number}")
                self.wait_letters(number + 1)
            before = self.letters()
            self.kill_router(gateway)
            wait_for(lambda: gateway.child("sink")["state"] == "running", "the sink to be back")
            self.assertEqual(self.letters(), before)
            self.assertEqual(len(self.ctl(gateway, "list")), 4)
            self.wait_rejected(gateway, 8)

            # Refused once more: other letters, the same records.
            self.assertEqual(self.ctl(gateway, "replay")["count"], 4)
            wait_for(lambda: not {x.number for x in self.letters()} & {x.number for x in before} and len(self.letters()) == 4,
                     "letters of their own")
            self.assertEqual(self.kept(), Counter(ids for letter in before for ids in ids_of(letter)))
            self.wait_rejected(gateway, 8)

            os.unlink(self.condition)
            self.assertEqual(self.ctl(gateway, "replay")["count"], 4)
            wait_for(lambda: not self.letters(), "the letters to be taken")
            self.assertEqual(sink.counts(), {name: 1 for letter in before for name in ids_of(letter)})
            wait_for(lambda: gateway.health()["deadLetters"]["replayed"] == 4, "the replayed letters in health")
            self.assertEqual(gateway.health()["deadLetters"]["letters"], 0)

    def test_the_quota_is_kept_and_what_is_beyond_it_is_counted(self):
        with self.gateway(dead_letters={"max_bytes": 2 * BLOCK}) as gateway:
            self.sink(gateway)
            for number in range(5):
                post(gateway, f"a{number}")
                self.wait_rejected(gateway, number + 1)  # one delivery each
            letters = self.letters()
            self.assertEqual([ids_of(letter) for letter in letters], [["a0"], ["a1"]])
            told = wait_for(lambda: (t := gateway.health()["deadLetters"])["dropped"] == 3 and t, "what was dropped in health")
            self.assertEqual((told["letters"], told["bytes"]), (2, 2 * BLOCK))
            words = "a rejection of sink is counted, but not kept as a dead letter"
            gateway.stderr.wait(lambda lines: any(words in line for line in lines), "what is said of it")
            self.assertEqual(gateway.health_answer()[0], 200)
            # Room is made by hand.
            self.ctl(gateway, "drop", str(letters[0].number))
            post(gateway, "a5")
            wait_for(lambda: self.kept() == {"a1": 1, "a5": 1}, "the new letter in place of the old")

    def test_a_quota_of_nothing_keeps_nothing(self):
        with self.gateway(dead_letters={"max_bytes": 0}) as gateway:
            self.sink(gateway)
            post(gateway, "a")
            self.wait_rejected(gateway, 1)
            self.assertEqual(self.letters(), [])
            wait_for(lambda: gateway.health()["deadLetters"]["dropped"] == 1, "what was dropped in health")

    def test_a_configured_exporters_letters_stay_while_it_is_replaced(self):
        gateway = self.gateway()
        stand_in = StandIn(gateway)
        stand_in.begin("reject")
        with gateway:
            post(gateway, "a", "b")
            self.wait_letters(1)
            gateway.wait_replaced(stand_in.name, gateway.kill_child(stand_in.name))
            stand_in.end("reject")
            self.assertEqual(self.ctl(gateway, "replay", stand_in.name)["count"], 1)
            wait_for(lambda: not self.letters(), "the letter to be taken")
            self.assertEqual(stand_in.counts(), {"a": 1, "b": 1})


class Killed(Case):
    """The router, while letters are written and while they are replayed."""

    def load(self, gateway, stop, wanted):
        with grpc_client.channel(gateway.grpc) as channel:
            for number in range(1 << 30):
                if stop.is_set():
                    return
                ids = [f"{number}-{record}" for record in range(3)]
                grpc_client.call(channel, "logs", telemetry.logs(ids))
                wanted.update(ids)

    def test_no_record_is_lost_or_twice_whenever_the_router_dies(self):
        chance = random.Random(seed_of_run(time.time_ns() % 1_000_000))
        with self.gateway() as gateway:
            sink = self.sink(gateway, "--reject-every", "2")
            os.unlink(self.condition)
            wanted, stop = set(), threading.Event()
            client = threading.Thread(target=self.load, args=(gateway, stop, wanted))
            client.start()
            try:
                for _ in range(KILLS):
                    more = len(self.letters()) + chance.randrange(5, 60)
                    wait_for(lambda more=more: len(self.letters()) >= more, "letters", pause=0.001)
                    self.kill_router(gateway)
            finally:
                stop.set()
                client.join()
            wait_for(lambda: set(sink.counts()) | set(self.kept()) >= wanted, "everything delivered or in a letter")
            wait_for(lambda: gateway.child("sink")["queue"]["records"] == 0, "nothing to be pending")
            kept, taken = self.kept(), sink.counts()
            print(f"{len(wanted)} records, {len(self.letters())} letters, {KILLS} kills")
            self.assertGreater(len(kept), 0)
            self.assertEqual(set(kept) & set(taken), set(), "either delivered or rejected")
            self.assertEqual({count for count in (kept + taken).values()}, {1})
            self.wait_rejected(gateway, sum(letter.records for letter in self.letters()))
            wait_for(lambda: sum(gateway.child("sink")["delivered"].values()) >= len(taken), "all deliveries in health")
            self.assertEqual(sum(gateway.child("sink")["delivered"].values()), len(taken))
            self.assertEqual(sum(gateway.child("sink")["lost"].values()), 0)

            sink.stop()  # its --reject-every is not wanted any more
            taker = Sink(gateway, "--delay-ms", "2")
            self.addCleanup(taker.kill)
            for _ in range(KILLS):  # what was asked for is forgotten with the router
                self.ctl(gateway, "replay")
                less = max(1, len(self.letters()) - chance.randrange(5, 60))
                wait_for(lambda less=less: len(self.letters()) <= less, "letters to be taken", pause=0.001)
                self.kill_router(gateway)
            wait_for(lambda: gateway.child("sink")["state"] == "running", "the sink to be back")
            self.ctl(gateway, "replay")
            wait_for(lambda: not self.letters(), "all letters to be taken")
            wait_for(lambda: wanted <= set(taker.counts()), "everything delivered")
            self.assertEqual(set(taker.counts().values()), {1})
            self.assertEqual(set(taker.counts()), wanted)
            self.wait_rejected(gateway, sum(kept.values()))  # replay changes no account
            taker.stop()


if __name__ == "__main__":
    suite.main()
