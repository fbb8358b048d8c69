# SPDX-License-Identifier: Apache-2.0
"""Files of the store are damaged between a kill and the next start: flipped bits, files cut short. A flip costs the
batch that it hit and no other, and what it costs is reported lost.

MASQUES_SEED chooses where, MASQUES_FLIPS how many in each test."""
import os
import shutil
import unittest

import grpc_client
import suite
import telemetry
from gateway import wait_for
from http_client import post
from oracle import Key, seed_of_run
from scene import Scene

FLIPS = int(os.environ.get("MASQUES_FLIPS", "12"))
REQUESTS = 40


class Case(unittest.TestCase):
    """A store with a backlog of batches of one record each, written in commits of one and of several; the far end knows
    the first third of it."""

    def setUp(self):
        self.scene = Scene(self, seed_of_run(20261208), to="sink", store={"max_bytes": "16MiB", "segment_bytes": "1MiB"},
                           signals=("logs",), payload=(50, 2000))
        self.gateway, self.oracle, self.random = self.scene.gateway, self.scene.oracle, self.scene.random
        self.backlog()
        self.gateway.kill_family(["router"])
        self.scene.sink.kill()
        self.kept = os.path.join(self.gateway.directory, "kept")
        self.kept_out = os.path.join(self.gateway.directory, "kept.out")
        shutil.copytree(self.scene.store, self.kept)
        shutil.copy(self.scene.sink.file, self.kept_out)

    def backlog(self):
        """Requests one by one and several at a time; the sink dies after the first third."""
        self.send_all(REQUESTS // 3)
        wait_for(lambda: len(self.scene.end.numbers()) == REQUESTS // 3, "the first third")
        # Otherwise a flip could make the router report as lost what is there.
        self.scene.wait_counted(REQUESTS // 3)
        self.scene.sink.kill()
        self.send_all(REQUESTS - REQUESTS // 3)

    def send_all(self, count):
        with grpc_client.channel(self.gateway.grpc) as channel:
            while count:
                some = min(count, self.random.choice([1, 1, 4]))
                calls = []
                for _ in range(some):
                    numbers, body = self.oracle.hand_out("logs", 1)
                    calls.append((numbers, grpc_client.future(channel, "logs", body)))
                for numbers, call in calls:
                    call.result()
                    self.oracle.acknowledge("logs", numbers)
                count -= some

    # -- damage

    def restore(self):
        shutil.rmtree(self.scene.store)
        shutil.copytree(self.kept, self.scene.store)
        shutil.copy(self.kept_out, self.scene.sink.file)

    def segment(self):
        """The one that was written last before the damage."""
        return os.path.join(self.scene.store, "logs", sorted(os.listdir(os.path.join(self.kept, "logs")))[-1])

    def flip(self, path, offset, bit=None):
        bit = self.random.randrange(8) if bit is None else bit
        with open(path, "r+b") as file:
            file.seek(offset)
            byte = file.read(1)[0] ^ (1 << bit)
            file.seek(offset)
            file.write(bytes([byte]))

    def offset_of(self, number):
        """Where the payload of a record's batch stands in that segment."""
        self.restore()
        with open(self.segment(), "rb") as file:
            at = file.read().find(b"%d-" % number)
        self.assertGreater(at, 0)
        return at

    def written(self):
        """How long the part of it is that was written."""
        self.restore()
        with open(self.segment(), "rb") as file:
            return len(file.read().rstrip(b"\0"))

    # -- what comes of it

    def drain(self):
        """Starts everything on the store as it is now; returns the numbers that are missing and how many are reported
        lost. Nothing that comes is other than it was sent."""
        self.gateway.start()
        try:
            self.scene.start_sink()
            wait_for(lambda: self.scene.pending() == 0, "everything to be delivered or lost")
            verdict = self.scene.verdict()
            lost = self.scene.lost()
            self.still_works()
            return verdict, lost
        finally:
            self.scene.sink.kill()
            self.gateway.kill_family(["router"])

    def still_works(self):
        self.assertEqual(post(self.gateway.http, "/v1/logs", telemetry.logs(["after"], padding=0)).status, 200)

    def check_flip(self, path, offset, at_most):
        self.restore()
        self.flip(path, offset)
        verdict, lost = self.drain()
        where = f"flip at {offset} of {os.path.basename(path)}"
        self.assertLessEqual(len(verdict.missing), at_most, f"{where}: {verdict}")
        self.assertEqual(lost, len(verdict.missing), f"{where}: {verdict}")
        return verdict


class Flips(Case):
    def test_a_flip_in_a_payload_costs_that_record(self):
        first = REQUESTS // 3
        for number in (first, self.random.randrange(first + 1, REQUESTS - 1), REQUESTS - 1):
            with self.subTest(number=number):
                verdict = self.check_flip(self.segment(), self.offset_of(number), 1)
                self.assertEqual(verdict.missing, [Key("logs", number)])

    def test_a_flip_in_a_sealed_segment_costs_that_record(self):
        """Which no start reads: it is found when the batch is read for its delivery."""
        sealed = self.segment()
        self.restore()
        self.gateway.start()
        self.still_works()
        self.gateway.kill_family(["router"])
        shutil.rmtree(self.kept)
        shutil.copytree(self.scene.store, self.kept)
        self.assertNotEqual(self.segment(), sealed, "it is not sealed")
        with open(sealed, "rb") as file:
            data = file.read()
        for _ in range(FLIPS // 2):
            number = self.random.randrange(REQUESTS // 3, REQUESTS)
            with self.subTest(number=number):
                verdict = self.check_flip(sealed, data.find(b"%d-" % number), 1)
                self.assertEqual(verdict.missing, [Key("logs", number)])

    def test_a_flip_in_the_last_acknowledged_record(self):
        """In its header, its payload or what follows it: it may cost this one, and never without a word."""
        begin, end = self.offset_of(REQUESTS - 1), self.written()
        for offset in range(begin - 200, end, max(1, (end - begin + 200) // FLIPS)):
            with self.subTest(offset=offset, end=end):
                self.check_flip(self.segment(), offset, 1)

    def test_a_flip_anywhere_in_a_segment_costs_one_record_at_most(self):
        end = self.written()
        for _ in range(FLIPS):
            offset = self.random.randrange(end)
            with self.subTest(offset=offset):
                self.check_flip(self.segment(), offset, 1)

    def test_a_flip_in_the_journal_costs_no_record(self):
        """It may cost the knowledge of what was delivered, so that something comes twice."""
        for _ in range(FLIPS):
            self.restore()
            path = os.path.join(self.scene.store, self.random.choice(["journal.0", "journal.1"]))
            with open(path, "rb") as file:
                end = len(file.read().rstrip(b"\0"))
            if end == 0:
                continue
            offset = self.random.randrange(end)
            with self.subTest(path=os.path.basename(path), offset=offset, end=end):
                self.flip(path, offset)
                verdict, lost = self.drain()
                self.assertEqual(verdict.missing, [], str(verdict))
                self.assertEqual(lost, 0)


class Truncation(Case):
    def test_a_file_cut_short_costs_what_was_behind_and_nothing_before(self):
        end = self.written()
        for _ in range(FLIPS // 2):
            self.restore()
            cut = self.random.randrange(end)
            with self.subTest(cut=cut, end=end):
                with open(self.segment(), "rb") as file:
                    data = file.read(cut)
                behind = {number for number in range(REQUESTS) if b"%d-" % number not in data}
                os.truncate(self.segment(), cut)
                verdict, lost = self.drain()
                # The batch at the cut, and those of its commit, end in the tail.
                self.assertLessEqual(len(verdict.missing), len(behind) + 4, str(verdict))
                self.assertLessEqual(lost, len(verdict.missing))

    def check_gone(self, path):
        """Returns how many are reported lost, of those that are."""
        os.unlink(path)
        verdict, lost = self.drain()
        print(f"{verdict}; {lost} reported lost")
        behind = [Key("logs", number) for number in range(REQUESTS // 3, REQUESTS)]
        self.assertEqual(verdict.missing, behind)
        return lost, len(behind)

    def test_a_segment_that_is_gone_is_reported_missing(self):
        """The next one tells where its numbers begin."""
        self.restore()
        gone = self.segment()
        self.gateway.start()
        self.still_works()
        self.gateway.kill_family(["router"])
        lost, missing = self.check_gone(gone)
        self.assertEqual(lost, missing)

    def test_so_is_the_newest_as_far_as_the_journal_knows(self):
        """Which has not heard of its last batches, if nobody had acknowledged them."""
        self.restore()
        lost, missing = self.check_gone(self.segment())
        self.assertLessEqual(lost, missing)


if __name__ == "__main__":
    suite.main()
