# SPDX-License-Identifier: Apache-2.0
"""masquesctl against a running gateway, as its user sees it: what every command does, both ways of printing, and what
it says when it cannot."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest

import http_client
import suite
import telemetry
from gateway import BIN, DIE_WITH_TEST, SANITIZER, Gateway, Lines, process_alive, run_program, wait_for
from sink import Sink

CTL = os.path.join(BIN, "masquesctl")
CONSOLE = os.path.join(BIN, "masques-exporter-console")
COLUMNS = 80
NOBODY = 65534


def post(gateway, *ids, signal_name="logs"):
    answer = http_client.post(gateway.http, telemetry.HTTP_PATH[signal_name], telemetry.REQUEST[signal_name](ids))
    if answer.status != 200:
        raise AssertionError(f"not stored: {answer}")


def closed_port():
    """A socket that holds a port at which nobody listens: nobody else can begin to."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


def restart(gateway):
    gateway.stop()
    gateway.start()


class CtlTest(unittest.TestCase):
    def run_ctl(self, *arguments, code=0, prefix=(), env=None):
        done = run_program(*prefix, CTL, *arguments, env=env)
        self.assertIsNone(SANITIZER.search(done.stderr), done.stderr)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        if code:
            self.assertRegex(done.stderr, r"\Amasques(ctl|-receiver): [^\n]+\n\Z")
        return done

    def ctl(self, gateway, *arguments, code=0):
        """stdout of a command that does it, stderr of one that does not."""
        done = self.run_ctl("--runtime", gateway.runtime, *arguments, code=code)
        return done.stderr if code else done.stdout

    def ctl_json(self, gateway, *arguments, code=0):
        done = self.run_ctl(*arguments, "--json", "--runtime", gateway.runtime, code=code)
        self.assertEqual(done.stdout.count("\n"), 1)
        return json.loads(done.stdout)

    def exporters(self, gateway):
        return {entry["name"]: entry for entry in self.ctl_json(gateway, "exporters")}

    def wait_exporter(self, gateway, name, true):
        return wait_for(lambda: true(self.exporters(gateway).get(name)), f"{name} to be so")

    def assert_narrow(self, text):
        for line in text.splitlines():
            self.assertLessEqual(len(line), COLUMNS, line)


