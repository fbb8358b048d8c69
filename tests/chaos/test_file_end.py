# SPDX-License-Identifier: Apache-2.0
"""From clients to the file, with a store on a disk: the router, the exporter and the power go, under load; the file has
everything that was acknowledged, once, in whole lines.

MASQUES_SEED chooses when, MASQUES_DEATHS and MASQUES_CUTS how often."""
import errno
import os
import unittest

import otlp_file
import suite
import telemetry
from gateway import wait_for
from http_client import post
from oracle import FileEnd, counted, seed_of_run
from power_cut import FILE_EXPORTER, MKDIR, RENAME, SYNC, WRITE
from scene import FILE, Scene

DEATHS = int(os.environ.get("MASQUES_DEATHS", "8"))
CUTS = int(os.environ.get("MASQUES_CUTS", "6"))
MODES = ("none", "random", "random", "all")


class Case(unittest.TestCase):
    def scene(self, **options):
        options.setdefault("store", {"segment_bytes": "1MiB"})
        return Scene(self, seed_of_run(20261214), to="file", **options)

    def finish(self, scene, once=True):
        verdict = scene.settle()
        failures = scene.oracle.failures()
        print(f"{verdict}; {len(failures)} requests failed, slowest answer {scene.clients.slowest_s():.3f} s; "
              f"{len(scene.end.files())} files")
        verdict.require(once=once)
        scene.check_books(verdict)
        scene.stop()
        return failures

    def kill(self, scene, name):
        pid = scene.gateway.kill_child(name)
        scene.gateway.wait_replaced(name, pid)
        scene.clients.wait_all_served(f"all clients to be served after {name} was killed")


class UnderLoad(Case):
    def test_calm_everything_once(self):
        scene = self.scene()
        scene.start_clients(count=8, pace_s=0.002)
        scene.oracle.wait_acknowledged(8000)
        self.assertEqual(self.finish(scene), [])

    def test_killing_the_router_is_invisible(self):
        """8 connections, gRPC and HTTP: no error that a client sees, nothing lost, nothing twice."""
        scene = self.scene()
        scene.start_clients(count=8, pace_s=0.001)
        for _ in range(DEATHS):
            scene.oracle.wait_acknowledged(300)
            self.kill(scene, "router")
        self.assertEqual(self.finish(scene), [], "clients saw the death of the router")

    def test_killing_the_exporter_is_invisible(self):
        scene = self.scene()
        scene.start_clients(count=8, pace_s=0.002)
        for _ in range(DEATHS):
            scene.oracle.wait_acknowledged(300)
            self.kill(scene, FILE)
        self.assertEqual(self.finish(scene), [])

    def test_a_rotating_file_loses_nothing_when_processes_die(self):
        scene = self.scene(file={"append": False, "rotation": {"max_megabytes": 1, "max_backups": 100}},
                           payload=(2000, 6000))
        scene.start_clients(count=8, pace_s=0.002)
        for turn in range(DEATHS):
            scene.oracle.wait_acknowledged(200)
            self.kill(scene, (FILE, "router")[turn % 2])
        wait_for(lambda: len(scene.end.files()) > 2, "the file to be rotated")
        self.assertEqual(self.finish(scene), [])

    def test_without_append_only_the_start_of_the_gateway_truncates(self):
        """`append: false` and an exporter that is restarted: what it wrote before stays."""
        scene = self.scene(file={"append": False})
        scene.start_clients(count=4, pace_s=0.005)
        for _ in range(DEATHS):
            scene.oracle.wait_acknowledged(100)
            self.kill(scene, FILE)
        self.assertEqual(self.finish(scene), [])


class Killed(Case):
    """The exporter dies at the worst moments there are."""

    def die(self, step, kill, **options):
        scene = self.scene(disk=True, payload=(0, 3000), **options)
        scene.start_clients(count=4, pace_s=0.005)
        for number in range(DEATHS):
            scene.oracle.wait_acknowledged(scene.random.randrange(20, 200))
            pid = scene.gateway.child(FILE)["pid"]
            scene.disk.fault(step, kill=kill, times=1, skip=scene.random.randrange(3), of=FILE_EXPORTER)
            wait_for(lambda number=number: scene.disk.hits(FILE_EXPORTER) > number, "the exporter to die")
            scene.gateway.wait_replaced(FILE, pid)
        self.assertEqual(self.finish(scene), [])

    def test_between_its_write_and_the_sync(self):
        self.die(SYNC, kill=1)

    def test_between_the_sync_and_its_verdict(self):
        self.die(SYNC, kill=2)

    def test_after_a_write(self):
        self.die(WRITE, kill=2)

    def test_while_it_rotates(self):
        for kill in (1, 2):
            with self.subTest(kill=kill):
                self.die(RENAME, kill=kill, file={"append": False, "rotation": {"max_megabytes": 1}})


    def test_what_could_not_be_written_is_not_taken_for_another_of_the_same_bytes(self):
        """Two requests are equal. The first one's write fails; the second one is written where it was to stand."""
        scene = self.scene(disk=True)
        body = telemetry.logs(["same"])
        scene.disk.fault(WRITE, errno.ENOSPC, times=1, of=FILE_EXPORTER)
        self.assertEqual(post(scene.gateway.http, "/v1/logs", body).status, 200)
        wait_for(lambda: scene.disk.hits(FILE_EXPORTER), "the write to fail")
        self.assertEqual(post(scene.gateway.http, "/v1/logs", body).status, 200)
        (path,) = wait_for(scene.end.files, "the file to be there")
        wait_for(lambda: os.path.getsize(path), "the second to be written")
        scene.gateway.wait_replaced(FILE, scene.gateway.kill_child(FILE))
        wait_for(lambda: counted(scene.gateway, FILE, "delivered") == 2, "both to be delivered")
        self.assertEqual(len(otlp_file.messages(path)), 2)
        scene.stop()


