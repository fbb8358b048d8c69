# SPDX-License-Identifier: Apache-2.0
"""The power is cut under load: every process dies at once, and of what was not synced the disk keeps what chance
leaves (power_cut.py). What a client was told is stored must still come; where the configuration trades that away, what
is gone must be named, and no delivery id may stand for other bytes than before.

MASQUES_SEED chooses when, MASQUES_CUTS how often in each test."""
import os
import unittest

import suite
from gateway import wait_for
from oracle import seed_of_run
from power_cut import SYNC
from scene import Scene

CUTS = int(os.environ.get("MASQUES_CUTS", "6"))
MODES = ("none", "random", "random", "all")
SMALL_SEGMENTS = {"max_bytes": "16MiB", "segment_bytes": "1MiB"}


def deliveries_of(sink):
    """{delivery id: [the ids and bytes of its batches, each time it came]}."""
    times = {}
    for delivery, attempt, ids, raw in sink.batches():
        times.setdefault(delivery, {}).setdefault(attempt, []).append((ids, raw))
    return {delivery: list(attempts.values()) for delivery, attempts in times.items()}


class Case(unittest.TestCase):
    def scene(self, **options):
        options.setdefault("to", "sink")
        options.setdefault("store", SMALL_SEGMENTS)
        return Scene(self, seed_of_run(20261206), disk=True, hang_after="5s", **options)

    def cut(self, scene, mode):
        """A cut, and everything up again."""
        changed = scene.cut_power(mode)
        scene.gateway.start()
        scene.wait_attached()
        scene.clients.wait_all_served("all clients to be served after the power came back")
        print(f"cut ({mode}): {changed} files had more in memory than on disk; "
              f"{scene.oracle.acknowledged_count()} acknowledged so far")
        return changed

    def cuts(self, scene, modes=MODES):
        changed = 0
        for number in range(CUTS):
            scene.oracle.wait_acknowledged(scene.random.randrange(50, 600))
            changed += self.cut(scene, modes[number % len(modes)])
        return changed

    def check_ids(self, scene):
        """No delivery id ever stands for other bytes; ids that were never journaled in full may come in part."""
        for delivery, times in deliveries_of(scene.sink).items():
            for again in times[1:]:
                shorter = min(len(times[0]), len(again))
                self.assertEqual(times[0][:shorter], again[:shorter], f"delivery {delivery} is not the same bytes")


class Always(Case):
    def check_lost(self, scene, verdict):
        """Only what was never answered: batches whose write was torn, so that it stands there in part."""
        print(f"{scene.lost()} reported lost")
        self.assertLessEqual(scene.lost(), scene.oracle.sent_count() - verdict.acknowledged)

    def test_what_was_acknowledged_survives(self):
        scene = self.scene(payload=(0, 3000))
        scene.start_clients(count=6, pace_s=0.005)
        changed = self.cuts(scene)
        verdict = scene.settle()
        print(verdict)
        self.assertGreater(changed, 0, "nothing was ever cut off: this proves nothing")
        verdict.require(once=False)
        self.check_lost(scene, verdict)
        self.check_ids(scene)
        scene.stop()

    def test_killed_between_write_and_sync_then_power_cut(self):
        """The router writes a batch and never comes to sync it. Nobody was told that it is stored."""
        scene = self.scene()
        scene.start_clients(count=4, pace_s=0.005)
        for number in range(CUTS):
            scene.oracle.wait_acknowledged(scene.random.randrange(20, 200))
            before = scene.disk.hits()  # of the rounds before this one
            scene.disk.fault(SYNC, kill=1, match=".seg")
            wait_for(lambda before=before: scene.disk.hits() > before, "a router to die before its sync")
            scene.disk.heal()
            self.cut(scene, MODES[number % len(MODES)])
        verdict = scene.settle()
        print(verdict)
        verdict.require(once=False)
        self.check_lost(scene, verdict)
        self.check_ids(scene)
        scene.stop()


class Traded(Case):
    """fsync: never and interval: the tail may go with the power, but nothing else goes wrong."""

    def check(self, fsync, **store):
        scene = self.scene(fsync=fsync, store={**SMALL_SEGMENTS, **store})
        scene.start_clients(count=4, pace_s=0.005)
        self.assertGreater(self.cuts(scene), 0)
        scene.clients.stop()
        scene.wait_nothing_pending()
        verdict = scene.verdict()  # nothing that was not sent, everything intact
        print(f"{fsync}: {verdict}; {scene.lost()} reported lost")
        self.check_ids(scene)
        scene.stop()

    def test_never_gives_no_id_twice(self):
        self.check("never")

    def test_interval_gives_no_id_twice(self):
        self.check("interval", fsync_interval="100ms")

    def test_what_the_journal_knows_and_the_disk_does_not_is_reported_missing(self):
        """The journal reached the disk, the batches did not, and the exporter had not got them."""
        scene = self.scene(fsync="never", sink_arguments=("--delay-ms", "60000"))
        clients = scene.start_clients(count=4, pace_s=0.005)
        scene.oracle.wait_acknowledged(300)
        clients.stop()
        wait_for(lambda: scene.pending() == scene.oracle.acknowledged_count(), "everything to be counted")
        scene.cut_power(lambda path: "all" if "journal" in path else "none", names_mode="all")
        scene.gateway.start()
        scene.wait_attached()
        scene.wait_nothing_pending()
        verdict = scene.verdict()
        print(f"{verdict}; {scene.lost()} reported lost")
        self.assertGreater(scene.lost(), 0)
        scene.sink.kill()


class Log(Case):
    def test_the_log_of_the_disk_is_complete(self):
        """Whatever the gateway does to its files is written down: replayed whole it gives what is there."""
        scene = self.scene(payload=(0, 3000))
        scene.start_clients(count=4, pace_s=0.002)
        scene.oracle.wait_acknowledged(2000)
        scene.settle()
        scene.stop()
        live = scene.disk.live()
        _, replayed = scene.disk.after(scene.random, "all")
        self.assertEqual(sorted(live), sorted(replayed))
        for path, content in live.items():
            self.assertTrue(content == replayed[path], path)


if __name__ == "__main__":
    suite.main()
