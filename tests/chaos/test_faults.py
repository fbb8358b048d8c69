# SPDX-License-Identifier: Apache-2.0
"""Disks that are full or fail, clocks that jump, names that are claimed twice, routers that die at the worst moment:
under load, with the oracle's obligations (oracle.py). The faults come from power_cut.c."""
import errno
import os
import subprocess
import unittest

import grpc_client
import suite
import telemetry
from gateway import DIE_WITH_TEST, Lines, wait_for
from http_client import Connection, request
from oracle import counted, seed_of_run
from power_cut import CREATE, RESIZE, SYNC, WRITE
from scene import Scene
from sink import PROGRAM

SMALL = {"max_bytes": "16MiB", "segment_bytes": "1MiB"}
DEATHS = int(os.environ.get("MASQUES_DEATHS", "8"))
YEARS = 365 * 86400


class Case(unittest.TestCase):
    def scene(self, **options):
        options.setdefault("to", "sink")
        options.setdefault("store", SMALL)
        return Scene(self, seed_of_run(20261210), disk=True, **options)

    def post(self, gateway, signal="logs"):
        """The HTTP answer to a small request."""
        with Connection(gateway.http) as connection:
            connection.send(request(telemetry.HTTP_PATH[signal], telemetry.REQUEST[signal](["x"])))
            return connection.read_answer()

    def finish(self, scene, once=True):
        verdict = scene.settle()
        failures = scene.oracle.failures()
        print(f"{verdict}; {len(failures)} requests failed, slowest answer {scene.clients.slowest_s():.3f} s")
        self.assertEqual(scene.lost(), 0)
        verdict.require(once=once)
        scene.stop()
        return failures


class RouterDies(Case):
    """At the worst moments there are, by itself, under load. No client sees it, nothing is lost, nothing comes twice."""

    def die(self, step, kill, match=""):
        scene = self.scene(payload=(0, 2000))
        scene.start_clients(count=6, pace_s=0.005)
        for number in range(DEATHS):
            scene.oracle.wait_acknowledged(scene.random.randrange(20, 200))
            pid = scene.gateway.child("router")["pid"]
            scene.disk.fault(step, kill=kill, times=1, skip=scene.random.randrange(4), match=match)
            wait_for(lambda number=number: scene.disk.hits() > number, "the router to die")
            scene.gateway.wait_replaced("router", pid)
            scene.clients.wait_all_served("all clients to be served after the router died")
        self.assertEqual(self.finish(scene), [], "clients saw the death of the router")

    def test_between_write_and_sync(self):
        self.die(SYNC, kill=1, match=".seg")

    def test_between_sync_and_answer(self):
        self.die(SYNC, kill=2, match=".seg")

    def test_before_the_write(self):
        self.die(WRITE, kill=1, match=".seg")

    def test_before_the_journal_is_written(self):
        self.die(WRITE, kill=1, match="journal")

    def test_after_the_journal_is_written(self):
        self.die(WRITE, kill=2, match="journal")

    def test_while_it_makes_room(self):
        """Segments of 1 MiB: new ones come all the time."""
        self.die(RESIZE, kill=1)


