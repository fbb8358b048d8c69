# SPDX-License-Identifier: Apache-2.0
"""Exporters that join a running gateway: attached on `control.sock` they are children of the master and outlive it in
the file `attached`; started by hand they are guests. What is wrong with a wish is said in words and changes nothing."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

import control
import suite
import telemetry
from gateway import BIN, DIE_WITH_TEST, Gateway, Lines, processes_of_session, signal_if_there, wait_for
from http_client import Connection, request
from sink import Sink

FILE = os.path.join(BIN, "masques-exporter-file")


def post(gateway, *ids):
    with Connection(gateway.http) as connection:
        connection.send(request("/v1/logs", telemetry.logs(list(ids))))
        answer = connection.read_answer()
    if answer.status != 200:
        raise AssertionError(answer)


class Case(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="masques-attach-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)
        self.out = os.path.join(self.place, "out.jsonl")

    def gateway(self, program_directory=None, **more):
        more.setdefault("exporters", {"nop": {}})
        gateway = Gateway(masques={"store": {"directory": os.path.join(self.place, "store")}}, **more)
        self.addCleanup(gateway.destroy)
        if program_directory:  # from a copy of the programs, which can be broken
            copy = os.path.join(program_directory, "bin")
            shutil.copytree(BIN, copy)
            gateway.program = os.path.join(copy, "masques-receiver")
        return gateway

    def archive(self, gateway, name="file/archive", **about):
        """Attaches a file exporter; the answer's error."""
        options = {"path": self.out, "append": "true", **about.pop("options", {})}
        return control.attach(gateway.runtime, name, options=options, **about)

    def ids(self):
        try:
            with open(self.out, encoding="utf-8") as file:
                return telemetry.ids_of([line for line in file if line.endswith("\n")])
        except FileNotFoundError:
            return []

    def wait_ids(self, *wanted):
        wait_for(lambda: set(wanted) <= set(self.ids()), f"{wanted} in the file")
        self.assertEqual(sorted(self.ids()), sorted(wanted))


