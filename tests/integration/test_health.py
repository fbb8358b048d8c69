# SPDX-License-Identifier: Apache-2.0
"""The health endpoint: what the collector's health_check says, and what became of the children."""
import os
import re
import signal
import unittest

import grpc_client
import suite
import telemetry
from gateway import Gateway, wait_for
from http_client import Connection

RFC3339_NANO = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$")
GO_DURATION = re.compile(r"^(\d+h)?(\d+m)?\d+(\.\d+)?(ns|µs|ms|s)$")


class Health(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(exporters={"debug": {"format": "json"}, "nop/fast": {}}).start()

    @classmethod
    def tearDownClass(cls):
        try:
            cls.gateway.stop()
        finally:
            cls.gateway.destroy()

    def test_the_answer_has_the_collectors_keys_and_children(self):
        for path in ("/", "/health"):
            status, headers, _ = self.gateway.health_answer(path=path)
            self.assertEqual(status, 200)
            self.assertEqual(headers["Content-Type"], "application/json")
            answer = self.gateway.health()
            self.assertEqual(list(answer), ["status", "upSince", "uptime", "children"])
            self.assertEqual(answer["status"], "Server available")
            self.assertRegex(answer["upSince"], RFC3339_NANO)
            self.assertRegex(answer["uptime"], GO_DURATION)

    def test_every_process_is_a_child_with_what_became_of_its_records(self):
        grpc_client.export(self.gateway.grpc, "logs", telemetry.logs(range(7)))
        self.gateway.wait_json(1)
        children = self.gateway.children()
        self.assertEqual(sorted(children), ["debug", "nop/fast", "router", "worker/1", "worker/2"])
        for name, child in children.items():
            with self.subTest(name):
                for key in ("name", "kind", "pid", "state", "restarts"):
                    self.assertIn(key, child)
                self.assertTrue(os.path.exists("/proc/%d" % child["pid"]))
                self.assertEqual(child["restarts"], 0)
        # States and counters come with the next beat, a second apart.
        wait_for(lambda: all(child["state"] == "running" for child in self.gateway.children().values()),
                 "all children to say that they run")
        wait_for(lambda: self._total("worker", "accepted") >= 7, "the accepted records of the workers")
        wait_for(lambda: self._delivered("debug") >= 7 and self._delivered("nop/fast") >= 7,
                 "the delivered records of the exporters")

    def _total(self, kind, what):
        return sum(sum(child.get(what, {}).values()) for child in self.gateway.children(kind).values())

    def _delivered(self, name):
        return sum(self.gateway.child(name).get("delivered", {}).values())

    def test_head_is_the_answer_without_its_body(self):
        with Connection(self.gateway.health_address) as connection:
            connection.send(b"HEAD / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            answer = connection.read_end()
            head, body = answer.split(b"\r\n\r\n", 1)
            self.assertTrue(head.startswith(b"HTTP/1.1 200 "), head)
            self.assertEqual(body, b"")

    def test_elsewhere_is_404_and_other_methods_are_405(self):
        self.assertEqual(self.gateway.health_answer(path="/nowhere")[0], 404)
        status, headers, _ = self.gateway.health_answer(method="POST")
        self.assertEqual(status, 405)
        self.assertEqual({word.strip() for word in headers["Allow"].split(",")}, {"GET", "HEAD"})

    def test_several_questions_on_one_connection(self):
        with Connection(self.gateway.health_address) as connection:
            for _ in range(3):
                connection.send(b"GET /health HTTP/1.1\r\nHost: test\r\n\r\n")
                self.assertEqual(connection.read_answer().status, 200)

    def test_what_is_no_http_does_no_harm(self):
        for garbage in (b"\x16\x03\x01\x00\xa5", b"GET /\r\n\r\n", b"\0" * 100, b"A" * 20000):
            with Connection(self.gateway.health_address) as connection:
                try:
                    connection.send(garbage)
                    connection.socket.shutdown(1)
                    connection.read_end()
                except OSError:
                    pass  # a reset is an answer, too
        self.assertEqual(self.gateway.health_answer()[0], 200)


class HealthWithoutRouter(unittest.TestCase):
    def test_503_while_the_router_stands_still_and_200_after(self):
        with Gateway(hang_after="60s") as gateway:
            pid = gateway.kill_child("router", signal.SIGSTOP)
            try:
                wait_for(lambda: gateway.health_answer()[0] == 503, "503")
                answer = gateway.health()
                self.assertEqual(answer["status"], "Server not available")
                self.assertEqual(answer["upSince"], "0001-01-01T00:00:00Z")
                self.assertEqual(answer["uptime"], "")
                self.assertIn("children", answer)
            finally:
                os.kill(pid, signal.SIGCONT)
            wait_for(lambda: gateway.health_answer()[0] == 200, "200")
            self.assertEqual(gateway.child("router")["pid"], pid)

    def test_an_exporter_in_trouble_is_no_503(self):
        with Gateway(exporters={"debug": {"format": "json"}, "nop": {}}, hang_after="60s") as gateway:
            pid = gateway.kill_child("nop", signal.SIGSTOP)
            try:
                wait_for(lambda: gateway.child("nop").get("state") != "running"
                         or gateway.child("nop").get("lastHeartbeat", 0), "the exporter to look bad", deadline=30)
                grpc_client.export(gateway.grpc, "logs", telemetry.logs(["a"]))
                self.assertEqual(gateway.health_answer()[0], 200)
            finally:
                os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    suite.main()