class FailingDisk(Case):
    """The sink is the only durable exporter: a console is no reason to take from it."""

    def scene(self, **options):
        return super().scene(exporters={"debug": {}}, **options)

    def test_a_write_or_a_sync_that_fails_now_and_then_costs_nothing(self):
        scene = self.scene(payload=(0, 2000))
        scene.start_clients(count=4, pace_s=0.005)
        for number in range(3 * DEATHS):
            scene.oracle.wait_acknowledged(scene.random.randrange(10, 60))
            step, match = scene.random.choice([(WRITE, ".seg"), (SYNC, ".seg"), (WRITE, "journal"), (SYNC, "journal")])
            before = scene.disk.hits()
            scene.disk.fault(step, errno.EIO, times=1, skip=scene.random.randrange(3), match=match)
            wait_for(lambda before=before: scene.disk.hits() > before, "the fault to happen")
            scene.disk.fault(step)
        scene.clients.wait_all_served("all clients to be served")
        self.finish(scene)

    def test_a_disk_that_fails_is_refused_shown_and_recovered_from(self):
        self.broken(lambda scene: [scene.disk.fault(step, errno.EIO) for step in (WRITE, RESIZE, CREATE, SYNC)])

    def test_a_disk_that_does_not_sync_is_refused_shown_and_recovered_from(self):
        self.broken(lambda scene: scene.disk.fault(SYNC, errno.EIO))

    def test_a_disk_that_is_full_is_refused_shown_and_recovered_from(self):
        """New space is refused; what is allocated can be written."""
        self.broken(lambda scene: [scene.disk.fault(step, errno.ENOSPC) for step in (RESIZE, CREATE)],
                    payload=(20000, 40000))

    def test_a_journal_that_cannot_be_written_is_shown_and_data_is_taken(self):
        scene = self.scene()
        scene.start_clients(count=4, pace_s=0.005)
        scene.oracle.wait_acknowledged(100)
        for step in (WRITE, SYNC):
            scene.disk.fault(step, errno.EIO, match="journal")
            store = wait_for(lambda: (lambda s: s if s["state"] != "ok" else None)(self.store_of(scene)),
                             "health to say what the journal suffers")
            self.assertEqual(store["state"], "failing")
            self.assertRegex(store["error"], rf"^the store in {scene.store}: cannot write journal\.[01]: "
                                             "Input/output error; deliveries wait for it$")
            self.assertEqual(scene.gateway.health_answer()[0], 200)
            scene.oracle.wait_acknowledged(100)
            scene.disk.heal()
            wait_for(lambda: self.store_of(scene)["state"] == "ok", "health to be well again")
        self.assertEqual(self.finish(scene), [], "clients were refused because of the journal")

    def store_of(self, scene):
        return scene.gateway.health()["store"]

    def broken(self, break_disk, **options):
        scene = self.scene(**options)
        scene.start_clients(count=4, pace_s=0.005)
        for _ in range(2):
            scene.oracle.wait_acknowledged(100)
            pid = scene.gateway.child("router")["pid"]
            break_disk(scene)
            answer = wait_for(lambda: (lambda a: a if a.status != 200 else None)(self.post(scene.gateway)),
                              "a request to be refused")
            self.assertEqual(answer.status, 503, answer)
            self.assertIn("retry-after", answer.headers)
            wait_for(lambda: scene.gateway.health_answer()[0] == 503, "health to say that nothing can be taken")
            error = wait_for(lambda: self.store_of(scene)["error"], "health to say why")
            self.assertRegex(error, rf"^the store in {scene.store}: cannot (write|create|sync) (logs|metrics|traces)/[0-9a-f]{{16}}\.seg: "
                                    "(Input/output error|No space left on device)$")
            scene.disk.heal()
            wait_for(lambda: scene.gateway.health_answer()[0] == 200, "health to be well again")
            scene.clients.wait_all_served("all clients to be served after the disk is well again")
            self.assertEqual(scene.gateway.child("router")["pid"], pid, "the router died of it")
        self.finish(scene)


class SmallDisk(Case):
    def test_a_full_file_system(self):
        """A real one: the exporter is stuck, the disk fills up, requests are refused; the exporter goes on, and all
        that was acknowledged arrives."""
        scene = Scene(self, seed_of_run(20261212), to="sink", start=False, exporters={"debug": {}}, payload=(20000, 60000),
                      store={"max_bytes": "64MiB", "segment_bytes": "1MiB"}, sink_arguments=("--delay-ms", "3600000"))
        self.mount(scene.store, "12m")
        scene.start()
        scene.start_clients(count=4, pace_s=0.002)
        answer = wait_for(lambda: (lambda a: a if a.status != 200 else None)(self.post(scene.gateway)),
                          "a request to be refused")
        self.assertEqual(answer.status, 503, answer)
        self.assertIn("retry-after", answer.headers)
        wait_for(lambda: scene.gateway.health_answer()[0] == 503, "health to say that nothing can be taken")
        scene.sink.kill()
        scene.sink_arguments = ()
        scene.start_sink()
        scene.clients.wait_all_served("all clients to be served when there is room again")
        wait_for(lambda: scene.gateway.health_answer()[0] == 200, "health to be well again")
        self.finish(scene)

    def mount(self, directory, size):
        os.mkdir(directory, 0o700)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", directory],
                              capture_output=True, check=False)
        if done.returncode:
            self.skipTest("no right to mount a small file system: " + done.stderr.decode())
        self.addCleanup(subprocess.run, ["umount", "-l", directory], check=True)


