# SPDX-License-Identifier: Apache-2.0
"""An exporter started by hand: joining a gateway that runs, waiting for one that does not, and the errors of whoever
mistypes."""
import os
import re
import signal
import subprocess
import unittest

import http_client
import suite
import telemetry
from gateway import BIN, DIE_WITH_TEST, SANITIZER, Gateway, Lines, run_program, wait_for

CONSOLE = os.path.join(BIN, "masques-exporter-console")


def post(gateway, *ids):
    answer = http_client.post(gateway.http, "/v1/logs", telemetry.logs(ids))
    if answer.status != 200:
        raise AssertionError(answer)


class Console:
    def __init__(self, case, endpoint, *arguments):
        self.process = subprocess.Popen([*DIE_WITH_TEST, CONSOLE, "--router", endpoint, "--format", "json", *arguments],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.out, self.err = Lines(self.process.stdout), Lines(self.process.stderr)
        case.addCleanup(self.kill)

    def wait_shown(self, *ids):
        return self.out.wait(lambda lines: telemetry.ids_of(lines) == list(ids), f"{ids}")

    def end(self, number=signal.SIGTERM, code=0):
        """`number` None: it ends by itself."""
        if number:
            self.process.send_signal(number)
        found = self.process.wait(60)
        self.out.join()
        self.err.join()
        if found != code or SANITIZER.search(self.err.text()):
            raise AssertionError(f"the console ended with {found}:\n{self.err.text()}")
        return self.err.text()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)


class Join(unittest.TestCase):
    def gateway(self):
        gateway = Gateway(exporters={"nop": {}})
        self.addCleanup(gateway.destroy)
        return gateway

    def joined(self, gateway, name, pid):
        """The process itself: one that had the name before it may still be in the last answer."""
        wait_for(lambda: (c := gateway.children().get(name)) and (c["state"], c["pid"]) == ("running", pid),
                 f"{name} to have joined")

    def test_the_second_of_one_name_is_refused_and_the_first_goes_on(self):
        with self.gateway() as gateway:
            first = Console(self, gateway.ready["bus"], "--name", "tail", "--mode", "live")
            self.joined(gateway, "tail", first.process.pid)
            second = Console(self, gateway.ready["bus"], "--name", "tail", "--mode", "live")
            said = second.end(None, code=1)
            self.assertRegex(said, rf"the name tail is in use by process {first.process.pid}\b")
            self.assertIn('the name "tail" stays in use; --name gives another, --replace takes it', said)
            self.assertEqual(second.out.all(), [])
            post(gateway, "a")
            first.wait_shown("a")
            self.assertEqual(first.end(), "", "the first has nothing to complain of")

    def test_a_name_of_the_configuration_is_not_for_others(self):
        with self.gateway() as gateway:
            pid = gateway.child("nop")["pid"]
            said = Console(self, gateway.ready["bus"], "--name", "nop").end(None, code=1)
            self.assertRegex(said, rf"the name nop is in use by process {pid}\b")
            self.assertEqual(gateway.child("nop")["pid"], pid)

    def test_replace_takes_the_name_and_the_first_ends_with_words(self):
        with self.gateway() as gateway:
            first = Console(self, gateway.ready["bus"], "--name", "tail", "--mode", "live")
            self.joined(gateway, "tail", first.process.pid)
            second = Console(self, gateway.ready["bus"], "--name", "tail", "--mode", "live", "--replace")
            self.assertIn('another exporter took the name "tail"', first.end(None, code=1))
            self.joined(gateway, "tail", second.process.pid)
            post(gateway, "a")
            second.wait_shown("a")
            second.end()

    def test_a_router_that_is_not_there_is_said_and_waited_for(self):
        gateway = self.gateway()
        os.makedirs(gateway.runtime, mode=0o700)
        endpoint = f"ipc://{gateway.runtime}/bus.sock"
        console = Console(self, endpoint, "--name", "tail", "--mode", "live")
        console.err.wait(lambda lines: any(f"no router answers at {endpoint}: waiting for it" in line for line in lines),
                         "the word that there is no router")
        with gateway:
            self.assertEqual(gateway.ready["bus"], endpoint)
            self.joined(gateway, "tail", console.process.pid)
            post(gateway, "a")
            console.wait_shown("a")
            console.end()

    def test_one_that_waits_can_be_ended(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number):
                console = Console(self, "ipc:///nonexistent/bus.sock")
                console.err.wait(lambda lines: any("no router answers" in line for line in lines), "the first words")
                console.end(number)

    def test_a_gateway_that_was_killed_is_waited_for(self):
        gateway = self.gateway().start()
        console = Console(self, gateway.ready["bus"], "--name", "tail", "--mode", "live")
        self.joined(gateway, "tail", console.process.pid)
        gateway.kill_family(["router"])
        gateway.start()
        self.joined(gateway, "tail", console.process.pid)
        post(gateway, "a")
        console.wait_shown("a")
        console.end()
        gateway.stop()

    def test_what_is_mistyped_is_named(self):
        endpoint = "ipc:///nonexistent/bus.sock"
        cases = [
            ([], r"--router ENDPOINT is missing"),
            (["--router"], r"--router needs a value"),
            (["--router", endpoint, "--name", ""], r"--name must not be empty"),
            (["--router", endpoint, "--nmae", "x"], r"nmae.*unknown|unknown.*nmae"),
            (["--router", endpoint, "--signals", "logs,spans"], r'--signals: "spans" is none of logs, metrics, traces'),
            (["--router", endpoint, "--mode", "keen"], r'--mode: "keen" is none of live, durable, lossy'),
            (["--router", endpoint, "--from", "tomorrow"], r'--from: "tomorrow" is none of oldest, now, last|none of last, now, oldest'),
            (["--router", endpoint, "--format", "xml"], r"format.*xml|xml.*format"),
            (["--router", endpoint, "--store", "/nonexistent"], r"--store: cannot open the directory /nonexistent: No such file"),
            (["--router", endpoint, "tail"], r'"tail" is no flag; --help lists them'),
            (["--router", "bus.sock"], r'"bus.sock" is no endpoint of a router: ipc://PATH or tcp://HOST:PORT'),
            (["--router", "http://127.0.0.1:1"], r"is no endpoint of a router"),
            (["--router", "tcp://127.0.0.1"], r"is no endpoint of a router"),
            (["--router", "ipc:///" + "x" * 200], r"is no endpoint of a router: the path has more than 107 bytes"),
        ]
        for arguments, wanted in cases:
            with self.subTest(arguments):
                done = run_program(CONSOLE, *arguments)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertRegex(done.stderr, wanted)
                self.assertRegex(done.stderr, r"\Amasques-exporter-console: [^\n]+\n\Z")
                self.assertIsNone(SANITIZER.search(done.stderr))

    def test_help_and_version_are_no_errors(self):
        for flag, wanted in (("--help", r"--router ENDPOINT"), ("--version", r"masques-exporter-console \d+\.\d+")):
            done = run_program(CONSOLE, flag)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertRegex(done.stdout, wanted)


if __name__ == "__main__":
    suite.main()
