# SPDX-License-Identifier: Apache-2.0
"""Started as systemd starts a service: with listening sockets that somebody else holds, who keeps them over a restart,
and with a socket on which to say how it goes."""
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import unittest

import control
import suite
import telemetry
from gateway import RECEIVER, Gateway, run_program, wait_for
from http_client import Connection, request
from sender import Senders

ACTIVATE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support", "activate.py")
PROTOCOLS = ("grpc", "http", "health")


class Case(unittest.TestCase):
    def setUp(self):
        self.sockets = {name: self.listener() for name in PROTOCOLS}

    def listener(self):
        made = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.addCleanup(made.close)
        return made

    def address(self, name):
        return self.sockets[name].getsockname()

    def gateway(self, names=":".join(PROTOCOLS), sockets=None, **more):
        gateway = Gateway(**more)
        self.addCleanup(gateway.destroy)
        gateway.descriptors = [s.fileno() for s in (sockets or self.sockets.values())]
        gateway.launcher = (sys.executable, ACTIVATE, names, ",".join(map(str, gateway.descriptors)))
        return gateway

    def post(self, *ids):
        with Connection(self.address("http")) as connection:
            connection.send(request("/v1/logs", telemetry.logs(list(ids))))
            return connection.read_answer()


class Sockets(Case):
    def assert_theirs(self, gateway):
        self.assertEqual([gateway.grpc, gateway.http, gateway.health_address], [self.address(p) for p in PROTOCOLS])

    def test_they_are_taken_by_their_names(self):
        with self.gateway().start() as gateway:
            self.assert_theirs(gateway)
            self.assertEqual(self.post("one").status, 200)
            for child in gateway.children().values():
                with open(f"/proc/{child['pid']}/environ", "rb") as file:
                    self.assertNotIn(b"LISTEN_", file.read())

    def test_they_are_taken_by_their_addresses(self):
        for names in ("-", "a.socket:a.socket:a.socket", "unknown:unknown:unknown"):
            with self.subTest(names=names):
                endpoints = {name: "127.0.0.1:%d" % self.address(name)[1] for name in PROTOCOLS}
                otlp = {name: {"endpoint": endpoints[name]} for name in ("grpc", "http")}
                with self.gateway(names, otlp=otlp, health=endpoints["health"]).start() as gateway:
                    self.assert_theirs(gateway)
                    self.assertEqual(self.post("one").status, 200)

    def test_what_came_before_the_start_is_answered(self):
        with Connection(self.address("http")) as http, Connection(self.address("health")) as health:
            http.send(request("/v1/logs", telemetry.logs(["early"])))
            health.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            with self.gateway().start() as gateway:
                self.assertEqual(http.read_answer().status, 200)
                self.assertIn(health.read_answer().status, (200, 503))
                gateway.stdout.wait(lambda lines: "early" in telemetry.ids_of(
                    [line for line in lines if line.startswith("{")]), "the record")

    def test_a_restart_of_the_service_refuses_nothing(self):
        directory = tempfile.mkdtemp(prefix="masques-activation-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        out = os.path.join(directory, "out")

        def service():
            return self.gateway(exporters={"file": {"path": out, "append": True}},
                                masques={"store": {"directory": os.path.join(directory, "store")}})
        gateway = service().start()
        with Senders(gateway, 6) as senders:
            for _ in range(3):
                senders.wait_progress("requests before the restart")
                gateway.stop()
                gateway = service().start()
                senders.wait_progress("requests after it")
            senders.halt()
            wanted = senders.acknowledged()
            print(f"{len(wanted)} acknowledged, slowest answer {senders.slowest_s():.3f} s")
            self.assertEqual((senders.refused(), senders.failed()), ([], []))

        def ids():
            if not os.path.exists(out):
                return []
            with open(out, encoding="utf-8") as file:
                return telemetry.ids_of([line for line in file if line.endswith("\n")])
        wait_for(lambda: wanted <= set(ids()), "all that was acknowledged", pause=0.2)
        gateway.stop()
        self.assertEqual(sorted(ids()), sorted(wanted))

    def test_another_image_gets_them_too(self):
        with self.gateway().start() as gateway:
            os.unlink(gateway.ready_file)
            gateway.process.send_signal(signal.SIGUSR2)
            gateway.wait_ready()
            self.assert_theirs(gateway)
            self.assertEqual(self.post("one").status, 200)

    def test_sockets_for_another_process_are_not_ours(self):
        gateway = self.gateway(env={"MASQUES_TEST_LISTEN_PID": "1"})
        with gateway.start():
            self.assertNotIn(gateway.http, [self.address(p) for p in PROTOCOLS])

    def refused(self, gateway, why):
        gateway.start(wait=False)
        gateway.wait_end()
        gateway.check_end(code=1)
        self.assertIn(why, gateway.stderr.text())

    def test_one_that_nobody_wants_is_an_error(self):
        more = self.listener()
        self.refused(self.gateway("grpc:http:health:smtp", [*self.sockets.values(), more]),
                     "the inherited socket smtp on 127.0.0.1:%d matches no configured endpoint" % more.getsockname()[1])

    def test_what_does_not_listen_is_an_error(self):
        with socket.socket() as idle, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            for wrong in (idle, datagrams):
                self.refused(self.gateway("grpc:http", [self.sockets["grpc"], wrong]),
                             "(http) is no listening stream socket")


class Units(unittest.TestCase):
    """The files of deploy/systemd, as far as systemd itself can judge them without running."""

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
    def test_systemd_finds_nothing_wrong_with_them(self):
        with tempfile.TemporaryDirectory() as directory:
            for name in ("masques-receiver.service", "masques-receiver.socket"):
                with open(os.path.join(os.environ["MASQUES_SOURCE_DIR"], "deploy", "systemd", name),
                          encoding="utf-8") as file:
                    text = file.read()
                with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                    file.write(text.replace("/usr/bin/masques-receiver", RECEIVER))
            done = run_program("systemd-analyze", "verify", "--man=no", "--recursive-errors=no",
                               os.path.join(directory, "masques-receiver.service"),
                               os.path.join(directory, "masques-receiver.socket"))
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


class Notices:
    """What a service manager hears."""

    def __init__(self, directory, abstract=False):
        self.path = os.path.join(directory, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.path if abstract else self.path)
        self.variable = "@" + self.path if abstract else self.path
        self.heard = []
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                text = self.socket.recv(4096).decode()
            except OSError:
                return
            self.heard.append(dict(line.split("=", 1) for line in text.splitlines()))

    def wait(self, count):
        wait_for(lambda: len(self.heard) >= count, f"{count} notices")
        return self.heard[count - 1]


class Notifying(Case):
    def notices(self, **how):
        directory = tempfile.mkdtemp(prefix="masques-notify-")
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        notices = Notices(directory, **how)
        self.addCleanup(notices.socket.close)
        return notices

    def test_ready_reloading_and_stopping(self):
        for how in ({}, {"abstract": True}):
            with self.subTest(how=how):
                notices = self.notices(**how)
                with self.gateway(env={"NOTIFY_SOCKET": notices.variable}).start() as gateway:
                    pid = str(gateway.process.pid)
                    self.assertEqual(notices.wait(1), {"READY": "1", "MAINPID": pid, "STATUS": "accepting telemetry"})
                    self.assertEqual(control.reload(gateway.runtime).error, "")
                    self.assertEqual(notices.wait(2)["RELOADING"], "1")
                    self.assertGreater(int(notices.wait(2)["MONOTONIC_USEC"]), 0)
                    self.assertEqual(notices.wait(3)["READY"], "1")
                    gateway.exporters = {"nonsense": {}}
                    gateway.write_config()
                    self.assertIn("nonsense", control.reload(gateway.runtime).error)
                    self.assertEqual(notices.wait(4)["RELOADING"], "1")
                    self.assertEqual(notices.wait(5)["READY"], "1", "a reload that is refused ends as well")
                    self.assertIn("could not be read again", notices.wait(5)["STATUS"])
                    gateway.exporters = {"nop": {}}
                    gateway.write_config()
                    gateway.process.send_signal(signal.SIGUSR2)
                    self.assertEqual(notices.wait(6)["RELOADING"], "1")
                    self.assertEqual((notices.wait(7)["READY"], notices.wait(7)["MAINPID"]), ("1", pid))
                    gateway.stop()
                    self.assertEqual(notices.wait(8)["STOPPING"], "1")
                self.assertEqual(len(notices.heard), 8)

    def test_nobody_listens(self):
        gateway = self.gateway(env={"NOTIFY_SOCKET": "/nowhere/notify"})
        with gateway.start():
            self.assertEqual(self.post("one").status, 200)


if __name__ == "__main__":
    suite.main()