class Attached(Case):
    def test_it_joins_is_shown_and_gets_what_it_asked_for(self):
        with self.gateway().start() as gateway:
            holder = Sink(gateway, name="holder")
            self.addCleanup(holder.kill)
            holder.stand_still()  # what was stored before is still there
            post(gateway, "before")
            self.assertEqual(self.archive(gateway, start="oldest"), "")
            post(gateway, "after")
            self.wait_ids("before", "after")
            entry = gateway.child("file/archive")
            self.assertEqual((entry["kind"], entry["type"], entry["owner"], entry["state"]),
                             ("exporter", "file", "attached", "running"))
            holder.process.send_signal(signal.SIGCONT)

    def test_from_now_it_gets_nothing_older(self):
        with self.gateway().start() as gateway:
            holder = Sink(gateway, name="holder")
            self.addCleanup(holder.kill)
            holder.stand_still()
            post(gateway, "before")
            self.assertEqual(self.archive(gateway, start="now"), "")
            post(gateway, "after")
            self.wait_ids("after")
            holder.process.send_signal(signal.SIGCONT)

    def test_only_its_signals(self):
        with self.gateway().start() as gateway:
            self.assertEqual(self.archive(gateway, signals="traces"), "")
            post(gateway, "log")
            with Connection(gateway.http) as connection:
                connection.send(request("/v1/traces", telemetry.traces(["span"])))
                self.assertEqual(connection.read_answer().status, 200)
            self.wait_ids("span")

    def test_killed_it_is_started_again_and_loses_nothing(self):
        with self.gateway().start() as gateway:
            self.assertEqual(self.archive(gateway), "")
            post(gateway, "one")
            self.wait_ids("one")
            pid = gateway.kill_child("file/archive")
            post(gateway, "two")
            entry = gateway.wait_replaced("file/archive", pid)
            self.assertEqual((entry["owner"], entry["restarts"]), ("attached", 1))
            self.wait_ids("one", "two")

    def test_stopped_it_is_found_hung_and_killed(self):
        with self.gateway(hang_after="3s").start() as gateway:
            self.assertEqual(self.archive(gateway), "")
            pid = gateway.kill_child("file/archive", signal.SIGSTOP)
            gateway.wait_replaced("file/archive", pid)
            post(gateway, "one")
            self.wait_ids("one")

    def test_it_survives_the_end_of_the_gateway(self):
        for end in ("clean", "all killed", "master killed"):
            with self.subTest(end=end):
                shutil.rmtree(self.place)
                os.mkdir(self.place)
                gateway = self.gateway(hang_after="300s").start()  # the one that is stopped stays so
                self.assertEqual(self.archive(gateway), "")
                post(gateway, "one")
                self.wait_ids("one")
                gateway.kill_child("file/archive", signal.SIGSTOP)
                post(gateway, "owed")
                self.end(gateway, end)
                again = self.gateway().start()
                wait_for(lambda: again.children().get("file/archive", {}).get("state") == "running", "it to run")
                post(again, "two")
                wait_for(lambda: {"one", "owed", "two"} <= set(self.ids()), "what it was owed")
                self.assertEqual(sorted(set(self.ids())), ["one", "owed", "two"])
                self.assertEqual(again.child("file/archive")["owner"], "attached")
                again.stop()

    @staticmethod
    def end(gateway, how):
        pids = processes_of_session(gateway.process.pid)
        if how == "clean":
            os.kill(gateway.child("file/archive")["pid"], signal.SIGCONT)
            gateway.stop()
            return
        for pid in pids if how == "all killed" else [gateway.process.pid]:
            signal_if_there(pid, signal.SIGKILL)
        if how == "master killed":  # the stopped one cannot notice that its master is gone
            for pid in pids:
                signal_if_there(pid, signal.SIGCONT)
        gateway.wait_end()
        gateway.check_end(code=-signal.SIGKILL)

    def test_a_detached_one_does_not_come_back_by_an_old_file(self):
        """As after a crash, or a disk that is full, between the router's answer and the file."""
        path = os.path.join(self.place, "store", "attached")
        gateway = self.gateway().start()
        holder = Sink(gateway, name="holder")
        self.addCleanup(holder.kill)
        self.assertEqual(self.archive(gateway, start="oldest"), "")
        holder.stand_still()  # what comes now stays in the store
        post(gateway, "one")
        self.wait_ids("one")
        shutil.copy(path, self.place)
        subprocess.run([os.path.join(BIN, "masquesctl"), "detach", "file/archive", "--runtime", gateway.runtime],
                       check=True, stdout=subprocess.DEVNULL)
        wait_for(lambda: "file/archive" not in gateway.children(), "it to be gone")
        gateway.kill_family(["router"])
        shutil.copy(os.path.join(self.place, "attached"), path)
        again = self.gateway().start()
        wait_for(lambda: "file/archive" not in again.children(), "it to be gone again")
        with open(path, "rb") as file:
            self.assertNotIn(b"archive", file.read())
        again.stop()
        self.assertEqual(self.ids(), ["one"], "it was delivered twice")

    def test_a_damaged_file_is_put_aside_and_the_gateway_starts(self):
        gateway = self.gateway().start()
        self.assertEqual(self.archive(gateway), "")
        gateway.stop()
        path = os.path.join(self.place, "store", "attached")
        with open(path, "r+b") as file:
            file.write(b"\xff" * 8)
        with self.gateway().start() as again:
            again.stderr.wait(lambda lines: any("cannot be read back" in line for line in lines), "what is said of it")
            self.assertTrue(os.path.exists(path + ".damaged"))
            self.assertEqual(self.archive(again), "")
            post(again, "one")
            self.wait_ids("one")

    def test_a_configuration_that_names_it_takes_it_over(self):
        gateway = self.gateway().start()
        with gateway:
            self.assertEqual(self.archive(gateway), "")
            post(gateway, "one")
            self.wait_ids("one")
            gateway.exporters = {"nop": {}, "file/archive": {"path": self.out, "append": True}}
            gateway.write_config()
            self.assertEqual(control.reload(gateway.runtime).error, "")
            wait_for(lambda: gateway.child("file/archive")["owner"] == "configured", "its owner")
            post(gateway, "two")
            self.wait_ids("one", "two")
            gateway.stderr.wait(lambda lines: any("was attached by masquesctl and is in the configuration now" in line
                                                  for line in lines), "what is said of it")

    def test_it_stays_over_a_reload(self):
        gateway = self.gateway().start()
        with gateway:
            self.assertEqual(self.archive(gateway), "")
            pid = gateway.child("file/archive")["pid"]
            gateway.exporters = {"nop": {}, "nop/more": {}}
            gateway.write_config()
            self.assertEqual(control.reload(gateway.runtime).error, "")
            self.assertEqual(gateway.child("file/archive")["pid"], pid)
            post(gateway, "one")
            self.wait_ids("one")


