# SPDX-License-Identifier: Apache-2.0
"""SIGUSR2: the master becomes another image of its program in the same process. No connection is refused, nothing that
was acknowledged is lost, and a program or a configuration that is not fit changes nothing."""
import http.client
import os
import shutil
import signal
import socket
import threading
import time
import unittest

import control
import grpc_client
import suite
import telemetry
from gateway import BIN, RECEIVER, Gateway, process_alive, wait_for
from http_client import Connection, request
from sender import Senders
from sink import Sink


def hand_over(gateway, wait=True):
    """Sends the signal; returns the seconds until the next image accepts telemetry."""
    os.unlink(gateway.ready_file)
    begin = time.monotonic()
    gateway.process.send_signal(signal.SIGUSR2)
    if wait:
        gateway.wait_ready()
    return time.monotonic() - begin


def counted(gateway, name):
    """One of the workers' numbers, all of them together."""
    return sum(child["numbers"].get(name, 0) for child in gateway.children("worker").values())


def begin_request(gateway, connection, ids):
    """Sends all of a request but its end, once a worker has the connection; returns the end."""
    sent = request("/v1/logs", telemetry.logs(ids))
    connection.send(sent[:-20])
    wait_for(lambda: counted(gateway, "connections") > 0, "the connection to be taken")
    return sent[-20:]


def hand_over_begins(gateway):
    hand_over(gateway, wait=False)
    gateway.stderr.wait(lambda lines: any("finishing the requests in flight" in line for line in lines), "the hand-over")


class UnderLoad(unittest.TestCase):
    def test_no_connection_is_refused_and_nothing_acknowledged_is_lost(self):
        with Gateway(exporters={"nop": {}}, workers=2) as gateway:
            sink = Sink(gateway)
            self.addCleanup(sink.kill)
            addresses = (gateway.grpc, gateway.http, gateway.health_address)
            with Senders(gateway, 8) as senders:
                for _ in range(5):
                    senders.wait_progress("requests before the hand-over")
                    pids = {child["pid"] for child in gateway.children().values() if child["pid"]}
                    gap = hand_over(gateway)
                    print(f"accepting again {gap:.3f} s after the signal")
                    self.assertEqual(gateway.ready["pid"], gateway.process.pid)
                    self.assertEqual((gateway.grpc, gateway.http, gateway.health_address), addresses)
                    self.assertFalse(pids & {child["pid"] for child in gateway.children().values() if child["pid"]})
                    senders.wait_progress("requests after the hand-over")
                senders.halt()
                wanted = senders.acknowledged()
                print(f"{len(wanted)} acknowledged, {len(senders.failed())} requests failed, slowest answer "
                      f"{senders.slowest_s():.3f} s, {senders.failed()[:3]}")
                self.assertEqual(senders.refused(), [])
                self.assertEqual(senders.failed(), [])
            wait_for(lambda: wanted <= set(sink.counts()), f"{len(wanted)} acknowledged records in the sink", pause=0.2)
            sink.stop()
            self.assertEqual([name for name, count in sink.counts().items() if count > 1], [], "delivered twice")

    def test_a_request_in_flight_is_answered_by_the_old_image(self):
        with Gateway() as gateway, Connection(gateway.http) as connection:
            rest = begin_request(gateway, connection, ["in-flight"])
            hand_over_begins(gateway)
            self.assertFalse(os.path.exists(gateway.ready_file))
            connection.send(rest)
            answer = connection.read_answer()
            self.assertEqual((answer.status, answer.headers["connection"]), (200, "close"))
            gateway.wait_ready()
            gateway.stdout.wait(lambda lines: "in-flight" in telemetry.ids_of(lines), "the record")

    def test_a_connection_made_meanwhile_waits_and_is_served(self):
        with Gateway() as gateway, Connection(gateway.http) as connection:
            rest = begin_request(gateway, connection, ["slow"])  # holds the old image
            hand_over_begins(gateway)
            with Connection(gateway.http) as second, Connection(gateway.health_address) as health:
                second.send(request("/v1/logs", telemetry.logs(["second"])))
                health.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                connection.send(rest)
                self.assertEqual(connection.read_answer().status, 200)
                self.assertEqual(second.read_answer().status, 200)
                self.assertEqual(health.read_answer().status, 200)


