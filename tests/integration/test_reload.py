# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: the configuration is read again. Exporters come, go and start anew as it says, everybody else stays, and a
configuration that is not fit changes nothing and says why."""
import os
import signal
import threading
import unittest

import control
import grpc_client
import suite
import telemetry
from gateway import BIN, Gateway, peer_ports_of, process_alive, run_program, wait_for
from http_client import Connection, request
from sender import Senders

READ_AGAIN = "the configuration was read again"
REFUSED = "the configuration stays as it is"


def lines_with(gateway, text):
    return [line for line in gateway.stderr.all() if text in line]


def reload(gateway, outcome=READ_AGAIN, ask=None):
    """Writes the configuration and asks for it to be read, by the signal if nothing else is given; returns the line of
    the log that says how it went. Everything that is asked comes by here: a line that nobody waited for would be taken
    for the next one's."""
    before = len(lines_with(gateway, outcome))
    gateway.write_config()
    if ask:
        ask()
    else:
        gateway.process.send_signal(signal.SIGHUP)
    gateway.stderr.wait(lambda lines: sum(outcome in line for line in lines) > before, outcome)
    return lines_with(gateway, outcome)[-1]


def pids(gateway):
    return {name: child["pid"] for name, child in gateway.children().items()}


def post(gateway, ids):
    with Connection(gateway.http) as connection:
        connection.send(request("/v1/logs", telemetry.logs(ids)))
        answer = connection.read_answer()
    if answer.status != 200:
        raise AssertionError(answer)


class Case(unittest.TestCase):
    def gateway(self, **more):
        gateway = Gateway(**more)
        self.addCleanup(gateway.destroy)
        return gateway

    @staticmethod
    def file(gateway, name, **more):
        return {"path": os.path.join(gateway.directory, name), **more}

    @staticmethod
    def ids_in(gateway, name):
        try:
            with open(os.path.join(gateway.directory, name), encoding="utf-8") as file:
                return telemetry.ids_of([line for line in file if line.endswith("\n")])
        except FileNotFoundError:
            return []

    def wait_ids(self, gateway, name, wanted):
        wait_for(lambda: set(wanted) <= set(self.ids_in(gateway, name)), f"{wanted} in {name}")


class Exporters(Case):
    def test_they_are_started_stopped_restarted_or_left_alone(self):
        gateway = self.gateway(exporters={"nop": {}})
        gateway.exporters = {"nop/stays": {}, "file/goes": self.file(gateway, "goes"),
                             "file/changes": self.file(gateway, "changes")}
        with gateway.start():
            before = pids(gateway)
            post(gateway, ["one"])
            for name in ("goes", "changes"):  # or it may stay in the store, for when the exporter comes back
                self.wait_ids(gateway, name, ["one"])
            gateway.exporters = {"nop/stays": {}, "file/changes": self.file(gateway, "changed"),
                                 "file/comes": self.file(gateway, "comes")}
            line = reload(gateway)
            self.assertIn("1 exporters started, 1 stopped, 1 restarted, 1 unchanged", line)
            wait_for(lambda: gateway.child("file/comes")["state"] == gateway.child("file/changes")["state"] == "running",
                     "the new ones to run")
            after = pids(gateway)
            for name in ("router", "worker/1", "worker/2", "nop/stays"):
                self.assertEqual(after[name], before[name], name)
            self.assertNotEqual(after["file/changes"], before["file/changes"])
            self.assertFalse(process_alive(before["file/goes"]))
            wait_for(lambda: gateway.child("file/goes")["state"] == "orphaned", "its registration to be an orphan")
            self.assertEqual([self.ids_in(gateway, name) for name in ("goes", "changes")], [["one"], ["one"]])
            post(gateway, ["two"])
            self.wait_ids(gateway, "changed", ["two"])
            self.wait_ids(gateway, "comes", ["two"])
            self.assertEqual(self.ids_in(gateway, "goes"), ["one"])
            self.assertEqual(self.ids_in(gateway, "changes"), ["one"])

    def test_what_waits_for_one_that_changes_is_delivered_to_it_once(self):
        gateway = self.gateway(exporters={"nop": {}})
        gateway.exporters = {"file": self.file(gateway, "out", flush_interval="1s")}
        with gateway.start():
            wanted = [f"r{n}" for n in range(200)]
            for n in range(0, 200, 10):
                post(gateway, wanted[n:n + 10])
                if n % 50 == 0:
                    gateway.exporters["file"]["flush_interval"] = f"{n + 1}ms"
                    reload(gateway)
            self.wait_ids(gateway, "out", wanted)
            gateway.stop()
            self.assertEqual(sorted(self.ids_in(gateway, "out")), sorted(wanted))

    def test_signals_of_a_pipeline_change(self):
        gateway = self.gateway(exporters={"nop": {}})
        gateway.exporters = {"nop": {}, "file": self.file(gateway, "out")}
        gateway.set_pipelines({"logs": ["nop", "file"], "traces": ["nop"]})
        with gateway.start():
            post(gateway, ["taken"])
            self.wait_ids(gateway, "out", ["taken"])
            gateway.set_pipelines({"logs": ["nop"], "traces": ["nop", "file"]})
            reload(gateway)
            post(gateway, ["not-taken"])
            with Connection(gateway.http) as connection:
                connection.send(request("/v1/traces", telemetry.traces(["span"])))
                self.assertEqual(connection.read_answer().status, 200)
            self.wait_ids(gateway, "out", ["span"])
            self.assertEqual(self.ids_in(gateway, "out"), ["taken", "span"])

    def test_a_router_killed_after_it_knows_the_new_ones(self):
        gateway = self.gateway(exporters={"nop": {}})
        with gateway.start():
            gateway.exporters = {"nop": {}, "file": self.file(gateway, "out")}
            reload(gateway)
            post(gateway, ["one"])
            self.wait_ids(gateway, "out", ["one"])
            gateway.wait_replaced("router", gateway.kill_child("router"))
            post(gateway, ["two"])
            self.wait_ids(gateway, "out", ["two"])

    def test_two_signals_in_a_row_end_with_the_last_configuration(self):
        gateway = self.gateway(exporters={"nop": {}})
        with gateway.start():
            for n in range(5):
                gateway.exporters = {"nop": {}, f"nop/{n}": {}}
                gateway.write_config()
                gateway.process.send_signal(signal.SIGHUP)

            def configured():  # those that came and went meanwhile are orphaned
                return sorted(name for name, child in gateway.children("exporter").items() if child["owner"] == "configured")
            wait_for(lambda: configured() == ["nop", "nop/4"], "the last configuration")