class PowerCut(Case):
    def test_a_power_cut_leaves_whole_lines_and_everything_acknowledged(self):
        """The file lies on the same disk. What it had lost of its tail is written again."""
        scene = self.scene(disk=True, payload=(0, 3000))
        scene.start_clients(count=6, pace_s=0.005)
        changed = 0
        for number in range(CUTS):
            scene.oracle.wait_acknowledged(scene.random.randrange(50, 600))
            changed += scene.cut_power(MODES[number % len(MODES)])
            scene.gateway.start()
            scene.wait_attached()
            scene.clients.wait_all_served("all clients to be served after the power came back")
        self.assertGreater(changed, 0, "nothing was ever cut off: this proves nothing")
        self.finish(scene, once=True)

    def test_what_a_killed_exporter_has_written_is_not_yet_on_the_disk(self):
        """It dies before its sync; the next one finds the bytes in the file, says DONE, and writes no more. Then the power
        is cut."""
        scene = self.scene(disk=True)
        for number in range(CUTS):
            self.send(scene)
            scene.wait_counted(3 * (2 * number + 1))
            scene.disk.fault(SYNC, kill=1, times=1, of=FILE_EXPORTER)
            self.send(scene)
            wait_for(lambda number=number: scene.disk.hits(FILE_EXPORTER) > number, "the exporter to die")
            scene.wait_counted(3 * (2 * number + 2))
            scene.cut_power("none")
            scene.gateway.start()
            scene.wait_attached()
        verdict = scene.settle()
        print(verdict)
        verdict.require()
        scene.stop()

    def test_a_page_in_the_middle_of_what_was_not_synced_is_gone(self):
        """The tail is longer than what is whole of it: a hole, and good lines behind it."""
        # Eight requests are one delivery, which is written whole and synced once.
        scene = self.scene(disk=True, payload=(3000, 3000),
                           file={"sending_queue": {"batch": {"flush_timeout": "1h", "min_size": 8 * 3}}})
        for _ in range(8):
            self.send(scene)
        scene.wait_counted(8 * 3)
        (path,) = scene.end.files()
        before = os.path.getsize(path)
        scene.disk.fault(SYNC, kill=1, of=FILE_EXPORTER)
        for _ in range(8):
            self.send(scene)
        wait_for(lambda: scene.disk.hits(FILE_EXPORTER) and os.path.getsize(path) > before + 50_000, "more than was synced")
        scene.gateway.kill_family(["router", FILE])
        with open(path, "r+b") as file:
            file.seek(before + 20_000)
            file.write(bytes(4096))
            self.assertGreater(file.read().count(b"\n"), 1, "no whole line behind the hole")
        scene.disk.heal()
        scene.gateway.start()
        scene.wait_attached()
        verdict = scene.settle()
        print(verdict)
        verdict.require()
        scene.stop()

    def test_directories_that_it_makes_are_on_the_disk(self):
        scene = self.scene(disk=True, file={"path": None, "create_directory": True}, start=False)
        path = os.path.join(scene.out, "a", "b", "telemetry.jsonl")
        scene.gateway.exporters[FILE]["path"] = path
        scene.end = FileEnd(path)
        scene.start()
        self.send(scene)
        scene.wait_counted(3)
        scene.gateway.kill_family(["router", FILE])
        scene.disk.after(scene.random, "none")
        made = [change for change in scene.disk.changes if change.op == MKDIR and change.path.startswith(scene.out)]
        self.assertEqual([change.path for change in made if not change.durable], [])
        self.assertEqual(len(made), 2)

    def send(self, scene):
        numbers, body = scene.oracle.hand_out("logs", 3)
        self.assertEqual(post(scene.gateway.http, "/v1/logs", body).status, 200)
        scene.oracle.acknowledge("logs", numbers)


if __name__ == "__main__":
    suite.main()
