# SPDX-License-Identifier: Apache-2.0
"""What the chaos tests act on: a gateway with a store, a far end that remembers, an oracle and clients."""
import contextlib
import os
import random

from gateway import Gateway, Timeout, wait_for
from oracle import Clients, FileEnd, Oracle, SinkEnd, Verdict, counted, wait_delivered
from power_cut import Disk
from sink import Sink

FILE = "file/out"


class Scene:
    """A gateway and its far end: the file exporter's file (`to` "file"), or the durable exporter of the tests, attached
    by hand ("sink"). `fsync` None: the store lies in memory. `disk`: the store and the file are on a disk of the
    test's own (self.disk)."""

    def __init__(self, case, seed, to="file", fsync="always", exporters=None, store=None, file=None, disk=False,
                 signals=("logs", "metrics", "traces"), payload=(0, 300), sink_arguments=(), start=True, **options):
        self.case = case
        # What happens when is chosen by one source, so that a seed chooses it again whatever the threads of the clients
        # and the bytes on the disk do with theirs.
        self.random = random.Random(seed)
        self._clients_random, self._disk_random = random.Random(f"{seed} clients"), random.Random(f"{seed} disk")
        self.to = to
        self.name = FILE if to == "file" else "sink"
        self.gateway = Gateway(exporters=dict({"nop": {}} if exporters is None else exporters), **options)
        case.addCleanup(self.gateway.destroy)
        self.store = os.path.join(self.gateway.directory, "store")
        self.out = os.path.join(self.gateway.directory, "out")
        os.mkdir(self.out)
        if to == "file":
            path = os.path.join(self.out, "telemetry.jsonl")
            self.gateway.exporters[FILE] = {"path": path, "append": True, **(file or {})}
        if fsync:
            self.gateway.options({"store": {"directory": self.store, "fsync": fsync, **(store or {})}})
        self.disk = Disk(self.gateway.directory, "store", "out") if disk else None
        if disk:
            self.gateway.env.update(self.disk.env())
            self.gateway.moment_to_kill = self.disk.between_changes
        self.oracle = Oracle(random.Random(f"{seed} payloads"), signals, payload)
        self.clients = None
        self.sink = None
        self.sink_arguments = sink_arguments
        self.end = FileEnd(os.path.join(self.out, "*"))
        if start:
            self.start()

    def start(self):
        self.gateway.start()
        if self.to == "sink" and self.sink is None:
            self.start_sink()
            self.case.addCleanup(lambda: self.sink.kill())
            self.end = SinkEnd(self.sink)

    def start_sink(self):
        """Also again, after it was killed: it goes on with its file."""
        self.sink = Sink(self.gateway, "--bytes", "1", *self.sink_arguments, signals="logs,metrics,traces")
        self.end.sink = self.sink

    def start_clients(self, **options):
        self.clients = Clients(self.oracle, self.gateway, self._clients_random, **options).start()
        self.case.addCleanup(self.clients.stop)
        return self.clients

    # -- events

    def wait_attached(self):
        """A sink that lives comes back by itself after the family was started again; the file exporter is started."""
        if self.sink and self.sink.process.poll() is not None:
            self.start_sink()
        wait_for(lambda: self.name in self.gateway.children(), f"{self.name} to be there")

    def cut_power(self, mode="random", names_mode=None):
        """The family and the sink die at once, the disk keeps what it must and what chance leaves it. The sink's file is
        on another. Not started again."""
        if self.sink:
            self.sink.kill()
        self.gateway.kill_family(["router"] + ([FILE] if self.to == "file" else []))
        return self.disk.cut(self._disk_random, mode, names_mode)

    # -- the end

    def lost(self):
        """Records that the gateway reports as lost on the way to the far end."""
        return counted(self.gateway, self.name, "lost")

    def check_books(self, verdict):
        """What the gateway counts is what happened, to the record; for a far end that was there from the start. Lost may
        be only what was never acknowledged: a batch whose write the power cut has torn."""
        expected = {"delivered": verdict.delivered, "rejected": verdict.rejected}

        def books():
            return {what: counted(self.gateway, self.name, what) for what in ("delivered", "rejected", "lost")}

        try:  # what is shown is up to a heartbeat old
            wait_for(lambda: books().items() >= expected.items(), "the books to balance")
        except Timeout:
            raise AssertionError(f"{self.name} counts {books()}, but {expected} are true: {verdict}") from None
        print(f"counted for {self.name}: {books()}")
        unanswered = self.oracle.sent_count() - verdict.acknowledged if self.disk else 0
        if books()["lost"] > unanswered or verdict.missing:
            raise AssertionError(f"{self.name} counts {books()}, but {unanswered} can be lost: {verdict}")

    def pending(self):
        return self.gateway.child(self.name)["queue"]["records"]

    def wait_nothing_pending(self):
        """Now, and not at the time of the last beat: what was stored behind the back of a client may still come."""
        with self.told():
            self.gateway.wait_beats()
            wait_for(lambda: self.pending() == 0, "nothing to be pending")

    @contextlib.contextmanager
    def told(self):
        """What the gateway has to say of the far end, when waiting for something is in vain."""
        try:
            yield
        except AssertionError:
            print(f"{self.name}: {self.gateway.child(self.name)}")
            print("\n".join(self.gateway.stderr.all()[-40:] + (self.sink.stderr.all()[-20:] if self.sink else [])))
            raise

    def wait_counted(self, records):
        """Until the router knows of so many delivered records, and the journal, which it writes at once or, under load,
        a moment later. That nothing is pending may be old news from before they came."""
        with self.told():
            wait_for(lambda: counted(self.gateway, self.name, "delivered") >= records, f"{records} records to be delivered")
            self.gateway.wait_beats()

    def verdict(self):
        return Verdict(self.oracle, self.end)

    def settle(self, deadline=240):
        """Stops the clients; waits until everything is delivered or reported lost; returns the verdict."""
        if self.clients:
            self.clients.stop()
        with self.told():
            wait_delivered(self.oracle, self.end, self.lost, deadline)
        self.wait_nothing_pending()
        return self.verdict()

    def stop(self):
        if self.sink:
            self.sink.stop()
        self.gateway.stop()