class Refused(Case):
    def test_each_with_its_reason_and_without_a_trace(self):
        with self.gateway().start() as gateway:
            self.assertEqual(self.archive(gateway), "")
            before = sorted(gateway.children())
            for about, why in ((dict(name="file/archive", options={"path": self.out + "2"}),
                                "file/archive: an exporter of this name is attached already"),
                               (dict(name="nop"), "nop: the configuration has an exporter of this name"),
                               (dict(name="teapot/x"), 'there is no exporter of the type "teapot"'),
                               (dict(name="nop/x", type="file"), "does not begin with the exporter's type"),
                               (dict(name="", type="file"), "is no name of an exporter"),
                               (dict(name="nop/x", options={"path": "y"}), "nop/x: path: unknown option"),
                               (dict(name="file/x"), "path"),
                               (dict(name="file/x", options={"path": self.out + "2", "append": "perhaps"}), "append"),
                               (dict(name="file/x", options={"path": self.out + "2", "append": "true",
                                                             "compression": "zstd"}), "append"),
                               (dict(name="nop/x", signals=""), "at least one of the signals"),
                               (dict(name="nop/x", mode=9), "the mode or where to start from")):
                with self.subTest(about=about):
                    error = control.attach(gateway.runtime, **about)
                    self.assertIn(why, error)
                    self.assertNotIn("\n", error)
            self.assertEqual(sorted(gateway.children()), before)
        again = self.gateway().start()
        with again:
            self.assertEqual(sorted(again.children()), before, "the file keeps the one that was attached")

    def test_one_that_cannot_be_started_is_not_kept(self):
        """Its options are fine, but its program ends at once."""
        with self.gateway(program_directory=self.place).start() as gateway:
            before = sorted(gateway.children())
            with open(os.path.join(self.place, "bin", "masques-exporter-file"), "w", encoding="utf-8") as file:
                file.write("no program")
            self.assertIn("file/archive cannot be started: ", self.archive(gateway))
            wait_for(lambda: sorted(gateway.children()) == before, "it to be gone")
            os.unlink(os.path.join(self.place, "bin", "masques-exporter-file"))
            self.assertIn("masques-exporter-file", self.archive(gateway))
            gateway.stop()
        with self.gateway().start() as again:
            self.assertEqual(sorted(again.children()), before)

    def test_a_packet_that_is_no_question_costs_its_connection_alone(self):
        with self.gateway().start() as gateway:
            with control.connect(gateway.runtime) as connection:
                connection.sendall(b"\xff" * 100)
                self.assertEqual(connection.recv(1000), b"")
            self.assertEqual(control.where(gateway.runtime).pid, gateway.process.pid)

    def test_more_askers_than_there_can_be_are_turned_away(self):
        with self.gateway().start() as gateway:
            idle = [control.connect(gateway.runtime) for _ in range(17)]
            self.assertEqual(idle[-1].recv(1000), b"")
            for connection in idle:
                connection.close()
            wait_for(lambda: self.answers(gateway), "room for one more")

    @staticmethod
    def answers(gateway):
        try:
            return control.where(gateway.runtime).pid == gateway.process.pid
        except (EOFError, OSError):
            return False


class ByHand(Case):
    def start(self, router, *arguments):
        process = subprocess.Popen([*DIE_WITH_TEST, FILE, "--router", router, "--path", self.out, "--append", "true",
                                    *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE)
        lines = Lines(process.stderr)
        self.addCleanup(self.reap, process, lines)
        return process, lines

    @staticmethod
    def reap(process, lines):
        process.kill()
        process.wait(60)
        lines.join()

    def test_it_joins_keeps_its_place_and_comes_back(self):
        with self.gateway().start() as gateway:
            arguments = ("--name", "archive", "--signals", "logs", "--mode", "durable", "--from", "oldest")
            process, lines = self.start(gateway.ready["bus"], *arguments)
            wait_for(lambda: gateway.children().get("archive", {}).get("state") == "running", "it to join")
            post(gateway, "one")
            self.wait_ids("one")
            process.terminate()
            self.assertEqual(process.wait(60), 0, lines.text())
            post(gateway, "two")
            wait_for(lambda: gateway.child("archive")["queue"]["records"] == 1, "its backlog")
            self.start(gateway.ready["bus"], *arguments)
            self.wait_ids("one", "two")

    def test_a_name_that_somebody_has(self):
        with self.gateway().start() as gateway:
            self.start(gateway.ready["bus"], "--name", "archive")
            wait_for(lambda: gateway.children().get("archive", {}).get("state") == "running", "it to join")
            pid = gateway.child("archive")["pid"]
            for name in ("archive", "nop"):
                second, lines = self.start(gateway.ready["bus"], "--name", name)
                self.assertNotEqual(second.wait(60), 0)
                lines.wait(lambda all: any(name in line and "name" in line for line in all), "why")
            self.assertEqual(gateway.child("archive")["pid"], pid)
            self.assertEqual(gateway.child("nop")["owner"], "configured")

    def test_a_name_that_a_guest_has_cannot_be_attached(self):
        with self.gateway().start() as gateway:
            self.start(gateway.ready["bus"], "--name", "file/archive")
            wait_for(lambda: gateway.children().get("file/archive", {}).get("state") == "running", "it to join")
            self.assertIn("file/archive: an exporter of this name was started by hand and is here",
                          self.archive(gateway))

    def test_a_router_that_is_not_there(self):
        process, lines = self.start("ipc://" + os.path.join(self.place, "nobody.sock"), "--name", "archive")
        lines.wait(lambda all: any("no router answers at ipc://" in line and "nobody.sock" in line for line in all),
                   "what is wrong")
        process.terminate()
        process.wait(60)


if __name__ == "__main__":
    suite.main()
