# SPDX-License-Identifier: Apache-2.0
"""Clients that keep sending numbered records while something happens to the gateway."""
import threading
import time

import grpc_client
import telemetry
from gateway import wait_for
from http_client import Connection, request

RECORDS = 5


class Sender(threading.Thread):
    """Sends requests one after the other, each with new ids, and remembers how they were answered. A connection that
    is refused is kept apart from any other failure."""

    def __init__(self, gateway, number, one_connection=True):
        super().__init__(daemon=True)
        self.gateway = gateway
        self.number = number
        self.is_grpc = number % 2 == 0
        self.one_connection = one_connection
        self.acknowledged = set()
        self.refused = []
        self.failed = []
        self.sent = 0
        self.slowest_s = 0.0
        self.halt = threading.Event()

    def run(self):
        transport = None
        while not self.halt.is_set():
            ids = [f"c{self.number}-{self.sent}-{n}" for n in range(RECORDS)]
            self.sent += 1
            begin = time.monotonic()
            try:
                transport = transport or self.open()
                stays = self.post(transport, telemetry.logs(ids))
                self.acknowledged.update(ids)
                done = not (self.one_connection and stays)
            except Exception as error:  # whatever it is, the records were not acknowledged
                text = repr(error)
                (self.refused if "refused" in text.lower() else self.failed).append(text)
                done = True
            self.slowest_s = max(self.slowest_s, time.monotonic() - begin)
            if done and transport:
                transport.close()
                transport = None
        if transport:
            transport.close()

    def open(self):
        if self.is_grpc:
            return grpc_client.channel(self.gateway.grpc)
        return Connection(self.gateway.http)

    def post(self, transport, body):
        """False: the answer said that the connection ends."""
        if self.is_grpc:
            grpc_client.call(transport, "logs", body)
            return True
        transport.send(request("/v1/logs", body))
        answer = transport.read_answer()
        if answer.status != 200:
            raise AssertionError(answer)
        return answer.headers.get("connection", "").lower() != "close"


class Senders:
    """with Senders(gateway, 8) as senders: …"""

    def __init__(self, gateway, count):
        # Half of them open a connection for every request: those would be the ones to be refused.
        self.list = [Sender(gateway, number, one_connection=number % 4 < 2) for number in range(count)]

    def __enter__(self):
        for sender in self.list:
            sender.start()
        return self

    def __exit__(self, *_):
        self.halt()

    def halt(self):
        for sender in self.list:
            sender.halt.set()
        for sender in self.list:
            sender.join(60)
            assert not sender.is_alive(), "a client still waits for its answer"

    def acknowledged(self):
        return set().union(*(sender.acknowledged for sender in self.list))

    def refused(self):
        return [text for sender in self.list for text in sender.refused]

    def failed(self):
        return [text for sender in self.list for text in sender.failed]

    def slowest_s(self):
        return max(sender.slowest_s for sender in self.list)

    def wait_progress(self, what, requests=10):
        """Waits until every client had so many more requests acknowledged."""
        before = [len(sender.acknowledged) for sender in self.list]
        wait_for(lambda: all(len(sender.acknowledged) >= old + requests * RECORDS
                             for sender, old in zip(self.list, before)), what)