class Share(Case):
    def test_a_dead_exporter_loses_its_own_oldest_and_stops_nobody(self):
        """It stands still while another keeps up; the store fills up. No request is refused, the other gets everything,
        and what the dead one loses is counted under its name, to the record."""
        scene = self.scene(sink_arguments=("--delay-ms", "3600000"), payload=(5000, 20000))
        clients = scene.start_clients(count=4, pace_s=0.002)
        wait_for(lambda: scene.lost() > 500, "the sink to lose something", 300)  # the store has to be full
        clients.stop()
        self.assertEqual(scene.oracle.failures(), [])
        scene.sink.kill()
        scene.sink_arguments = ()
        scene.start_sink()
        verdict = scene.settle()
        print(f"{verdict}; {scene.lost()} reported lost")
        verdict.require(lost=scene.lost())
        self.assertEqual(scene.lost(), len(verdict.missing))
        wait_for(lambda: counted(scene.gateway, "nop", "delivered") == verdict.acknowledged, "nop to have everything")
        self.assertEqual(counted(scene.gateway, "nop", "lost"), 0)
        scene.stop()


class Clock(Case):
    def test_the_wall_clock_jumps(self):
        """Back and forth by years, also across restarts of the router; nothing is late, early, twice or lost by it."""
        scene = self.scene(sink_arguments=("--fail-every", "5"))
        scene.start_clients(count=4, pace_s=0.005)
        for turn in range(DEATHS):
            scene.disk.jump(scene.random.choice([-30 * YEARS, -3600, 0, 3600, 40 * YEARS]))
            scene.oracle.wait_acknowledged(100)
            if turn % 2:
                pid = scene.gateway.kill_child("router")
                scene.gateway.wait_replaced("router", pid)
            scene.clients.wait_all_served("all clients to be served after the clock jumped")
        self.assertEqual(self.finish(scene), [])


class Names(Case):
    def claim(self, scene, name, *more):
        """Another process that wants the name; its output and how it ends."""
        out = os.path.join(scene.gateway.directory, "claim.out")
        process = subprocess.Popen(
            [*DIE_WITH_TEST, PROGRAM, "--router", scene.gateway.ready["bus"], "--name", name, "--signals",
             "logs,metrics,traces", "--mode", "durable", "--from", "oldest", "--out", out, *more],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        lines = Lines(process.stderr)
        code = process.wait(60)
        lines.join()
        return code, lines.text(), os.path.getsize(out) if os.path.exists(out) else 0

    def test_a_name_that_is_alive_is_not_given_away(self):
        scene = self.scene()
        scene.start_clients(count=4, pace_s=0.01)
        for name, *more in (("sink",), ("nop",), ("nop", "--replace"), ("worker/1",), ("worker/1", "--replace")):
            with self.subTest(name=name, more=more):
                code, text, size = self.claim(scene, name, *more)
                self.assertNotEqual(code, 0, text)
                self.assertIn(name, text)
                self.assertEqual(size, 0, "it was given deliveries")
        scene.oracle.wait_acknowledged(200)
        self.assertEqual(self.finish(scene), [])

    def test_the_name_of_a_child_that_is_being_replaced_is_not_given_away(self):
        """An impostor claims it again and again while its owner is killed again and again."""
        scene = self.scene()
        scene.start_clients(count=4, pace_s=0.01)
        for _ in range(3):
            out = os.path.join(scene.gateway.directory, "claim.out")
            process = subprocess.Popen(
                [*DIE_WITH_TEST, PROGRAM, "--router", scene.gateway.ready["bus"], "--name", "nop", "--signals", "logs",
                 "--mode", "durable", "--from", "oldest", "--out", out],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(process.kill)
            pid = scene.gateway.kill_child("nop")
            scene.gateway.wait_replaced("nop", pid)
            self.assertNotEqual(process.wait(60), 0)
            self.assertEqual(os.path.getsize(out) if os.path.exists(out) else 0, 0, "it was given deliveries")
        self.assertEqual(self.finish(scene), [])


if __name__ == "__main__":
    suite.main()