class Connections(Case):
    def test_connections_and_open_requests_survive(self):
        with self.gateway().start() as gateway, Connection(gateway.http) as idle, Connection(gateway.http) as busy, \
                grpc_client.channel(gateway.grpc) as channel:
            idle.send(request("/v1/logs", telemetry.logs(["idle"])))
            self.assertEqual(idle.read_answer().status, 200)
            begun = request("/v1/logs", telemetry.logs(["busy"]))
            busy.send(begun[:-20])
            rest = threading.Event()

            def messages():
                rest.wait(60)
                yield telemetry.logs(["stream"])
            grpc_client.call(channel, "logs", telemetry.logs(["unary"]))
            stream = channel.stream_unary(grpc_client.EXPORT["logs"]).future(messages(), timeout=60)
            workers = [child["pid"] for child in gateway.children("worker").values()]
            ports = wait_for(lambda: self.three(workers), "the connections to be taken")
            gateway.exporters = {"debug": {"format": "json"}, "nop": {}}
            reload(gateway)
            self.assertEqual(self.three(workers), ports)
            rest.set()
            stream.result(60)
            busy.send(begun[-20:])
            self.assertEqual(busy.read_answer().status, 200)
            idle.send(request("/v1/logs", telemetry.logs(["again"])))
            self.assertEqual(idle.read_answer().status, 200)
            gateway.stdout.wait(lambda lines: {"idle", "busy", "unary", "stream", "again"} <= set(
                telemetry.ids_of([line for line in lines if line.startswith("{")])), "all records")

    @staticmethod
    def three(workers):
        ports = set().union(*(peer_ports_of(pid) for pid in workers)) - {0}
        return ports if len(ports) >= 3 else None

    def test_clients_under_load_notice_nothing(self):
        gateway = self.gateway(exporters={"nop": {}})
        gateway.exporters = {"file": self.file(gateway, "out")}
        with gateway.start(), Senders(gateway, 4) as senders:
            for n in range(6):
                gateway.exporters = {"file": gateway.exporters["file"], f"nop/{n}": {}}
                reload(gateway)
                senders.wait_progress("requests after it", requests=3)
            senders.halt()
            self.assertEqual((senders.refused(), senders.failed()), ([], []))
            self.wait_ids(gateway, "out", senders.acknowledged())
            gateway.stop()
            got = self.ids_in(gateway, "out")
            self.assertEqual(len(got), len(set(got)), "something came twice")


