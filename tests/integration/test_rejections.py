# SPDX-License-Identifier: Apache-2.0
"""A destination that refuses some records of a delivery and takes the others: what is refused lies in a dead letter with
its bytes, what is taken is delivered, and both are counted to the record."""
import json
import os
import unittest

from google.protobuf import json_format

import dead_letters
import grpc_client
import otlp_oracle
import suite
import telemetry
from gateway import BIN, Gateway, run_program, wait_for
from sink import Sink

CTL = os.path.join(BIN, "masquesctl")
EVERY = 3  # ids that it divides are refused
REQUESTS, RECORDS = 40, 10
WANTED = {str(number) for number in range(REQUESTS * RECORDS)}
REFUSED = {name for name in WANTED if int(name) % EVERY == 0}


def ids_of(letter):
    return telemetry.ids_of([json_format.MessageToJson(otlp_oracle.decode(letter.signal, letter.payload))])


class Rejections(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway(exporters={"nop": {}})
        self.addCleanup(self.gateway.destroy)
        self.store = os.path.join(self.gateway.directory, "store")
        self.gateway.options({"store": {"directory": self.store}})
        self.gateway.start()

    def picky(self, *arguments):
        sink = Sink(self.gateway, "--reject-ids", str(EVERY), *arguments)
        self.addCleanup(sink.kill)
        return sink

    def send(self):
        with grpc_client.channel(self.gateway.grpc) as channel:
            for request in range(REQUESTS):
                grpc_client.call(channel, "logs", telemetry.logs(range(request * RECORDS, (request + 1) * RECORDS)))

    def wait_counted(self):
        child = wait_for(lambda: (c := self.gateway.child("sink"))["delivered"]["logs"] + c["rejected"]["logs"] >= len(WANTED) and c,
                         "all records to be counted")
        self.assertEqual((child["delivered"]["logs"], child["rejected"]["logs"], child["lost"]["logs"]),
                         (len(WANTED) - len(REFUSED), len(REFUSED), 0))

    def check_taken(self, sink):
        taken = {name: count for name, count in sink.counts().items() if not name.startswith("!")}
        self.assertEqual(taken, {name: 1 for name in WANTED - REFUSED})

    def letters(self):
        return dead_letters.read_all(self.store)

    def test_what_is_refused_is_kept_with_its_bytes_and_can_be_delivered_alone(self):
        sink = self.picky("--reject-bytes", "1")
        self.send()
        self.wait_counted()
        self.check_taken(sink)
        letters = self.letters()
        kept = [ids_of(letter) for letter in letters]
        self.assertEqual(sorted(sum(kept, []), key=int), sorted(REFUSED, key=int), "each of them once")
        for letter, ids in zip(letters, kept):
            self.assertEqual(letter.records, len(ids))
            # The records of a delivery are numbered as they were sent, for one client sent one after the other.
            before = [int(name) for names in self.delivery(sink, letter.delivery) for name in names]
            self.assertEqual(before[letter.index], int(ids[0]))
            self.assertEqual([name for name in before if name % EVERY == 0], [int(name) for name in ids])
        resources = {str(otlp_oracle.decode("logs", x.payload).resource_logs[0].resource) for x in letters}
        self.assertEqual(len(resources), 1)
        self.assertIn("service.name", resources.pop())

        sink.stop()
        willing = Sink(self.gateway)
        done = run_program(CTL, "dead-letters", "replay", "--json", "--runtime", self.gateway.runtime)
        self.assertEqual((done.returncode, json.loads(done.stdout)), (0, {"count": len(letters)}))
        wait_for(lambda: not self.letters(), "the letters to be taken")
        counts = {name: count for name, count in willing.counts().items() if not name.startswith("!")}
        self.assertEqual(counts, {name: 1 for name in WANTED})
        willing.stop()
        self.gateway.stop()

    def delivery(self, sink, which):
        """The ids of its batches, in order."""
        return [[name.lstrip("!") for name in ids] for (_, *numbers), _, ids in sink.lines()
                if tuple(map(int, numbers)) == which]

    def test_what_comes_without_bytes_is_counted_and_cannot_be_delivered(self):
        sink = self.picky()
        self.send()
        self.wait_counted()
        self.check_taken(sink)
        letters = self.letters()
        self.assertEqual(sum(letter.records for letter in letters), len(REFUSED))
        self.assertEqual({letter.payload for letter in letters}, {b""})
        done = run_program(CTL, "dead-letters", "replay", "--json", "--runtime", self.gateway.runtime)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("its exporter did not give the bytes", done.stderr)
        done = run_program(CTL, "dead-letters", "drop", "--all", "--runtime", self.gateway.runtime)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.letters(), [])
        self.wait_counted()
        sink.stop()
        self.gateway.stop()


if __name__ == "__main__":
    suite.main()
