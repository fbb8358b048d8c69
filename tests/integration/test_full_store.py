# SPDX-License-Identifier: Apache-2.0
"""A full store. An exporter that takes nothing loses its own oldest and stops nobody, as long as another one is current;
when none is, clients are told to come again, and do so with success as soon as one takes its data. What became of every
record is counted under the exporter's name. The exporters are sinks in the place of `file/…`."""
import unittest

import exposition
import grpc
import grpc_client
import http_client
import suite
import telemetry
from gateway import Gateway, wait_for
from sink import StandIn

STORE = {"max_bytes": "16MiB", "segment_bytes": "1MiB"}
MANY = 96  # requests: three stores of this size
FILLING = 128  # requests: more than any store of this size takes
RECORDS, PADDING = 16, 32 << 10  # half a MiB a request
STEP = 8  # requests between looks at an exporter that shall stay current: half of its share
SHORT = {"initial_interval": "10ms", "max_interval": "50ms"}


class FullStore(unittest.TestCase):
    def gateway(self, *names, **queue):
        """With a sink for each name that answers RETRY until it is told otherwise."""
        gateway = Gateway(exporters={}, masques={"store": STORE}, workers=1)
        self.addCleanup(gateway.destroy)
        self.sinks = [StandIn(gateway, f"file/{name}", retry_on_failure=SHORT, sending_queue=queue) for name in names]
        for sink in self.sinks:
            sink.begin("retry")
        self.stored = []
        self.sent = 0
        return gateway

    def post(self, gateway):
        """The answer to another request; its ids are noted when it is OK."""
        ids = [f"r{self.sent}-{record}" for record in range(RECORDS)]
        self.sent += 1
        answer = http_client.post(gateway.http, "/v1/logs", telemetry.logs(ids, padding=PADDING))
        if answer.status == 200:
            self.stored += ids
        return answer

    def fill(self, gateway):
        """Until a request is refused; returns that answer."""
        for _ in range(FILLING):
            answer = self.post(gateway)
            if answer.status != 200:
                return answer
        self.fail("the store takes everything")

    def post_at_the_pace_of(self, gateway, sink, requests):
        """Not one of them may be refused."""
        for number in range(requests):
            answer = self.post(gateway)
            self.assertEqual(answer.status, 200, answer)
            if number % STEP == STEP - 1:
                self.wait_taken(sink, self.stored)

    def wait_taken(self, sink, ids):
        """All of them are in the sink, nothing else is, and nothing is twice."""
        wait_for(lambda: len(sink.counts()) >= len(ids), f"{len(ids)} records in {sink.name}")
        self.assertEqual(sink.counts(), {name: 1 for name in ids})

    def settled(self, gateway, sink, lost, delivered):
        """Waits until health has all that was stored as lost or delivered; checks the sums, there and in the metrics."""
        child = wait_for(lambda: (c := gateway.child(sink.name))["delivered"]["logs"] >= delivered and
                         c["queue"]["records"] == 0 and c, f"{sink.name} to be done")
        queue = child["queues"]["logs"]
        self.assertEqual((queue["delivered"], queue["lost"], queue["rejected"]), (delivered, lost, 0))
        self.assertEqual(queue["losses"], {"share": lost} if lost else {})
        families = exposition.parse(gateway.health_answer(path="/metrics")[2])
        self.assertEqual(exposition.value(families, "otelcol_exporter_enqueue_failed_log_records", exporter=sink.name), lost)
        if lost:
            self.assertEqual(exposition.value(families, "masques_exporter_lost_records_total", exporter=sink.name,
                                              signal="logs", reason="share"), lost)

    def lost(self, gateway, sink):
        """Waits until every record that was stored is either lost or waits; returns how many are lost."""
        def counted():
            child = gateway.child(sink.name)
            return child["lost"]["logs"] + child["queue"]["records"] == len(self.stored) and child
        child = wait_for(counted, "all records to be counted")
        self.assertEqual(child["delivered"]["logs"], 0)
        return child["lost"]["logs"]

    def test_a_dead_exporter_loses_its_oldest_and_a_current_one_gets_everything(self):
        with self.gateway("dead", "current") as gateway:
            dead, current = self.sinks
            current.end("retry")
            self.post_at_the_pace_of(gateway, current, MANY)
            self.assertEqual(gateway.health_answer()[0], 200)
            lost = self.lost(gateway, dead)
            print(f"{lost} of {len(self.stored)} records are lost")
            self.assertGreater(lost, len(self.stored) // 2)
            self.settled(gateway, current, 0, len(self.stored))
            dead.end("retry")
            self.wait_taken(dead, self.stored[lost:])
            self.settled(gateway, dead, lost, len(self.stored) - lost)

    def refused(self, gateway, answer):
        """503 with Retry-After, and UNAVAILABLE with RetryInfo."""
        self.assertEqual(answer.status, 503, answer)
        self.assertIn(answer.headers["retry-after"], ("1", "2", "3"))
        self.assertIn("store is full", telemetry.status_of_answer(answer).message)
        with self.assertRaises(grpc.RpcError) as caught:
            grpc_client.export(gateway.grpc, "logs", telemetry.logs(range(RECORDS), padding=PADDING))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNAVAILABLE)
        status = telemetry.status_of_error(caught.exception)
        self.assertIn("store is full", status.message)
        self.assertTrue(1 <= status.retry_after_s <= 3, status.retry_after_s)

    def wait_accepted(self, gateway):
        wait_for(lambda: self.post(gateway).status == 200, "a request to be taken again")
        wait_for(lambda: gateway.health_answer()[0] == 200, "health to say so")

    def test_when_nobody_is_current_clients_come_again_until_one_is(self):
        with self.gateway("first", "second") as gateway:
            first, second = self.sinks
            self.refused(gateway, self.fill(gateway))
            wait_for(lambda: gateway.health()["store"]["state"] == "full", "the store to be full")
            self.assertEqual(gateway.health_answer()[0], 503)
            for sink in self.sinks:
                self.assertEqual(self.lost(gateway, sink), 0)
            # Other signals have room that logs cannot take.
            for name in ("metrics", "traces"):
                answer = http_client.post(gateway.http, telemetry.HTTP_PATH[name], telemetry.REQUEST[name]([]))
                self.assertEqual(answer.status, 200)
                answer = http_client.post(gateway.http, telemetry.HTTP_PATH[name], telemetry.REQUEST[name]([name]))
                self.assertEqual(answer.status, 200, f"{name}: {answer}")

            first.end("retry")
            wait_for(lambda: len(first.counts()) >= len(self.stored) + 2, "what waited for the first")
            self.assertEqual(first.counts(), {name: 1 for name in self.stored + ["metrics", "traces"]})
            self.wait_accepted(gateway)
            for _ in range(MANY // STEP):
                for _ in range(STEP):
                    self.assertEqual(self.post(gateway).status, 200)
                wait_for(lambda: len(first.counts()) >= len(self.stored) + 2, "the first to be current")
            self.assertEqual(first.counts(), {name: 1 for name in self.stored + ["metrics", "traces"]})
            lost = self.lost_of_logs(gateway, second)
            self.assertGreater(lost, len(self.stored) // 2)
            second.end("retry")
            wait_for(lambda: len(second.counts()) >= len(self.stored) - lost + 2, "what is left for the second")
            self.assertEqual(second.counts(), {name: 1 for name in self.stored[lost:] + ["metrics", "traces"]})

    def lost_of_logs(self, gateway, sink):
        def counted():
            queue = gateway.child(sink.name)["queues"]["logs"]
            return queue["lost"] + queue["records"] == len(self.stored) and queue
        queue = wait_for(counted, "all records to be counted")
        self.assertEqual(queue["losses"], {"share": queue["lost"]})
        return queue["lost"]

    def test_who_blocks_on_overflow_loses_nothing(self):
        with self.gateway("dead", "current", block_on_overflow=True) as gateway:
            dead, current = self.sinks
            current.end("retry")
            self.refused(gateway, self.fill(gateway))
            self.wait_taken(current, self.stored)
            self.assertEqual(self.lost(gateway, dead), 0)
            self.assertEqual(self.post(gateway).status, 503, "that the other is current is no help")
            dead.end("retry")
            self.wait_taken(dead, self.stored)
            self.wait_accepted(gateway)
            self.post_at_the_pace_of(gateway, dead, STEP)
            self.wait_taken(current, self.stored)
            for sink in self.sinks:
                self.settled(gateway, sink, 0, len(self.stored))

    def test_what_was_lost_stays_counted_when_the_router_dies(self):
        """A loss is in the journal before its space is used: killed while it makes room again and again, the router
        neither forgets a loss nor delivers what it has counted."""
        with self.gateway("dead", "current") as gateway:
            dead, current = self.sinks
            current.end("retry")
            for _ in range(3):
                self.post_at_the_pace_of(gateway, current, MANY // 3)
                gateway.wait_replaced("router", gateway.kill_child("router"))
            lost = self.lost(gateway, dead)
            self.assertGreater(lost, 0)
            dead.end("retry")
            self.wait_taken(dead, self.stored[lost:])
            self.settled(gateway, dead, lost, len(self.stored) - lost)


if __name__ == "__main__":
    suite.main()