class Signals(unittest.TestCase):
    """Whenever they come, and however many."""

    def test_several_in_a_row_end_in_one_family_that_works(self):
        with Gateway() as gateway, Senders(gateway, 4) as senders:
            for _ in range(20):
                gateway.process.send_signal(signal.SIGUSR2)
                senders.wait_progress("a request between two signals", requests=1)
            wait_for(lambda: not any("checks the configuration" in line for line in gateway.stderr.all()[-1:]),
                     "the last check to end")
            senders.wait_progress("requests after the last one", requests=20)
            senders.halt()
            self.assertEqual((senders.refused(), senders.failed()), ([], []))
            wait_for(lambda: names_of_children(gateway) == ["debug", "router", "worker/1", "worker/2"],
                     "a family that accepts")

    def test_while_it_starts_it_waits_for_the_start(self):
        gateway = Gateway()
        gateway.start(wait=False)
        with gateway:
            wait_for(lambda: blocks_or_catches(gateway.process.pid, signal.SIGUSR2), "the signal not to be deadly")
            gateway.process.send_signal(signal.SIGUSR2)
            gateway.stderr.wait(lambda lines: sum(" is ready: " in line for line in lines) >= 2, "the second image")
            gateway.wait_ready()
            with Connection(gateway.http) as connection:
                connection.send(request("/v1/logs", telemetry.logs(["x"])))
                self.assertEqual(connection.read_answer().status, 200)

    def test_sigterm_while_the_old_family_finishes_ends_it(self):
        with Gateway() as gateway, Connection(gateway.http) as connection:
            rest = begin_request(gateway, connection, ["last"])
            hand_over_begins(gateway)
            gateway.process.send_signal(signal.SIGTERM)
            gateway.stderr.wait(lambda lines: any("Terminated: finishing" in line for line in lines), "the end")
            connection.send(rest)
            self.assertEqual(connection.read_answer().status, 200)
            gateway.wait_end()
            gateway.check_end()

    def test_sigterm_at_any_time_of_a_hand_over_ends_it(self):
        def says(text):
            return lambda gateway: any(text in line for line in gateway.stderr.all())
        times = (lambda gateway: True, says("checks the configuration"), says("finishing the requests in flight"),
                 lambda gateway: not children_of(gateway.process.pid), is_next_image,
                 lambda gateway: is_next_image(gateway) and children_of(gateway.process.pid))
        for number, reached in enumerate(times):
            with self.subTest(number=number), Gateway() as gateway:
                hand_over(gateway, wait=False)
                wait_for(lambda: reached(gateway) or os.path.exists(gateway.ready_file), "the time", pause=0.0001)
                gateway.process.send_signal(signal.SIGTERM)
                gateway.wait_end()
                gateway.check_end()

    def test_sighup_beside_it_is_not_lost(self):
        with Gateway() as gateway:
            for _ in range(3):
                hand_over(gateway, wait=False)
                gateway.process.send_signal(signal.SIGHUP)
                gateway.wait_ready()
            self.assertTrue(process_alive(gateway.process.pid))


def names_of_children(gateway):
    """None while the gateway does not accept: also where a hand-over ends the connection of whoever asks."""
    try:
        return sorted(gateway.children()) if gateway.health_answer()[0] == 200 else None
    except (OSError, http.client.HTTPException):
        return None


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return file.read().split()


def is_next_image(gateway):
    """What a process was started with stays in its environ."""
    with open(f"/proc/{gateway.process.pid}/environ", "rb") as file:
        return b"MASQUES_HANDOVER" in file.read()


def blocks_or_catches(pid, number):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        words = dict(line.split(":", 1) for line in file if line.startswith(("SigBlk", "SigCgt")))
    with open(f"/proc/{pid}/comm", encoding="ascii") as file:
        ours = file.read().startswith("masques-recei")  # and not yet setpriv
    return ours and any(int(mask, 16) & 1 << (number - 1) for mask in words.values())


class Refused(unittest.TestCase):
    def refused(self, gateway, why):
        pids = {name: child["pid"] for name, child in gateway.children().items()}
        gateway.process.send_signal(signal.SIGUSR2)
        gateway.stderr.wait(lambda lines: any("this image of the program stays" in line and why in line
                                              for line in lines), "the refusal")
        grpc_client.export(gateway.grpc, "logs", telemetry.logs(["still"]))
        self.assertEqual({name: child["pid"] for name, child in gateway.children().items()}, pids)

    def test_a_configuration_with_an_error_changes_nothing(self):
        with Gateway() as gateway:
            path = os.path.join(gateway.directory, "config.yaml")
            with open(path, "a", encoding="utf-8") as file:
                file.write("]")
            self.refused(gateway, "refuses the configuration")
            gateway.write_config()
            hand_over(gateway)

    def test_a_program_that_cannot_run_changes_nothing(self):
        with InstalledGateway() as gateway:
            program = os.path.join(gateway.installed, "masques-receiver")
            os.rename(program, program + ".old")
            with open(program, "w", encoding="utf-8") as file:
                file.write("no program")
            self.refused(gateway, "cannot be executed")

    def test_while_it_ends_it_is_refused(self):
        with Gateway() as gateway, Connection(gateway.http) as connection:
            rest = begin_request(gateway, connection, ["x"])
            gateway.process.send_signal(signal.SIGTERM)
            wait_for(lambda: gateway.health_answer()[0] == 503, "the gateway to say that it ends")
            gateway.process.send_signal(signal.SIGUSR2)
            gateway.stderr.wait(lambda lines: any("the gateway is ending; nothing is done" in line for line in lines),
                                "the refusal")
            connection.send(rest)
            self.assertEqual(connection.read_answer().status, 200)
            gateway.wait_end()
            gateway.check_end()


