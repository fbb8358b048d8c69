# SPDX-License-Identifier: Apache-2.0
"""A storm: for some minutes every process of the family is killed, stopped or held up at random, the whole family too,
and the power is cut, while clients send numbered records of all signals. Then it is calm, and the books must balance:
acknowledged = delivered + rejected + reported lost, and what the gateway counts is what is there.

MASQUES_SEED chooses what happens (printed: the same seed, the same faults in the same order), MASQUES_KILLS how many
kills there are at least in each test."""
import itertools
import os
import random
import signal
import time
import unittest
from collections import Counter

import suite
from gateway import process_alive, wait_for
from oracle import seed_of_run
from power_cut import LIBRARY
from scene import FILE, Scene

KILLS = int(os.environ.get("MASQUES_KILLS", "50"))
HANG_AFTER_S = 2
CLIENTS = 6
WORKERS = ("worker/1", "worker/2")
CUT_MODES = ("none", "random", "random", "all")

# How often each event comes up in a round of the deck. "far" is the exporter that is watched, "family" the master, and
# with it everything; cuts only where there is a disk to be cut off.
DECK = {
    "kill router": 5, "kill worker": 3, "kill far": 4, "kill nop": 1, "kill two": 3, "kill far pushing": 3,
    "kill family": 3, "cut power": 3,
    "hang router": 1, "hang worker": 1, "hang far": 1,
    "pause router": 1, "pause worker": 1, "pause far": 1,
    "burst": 2,
}


def plan(choice, far, cuts):
    """What happens, without end: (records to wait for, event, its victims, detail). Nothing but `choice` decides."""
    everybody = ["router", *WORKERS, far, "nop"]
    for _ in itertools.count():
        deck = [event for event, times in DECK.items() for _ in range(times) if cuts or event != "cut power"]
        choice.shuffle(deck)
        for event in deck:
            verb, _, who = event.partition(" ")
            victims = {"router": ["router"], "worker": [choice.choice(WORKERS)], "nop": ["nop"],
                       "two": choice.sample(everybody, 2)}.get(who, [far])
            if event == "kill family":
                victims = [*choice.choice([(), ("router",), (WORKERS[0], "router"), (far,)]), "master"]
            elif event == "cut power":
                victims = ["master", "router", far]
            detail = choice.choice(CUT_MODES) if verb == "cut" else choice.uniform(0.05, HANG_AFTER_S / 3)
            yield choice.randrange(1, 150), event, victims, detail


