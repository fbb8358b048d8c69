# SPDX-License-Identifier: Apache-2.0
"""What the chaos tests act on: a gateway with a store, a far end that remembers, an oracle and clients."""
import os
import random

from gateway import Gateway, wait_for
from oracle import Clients, FileEnd, Oracle, SinkEnd, Verdict, counted, wait_delivered
from sink import Sink

FILE = "file/out"


def disk(directory, fsync="always", **more):
    """`masques:` keys for a store in a directory."""
    return {"store": {"directory": directory, "fsync": fsync, **more}}


class Scene:
    """A gateway whose far end is the file exporter's file (`to` "file") or the durable exporter of the tests, attached
    by hand ("sink"). `fsync` None: the store lies in memory."""

    def __init__(self, case, seed, to="file", fsync="always", exporters=None, store=None, file=None, env=None,
                 signals=("logs", "metrics", "traces"), payload=(0, 300), hang_after=None, sink_arguments=(), **options):
        self.case = case
        self.random = random.Random(seed)
        self.to = to
        exporters = dict({"nop": {}} if exporters is None else exporters)
        self.gateway = Gateway(exporters=exporters, hang_after=hang_after, env=env, **options)
        case.addCleanup(self.gateway.destroy)
        directory = self.gateway.directory
        self.store = os.path.join(directory, "store")
        self.out = os.path.join(directory, "out")
        os.mkdir(self.out)
        if to == "file":
            exporters[FILE] = {"path": os.path.join(self.out, "telemetry.jsonl"), "append": True, **(file or {})}
        self.gateway.exporters = exporters
        if fsync:
            self.gateway.options(disk(self.store, fsync, **(store or {})))
        self.gateway.start()
        self.sink = None
        self.sink_arguments = sink_arguments
        if to == "sink":
            self.start_sink()
            case.addCleanup(lambda: self.sink.kill())
        self.name = FILE if to == "file" else "sink"
        self.oracle = Oracle(self.random, signals, payload)
        self.end = FileEnd(os.path.join(self.out, "*")) if to == "file" else SinkEnd(self.sink)
        self.clients = None

    def start_sink(self):
        self.sink = Sink(self.gateway, "--bytes", "1", *self.sink_arguments, signals="logs,metrics,traces")
        if self.to == "sink" and getattr(self, "end", None):
            self.end.sink = self.sink

    def start_clients(self, **options):
        self.clients = Clients(self.oracle, self.gateway, self.random, **options).start()
        self.case.addCleanup(self.clients.stop)
        return self.clients

    # -- events

    def restart_family(self, first=(), between=None):
        """kill -9 of everything, what `between` does to the directories, and a start on the same directories."""
        self.gateway.kill_family(first)
        if between:
            between()
        self.gateway.start()

    # -- the end

    def lost(self):
        """Records that the gateway reports as lost or rejected on the way to the far end."""
        return counted(self.gateway, self.name)

    def pending(self):
        return self.gateway.child(self.name)["queue"]["records"]

    def settle(self, deadline=120):
        """Stops the clients; waits until everything is delivered or reported lost; returns the verdict."""
        if self.clients:
            self.clients.stop()
        wait_delivered(self.oracle, self.end, self.lost, deadline)
        wait_for(lambda: self.pending() == 0, "nothing to be pending")
        return Verdict(self.oracle, self.end)

    def stop(self):
        if self.sink:
            self.sink.stop()
        self.gateway.stop()
