# SPDX-License-Identifier: Apache-2.0
"""A store on a disk: the directory of `masques: store: directory`, or that of the `file_storage` which an exporter names,
is where data waits, and the place that another start of the gateway finds it in."""
import json
import os
import pathlib
import shutil
import signal
import stat
import tempfile
import unittest

import grpc_client
import suite
import telemetry
from gateway import RECEIVER, Gateway, processes_of_session, run_program, signal_if_there, wait_for
from sink import Sink

REQUESTS = 20
RECORDS = 5


class DiskStore(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.mkdtemp(prefix="masques-disk-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.place, ignore_errors=True)
        self.store = os.path.join(self.place, "store")

    def gateway(self, **store):
        return self.keep(Gateway(exporters={"nop": {}}, masques={"store": {"directory": self.store, **store}}, workers=1))

    def gateway_with_storage(self, **storage):
        """The same, said in the collector's words."""
        return self.keep(Gateway(exporters={"nop": {"sending_queue": {"storage": "file_storage/queue"}}},
                                 extensions={"file_storage/queue": {"directory": self.store, **storage}}, workers=1))

    def keep(self, gateway):
        self.addCleanup(gateway.destroy)
        return gateway

    def kill_all(self, gateway):
        """Every process of the family at once, as far as that can be; what it had in memory and on its tmpfs is gone."""
        for pid in processes_of_session(gateway.process.pid):
            signal_if_there(pid, signal.SIGSTOP)
        for pid in processes_of_session(gateway.process.pid):
            signal_if_there(pid, signal.SIGKILL)
        wait_for(lambda: not processes_of_session(gateway.process.pid), "the family to end")
        gateway.destroy()

    def send(self, gateway, prefix):
        """The ids of what was answered with OK: all of it."""
        wanted = set()
        with grpc_client.channel(gateway.grpc) as channel:
            for request in range(REQUESTS):
                ids = [f"{prefix}-{request}-{record}" for record in range(RECORDS)]
                grpc_client.call(channel, "logs", telemetry.logs(ids))
                wanted.update(ids)
        return wanted

    def check_restart(self, make, end):
        gateway = make().start()
        Sink(gateway).kill()
        wanted = self.send(gateway, end)
        self.assertFalse(os.path.exists(os.path.join(gateway.runtime, "store")))
        if end == "kill":
            self.kill_all(gateway)
        else:
            gateway.stop()
            self.assertIn(self.store, gateway.stderr.text(), "what is left is named with its place")
        self.assertEqual(stat.S_IMODE(os.stat(self.store).st_mode), 0o700)

        again = make().start()
        sink = Sink(again)
        wait_for(lambda: wanted <= set(sink.counts()), "the records of the first run in the sink")
        self.assertEqual(set(sink.counts()), wanted)
        self.assertEqual(set(sink.counts().values()), {1}, "what was never sent is sent once")
        sink.stop()
        again.stop()

    def test_what_waits_for_an_exporter_is_there_after_a_restart(self):
        cases = (("store", self.gateway), ("file_storage", self.gateway_with_storage),
                 ("file_storage without fsync", lambda: self.gateway_with_storage(fsync=False)))
        for name, make in cases:
            for end in ("stop", "kill"):
                with self.subTest(name, end=end):
                    self.store = os.path.join(self.place, f"{name} {end}")
                    self.check_restart(make, end)

    def test_a_storage_may_create_what_is_above_it(self):
        self.store = os.path.join(self.place, "a", "b", "store")
        gateway = self.gateway_with_storage(create_directory=True, directory_permissions="0710").start()
        gateway.stop()
        mask = os.umask(0o077)
        os.umask(mask)
        for path, mode in ((self.store, 0o700), (os.path.dirname(self.store), 0o710)):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), mode & ~mask)

    def test_a_place_that_cannot_be_is_an_error_at_start(self):
        self.store = os.path.join(self.place, "missing", "store")
        gateway = self.gateway()
        path = gateway.write_config()
        done = run_program(RECEIVER, "--config", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn(self.store, done.stderr)
        self.assertIn("the directory above it is not there", done.stderr)

    def start_in_vain(self):
        """What a gateway on the store says that cannot start."""
        done = run_program(RECEIVER, "--config", self.gateway().write_config())
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_a_second_gateway_on_the_store_is_refused(self):
        first = self.gateway().start()
        router = first.children()["router"]["pid"]
        said = self.start_in_vain()
        self.assertIn(f"the store {self.store} is in use by the process {router}: a store has one router. End that one first, "
                      "or give this one a directory of its own", said)
        self.assertRegex(said, r"router.*in use", "its child's words are in the log")
        sink = Sink(first)  # and the first one has not noticed
        wanted = self.send(first, "first")
        wait_for(lambda: wanted <= set(sink.counts()), "the records")
        sink.stop()
        first.stop()

    def test_a_store_of_a_newer_version_is_refused_and_left_alone(self):
        self.gateway().start().stop()
        journals = [os.path.join(self.store, name) for name in ("journal.0", "journal.1")]
        for path in journals:
            with open(path, "r+b") as file:
                for header in (0, 64):  # it stands there twice
                    file.seek(header + 8)
                    file.write(bytes((9, 0, 9, 0)))
        before = [pathlib.Path(path).read_bytes() for path in journals]
        self.assertIn(f"the store {self.store}: the journal was written by a newer version of masques-router, which this one "
                      "cannot read: nothing was changed. Start that version, or give this one a directory of its own",
                      self.start_in_vain())
        self.assertEqual([pathlib.Path(path).read_bytes() for path in journals], before)

    def test_a_segment_of_a_newer_version_is_named(self):
        first = self.gateway().start()
        Sink(first).kill()  # what it is owed stays
        self.send(first, "first")
        first.stop()
        segment = next(pathlib.Path(self.store, "logs").glob("*.seg"))
        before = bytearray(segment.read_bytes())
        for header in (0, 128):
            before[header + 8:header + 12] = (9, 0, 9, 0)
        segment.write_bytes(before)
        self.assertIn(f"the store {self.store}: logs/{segment.name} was written by a newer version", self.start_in_vain())
        self.assertEqual(segment.read_bytes(), before)

    def test_the_printed_configuration_says_the_size_that_was_not_written(self):
        done = run_program(RECEIVER, "print-config", "--config", self.gateway().write_config())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"directory: {json.dumps(self.store)}\n", done.stdout)
        self.assertIn("    max_bytes: 4GiB\n", done.stdout)

    @unittest.skipUnless(os.access("/dev/shm", os.W_OK), "there is no tmpfs")
    def test_a_directory_in_memory_is_warned_of(self):
        place = tempfile.mkdtemp(prefix="masques-disk-", dir="/dev/shm")
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        self.store = os.path.join(place, "store")
        gateway = self.gateway(max_bytes="16MiB", segment_bytes="1MiB").start()
        gateway.stop()
        self.assertIn(f"the store's directory {self.store} lies in memory (tmpfs)", gateway.stderr.text())


if __name__ == "__main__":
    suite.main()