class Storm:
    """Carries out a plan on a scene."""

    def __init__(self, scene, cuts):
        self.scene = scene
        self.gateway = scene.gateway
        self.plan = plan(scene.random, scene.name, cuts)
        self.killed = Counter()
        self.events = Counter()
        self.changed_by_cuts = 0

    def run(self):
        begin = time.monotonic()
        while self.killed.total() < KILLS:
            records, event, victims, detail = next(self.plan)
            self.scene.oracle.wait_acknowledged(records)
            started, sent = time.monotonic(), self.scene.oracle.sent_count()
            self.act(event, victims, detail)
            self.scene.clients.wait_all_served(f"all clients to be served after {event}")
            self.events[event] += 1
            print(f"{started - begin:6.1f} s, record {sent}: {event} {'+'.join(victims)}, "
                  f"all served after {time.monotonic() - started:.3f} s", flush=True)
        print(f"{self.killed.total()} kills in {time.monotonic() - begin:.0f} s: {listed(self.killed)}")
        print(f"events: {listed(self.events)}")

    def act(self, event, victims, detail):
        if event == "burst":
            self.burst()
        elif event == "kill family":
            self.kill_family(victims)
        elif event == "cut power":
            self.cut_power(victims, detail)
        elif event == "kill far pushing":
            self.kill_pushing(victims)
        elif event.startswith("kill"):
            self.kill(victims)
        elif event.startswith("hang"):
            self.hang(victims[0])
        else:
            self.pause(victims[0], detail)

    def kill(self, names):
        """All at once, then they are waited for."""
        pids = {}
        for name in names:
            if name == "sink":
                self.scene.sink.kill()
            else:
                pids[name] = self.gateway.kill_child(name)
            self.killed[name] += 1
        if "sink" in names:
            self.scene.start_sink()
        for name, pid in pids.items():
            self.gateway.wait_replaced(name, pid)

    def kill_pushing(self, names):
        """The exporter dies while it is certain to have a delivery: its file has grown and the next kill follows at
        once, between what was written and its verdict as often as between two deliveries."""
        size = self.far_size()
        wait_for(lambda: self.far_size() != size, "the far end to grow", pause=0)
        self.kill(names)

    def far_size(self):
        paths = self.scene.end.files() if self.scene.to == "file" else [self.scene.sink.file]
        return sum(os.path.getsize(path) for path in paths)

    def kill_family(self, victims):
        first = [name for name in victims if name not in ("master", "sink")]
        if "sink" in victims:
            self.scene.sink.kill()
        self.gateway.kill_family(first)
        self.back(victims)

    def cut_power(self, victims, mode):
        self.changed_by_cuts += self.scene.cut_power(mode)
        self.back(victims)

    def back(self, victims):
        self.killed.update(victims)
        self.gateway.start()
        self.scene.wait_attached()

    def hang(self, name):
        """Stopped for good: the master has to see it, to kill and to replace the process. A sink is nobody's child."""
        if name == "sink":
            self.pause(name, HANG_AFTER_S / 3)
            return
        pid = self.gateway.kill_child(name, signal.SIGSTOP)
        self.gateway.wait_replaced(name, pid)
        wait_for(lambda: not process_alive(pid), "the hung process to end")
        self.killed[name] += 1

    def pause(self, name, seconds):
        """Shorter than what counts as hung; on a slow machine the master may see that otherwise and kill it, so that it
        must not be stopped between a change and its record (Disk.between_changes())."""
        pid = self.scene.sink.process.pid if name == "sink" else self.gateway.kill_child(name, signal.SIGSTOP)
        try:
            os.kill(pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def burst(self):
        self.scene.clients.burst(True)
        self.scene.oracle.wait_acknowledged(1500)
        self.scene.clients.burst(False)


def listed(counter):
    return ", ".join(f"{name} {times}" for name, times in sorted(counter.items()))


class StormTest(unittest.TestCase):
    def storm(self, scene, cuts=False):
        scene.start_clients(count=CLIENTS, pace_s=0.03)
        storm = Storm(scene, cuts)
        storm.run()
        verdict = scene.settle()
        print(verdict)
        print(f"{len(scene.oracle.failures())} requests failed, the slowest answer took {scene.clients.slowest_s():.3f} s")
        self.assertGreaterEqual(storm.killed.total(), KILLS)
        verdict.require(lost=0, once=False)
        scene.check_books(verdict)
        return storm, verdict

    def test_the_file_gets_everything_once_from_a_disk(self):
        """The file exporter knows what it has written: not even a crash or a power cut makes it write something twice.
        Store and file are on the disk whose power is cut."""
        cuts = os.path.exists(LIBRARY)  # not under a sanitizer
        scene = Scene(self, seed_of_run(20261205), to="file", fsync="always", hang_after=f"{HANG_AFTER_S}s", disk=cuts,
                      store={"segment_bytes": "1MiB"})
        storm, verdict = self.storm(scene, cuts)
        verdict.require(once=True)
        if storm.events["cut power"]:
            self.assertGreater(storm.changed_by_cuts, 0, "nothing was ever cut off: this proves nothing")
        scene.stop()

    def test_the_sink_gets_or_rejects_everything_from_memory(self):
        """It rejects every 50th record; it knows nothing of what it had before it was killed, so that a delivery whose
        verdict was not yet in the journal comes twice."""
        scene = Scene(self, seed_of_run(20261204), to="sink", fsync=None, hang_after=f"{HANG_AFTER_S}s",
                      sink_arguments=("--reject-ids", "50"))
        _, verdict = self.storm(scene)
        self.assertGreater(verdict.rejected, 0)
        scene.stop()


class Plan(unittest.TestCase):
    def test_a_seed_chooses_the_same_faults_again(self):
        def first(seed):
            return list(itertools.islice(plan(random.Random(seed), FILE, True), 200))
        self.assertEqual(first(7), first(7))
        self.assertNotEqual(first(7), first(8))


if __name__ == "__main__":
    suite.main()