class TestLooking(CtlTest):
    def test_status(self):
        with Gateway(exporters={"nop": {}, "debug/second": {}}) as gateway:
            text = wait_for(lambda: self.status_when_running(gateway, 5), "five running processes")
            self.assert_narrow(text)
            self.assertTrue(text.startswith("Server available, up for "), text)
            for name in ("router", "nop", "debug/second", "worker/1", "worker/2"):
                self.assertRegex(text, rf"(?m)^{name} +\d+  running ")
            children = self.ctl_json(gateway, "status")["children"]
            self.assertEqual({child["name"] for child in children}, set(gateway.children()))

    def status_when_running(self, gateway, count):
        text = self.ctl(gateway, "status")
        return text if text.count("  running  ") == count else None

    def test_status_of_a_gateway_that_takes_nothing(self):
        with Gateway(exporters={"nop": {}}, hang_after="300s") as gateway:
            router = gateway.child("router")["pid"]
            os.kill(router, signal.SIGSTOP)
            try:
                wait_for(lambda: gateway.health_answer()[0] == 503, "503")
                done = self.run_ctl("status", "--runtime", gateway.runtime, code=1)
                self.assertIn("does not accept telemetry", done.stderr)
                self.assertIn("Server not available", done.stdout)
                self.assertRegex(done.stdout, r"(?m)^worker/1 ")
                self.assertIn("no router answers", self.ctl(gateway, "exporters", "--timeout", "200ms", code=1))
            finally:
                os.kill(router, signal.SIGCONT)

    def test_exporters(self):
        with Gateway(exporters={"nop": {}, "debug": {"format": "json"}}) as gateway:
            post(gateway, "a", "b")
            post(gateway, "c", signal_name="traces")
            logs = self.wait_exporter(gateway, "nop", lambda e: e["signals"]["logs"]["delivered"] == 2 and e)
            self.assertEqual((logs["owner"], logs["mode"], logs["state"]), ("configured", "durable", "running"))
            self.wait_exporter(gateway, "nop", lambda e: e["signals"]["traces"]["delivered"] == 1)
            self.wait_exporter(gateway, "debug", lambda e: e["state"] == "running")
            text = self.ctl(gateway, "exporters")
            self.assert_narrow(text)
            self.assertRegex(text, r"(?m)^nop +configured +durable +running +logs +0 +- +2$")
            self.assertRegex(text, r"(?m)^debug +configured +lossy +running +logs ")
            self.assertRegex(text, r"(?m)^ +traces +0 +- +1$")

    def test_tail_shows_what_matches_and_leaves_nothing(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            post(gateway, "before")
            tails = [self.tail(gateway, "--match", "RECORD X"), self.tail(gateway, "--json", "--signals", "logs")]
            for process, _, _ in tails:
                self.wait_exporter(gateway, f"tail/{process.pid}", lambda e: e and e["state"] == "running")
            self.assertEqual(self.exporters(gateway)[f"tail/{tails[0][0].pid}"]["mode"], "live")
            post(gateway, "a1", "x2")
            post(gateway, "a3", signal_name="traces")
            post(gateway, "x4", "a5")
            (pretty, out, err), (lines, json_out, json_err) = tails
            out.wait_count(2)
            json_out.wait_count(2)
            for process in (pretty, lines):
                process.send_signal(signal.SIGINT)
                self.assertEqual(process.wait(60), 0)
            for stream in (out, err, json_out, json_err):
                stream.join()
            self.assertEqual([line.split()[-1] for line in out.all()], ["test.id=x2", "test.id=x4"])
            self.assertEqual(telemetry.ids_of(json_out.all()), ["a1", "x2", "x4", "a5"])
            self.assertEqual(err.all() + json_err.all(), [])
            wait_for(lambda: list(self.exporters(gateway)) == ["nop"], "the tails to be forgotten")

    def tail(self, gateway, *arguments):
        process = subprocess.Popen([*DIE_WITH_TEST, CTL, "tail", "--runtime", gateway.runtime, *arguments],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        return process, Lines(process.stdout), Lines(process.stderr)


class TestAttaching(CtlTest):
    def test_attached_exporters_live_until_they_are_detached(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            post(gateway, "early")
            self.assertEqual(self.ctl(gateway, "attach", "debug/extra", "--signals", "logs", "--mode", "durable",
                                      "--from", "now", "--format", "json"), "debug/extra is attached.\n")
            self.assertEqual(self.ctl_json(gateway, "attach", "nop/second", "--signals", "logs,traces"), {"done": True})
            entry = self.exporters(gateway)["debug/extra"]
            self.assertEqual((entry["owner"], entry["mode"], list(entry["signals"])), ("attached", "durable", ["logs"]))
            post(gateway, "late")
            self.assertIn('"late"', gateway.wait_json(1)[0])
            restart(gateway)
            entry = self.exporters(gateway)["debug/extra"]
            self.assertEqual((entry["owner"], entry["mode"], list(entry["signals"])), ("attached", "durable", ["logs"]))
            post(gateway, "later")
            self.assertIn('"later"', gateway.wait_json(1)[0])
            pid = gateway.child("debug/extra")["pid"]
            self.assertEqual(self.ctl(gateway, "detach", "debug/extra"), "debug/extra is detached.\n")
            self.assertEqual(self.ctl_json(gateway, "detach", "nop/second", "--drain"), {"done": True, "givenUp": 0})
            wait_for(lambda: not process_alive(pid), "its process to end")
            restart(gateway)
            wait_for(lambda: list(self.exporters(gateway)) == ["nop"], "nop to be alone")

    def test_what_cannot_be_attached(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            self.ctl(gateway, "attach", "nop/taken")
            for arguments, says in (
                    (["nop/taken"], "nop/taken: an exporter of this name is attached already"),
                    (["nop"], "nop: the configuration has an exporter of this name"),
                    (["teapot/x"], 'there is no exporter of the type "teapot"; supported here: '),
                    (["nop/x", "--path", "y"], "nop/x: path: unknown option"),
                    (["debug/x", "--format", "morse"], 'debug/x: format: got "morse", expected one of: pretty, json'),
                    (["debug/x", "--", "--json", "y"], "debug/x: json: unknown option"),
                    (["file/x"], "file/x: path must be non-empty")):
                self.assertIn(says, self.ctl(gateway, "attach", *arguments, code=1))
            self.assertEqual(sorted(self.exporters(gateway)), ["nop", "nop/taken"])

    def test_a_name_is_free_again_after_its_process_was_started_anew(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            self.ctl(gateway, "attach", "nop/x")
            gateway.wait_replaced("nop/x", gateway.kill_child("nop/x"))
            self.ctl(gateway, "detach", "nop/x")
            wait_for(lambda: "nop/x" not in gateway.children(), "its process to end")
            self.assertEqual(self.ctl(gateway, "attach", "nop/x"), "nop/x is attached.\n")
            self.ctl(gateway, "detach", "nop/x")
            wait_for(lambda: "nop/x" not in gateway.children(), "its process to end")
            Sink(gateway, name="nop/x").stop()

    def test_a_name_is_free_as_soon_as_it_is_detached(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            for _ in range(3):
                self.ctl(gateway, "attach", "nop/x")
                wait_for(lambda: gateway.child("nop/x")["queues"], "the router to have told the master of it")
                self.ctl(gateway, "detach", "nop/x")
            self.ctl(gateway, "attach", "nop/x")
            sink = Sink(gateway, name="nop/y")
            wait_for(lambda: "nop/y" in gateway.children(), "the router to have told the master of it")
            self.assertIn("nop/y: an exporter of this name was started by hand and is here",
                          self.ctl(gateway, "attach", "nop/y", code=1))
            sink.stop()

    def test_attached_to_a_file(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            path = os.path.join(gateway.directory, "otel.json")
            busy = Sink(gateway, "--fail-every", "1")  # what was stored before is still there
            post(gateway, "before")
            self.ctl(gateway, "attach", "file/archive", "--signals", "logs", "--from", "oldest", "--path", path)
            post(gateway, "after")
            self.ctl(gateway, "detach", "file/archive", "--drain")
            with open(path, encoding="utf-8") as file:
                self.assertEqual(telemetry.ids_of(file), ["before", "after"])
            self.ctl(gateway, "detach", "sink")
            busy.process.wait(60)
            busy.stop()

    def test_what_cannot_be_detached(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            self.assertIn("nop is in the configuration", self.ctl(gateway, "detach", "nop", code=1))
            self.assertIn('there is no exporter "nix"', self.ctl(gateway, "detach", "nix", code=1))
            self.assertEqual(list(self.exporters(gateway)), ["nop"])

    def test_detach_with_drain_delivers_first(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            busy = Sink(gateway, "--fail-every", "1")
            post(gateway, "a", "b", "c")
            self.wait_exporter(gateway, "sink", lambda e: e["signals"]["logs"]["pending"] == 3)
            busy.stop()
            self.wait_exporter(gateway, "sink", lambda e: e["state"] == "away" and e["signals"]["logs"]["pending"] == 3)
            willing = Sink(gateway)
            self.assertEqual(self.ctl(gateway, "detach", "sink", "--drain"), "sink is detached.\n")
            self.assertEqual(sorted(willing.counts()), ["a", "b", "c"])
            self.assertEqual(willing.process.wait(60), 0)
            willing.stop()
            self.assertEqual(list(self.exporters(gateway)), ["nop"])

    def test_detach_with_drain_that_takes_too_long(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            busy = Sink(gateway, "--fail-every", "1")
            post(gateway, "a", "b", "c")
            done = self.run_ctl("detach", "sink", "--drain", "--within", "200ms", "--runtime", gateway.runtime, code=1)
            self.assertEqual(done.stdout, "")
            self.assertIn("after 200 ms: sink stays attached, and 3 record(s) still wait for it", done.stderr)
            self.assertEqual(self.exporters(gateway)["sink"]["signals"]["logs"]["pending"], 3)
            self.assertIsNone(busy.process.poll())
            done = self.ctl(gateway, "detach", "sink")
            self.assertEqual(done, "sink is detached; 3 record(s) that waited for it are given up.\n")
            self.assertEqual(list(self.exporters(gateway)), ["nop"])
            busy.process.wait(60)
            busy.stop()

    def test_detach_says_what_it_gives_up(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            for json_wanted in (False, True):
                busy = Sink(gateway, "--fail-every", "1", start="now")
                self.wait_exporter(gateway, "sink", lambda e: e and e["pid"] == busy.process.pid)
                post(gateway, "a", "b")
                self.wait_exporter(gateway, "sink", lambda e: e["signals"]["logs"]["pending"] == 2)
                if json_wanted:
                    self.assertEqual(self.ctl_json(gateway, "detach", "sink"), {"done": True, "givenUp": 2})
                else:
                    self.assertEqual(self.ctl(gateway, "detach", "sink"),
                                     "sink is detached; 2 record(s) that waited for it are given up.\n")
                busy.process.wait(60)
                busy.stop()

    def test_a_name_belongs_to_one(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            first = Sink(gateway)
            second = run_program(CONSOLE, "--router", gateway.ready["bus"], "--name", "sink")
            self.assertEqual(second.returncode, 1)
            self.assertIn(f"the name sink is in use by process {first.process.pid}", second.stderr)
            self.assertIn("--name gives another, --replace takes it", second.stderr)
            first.stop()

    def test_a_console_started_by_hand_is_a_live_tail(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            post(gateway, "before")
            process = subprocess.Popen([*DIE_WITH_TEST, CONSOLE, "--router", gateway.ready["bus"]],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            out, err = Lines(process.stdout), Lines(process.stderr)
            self.wait_exporter(gateway, "console", lambda e: e and e["mode"] == "live")
            post(gateway, "after")
            out.wait_count(1)
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(60), 0)
            out.join()
            err.join()
            self.assertIn("test.id=after", out.all()[0])
            wait_for(lambda: list(self.exporters(gateway)) == ["nop"], "the console to be forgotten")


class TestDelivering(CtlTest):
    def test_dead_letters(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            picky = Sink(gateway, "--reject-every", "1")
            for count, ids in enumerate((["a", "b"], ["c"], ["d"], ["e"]), 1):
                post(gateway, *ids)
                letters = wait_for(lambda: self.letters(gateway, count), f"{count} letters")
            self.assertEqual([(x["exporter"], x["signal"], x["records"], x["reason"]) for x in letters],
                             [("sink", "logs", n, "asked to reject") for n in (2, 1, 1, 1)])
            numbers = [str(letter["number"]) for letter in letters]
            text = self.ctl(gateway, "dead-letters", "list", "sink")
            self.assert_narrow(text)
            self.assertRegex(text, rf"(?m)^ *{numbers[0]}  sink +logs +2 +\d+ B  \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n"
                                   "    asked to reject$")
            self.assertEqual(self.ctl_json(gateway, "dead-letters", "list", "nop"), [])
            self.assertRegex(self.ctl(gateway, "exporters"), r"(?m)^    5 rejected$")

            self.assertIn("there is no dead letter 4", self.ctl(gateway, "dead-letters", "drop", "4", code=1))
            self.assertIn(f"there is no dead letter {numbers[3]} of nop",
                          self.ctl(gateway, "dead-letters", "drop", "nop", numbers[3], code=1))
            self.assertEqual(self.ctl(gateway, "dead-letters", "drop", numbers[3]), "1 dead letter dropped.\n")
            done = self.run_ctl("dead-letters", "drop", numbers[2], "4", "--runtime", gateway.runtime, code=1)
            self.assertEqual(done.stdout, "1 dead letter dropped.\n")

            # Refused again, it is a letter still.
            self.assertEqual(self.ctl(gateway, "dead-letters", "replay", "sink", numbers[1]),
                             "1 dead letter handed to their exporter again.\n")
            wait_for(lambda: self.numbers(gateway)[:1] == numbers[:1] and len(self.numbers(gateway)) == 2 and
                     numbers[1] not in self.numbers(gateway), "the new letter")
            picky.stop()
            willing = Sink(gateway)
            self.assertEqual(willing.counts(), {})
            self.assertEqual(self.ctl_json(gateway, "dead-letters", "replay"), {"count": 2})
            wait_for(lambda: self.ctl_json(gateway, "dead-letters", "list") == [], "the letters to be taken")
            self.assertEqual(willing.counts(), {"a": 1, "b": 1, "c": 1})
            self.assertEqual(self.ctl_json(gateway, "dead-letters", "drop", "--all"), {"count": 0})
            willing.stop()

    def letters(self, gateway, count):
        letters = self.ctl_json(gateway, "dead-letters", "list")
        return letters if len(letters) == count else None

    def numbers(self, gateway):
        return [str(letter["number"]) for letter in self.ctl_json(gateway, "dead-letters", "list")]

    def test_drain(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            slow = Sink(gateway, "--delay-ms", "100")
            for n in range(5):
                post(gateway, f"r{n}")
            self.assertEqual(self.ctl(gateway, "drain"), "Everything stored is delivered.\n")
            self.assertEqual(len(slow.counts()), 5)
            self.assertTrue(all(lane["pending"] == 0 for entry in self.exporters(gateway).values()
                                for lane in entry["signals"].values()))
            self.assertEqual(self.ctl_json(gateway, "drain"), {"left": 0, "exporters": []})
            slow.stop()

    def test_drain_that_takes_too_long_says_what_is_left(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            busy = Sink(gateway, "--fail-every", "1")
            post(gateway, "a", "b")
            self.wait_exporter(gateway, "nop", lambda e: e["signals"]["logs"]["delivered"] == 2)  # and so is not left
            done = self.run_ctl("drain", "--within", "200ms", "--runtime", gateway.runtime, code=1)
            self.assert_narrow(done.stdout)
            self.assertRegex(done.stdout, r"(?m)^sink +\w+ +logs +2 ")
            self.assertNotIn("nop", done.stdout)
            self.assertIn("not everything is delivered after 200 ms", done.stderr)
            answer = self.ctl_json(gateway, "drain", "--within", "200ms", code=1)
            self.assertEqual(answer["left"], 2)
            self.assertEqual([e["name"] for e in answer["exporters"] if e["signals"]["logs"]["pending"]], ["sink"])
            busy.stop()


class TestConfiguration(CtlTest):
    def test_reload(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            gateway.exporters = {"nop": {}, "nop/new": {}}
            path = gateway.write_config()
            self.assertEqual(self.ctl(gateway, "reload"), "The configuration was read again.\n")
            self.assertEqual(self.exporters(gateway)["nop/new"]["owner"], "configured")
            gateway.exporters = {"teapot": {}}
            gateway.write_config()
            self.assertRegex(self.ctl(gateway, "reload", code=1), rf"{path}:\d+:\d+: .*teapot")
            self.assertEqual(sorted(self.exporters(gateway)), ["nop", "nop/new"])
            gateway.exporters = {"nop": {}}
            gateway.write_config()
            self.assertEqual(self.ctl_json(gateway, "reload"), {"done": True})

    def test_validate(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "config.yaml")
            with open(path, "w", encoding="utf-8") as file:
                file.write(Gateway(exporters={"nop": {}}).config())
            self.run_ctl("validate", path)
            with open(path, "w", encoding="utf-8") as file:
                file.write("exporters: {teapot: {}}\n")
            self.assertNotEqual(run_program(CTL, "validate", path).returncode, 0)


class TestNobodyThere(CtlTest):
    ASKING_MASTER = (["status"], ["attach", "nop/x"], ["reload"])
    ASKING_ROUTER = (["exporters"], ["detach", "x"], ["drain"], ["tail"], ["dead-letters", "list"],
                     ["dead-letters", "replay"], ["dead-letters", "drop", "--all"])

    def test_no_gateway(self):
        with tempfile.TemporaryDirectory() as directory:
            for command in self.ASKING_MASTER + self.ASKING_ROUTER:
                said = self.run_ctl(*command, "--runtime", directory, code=1).stderr
                self.assertIn(f"no gateway runs with the runtime directory {directory}", said)

    def test_a_gateway_that_was_killed(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            gateway.process.kill()
            gateway.wait_end()
            gateway.check_end(-signal.SIGKILL)
            self.assertTrue(os.path.exists(os.path.join(gateway.runtime, "control.sock")))
            self.assertIn("no gateway runs", self.ctl(gateway, "exporters", code=1))

    def test_no_router(self):
        with tempfile.TemporaryDirectory() as directory:
            endpoint = f"ipc://{directory}/bus.sock"
            for command in self.ASKING_ROUTER:
                if command != ["tail"]:
                    said = self.run_ctl(*command, "--router", endpoint, code=1).stderr
                    self.assertIn(f"no router listens at {endpoint}", said)
        with closed_port() as taken:
            endpoint = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            said = self.run_ctl("exporters", "--router", endpoint, "--timeout", "300ms", code=1).stderr
        self.assertIn(f"no router answers at {endpoint} within 0.3 s", said)
        self.assertIn("is no endpoint", self.run_ctl("exporters", "--router", "http://x", code=1).stderr)

    def test_an_exporter_started_by_hand_says_that_no_router_answers(self):
        with tempfile.TemporaryDirectory() as directory:
            process = subprocess.Popen([*DIE_WITH_TEST, CONSOLE, "--router", f"ipc://{directory}/bus.sock"],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            err = Lines(process.stderr)
            self.assertIn(directory, err.wait_count(1)[0])
            process.terminate()
            self.assertEqual(process.wait(60), 0)
            err.join()

    def test_no_health(self):
        with Gateway(exporters={"nop": {}}, health=False) as gateway:
            self.assertIn("has no health endpoint", self.ctl(gateway, "status", code=1))
            self.assertEqual(list(self.exporters(gateway)), ["nop"])

    def test_the_default_directory_is_the_gateway_s(self):
        with tempfile.TemporaryDirectory() as directory:
            os.chmod(directory, 0o755)
            prefix = ("setpriv", f"--reuid={NOBODY}", "--clear-groups") if os.getuid() == 0 else ()
            env = dict(os.environ, XDG_RUNTIME_DIR=directory)
            said = self.run_ctl("exporters", code=1, prefix=prefix, env=env).stderr
            self.assertIn(f"no gateway runs with the runtime directory {directory}/masques", said)

    @unittest.skipUnless(os.getuid() == 0, "only root can be somebody else")
    def test_somebody_else_is_refused(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            os.chmod(gateway.directory, 0o755)
            other = ("setpriv", f"--reuid={NOBODY}", "--clear-groups")
            for command in (["status"], ["exporters"]):
                said = self.run_ctl(*command, "--runtime", gateway.runtime, code=1, prefix=other).stderr
                self.assertIn(f"no permission to enter the runtime directory {gateway.runtime}, which belongs to user 0",
                              said)


class TestUsage(CtlTest):
    def test_help(self):
        for command in ([], ["status"], ["attach"], ["dead-letters"], ["dead-letters", "drop"]):
            text = self.run_ctl(*command, "--help").stdout
            self.assert_narrow(text)
            self.assertIn("Exit codes: 0 done; 1 refused", text)
            self.assertIn(" ".join(["usage: masquesctl", *command]), text)

    def test_wrong_usage(self):
        for arguments, says in (([], "no command"), (["frobnicate"], "unknown command: frobnicate"),
                                (["tail", "--signals", "smoke"], "is none of logs, metrics, traces"),
                                (["attach", "nop/x", "--mode", "fast"], "is none of durable, live, lossy"),
                                (["detach"], "a word is missing"), (["dead-letters"], "a word is missing"),
                                (["drain", "--within", "soon"], "is no time"), (["status", "--loud"], "unknown option")):
            self.assertIn(says, self.run_ctl(*arguments, code=2).stderr)


if __name__ == "__main__":
    suite.main()
