# SPDX-License-Identifier: Apache-2.0
"""The health endpoint: what the collector's health_check says, and what became of the children."""
import os
import random
import re
import signal
import unittest

import grpc_client
import http_client
import suite
import telemetry
from gateway import FIXTURES, Gateway, resident_kib, wait_for
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
                                             "sourcesForgotten", "store", "deadLetters", "configuration"])
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


def connections_to_both_workers(gateway, each=4):
    """Open connections, the first half of them held by one worker, the rest by the other: each is opened while the other
    worker stands still."""
    def stands_still(pid):
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rsplit(b")", 1)[1].split()[0] == b"T"
    found = []
    for still in ("worker/1", "worker/2"):
        pid = gateway.kill_child(still, signal.SIGSTOP)
        try:
            wait_for(lambda: stands_still(pid), f"{still} to stand still")
            for _ in range(each):
                found.append(http_client.Connection(gateway.http))
                post_events(found[-1], "nobody", [])
        finally:
            os.kill(pid, signal.SIGCONT)
    return found


class WhoWasHeard(unittest.TestCase):
    """Batches of one session come over many connections, and so through both workers, in no order."""

    SLACK = 2048  # a gap counts once the session has gone on for so long

    def test_events_that_never_came_are_told_and_taken_back(self):
        with Gateway(exporters={"nop": {}}, hang_after="300s") as gateway:
            batches = [range(at, at + 100) for at in range(0, self.SLACK + 1000, 100)]
            lost = [batches.pop(3), batches.pop(5)]
            batches[0], batches[2] = batches[2], batches[0]
            connections = connections_to_both_workers(gateway)
            for at, batch in enumerate(batches):
                post_events(connections[at * 5 % 8], "first", batch)
                post_events(connections[(at * 5 + 4) % 8], "second", batch)
            post_events(connections[0], "first", batches[4])  # a client that sends a batch twice
            records = sum(len(batch) for batch in batches) * 2 + 100
            wait_for(lambda: source(gateway, "claude-code", "logs")["records"] == records, "all that was sent")
            entry = source(gateway, "claude-code", "logs")
            self.assertEqual(entry["lostBeforeUs"], 400)  # 200 of each session
            self.assertEqual(entry["sessions"], 2)
            self.assertRegex(entry["lastReceived"], RFC3339_NANO)
            self.assertEqual(gateway.health()["eventSequenceGaps"], 400)
            wait_for(lambda: all(sum(worker["accepted"].values()) for worker in gateway.children("worker").values()),
                     "both workers to have had some of it")
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


    def test_a_hundred_thousand_names_cost_no_memory_and_are_counted(self):
        """A client that makes up service and session for every event: bounded, in the router and in the answer."""
        names, a_request = 100_000, 100
        with Gateway(exporters={"nop": {}}) as gateway:
            with http_client.Connection(gateway.http) as connection:
                def send(first):
                    connection.send(http_client.request("/v1/logs", b"".join(
                        telemetry.events(f"session {at}", [0], service=f"service {at}")
                        for at in range(first, first + a_request))))
                    self.assertEqual(connection.read_answer().status, 200)

                def wait_sent(count):
                    def counted():
                        answer = gateway.health()
                        told = sum(entry["records"] for entry in answer["sources"])
                        children = answer["children"][0]["numbers"]
                        return (children.get("seen_records") == count
                                and told + answer["sourcesForgotten"]["records"] <= count) and answer
                    return wait_for(counted, f"{count} records")
                for first in range(0, names // 10, a_request):
                    send(first)
                wait_sent(names // 10)
                router = gateway.child("router")["pid"]
                before = resident_kib(router)
                for first in range(names // 10, names, a_request):
                    send(first)
                answer = wait_sent(names)
                after = resident_kib(router)
            self.assertLessEqual(len(answer["sources"]), 64)
            self.assertGreater(answer["sourcesForgotten"]["services"], 10_000)
            self.assertGreater(answer["sourcesForgotten"]["sessions"], 10_000)
            self.assertGreater(answer["sourcesForgotten"]["records"], names - 512)
            self.assertLess(len(gateway.health_answer()[2]), 64 * 1024)
            self.assertEqual(answer["eventSequenceGaps"], 0)
            if os.environ.get("MASQUES_SANITIZED") != "1":  # which keeps freed memory for itself
                self.assertLess(after - before, 4096, "KiB that the router has grown by, with 90,000 more names")


class Captured(unittest.TestCase):
    """What Claude Code was seen to send, in sessions as long as it takes for a gap to count."""

    SLACK = 2048

    @classmethod
    def setUpClass(cls):
        cls.long, cls.short = (cls.capture(name) for name in ("tools3", "tool"))
        if [sum(1 for _ in cls.numbered(message)) for message in (cls.long, cls.short)] != [15, 11]:
            raise AssertionError("other captures than this test was written for")

    @staticmethod
    def capture(name):
        with open(os.path.join(FIXTURES, f"claude-code.{name}.logs.http-protobuf.001.bin"), "rb") as file:
            return telemetry.oracle.decode("logs", file.read())

    @staticmethod
    def numbered(message):
        """(session.id, event.sequence) of every record, as attribute values."""
        for resource in message.resource_logs:
            for scope in resource.scope_logs:
                for record in scope.log_records:
                    values = {attribute.key: attribute.value for attribute in record.attributes}
                    yield values["session.id"], values["event.sequence"]

    def send(self, connection, captured, session, at):
        """The captured batch as the at-th of a process in a session. Returns how many events it has."""
        message = type(captured)()
        message.CopyFrom(captured)
        records = list(self.numbered(message))
        for session_id, sequence in records:
            session_id.string_value = session
            sequence.int_value += at * len(records)
        connection.send(http_client.request("/v1/logs", message.SerializeToString()))
        self.assertEqual(connection.read_answer().status, 200)
        return len(records)

    def check(self, gateway, records, lost, sessions):
        wait_for(lambda: source(gateway, "claude-code", "logs")["records"] == records, f"{records} events")
        entry = source(gateway, "claude-code", "logs")
        self.assertEqual((entry["lostBeforeUs"], entry["sessions"]), (lost, sessions))
        self.assertEqual(gateway.health()["eventSequenceGaps"], lost)

    def test_batches_that_never_came_out_of_order_on_two_workers_and_sessions_that_are_resumed(self):
        never = {7, 8, 15}
        last = self.SLACK // 15 + 20
        chance = random.Random(4)
        order = sorted((at for at in range(1, last) if at not in never), key=lambda at: at + chance.uniform(0, 4))
        with Gateway(exporters={"nop": {}}, hang_after="300s") as gateway:
            connections = connections_to_both_workers(gateway)
            sent = self.send(connections[0], self.long, "a", 0)
            for place, at in enumerate(order):  # overtaking each other, as requests on several connections do
                sent += self.send(connections[place * 5 % 8], self.long, "a", at)
            self.check(gateway, sent, 3 * 15, 1)
            wait_for(lambda: all(sum(worker["accepted"].values()) for worker in gateway.children("worker").values()),
                     "both workers to have had some of it")
            # Resumed: another process under the same session, with numbers from 0. Nothing of it is lost, and it
            # does not fill the gaps of the first one.
            for at in range(30):
                sent += self.send(connections[at * 5 % 8], self.short, "a", at)
            self.check(gateway, sent, 3 * 15, 1)
            # A short process, and one that resumes it and loses a batch.
            for at in range(2):
                sent += self.send(connections[at * 5 % 8], self.long, "b", at)
            for at in range(self.SLACK // 11 + 20):
                if at != 10:
                    sent += self.send(connections[at * 5 % 8], self.short, "b", at)
            self.check(gateway, sent, 3 * 15 + 11, 2)
            for connection in connections:
                connection.close()

    def test_the_captured_requests_themselves_have_no_gap(self):
        names = ("tools3", "tool", "hello")
        with Gateway(exporters={"nop": {}}) as gateway:
            for name in names:
                body = self.capture(name).SerializeToString()
                self.assertEqual(http_client.post(gateway.http, "/v1/logs", body).status, 200)
            self.check(gateway, 15 + 11 + 7, 0, len(names))


class Configuration(unittest.TestCase):
    def test_what_became_of_the_last_reload_is_told(self):
        with Gateway(exporters={"nop": {}}) as gateway:
            self.assertEqual(gateway.health()["configuration"], {"reloaded": None, "error": ""})
            pids = {name: child["pid"] for name, child in gateway.children().items()}

            def reload_with(text, what):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                gateway.process.send_signal(signal.SIGHUP)
                return wait_for(lambda: what(gateway.health()["configuration"]) and gateway.health()["configuration"],
                                "the end of the reload")
            path = gateway.write_config()
            good = gateway.config()
            refused = reload_with(good.replace('"nop"', '"nap"'), lambda told: told["error"])
            self.assertIn("nap", refused["error"])
            self.assertIn("config.yaml:", refused["error"])
            self.assertRegex(refused["reloaded"], RFC3339_NANO)
            self.assertEqual(gateway.health_answer()[0], 200)
            self.assertEqual({name: child["pid"] for name, child in gateway.children().items()}, pids)
            taken = reload_with(good, lambda told: told["error"] == "")
            self.assertNotEqual(taken["reloaded"], refused["reloaded"])


class FullStore(unittest.TestCase):
    def test_a_full_store_says_so_and_is_ok_again(self):
        with Gateway(exporters={"nop": {}}, hang_after="300s", masques={"store": {"max_bytes": "160MiB"}}) as gateway:
            self.assertEqual(gateway.health()["store"]["state"], "ok")
            pid = gateway.kill_child("nop", signal.SIGSTOP)
            body = telemetry.logs(range(8), padding=1 << 20)
            try:
                with http_client.Connection(gateway.http) as connection:
                    for _ in range(256):  # one that is slow may be refused before the store is full
                        connection.send(http_client.request("/v1/logs", body))
                        answer = connection.read_answer()
                        if answer.status == 503 and gateway.health()["store"]["state"] == "full":
                            break
                self.assertEqual(answer.status, 503)
                wait_for(lambda: gateway.health()["store"]["state"] == "full", "the store to be full")
                self.assertEqual(gateway.health_answer()[0], 503)
                store = gateway.health()["store"]
                self.assertNotEqual(store["error"], "")
                self.assertGreater(store["bytes"], store["maxBytes"] // 2)
            finally:
                os.kill(pid, signal.SIGCONT)
            wait_for(lambda: gateway.health()["store"]["state"] == "ok", "the store to have room again")
            self.assertEqual(gateway.health()["store"]["error"], "")
            wait_for(lambda: gateway.health_answer()[0] == 200, "200")


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
        with Gateway(hang_after="300s") as gateway:
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
        with Gateway(exporters={"debug": {"format": "json"}, "nop": {}}, hang_after="300s") as gateway:
            pid = gateway.kill_child("nop", signal.SIGSTOP)
            try:
                wait_for(lambda: gateway.child("nop").get("state") != "running"
                         or gateway.child("nop").get("lastHeartbeat", 0), "the exporter to look bad")
                grpc_client.export(gateway.grpc, "logs", telemetry.logs(["a"]))
                self.assertEqual(gateway.health_answer()[0], 200)
            finally:
                os.kill(pid, signal.SIGCONT)


if __name__ == "__main__":
    suite.main()