class NotFit(Case):
    def test_a_bad_configuration_changes_nothing_and_says_why(self):
        with self.gateway().start() as gateway:
            before = pids(gateway)
            good = gateway.exporters
            for bad, why in (({"debug": {"fromat": "json"}}, "fromat"), ({"nonsense": {}}, "nonsense"),
                             ({"file": {}}, "path")):
                gateway.exporters = bad
                line = reload(gateway, REFUSED)
                self.assertIn(why, line)
                health = gateway.health()["configuration"]
                self.assertIn(why, health["error"])
                self.assertEqual(pids(gateway), before)
                answers = []
                line = reload(gateway, REFUSED, ask=lambda: answers.append(control.reload(gateway.runtime)))
                self.assertIn(why, line)
                self.assertIn(why, answers[0].error)
            post(gateway, ["still"])
            gateway.stdout.wait(lambda lines: "still" in telemetry.ids_of(
                [line for line in lines if line.startswith("{")]), "the record")
            gateway.exporters = good
            reload(gateway)
            self.assertEqual(gateway.health()["configuration"]["error"], "")
            self.assertEqual(pids(gateway), before)

    def test_a_file_that_is_gone_changes_nothing(self):
        with self.gateway().start() as gateway:
            before = pids(gateway)
            os.unlink(os.path.join(gateway.directory, "config.yaml"))
            self.assertIn("config.yaml", control.reload(gateway.runtime).error)
            self.assertEqual(pids(gateway), before)
            gateway.write_config()
            self.assertEqual(control.reload(gateway.runtime).error, "")

    def test_what_cannot_change_is_named_and_stays(self):
        with self.gateway().start() as gateway:
            http, before = gateway.http, pids(gateway)
            gateway.override_otlp("http", {"endpoint": "127.0.0.1:1"})
            gateway.override_masques(workers=3)
            gateway.exporters = {**gateway.exporters, "nop": {}}
            reload(gateway)
            warning = lines_with(gateway, "takes effect at the next start")[-1]
            self.assertIn("receivers::otlp::protocols::http::endpoint", warning)
            self.assertIn("masques::workers", warning)
            self.assertNotIn("grpc", warning)
            self.assertEqual({name: pid for name, pid in pids(gateway).items() if name != "nop"}, before)
            self.assertIn("nop", gateway.children())
            with Connection(http) as connection:
                connection.send(request("/v1/logs", telemetry.logs(["x"])))
                self.assertEqual(connection.read_answer().status, 200)

    def test_everybody_follows_the_level_of_the_log(self):
        with self.gateway(exporters={"nop": {}}, workers=1).start() as gateway:
            before = pids(gateway)
            post(gateway, ["the worker has a session with the router"])
            self.assertEqual(lines_with(gateway, " debug "), [])
            gateway.override_masques(log_level="debug")
            reload(gateway)
            self.assertEqual(pids(gateway), before)
            gateway.kill_child("nop")
            gateway.stderr.wait(lambda lines: [line for line in lines if "debug router: nop is here" in line],
                                "the router's debug messages")
            gateway.kill_child("router")
            gateway.stderr.wait(lambda lines: [line for line in lines if "debug worker/1: session with" in line],
                                "the worker's debug messages")


class Orphans(Case):
    def test_one_that_goes_with_undelivered_data_is_kept_and_goes_on_when_it_comes_back(self):
        gateway = self.gateway(exporters={"nop": {}}, masques={"shutdown": {"grace": "1s"}}, hang_after="300s")
        gateway.exporters = {"nop": {}, "file": self.file(gateway, "out", append=True)}
        with gateway.start():
            post(gateway, ["before"])
            self.wait_ids(gateway, "out", ["before"])
            gateway.kill_child("file", signal.SIGSTOP)
            post(gateway, ["owed-1"])
            post(gateway, ["owed-2"])
            whole = gateway.exporters
            gateway.exporters = {"nop": {}}
            reload(gateway)
            orphan = wait_for(lambda: self.orphan(gateway), "the orphan to be shown")
            self.assertEqual(orphan["queue"]["records"], 2)
            gateway.wait_replaced("router", gateway.kill_child("router"))
            wait_for(lambda: (self.orphan(gateway) or {}).get("queue", {}).get("records") == 2, "it to be kept")
            post(gateway, ["meanwhile"])
            gateway.exporters = whole
            reload(gateway)
            post(gateway, ["after"])
            self.wait_ids(gateway, "out", ["before", "owed-1", "owed-2", "meanwhile", "after"])
            wait_for(lambda: gateway.child("file")["owner"] == "configured", "its owner")

    @staticmethod
    def orphan(gateway):
        entry = gateway.children().get("file")
        return entry if entry and not entry["pid"] and entry["state"] == entry["owner"] == "orphaned" else None

    def test_one_that_goes_with_nothing_undelivered_is_owed_nothing(self):
        gateway = self.gateway(exporters={"nop": {}})
        gateway.exporters = {"nop": {}, "file": self.file(gateway, "out")}
        with gateway.start():
            post(gateway, ["one"])
            self.wait_ids(gateway, "out", ["one"])
            gateway.exporters = {"nop": {}}
            reload(gateway)
            orphan = wait_for(lambda: self.orphan(gateway), "the orphan to be shown")
            self.assertEqual((orphan["queue"]["records"], orphan["delivered"]["logs"]), (0, 1))
            done = run_program(os.path.join(BIN, "masquesctl"), "detach", "file", "--runtime", gateway.runtime)
            self.assertEqual(done.returncode, 0, done.stderr)
            wait_for(lambda: gateway.names("exporter") == ["nop"], "it to be forgotten")


if __name__ == "__main__":
    suite.main()
