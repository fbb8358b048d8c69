# SPDX-License-Identifier: Apache-2.0
"""`retry_on_failure`: when a delivery that failed goes out again, when it is given up and how that is told, and that
nobody else waits for it. The exporter is the sink of the tests in the place of `file/sink`, supervised by the gateway
and with its configuration; it answers RETRY as long as it is told to. What is seen are attempts, never times."""
import os
import re
import unittest

import http_client
import suite
import telemetry
from gateway import Gateway, wait_for
from sink import StandIn

SHORT = {"initial_interval": "10ms", "max_interval": "50ms"}
MANY = 12  # attempts: with SHORT they take about half a second
DELIVERIES = 16  # at a time
GIVEN_UP = re.compile(r"file/sink: delivery (\d+)-(\d+) is given up after (\d+) attempts, (\d+) records are lost: asked to fail")


def post(gateway, *ids):
    answer = http_client.post(gateway.http, "/v1/logs", telemetry.logs(ids))
    if answer.status != 200:
        raise AssertionError(answer)


class Retry(unittest.TestCase):
    def gateway(self, retry, others=None):
        """With a sink that answers RETRY from its first delivery on."""
        gateway = Gateway(exporters=dict(others or {}))
        self.addCleanup(gateway.destroy)
        self.sink = StandIn(gateway, retry_on_failure=retry, sending_queue={"num_consumers": DELIVERIES})
        self.sink.begin("retry")
        return gateway

    def child(self, gateway):
        return gateway.child(self.sink.name)

    def given_up(self, gateway, records):
        """Waits until health counts so many records as given up; checks that it tells nothing else."""
        child = wait_for(lambda: (c := self.child(gateway)) and c["lost"]["logs"] >= records and c, "the loss in health")
        self.assertEqual((child["lost"]["logs"], child["delivered"]["logs"], child["queue"]["records"]), (records, 0, 0))
        self.assertEqual(child["queues"]["logs"]["losses"], {"gave up": records})

        def told(lines):
            said = [tuple(map(int, match.groups())) for match in map(GIVEN_UP.search, lines) if match]
            return said if sum(lost for _, _, _, lost in said) >= records else None
        said = gateway.stderr.wait(told, "the loss in the log")
        self.assertEqual(sum(lost for _, _, _, lost in said), records)
        return {first: attempts for first, _, attempts, _ in said}

    def test_it_goes_on_until_it_is_taken(self):
        with self.gateway(SHORT) as gateway:
            post(gateway, "a", "b")
            wait_for(lambda: self.sink.attempts() >= MANY, f"{MANY} attempts")
            child = wait_for(lambda: (c := self.child(gateway)).get("lastError") and c["queue"]["records"] and c, "trouble in health")
            self.assertIn("asked to fail", child["lastError"])
            self.assertEqual((child["queue"]["records"], child["lost"]["logs"]), (2, 0))
            self.assertEqual(gateway.health_answer()[0], 200)
            self.sink.end("retry")
            wait_for(lambda: self.sink.counts(), "the records")
            [(delivery, attempt, ids)] = self.sink.lines()
            self.assertEqual(ids, ["a", "b"])
            tries = self.sink.tries()
            self.assertEqual(tries, [(delivery, number) for number in range(1, attempt + 1)], "the same delivery, counted")
            wait_for(lambda: self.child(gateway)["delivered"]["logs"] == 2, "the records to be counted")
            self.assertEqual(self.child(gateway)["lost"]["logs"], 0)

    def test_attempts_are_counted_over_a_restart_of_the_router(self):
        with self.gateway(SHORT) as gateway:
            post(gateway, "a")
            wait_for(lambda: self.sink.attempts() >= 3, "three attempts")
            gateway.wait_replaced("router", gateway.kill_child("router"))
            before = self.sink.attempts()
            wait_for(lambda: self.sink.attempts() >= before + 3, "three more")
            self.sink.end("retry")
            wait_for(lambda: self.sink.counts(), "the record")
            numbers = [number for _, number in self.sink.tries()]
            self.assertEqual(numbers, sorted(numbers))
            self.assertEqual(len({delivery for delivery, _ in self.sink.tries()}), 1)
            self.assertEqual(self.sink.counts(), {"a": 1})

    def test_intervals_grow_until_it_is_given_up(self):
        # Between the attempts n and n+1 lie at least half of 50 ms * 3^(n-1): the sixth would come after 6 s. Intervals
        # that do not grow have room for 60 and more.
        retry = {"initial_interval": "50ms", "multiplier": 3, "max_interval": "6s", "max_elapsed_time": "6s"}
        with self.gateway(retry) as gateway:
            post(gateway, "a", "b", "c")
            attempts = self.given_up(gateway, 3)
            print("attempts", attempts)
            for count in attempts.values():
                self.assertGreaterEqual(count, 2)
                self.assertLessEqual(count, 6)
            self.assertEqual(self.sink.attempts(), max(attempts.values()))
            self.sink.end("retry")  # what comes later is not concerned
            post(gateway, "d")
            wait_for(lambda: self.sink.counts(), "the record")
            self.assertEqual(self.sink.counts(), {"d": 1})

    def test_jitter_spreads_what_failed_together(self):
        # All fail at once, and wait for the same interval: without jitter they come again in the order in which they
        # failed, every time. With it the order of 16 by chance is the first one in one of 16! cases.
        retry = {"initial_interval": "300ms", "multiplier": 1, "max_interval": "300ms", "randomization_factor": 1}
        with self.gateway(retry) as gateway:
            for name in range(DELIVERIES):
                post(gateway, name)
                wait_for(lambda: sum(attempt == 1 for _, attempt in self.sink.tries()) > name, "its first try")
            deliveries = {delivery for delivery, _ in self.sink.tries()}
            self.assertGreaterEqual(len(deliveries), 2)
            wait_for(lambda: all(self.tries_of(d) >= 4 for d in deliveries), "four attempts of each")
            orders = set()
            for number in range(2, 5):
                orders.add(tuple(d for d, attempt in self.sink.tries() if attempt == number and d in deliveries))
            print(len(deliveries), "deliveries,", len(orders), "orders")
            self.assertGreater(len(orders), 1)

    def tries_of(self, delivery):
        return max(attempt for d, attempt in self.sink.tries() if d == delivery)

    def test_disabled_means_one_attempt(self):
        with self.gateway({"enabled": False}) as gateway:
            post(gateway, "a")
            attempts = self.given_up(gateway, 1)
            post(gateway, "b", "c")
            attempts = self.given_up(gateway, 3)
            self.assertEqual(set(attempts.values()), {1})
            self.assertEqual({attempt for _, attempt in self.sink.tries()}, {1})

    def test_an_exporter_beside_it_is_not_held_back(self):
        with self.gateway(SHORT, {"debug": {"format": "json"}}) as gateway:
            wanted = [f"r{number}" for number in range(200)]
            for at in range(0, len(wanted), 5):
                post(gateway, *wanted[at:at + 5])
            found = wait_for(lambda: (ids := telemetry.ids_of(gateway.json_lines())) and set(wanted) <= set(ids) and ids,
                             "all records at the other exporter")
            self.assertEqual(sorted(found), sorted(wanted))
            self.assertEqual(self.sink.counts(), {})
            wait_for(lambda: self.sink.attempts() > 0, "an attempt")
            self.sink.end("retry")
            wait_for(lambda: set(self.sink.counts()) == set(wanted), "all records at the one that failed")
            self.assertEqual(set(self.sink.counts().values()), {1})


if __name__ == "__main__":
    suite.main()