class InstalledGateway(Gateway):
    """Runs from a copy of the programs, which can be replaced."""

    def start(self, wait=True):
        self.installed = os.path.join(self.directory, "bin")
        os.makedirs(self.installed, exist_ok=True)
        for name in os.listdir(BIN):
            shutil.copy(os.path.join(BIN, name), os.path.join(self.installed, name))
        self.program = os.path.join(self.installed, "masques-receiver")
        return super().start(wait)


class Upgrade(unittest.TestCase):
    def test_the_program_under_the_path_is_the_one_that_follows(self):
        with InstalledGateway() as gateway:
            old = os.stat(gateway.program).st_ino
            shutil.copy(RECEIVER, gateway.program + ".new")
            os.rename(gateway.program + ".new", gateway.program)
            self.assertNotEqual(os.stat(gateway.program).st_ino, old)
            self.assertIn("(deleted)", os.readlink(f"/proc/{gateway.process.pid}/exe"))
            hand_over(gateway)
            self.assertEqual(os.stat(f"/proc/{gateway.process.pid}/exe").st_ino, os.stat(gateway.program).st_ino)
            self.assertNotIn("(deleted)", os.readlink(f"/proc/{gateway.process.pid}/exe"))

    def test_to_a_file_exporter_it_is_no_new_start(self):
        """Without `append` it empties its file once in a run of the gateway."""
        gateway = Gateway(exporters={"nop": {}})
        self.addCleanup(gateway.destroy)
        path = os.path.join(gateway.directory, "out")
        gateway.exporters = {"file": {"path": path}}

        def ids():
            if not os.path.exists(path):
                return []
            with open(path, encoding="utf-8") as file:
                return telemetry.ids_of([line for line in file if line.endswith("\n")])
        with gateway.start():
            for number in range(3):
                grpc_client.export(gateway.grpc, "logs", telemetry.logs([f"r{number}"]))
                hand_over(gateway)
                wait_for(lambda: len(ids()) > number, "the record in the file")
            self.assertEqual(ids(), ["r0", "r1", "r2"])

    def test_another_address_is_opened_and_the_old_one_closed(self):
        with Gateway() as gateway:
            before, grpc = gateway.http, gateway.grpc
            with socket.socket() as probe:
                probe.bind(("127.0.0.2", 0))  # where nobody else takes the port meanwhile
                there = probe.getsockname()
            gateway.override_otlp("http", {"endpoint": "%s:%d" % there})
            gateway.write_config()
            hand_over(gateway)
            self.assertEqual(gateway.http, there)
            self.assertEqual(gateway.grpc, grpc)
            with Connection(gateway.http) as connection:
                connection.send(request("/v1/logs", telemetry.logs(["new-address"])))
                self.assertEqual(connection.read_answer().status, 200)
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(before, 5)

    def test_the_lock_is_held_all_the_time(self):
        with Gateway() as gateway:
            def lock():
                return [entry for entry in os.listdir(f"/proc/{gateway.process.pid}/fd")
                        if os.path.basename(self.link(gateway, entry)) == "lock"]
            before = lock()
            self.assertEqual(len(before), 1)
            hand_over(gateway)
            hand_over(gateway)
            self.assertEqual(lock(), before)
            other = Gateway(runtime_directory=gateway.runtime)
            other.start(wait=False)
            other.wait_end()
            other.check_end(code=1)
            self.assertIn("another masques-receiver", other.stderr.text())
            other.destroy()

    @staticmethod
    def link(gateway, entry):
        try:
            return os.readlink(f"/proc/{gateway.process.pid}/fd/{entry}")
        except OSError:
            return ""

    def test_descriptors_do_not_pile_up_and_none_reaches_the_children(self):
        with Gateway() as gateway:
            count = lambda: len(os.listdir(f"/proc/{gateway.process.pid}/fd"))
            runs = lambda: all(child["state"] == "running" for child in gateway.children().values())
            hand_over(gateway)
            wait_for(runs, "the family to run")
            before = count()  # maybe with the connection that we asked by
            for _ in range(3):
                hand_over(gateway)
            wait_for(runs, "the family to run")
            wait_for(lambda: count() <= before, f"no more than {before} descriptors")
            for child in gateway.children().values():
                with open(f"/proc/{child['pid']}/environ", "rb") as file:
                    self.assertNotIn(b"MASQUES_HANDOVER", file.read())

    def test_attached_exporters_come_back(self):
        with Gateway() as gateway:
            self.assertEqual(control.attach(gateway.runtime, "nop/more"), "")
            hand_over(gateway)
            wait_for(lambda: gateway.children().get("nop/more", {}).get("state") == "running", "the attached exporter")


if __name__ == "__main__":
    suite.main()
