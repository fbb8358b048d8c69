# SPDX-License-Identifier: Apache-2.0
"""The health endpoint: what the collector's health_check says, and what became of the children."""
import os
import re
import signal
import unittest

import grpc_client
import http_client
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
            self.assertEqual(list(answer), ["status", "upSince", "uptime", "children", "sources", "eventSequenceGaps",
                                             "configuration"])
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


def post_events(connection, session, numbers):
    connection.send(http_client.request("/v1/logs", telemetry.events(session, numbers)))
    answer = connection.read_answer()
    if answer.status != 200:
        raise AssertionError(answer)


def source(gateway, service, signal_name):
    """The entry of `sources`; an empty one while there is none."""
    found = [entry for entry in gateway.health()["sources"]
             if (entry["service"], entry["signal"]) == (service, signal_name)]
    return found[0] if found else {"records": 0, "lostBeforeUs": 0, "sessions": 0}


class WhoWasHeard(unittest.TestCase):
    """Batches of one session come over many connections, and so through both workers, in no order."""

    SLACK = 2048  # a gap counts once the session has gone on for so long

    def test_events_that_never_came_are_told_and_taken_back(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            batches = [range(at, at + 100) for at in range(0, self.SLACK + 1000, 100)]
            lost = [batches.pop(3), batches.pop(5)]
            batches[0], batches[2] = batches[2], batches[0]
            connections = [http_client.Connection(gateway.http) for _ in range(8)]
            for at, batch in enumerate(batches):
                post_events(connections[at % 8], "first", batch)
                post_events(connections[(at + 1) % 8], "second", batch)
            post_events(connections[0], "first", batches[4])  # a client that sends a batch twice
            records = sum(len(batch) for batch in batches) * 2 + 100
            wait_for(lambda: source(gateway, "claude-code", "logs")["records"] == records, "all that was sent")
            entry = source(gateway, "claude-code", "logs")
            self.assertEqual(entry["lostBeforeUs"], 400)  # 200 of each session
            self.assertEqual(entry["sessions"], 2)
            self.assertRegex(entry["lastReceived"], RFC3339_NANO)
            self.assertEqual(gateway.health()["eventSequenceGaps"], 400)
            workers = gateway.children("worker").values()
            self.assertTrue(all(sum(worker["accepted"].values()) for worker in workers), workers)
            post_events(connections[1], "first", lost[0])
            wait_for(lambda: source(gateway, "claude-code", "logs")["lostBeforeUs"] == 300, "what came after all")
            # A session that is resumed begins at 0 again.
            post_events(connections[2], "first", range(0, 50))
            post_events(connections[3], "first", range(50, 60))
            wait_for(lambda: source(gateway, "claude-code", "logs")["records"] == records + 160, "the resumed session")
            self.assertEqual(source(gateway, "claude-code", "logs")["lostBeforeUs"], 300)
            for connection in connections:
                connection.close()
            # The router forgets; the master does not.
            gateway.wait_replaced("router", gateway.kill_child("router"))
            with http_client.Connection(gateway.http) as connection:
                post_events(connection, "third", range(7, 9))
            wait_for(lambda: source(gateway, "claude-code", "logs")["records"] == records + 162, "the records after that")
            entry = source(gateway, "claude-code", "logs")
            self.assertEqual((entry["lostBeforeUs"], entry["sessions"]), (300, 1))
            self.assertEqual(gateway.health()["eventSequenceGaps"], 300)

    def test_the_latest_comes_first(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            for service in ("one", "two", "one"):
                grpc_client.export(gateway.grpc, "traces", telemetry.traces(range(3), service=service))
            wait_for(lambda: source(gateway, "one", "traces")["records"] == 6, "six spans")
            self.assertEqual([entry["service"] for entry in gateway.health()["sources"]], ["one", "two"])


class Queues(unittest.TestCase):
    def test_an_exporter_has_a_queue_a_signal(self):
        with Gateway(exporters={"nop": {}, "debug": {"format": "json"}}, pipelines={
                "logs": ["nop", "debug"], "traces": ["debug"], "metrics": ["nop"]}, hang_after="300s") as gateway:
            pid = gateway.kill_child("nop", signal.SIGSTOP)
            try:
                grpc_client.export(gateway.grpc, "logs", telemetry.logs(range(6)))
                wait_for(lambda: gateway.child("nop")["queues"]["logs"]["records"] == 6, "what waits")
                wait_for(lambda: gateway.child("debug")["queues"]["logs"]["delivered"] == 6, "what is delivered")
                child = gateway.child("nop")
                self.assertEqual(set(child["queues"]), {"logs", "metrics"})
                self.assertGreater(child["queues"]["logs"]["bytes"], 0)
                self.assertEqual(child["queues"]["metrics"], {"records": 0, "bytes": 0, "oldestMs": 0, "delivered": 0,
                                                              "rejected": 0, "lost": 0, "losses": {}})
                self.assertEqual(child["owner"], "configured")
                self.assertEqual(set(gateway.child("debug")["queues"]), {"logs", "traces"})
                wait_for(lambda: gateway.child("nop")["queues"]["logs"]["oldestMs"] > 0, "the age of the oldest")
            finally:
                os.kill(pid, signal.SIGCONT)


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
