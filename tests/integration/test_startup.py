# SPDX-License-Identifier: Apache-2.0
"""How the programs start, and how they decline to."""
import json
import os
import signal
import socket
import unittest

import suite
from gateway import BIN, RECEIVER, Gateway, process_alive, processes_of_session, run_program

PROGRAMS = ("masques-receiver", "masques-receiver-worker", "masques-router", "masques-exporter-console",
            "masques-exporter-nop")
CHILDREN = ("masques-receiver-worker", "masques-router")


def sentence(case, result):
    """The one line on stderr of a program that declined with exit code 1."""
    case.assertEqual(result.returncode, 1, result.stderr)
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    case.assertEqual(len(lines), 1, result.stderr)
    case.assertEqual(result.stdout, "")
    return lines[0]


def declined(case, gateway):
    """The same for a gateway, which must not leave a process or a directory behind."""
    gateway.start(wait=False)
    gateway.wait_end()
    gateway.check_end(code=1)
    case.assertFalse(os.path.exists(gateway.ready_file))
    lines = [line for line in gateway.stderr.all() if line.strip()]
    case.assertEqual(len(lines), 1, lines)
    case.assertEqual(gateway.stdout.all(), [])
    return lines[0]


class Startup(unittest.TestCase):
    def test_the_ready_file_names_addresses_that_accept(self):
        with Gateway() as gateway:
            self.assertEqual(gateway.ready["pid"], gateway.process.pid)
            for address in (gateway.grpc, gateway.http, gateway.health_address):
                self.assertNotEqual(address[1], 0)
                socket.create_connection(address, 10).close()
            self.assertTrue(gateway.ready["bus"].startswith("ipc://" + gateway.runtime + "/"), gateway.ready)

    def test_it_says_where_it_listens_and_how_claude_code_sends_to_it(self):
        with Gateway() as gateway:
            endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT=http://"
            gateway.stderr.wait(lambda lines: any(endpoint + gateway.ready["http"] in line for line in lines))
            text = gateway.stderr.text()
            for words in (gateway.ready["grpc"], gateway.ready["http"], gateway.ready["health"],
                          "CLAUDE_CODE_ENABLE_TELEMETRY=1", "OTEL_LOGS_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=otlp",
                          "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "http/protobuf",
                          endpoint + gateway.ready["grpc"]):
                self.assertIn(words, text)

    def test_a_port_in_use_is_one_sentence_before_anything_is_started(self):
        for where in ("grpc", "http"):
            with self.subTest(where), socket.socket() as holder:
                holder.bind(("127.0.0.1", 0))
                holder.listen()
                address = "127.0.0.1:%d" % holder.getsockname()[1]
                gateway = Gateway(otlp={where: {"endpoint": address}})
                try:
                    self.assertIn(address, declined(self, gateway))
                    self.assertFalse(os.path.exists(os.path.join(gateway.runtime, "bus.sock")))
                finally:
                    gateway.destroy()

    def test_a_port_of_another_gateway_is_one_sentence(self):
        with Gateway() as first:
            second = Gateway(otlp={"grpc": {"endpoint": first.ready["grpc"]}})
            try:
                self.assertIn(first.ready["grpc"], declined(self, second))
            finally:
                second.destroy()

    def test_a_second_gateway_on_the_same_runtime_directory_is_one_sentence(self):
        with Gateway() as first:
            second = Gateway(runtime_directory=first.runtime)
            try:
                self.assertIn(first.runtime, declined(self, second))
            finally:
                second.destroy()
            self.assertEqual(first.health()["status"], "Server available")

    def test_a_runtime_directory_that_cannot_be_made_is_one_sentence(self):
        gateway = Gateway(runtime_directory="/proc/masques")
        try:
            self.assertIn("/proc/masques", declined(self, gateway))
        finally:
            gateway.destroy()

    def test_a_bad_option_is_one_sentence(self):
        for arguments in (["--nonsense"], ["--config"], ["nonsense"], ["--ready-file"]):
            with self.subTest(arguments):
                self.assertIn(arguments[0], sentence(self, run_program(RECEIVER, *arguments)))

    def test_a_config_that_cannot_be_read_is_one_sentence(self):
        self.assertIn("/nowhere/x.yaml", sentence(self, run_program(RECEIVER, "--config", "/nowhere/x.yaml")))

    def test_an_error_in_the_config_has_file_line_column_and_path(self):
        gateway = Gateway()
        path = os.path.join(gateway.directory, "bad.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("receivers:\n  otlp:\n    protocols:\n      grpc:\n        endpont: 127.0.0.1:0\n"
                       "exporters:\n  debug:\nservice:\n  pipelines:\n    logs:\n      receivers: [otlp]\n"
                       "      exporters: [debug]\n")
        text = sentence(self, run_program(RECEIVER, "--config", path))
        self.assertIn(f"{path}:5:9: receivers::otlp::protocols::grpc::endpont", text)
        self.assertIn("endpoint", text.replace("endpont", ""))
        gateway.destroy()

    def test_every_program_has_help_and_a_version(self):
        versions = set()
        for program in PROGRAMS:
            with self.subTest(program):
                text = run_program(os.path.join(BIN, program), "--help")
                self.assertEqual((text.returncode, text.stderr), (0, ""))
                self.assertIn(program, text.stdout)
                version = run_program(os.path.join(BIN, program), "--version")
                self.assertEqual((version.returncode, version.stderr), (0, ""))
                self.assertRegex(version.stdout, r"^\S.*\d+\.\d+\.\d+\n$")
                versions.add(version.stdout.split()[-1])
        self.assertEqual(len(versions), 1, versions)

    def test_a_child_program_alone_says_who_starts_it(self):
        for program in CHILDREN:
            with self.subTest(program):
                self.assertIn("masques-receiver", sentence(self, run_program(os.path.join(BIN, program))))

    def test_the_defaults_are_those_of_the_collector_on_loopback(self):
        text = run_program(RECEIVER, "print-config")
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        for words in ("127.0.0.1:4317", "127.0.0.1:4318", "127.0.0.1:13133", "debug", "logs:", "metrics:", "traces:"):
            self.assertIn(words, text.stdout)

    def test_validate_is_silent_about_a_good_config(self):
        gateway = Gateway()
        text = run_program(RECEIVER, "--config", gateway.write_config(), "validate")
        self.assertEqual((text.returncode, text.stdout, text.stderr), (0, "", ""))
        gateway.destroy()

    def test_a_stopped_gateway_can_be_started_again_in_its_directory(self):
        first = Gateway()
        try:
            for _ in range(2):
                with Gateway(runtime_directory=first.runtime) as gateway:
                    self.assertEqual(gateway.health()["status"], "Server available")
        finally:
            first.destroy()

    def test_children_end_with_a_master_that_was_killed(self):
        gateway = Gateway(exporters={"debug": {"format": "json"}, "nop": {}}).start()
        try:
            pids = [child["pid"] for child in gateway.children().values()]
            self.assertGreaterEqual(len(pids), 5)
            self.assertTrue(all(process_alive(pid) for pid in pids))
            gateway.process.send_signal(signal.SIGKILL)
            gateway.wait_end()
            gateway.check_end(code=-signal.SIGKILL)
            self.assertEqual(processes_of_session(gateway.process.pid), [])
        finally:
            gateway.destroy()

    def test_one_protocol_may_be_left_out(self):
        gateway = Gateway()
        config = json.loads(gateway.config())
        del config["receivers"]["otlp"]["protocols"]["http"]
        gateway.config = lambda: json.dumps(config)
        with gateway:
            self.assertTrue(gateway.ready["grpc"])
            self.assertFalse(gateway.ready.get("http"))


if __name__ == "__main__":
    suite.main()
