# SPDX-License-Identifier: Apache-2.0
"""What people see on the console, and what becomes of the gateway when nobody looks."""
import glob
import json
import os
import re
import signal
import unittest

import grpc_client
import suite
import telemetry
from gateway import FIXTURES, Gateway, wait_for

ESCAPE = "\x1b["


def fixture(name):
    with open(os.path.join(FIXTURES, name), "rb") as file:
        return file.read()


class Pretty(unittest.TestCase):
    def shown(self, signal_name, name, lines, env=None, options=None):
        """The lines that a fixture becomes, on a pipe."""
        with Gateway(exporters={"debug": options or {}}, env={"TZ": "UTC", **(env or {})}) as gateway:
            grpc_client.export(gateway.grpc, signal_name, fixture(name))
            return gateway.stdout.wait_count(lines)

    def test_the_events_of_claude_code(self):
        data = fixture("claude-code.tool.logs.grpc.001.bin")
        count = telemetry.oracle.records("logs", telemetry.oracle.decode("logs", data))
        lines = self.shown("logs", "claude-code.tool.logs.grpc.001.bin", count)
        self.assertEqual(len(lines), count)
        self.assertTrue(all(re.match(r"^\d\d:\d\d:\d\d\.\d{3}  ", line) for line in lines), lines)
        request = next(line for line in lines if "api_request" in line)
        self.assertRegex(request, r"claude-\S+ .*in \d+ .*out \d+ .*\$\d+\.\d+ .*\d+m?s\b")
        result = next(line for line in lines if "tool_result" in line)
        self.assertRegex(result, r"Bash .*(ok|failed) .*\d+m?s\b")
        decision = next(line for line in lines if "tool_decision" in line)
        self.assertRegex(decision, r"Bash .*(accept|reject)")
        session = self.session_of(data)
        self.assertTrue(all(session[:8] in line for line in lines), lines)
        self.assertTrue(all(session not in line for line in lines), "the whole session id is too long for a line")

    @staticmethod
    def session_of(data):
        record = telemetry.oracle.decode("logs", data).resource_logs[0].scope_logs[0].log_records[0]
        return next(item.value.string_value for item in record.attributes if item.key == "session.id")

    def test_the_metrics_of_claude_code(self):
        data = fixture("claude-code.tool.metrics.grpc.001.bin")
        count = telemetry.oracle.records("metrics", telemetry.oracle.decode("metrics", data))
        lines = self.shown("metrics", "claude-code.tool.metrics.grpc.001.bin", count)
        self.assertEqual(len(lines), count)
        self.assertTrue(any("cost.usage" in line and "$" in line for line in lines), lines)
        self.assertTrue(any("token.usage" in line and "input" in line for line in lines), lines)

    def test_the_spans_of_claude_code(self):
        lines = self.shown("traces", "claude-code.tool.traces.grpc.001.bin", 3)
        self.assertTrue(any("llm_request" in line for line in lines), lines)
        self.assertTrue(any("tool" in line and "Bash" in line for line in lines), lines)

    def test_every_capture_can_be_shown(self):
        with Gateway(exporters={"debug": {}}) as gateway, grpc_client.channel(gateway.grpc) as channel:
            for path in sorted(glob.glob(os.path.join(FIXTURES, "*.grpc*.bin"))):
                if path.endswith(".grpcframe.bin"):
                    continue
                signal_name = next(name for name in telemetry.TOP_KEY if f".{name}." in path)
                before = len(gateway.stdout.all())
                grpc_client.call(channel, signal_name, fixture(path))
                records = telemetry.oracle.records(signal_name, telemetry.oracle.decode(signal_name, fixture(path)))
                gateway.stdout.wait_count(before + records)  # all of it: what is late would be taken for the next one's
            self.assertNotIn("\x00", gateway.stdout.text())

    def test_a_pipe_gets_no_colour_unless_asked(self):
        name = "claude-code.hello.logs.grpc.001.bin"
        self.assertNotIn(ESCAPE, "\n".join(self.shown("logs", name, 2)))
        self.assertIn(ESCAPE, "\n".join(self.shown("logs", name, 2, options={"color": "always"})))
        self.assertIn(ESCAPE, "\n".join(self.shown("logs", name, 2, options={"color": "always"}, env={"NO_COLOR": "1"})))
        self.assertNotIn(ESCAPE, "\n".join(self.shown("logs", name, 2, options={"color": "never"})))

    def test_a_terminal_gets_colour_unless_no_color_is_set(self):
        name = "claude-code.hello.logs.grpc.001.bin"
        for env, coloured in (({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False)):
            with self.subTest(env):
                self.assertEqual(ESCAPE in self.on_terminal(name, env), coloured)

    def on_terminal(self, name, env):
        ours, theirs = os.openpty()
        with Gateway(exporters={"debug": {}}, env=env, stdout=theirs) as gateway:
            os.close(theirs)
            grpc_client.export(gateway.grpc, "logs", fixture(name))
            text = b""
            while text.count(b"\n") < 2:
                text += os.read(ours, 65536)
        os.close(ours)
        return text.decode()

    def test_bytes_of_a_peer_cannot_steer_the_terminal(self):
        with Gateway(exporters={"debug": {}}) as gateway:
            grpc_client.export(gateway.grpc, "logs", telemetry.logs(["\x1b[2J\x07\x00\r\nfake line\x7f\x9b"]))
            line = gateway.stdout.wait_count(1)[0]
            self.assertIn("fake line", line)
            self.assertFalse(re.search(r"[\x00-\x08\x0b-\x1f\x7f\x9b]", gateway.stdout.text()), repr(line))
            grpc_client.export(gateway.grpc, "logs", telemetry.logs(["next"]))
            self.assertEqual(len(gateway.stdout.wait_count(2)), 2)


class Json(unittest.TestCase):
    def test_every_line_is_one_batch_in_json(self):
        with Gateway() as gateway, grpc_client.channel(gateway.grpc) as channel:
            for turn in range(30):
                signal_name = ("logs", "metrics", "traces")[turn % 3]
                grpc_client.call(channel, signal_name, telemetry.REQUEST[signal_name]([f"{turn}\n\"x\"", "b"]))
            lines = gateway.stdout.wait_count(30)
            self.assertEqual(len(lines), 30)
            for line in lines:
                self.assertEqual(len(json.loads(line)), 1)
            self.assertEqual(len(telemetry.ids_of(lines)), 60)

    def test_two_consoles_and_a_choice_of_signals(self):
        with Gateway(exporters={"debug/logs": {"format": "json"}, "console/rest": {"format": "json"}, "nop": {}},
                     pipelines={"logs": ["debug/logs", "nop"], "metrics": ["console/rest"],
                                "traces": ["console/rest", "nop"]}) as gateway:
            for signal_name in telemetry.REQUEST:
                grpc_client.export(gateway.grpc, signal_name, telemetry.REQUEST[signal_name](["one"]))
            lines = gateway.stdout.wait_count(3)
            self.assertEqual(sorted(telemetry.signal_of(line) for line in lines), ["logs", "metrics", "traces"])
            wait_for(lambda: gateway.child("nop")["delivered"]["traces"] == 1, "the count of nop")
            self.assertEqual(gateway.child("nop")["delivered"], {"logs": 1, "metrics": 0, "traces": 1})


class NobodyLooks(unittest.TestCase):
    def test_a_closed_stdout_does_not_stop_the_gateway(self):
        read_end, write_end = os.pipe()
        with Gateway(exporters={"debug": {}, "nop": {}}, stdout=write_end) as gateway:
            os.close(write_end)
            os.close(read_end)
            grpc_client.export(gateway.grpc, "logs", telemetry.logs(["into-nothing"]))
            wait_for(lambda: gateway.child("debug")["state"] == "closed", "the console to be closed")
            restarts = gateway.child("debug")["restarts"]
            for turn in range(20):
                self.assertEqual(grpc_client.export(gateway.grpc, "logs", telemetry.logs([turn])), b"")
            wait_for(lambda: gateway.child("nop")["delivered"]["logs"] == 21, "the other exporter")
            self.assertEqual(gateway.health_answer()[0], 200)
            self.assertEqual(gateway.child("debug")["state"], "closed")
            self.assertEqual(gateway.child("debug")["restarts"], restarts)

    def test_a_reader_that_stops_costs_nobody_anything(self):
        """The pipe is full and stays full: telemetry is still taken, and the console is not taken for hung."""
        read_end, write_end = os.pipe()
        with Gateway(exporters={"debug": {"format": "json"}, "nop": {}}, stdout=write_end, hang_after="5s") as gateway:
            os.close(write_end)
            pid = gateway.child("debug")["pid"]
            with grpc_client.channel(gateway.grpc) as channel:
                for turn in range(24):
                    grpc_client.call(channel, "logs", telemetry.logs([turn], padding=1 << 20))
            wait_for(lambda: gateway.child("nop")["delivered"]["logs"] == 24, "the other exporter")
            heard = gateway.child("debug")["lastHeartbeat"]
            for _ in range(7):  # longer than hang_after
                wait_for(lambda: gateway.child("debug")["lastHeartbeat"] > heard, "another heartbeat")
                heard = gateway.child("debug")["lastHeartbeat"]
            self.assertEqual(gateway.child("debug")["pid"], pid)
            with open(read_end, encoding="utf-8") as reader:
                lines = [reader.readline() for _ in range(24)]
            self.assertEqual([int(name) for name in telemetry.ids_of(lines)], list(range(24)))

    def test_a_console_that_is_killed_goes_on_where_it_was(self):
        with Gateway() as gateway:
            for turn in range(10):
                grpc_client.export(gateway.grpc, "logs", telemetry.logs([f"a{turn}"]))
            gateway.wait_json(10)
            pid = gateway.kill_child("debug", signal.SIGSTOP)
            for turn in range(10):
                grpc_client.export(gateway.grpc, "logs", telemetry.logs([f"b{turn}"]))
            os.kill(pid, signal.SIGKILL)
            gateway.wait_replaced("debug", pid)
            wanted = {f"{letter}{turn}" for letter in "ab" for turn in range(10)}
            gateway.stdout.wait(lambda lines: wanted <= set(telemetry.ids_of(lines)), "all records")
            self.assertEqual(set(telemetry.ids_of(gateway.json_lines())), wanted)


if __name__ == "__main__":
    suite.main()
