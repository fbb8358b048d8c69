# SPDX-License-Identifier: Apache-2.0
"""The family of processes: children that die or hang are replaced, and the whole ends as it should."""
import os
import signal
import socket
import threading
import unittest

import grpc_client
import suite
import telemetry
from gateway import Gateway, peer_ports_of, process_alive, wait_for
from http_client import Connection, request
from worker_host import GOAWAY, H2, PING, frame

LONG = "10m"  # what is seen in a test's time did not wait for this


class Replacement(unittest.TestCase):
    def takes_telemetry(self, gateway, name):
        self.assertEqual(grpc_client.export(gateway.grpc, "logs", telemetry.logs([name])), b"")
        gateway.stdout.wait(lambda lines: any(f'"{name}"' in line for line in lines), name)

    def test_a_killed_child_is_replaced_at_once_and_counted(self):
        with Gateway(exporters={"debug": {"format": "json"}, "nop": {}}, hang_after=LONG) as gateway:
            before = gateway.children()
            for name in before:
                with self.subTest(name):
                    pid = gateway.kill_child(name)
                    entry = gateway.wait_replaced(name, pid)
                    self.assertEqual(entry["restarts"], 1)
                    self.assertIn("9", entry["lastError"])  # the signal
                    self.takes_telemetry(gateway, "after-" + name)
            others = gateway.children()
            self.assertEqual(sorted(others), sorted(before))
            self.assertTrue(all(child["restarts"] == 1 for child in others.values()), others)

    def test_a_child_that_is_killed_again_and_again_comes_back(self):
        with Gateway() as gateway:
            for turn in range(1, 5):
                pid = gateway.kill_child("router")
                self.assertEqual(gateway.wait_replaced("router", pid)["restarts"], turn)
            self.takes_telemetry(gateway, "after-all")

    def test_a_hung_child_is_replaced(self):
        with Gateway(hang_after="3s") as gateway:
            for name in gateway.children():
                with self.subTest(name):
                    pid = gateway.kill_child(name, signal.SIGSTOP)
                    gateway.wait_replaced(name, pid)
                    wait_for(lambda pid=pid: not process_alive(pid), "the hung process to end")
                    self.takes_telemetry(gateway, "after-hung-" + name)

    def test_a_workers_death_leaves_the_connections_of_the_others_alone(self):
        with Gateway(workers=2) as gateway:
            connections = [Connection(gateway.http) for _ in range(40)]
            try:
                for connection in connections:
                    self.post(connection, 200)
                workers = gateway.children("worker")
                owned = {name: peer_ports_of(child["pid"]) for name, child in workers.items()}
                of = {name: [c for c in connections if c.socket.getsockname()[1] in owned[name]] for name in owned}
                self.assertEqual(sum(map(len, of.values())), 40)
                victim = max(of, key=lambda name: len(of[name]))
                others = [c for name in of if name != victim for c in of[name]]
                pid = gateway.kill_child(victim)
                gateway.wait_replaced(victim, pid)
                for connection in others:
                    self.post(connection, 200)
                for connection in of[victim]:
                    self.assertEqual(connection.read_end(), b"")
            finally:
                for connection in connections:
                    connection.close()

    def post(self, connection, status):
        connection.send(request("/v1/logs", telemetry.logs(["x"])))
        self.assertEqual(connection.read_answer().status, status)

    def test_requests_wait_for_a_router_that_restarts(self):
        """Killed, not yet replaced, or replaced: nobody outside sees it."""
        with Gateway() as gateway, grpc_client.channel(gateway.grpc) as channel, \
                Connection(gateway.http) as connection:
            for turn in range(3):
                pid = gateway.kill_child("router")
                call = grpc_client.future(channel, "logs", telemetry.logs([f"grpc-{turn}"]))
                connection.send(request("/v1/logs", telemetry.logs([f"http-{turn}"])))
                self.assertEqual(connection.read_answer().status, 200)
                self.assertEqual(call.result(), b"")
                gateway.wait_replaced("router", pid)
            wanted = sorted(f"{kind}-{turn}" for kind in ("grpc", "http") for turn in range(3))
            gateway.stdout.wait(lambda lines: len(set(telemetry.ids_of(lines))) >= 6, "six records")  # some come twice
            self.assertEqual(sorted(set(telemetry.ids_of(gateway.json_lines()))), wanted)

    def test_without_a_router_http_is_told_to_come_back_soon(self):
        with Gateway(hang_after="300s") as gateway, Connection(gateway.http) as connection:
            pid = gateway.kill_child("router", signal.SIGSTOP)
            try:
                connection.send(request("/v1/logs", telemetry.logs(["held"])))
                answer = connection.read_answer()
            finally:
                os.kill(pid, signal.SIGCONT)
            self.assertEqual(answer.status, 503)
            self.assertIn(answer.headers["retry-after"], ("1", "2", "3"))
            self.assertEqual(telemetry.status_of_answer(answer).code, 14)


