# SPDX-License-Identifier: Apache-2.0
"""A storm: for some minutes every process of the family is killed, stopped or held up at random, the whole family too,
while clients send numbered records of all signals. Then it is calm, and everything acknowledged must have arrived.

MASQUES_SEED chooses what happens when (printed), MASQUES_KILLS how many kills there are at least, and
MASQUES_CHAOS_SECONDS how long the storm lasts at least."""
import os
import signal
import time
import unittest
from collections import Counter

import suite
from gateway import process_alive, wait_for
from oracle import seed_of_run
from scene import FILE, Scene

KILLS = int(os.environ.get("MASQUES_KILLS", "50"))
SECONDS = float(os.environ.get("MASQUES_CHAOS_SECONDS", "60"))
HANG_AFTER_S = 2
CLIENTS = 6
REPORT_EVERY = 10

# How often each event comes up in a round of the deck; "family" is the master, and with it everything.
DECK = {
    "kill router": 5, "kill worker/1": 2, "kill worker/2": 2, "kill exporter": 4, "kill nop": 1, "kill family": 3,
    "kill two": 3, "kill exporter pushing": 3,
    "hang router": 1, "hang worker/1": 1, "hang exporter": 1,
    "pause router": 1, "pause worker/2": 1, "pause exporter": 1,
    "burst": 2,
}


class Storm:
    """The events, on a scene."""

    def __init__(self, scene):
        self.scene = scene
        self.gateway = scene.gateway
        self.random = scene.random
        self.kills = 0
        self.events = Counter()

    def run(self):
        begin = time.monotonic()
        deck = []
        while self.kills < KILLS or time.monotonic() - begin < SECONDS:
            if not deck:
                deck = [event for event, times in DECK.items() for _ in range(times)]
                self.random.shuffle(deck)
            event = deck.pop()
            self.scene.oracle.wait_acknowledged(self.random.randrange(1, 150))
            started = time.monotonic()
            self.act(event)
            self.scene.clients.wait_all_served(f"all clients to be served after {event}")
            self.events[event] += 1
            print(f"{started - begin:6.1f} s {event}: all served after {time.monotonic() - started:.3f} s", flush=True)
        print(f"{self.kills} kills in {time.monotonic() - begin:.0f} s: "
              + ", ".join(f"{event} {times}" for event, times in sorted(self.events.items())))

    def act(self, event):
        verb, _, who = event.partition(" ")
        name = self.scene.name if who.startswith("exporter") else who
        if event == "burst":
            self.burst()
        elif event == "kill two":
            self.kill(self.random.sample(["router", "worker/1", "worker/2", self.scene.name, "nop"], 2))
        elif event == "kill exporter pushing":
            self.kill_pushing()
        elif event == "kill family":
            self.kill_family()
        elif verb == "kill":
            self.kill([name])
        elif verb == "hang":
            self.hang(name)
        else:
            self.pause(name)

    def is_sink(self, name):
        return name == "sink"

    def kill(self, names):
        pids = {}
        for name in names:
            if self.is_sink(name):
                self.scene.sink.kill()
            else:
                pids[name] = self.gateway.kill_child(name)
            self.kills += 1
        for name in names:
            if self.is_sink(name):
                self.scene.start_sink()
        for name, pid in pids.items():
            self.gateway.wait_replaced(name, pid)

    def kill_pushing(self):
        """The exporter dies while it is certain to have a delivery: the file has grown and the next kill follows at once,
        between what was written and its verdict as often as between two deliveries."""
        size = self.far_size()
        wait_for(lambda: self.far_size() != size, "the far end to grow", pause=0)
        self.kill([self.scene.name])

    def far_size(self):
        paths = self.scene.end.files() if self.scene.to == "file" else [self.scene.sink.file]
        return sum(os.path.getsize(path) for path in paths)

    def kill_family(self):
        first = self.random.choice([(), ("router",), ("worker/1", "router"), (FILE,) if self.scene.to == "file" else ()])
        self.gateway.kill_family(first)
        self.kills += 1 + len(first)
        self.gateway.start()
        if self.scene.to == "sink":
            wait_for(lambda: "sink" in self.gateway.children(), "the sink to come back")

    def hang(self, name):
        """Stopped for good: the master has to see it and to replace the process. A sink is nobody's child."""
        if self.is_sink(name):
            return self.pause(name)
        pid = self.gateway.kill_child(name, signal.SIGSTOP)
        self.gateway.wait_replaced(name, pid)
        wait_for(lambda: not process_alive(pid), "the hung process to end")
        self.kills += 1

    def pause(self, name):
        """Shorter than what counts as hung."""
        pid = self.scene.sink.process.pid if self.is_sink(name) else self.gateway.kill_child(name, signal.SIGSTOP)
        if self.is_sink(name):
            os.kill(pid, signal.SIGSTOP)
        time.sleep(self.random.uniform(0.05, HANG_AFTER_S / 3))
        try:
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def burst(self):
        self.scene.clients.burst(True)
        self.scene.oracle.wait_acknowledged(1500)
        self.scene.clients.burst(False)


class StormTest(unittest.TestCase):
    def storm(self, scene):
        scene.start_clients(count=CLIENTS, pace_s=0.03)
        storm = Storm(scene)
        storm.run()
        verdict = scene.settle()
        print(verdict)
        print(f"{len(scene.oracle.failures())} requests failed, the slowest answer took {scene.clients.slowest_s():.3f} s")
        self.assertGreaterEqual(storm.kills, KILLS)
        self.assertEqual(scene.lost(), 0)
        verdict.require(lost=0, once=False)
        return verdict

    def test_the_file_gets_everything_once_from_a_disk(self):
        """The file exporter knows what it has written: not even a crash makes it write something twice."""
        scene = Scene(self, seed_of_run(20261205), to="file", fsync="always", hang_after=f"{HANG_AFTER_S}s",
                      store={"segment_bytes": "1MiB"})
        verdict = self.storm(scene)
        verdict.require(once=True)
        scene.stop()

    def test_the_sink_gets_everything_from_memory(self):
        scene = Scene(self, seed_of_run(20261204), to="sink", fsync=None, hang_after=f"{HANG_AFTER_S}s")
        self.storm(scene)
        scene.stop()


if __name__ == "__main__":
    suite.main()