class End(unittest.TestCase):
    def half_a_request(self, gateway):
        """A connection with a request that has begun, and the rest of it."""
        connection = Connection(gateway.http)
        sent = request("/v1/logs", telemetry.logs(["in-flight"]))
        connection.send(sent[:-20])
        worker_has_it = lambda: any(connection.socket.getsockname()[1] in peer_ports_of(child["pid"])
                                    for child in gateway.children("worker").values())
        wait_for(worker_has_it, "the connection to be accepted")
        return connection, sent[-20:]

    def closed(self, gateway):
        """True once the port takes no connection any more, or none that is served."""
        try:
            with socket.create_connection(gateway.http, 1):
                return False
        except OSError:
            return True

    def test_sigterm_finishes_what_is_in_flight(self):
        with Gateway() as gateway:
            grpc_client.export(gateway.grpc, "logs", telemetry.logs(["before"]))
            connection, rest = self.half_a_request(gateway)
            with connection:
                gateway.process.send_signal(signal.SIGTERM)
                wait_for(lambda: gateway.health_answer()[0] == 503, "the gateway to say that it ends")
                connection.send(rest)
                answer = connection.read_answer()
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.headers.get("connection"), "close")
                self.assertEqual(connection.read_end(), b"")
            gateway.wait_end()
            gateway.check_end(code=0)
            self.assertEqual(sorted(telemetry.ids_of(gateway.json_lines())), ["before", "in-flight"])

    def test_sigterm_finishes_a_grpc_call_that_waits_for_the_router(self):
        with Gateway(hang_after="300s") as gateway, grpc_client.channel(gateway.grpc) as channel:
            grpc_client.call(channel, "logs", telemetry.logs(["first"]))
            gateway.wait_json(1)
            pid = gateway.kill_child("router", signal.SIGSTOP)
            try:
                call = grpc_client.future(channel, "logs", telemetry.logs(["held"]))
                wait_for(lambda: any(child["numbers"].get("batches_open")
                                     for child in gateway.children("worker").values()), "a worker to have it")
                gateway.process.send_signal(signal.SIGTERM)
                wait_for(lambda: gateway.health_answer()[0] == 503, "the gateway to say that it ends")
            finally:
                os.kill(pid, signal.SIGCONT)
            self.assertEqual(call.result(), b"")
            gateway.wait_end()
            gateway.check_end(code=0)
            self.assertIn("held", telemetry.ids_of(gateway.json_lines()))

    def test_everything_accepted_is_delivered_before_the_end(self):
        with Gateway() as gateway:
            with grpc_client.channel(gateway.grpc) as channel:
                calls = [grpc_client.future(channel, "logs", telemetry.logs([f"r{n}"])) for n in range(2000)]
                for call in calls:
                    call.result()
            gateway.stop()
            self.assertEqual(len(telemetry.ids_of(gateway.json_lines())), 2000)

    def drains_when_the_whole_group_is_told(self, number):
        with Gateway() as gateway:
            grpc_client.export(gateway.grpc, "logs", telemetry.logs(["c"]))
            connection, rest = self.half_a_request(gateway)
            with connection:
                os.killpg(gateway.process.pid, number)
                connection.send(rest)
                self.assertEqual(connection.read_answer().status, 200)
            gateway.wait_end()
            gateway.check_end(code=0)
            self.assertEqual(sorted(telemetry.ids_of(gateway.json_lines())), ["c", "in-flight"])

    def test_ctrl_c_drains_too(self):
        """A terminal sends SIGINT to the whole group, children included."""
        self.drains_when_the_whole_group_is_told(signal.SIGINT)

    def test_a_sigterm_to_all_of_us_keeps_the_order_of_ending(self):
        """timeout(1) and systemd send SIGTERM to the children as well."""
        self.drains_when_the_whole_group_is_told(signal.SIGTERM)

    def test_a_second_sigterm_ends_at_once(self):
        with Gateway(masques={"shutdown": {"grace": LONG}}) as gateway:
            connection, _ = self.half_a_request(gateway)
            with connection:
                gateway.process.send_signal(signal.SIGTERM)
                wait_for(lambda: gateway.health_answer()[0] == 503, "the gateway to say that it ends")
                self.assertIsNone(gateway.process.poll())
                gateway.process.send_signal(signal.SIGTERM)
                gateway.wait_end()
            gateway.check_end(code=1)

    def test_the_grace_period_has_an_end(self):
        with Gateway(masques={"shutdown": {"grace": "1s"}}) as gateway:
            connection, _ = self.half_a_request(gateway)
            with connection:
                gateway.process.send_signal(signal.SIGTERM)
                gateway.wait_end()
            gateway.check_end(code=0)

    def test_an_http2_connection_ends_with_goaway(self):
        """First that streams are coming to an end, then the last one that is served; no error in either."""
        with Gateway() as gateway, H2(gateway.grpc) as client:
            client.send(frame(PING, 0, 0, bytes(8)))
            client.until(lambda kind, *_: kind == PING)
            gateway.process.send_signal(signal.SIGTERM)
            goodbyes = [payload for kind, _, _, payload in client.rest() if kind == GOAWAY]
            self.assertGreaterEqual(len(goodbyes), 1)
            self.assertTrue(all(payload[4:8] == bytes(4) for payload in goodbyes), goodbyes)
            gateway.wait_end()
            gateway.check_end(code=0)

    def test_grpc_clients_are_told_to_go_elsewhere(self):
        """GOAWAY: calls in flight succeed, and a client with a channel open does not hold up the end."""
        with Gateway() as gateway, grpc_client.channel(gateway.grpc) as channel:
            failures = []
            stop = threading.Event()

            def client():
                number = 0
                while not stop.is_set():
                    number += 1
                    try:
                        grpc_client.call(channel, "logs", telemetry.logs([f"g{number}"]))
                        acknowledged.append(f"g{number}")
                    except Exception as error:  # the gateway is gone: the port is closed
                        failures.append(str(error))
                        return

            acknowledged = []
            thread = threading.Thread(target=client)
            thread.start()
            wait_for(lambda: len(acknowledged) > 50, "calls")
            gateway.process.send_signal(signal.SIGTERM)
            gateway.wait_end()
            stop.set()
            thread.join()
            gateway.check_end(code=0)
            self.assertTrue(all("UNAVAILABLE" in failure for failure in failures), failures)
            self.assertLessEqual(set(acknowledged), set(telemetry.ids_of(gateway.json_lines())))


if __name__ == "__main__":
    suite.main()
