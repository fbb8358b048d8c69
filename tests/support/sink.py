# SPDX-License-Identifier: Apache-2.0
"""The durable exporter of the loss tests (tests/support/sink.c), attached to a running gateway by hand."""
import os
import signal
import subprocess
from collections import Counter

from gateway import DIE_WITH_TEST, SANITIZER, Lines, wait_for

PROGRAM = os.path.join(os.environ["MASQUES_TEST_BIN"], "sink")


class Sink:
    def __init__(self, gateway, *arguments, name="sink", signals="logs", start="oldest"):
        self.gateway = gateway
        self.name = name
        self.file = os.path.join(gateway.directory, name.replace("/", "-") + ".out")
        open(self.file, "ab").close()
        self.process = subprocess.Popen(
            [*DIE_WITH_TEST, PROGRAM, "--router", gateway.ready["bus"], "--name", name, "--signals", signals, "--mode", "durable",
             "--from", start, "--out", self.file, *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.stderr = Lines(self.process.stderr)
        wait_for(self._attached, "the sink to be attached")

    def _attached(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the sink ended with {self.process.returncode}: {self.stderr.text()}")
        return self.name in self.gateway.children()

    def lines(self):
        """What it wrote: (delivery, attempt, ids of one batch)."""
        return [(delivery, attempt, ids) for delivery, attempt, ids, _ in self.batches()]

    def batches(self):
        """(delivery, attempt, ids, the batch's bytes when the sink was started with --bytes). A last line without its
        end is still being written, or was torn by a kill: it was never answered DONE."""
        found = []
        with open(self.file, encoding="utf-8") as file:
            for line in file:
                if not line.endswith("\n"):
                    break
                words = line.split()
                raw = bytes.fromhex(words.pop()[1:]) if words[-1].startswith("=") else b""
                found.append((tuple(words[:4]), int(words[4]), words[8:], raw))
        return found

    def counts(self):
        """How often each id was delivered."""
        return Counter(name for _, _, ids in self.lines() for name in ids)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.stderr.join()
        if code != 0 or SANITIZER.search(self.stderr.text()):
            raise AssertionError(f"the sink ended with {code}:\n{self.stderr.text()}")

    def kill(self):
        self.process.kill()
        self.process.wait(60)
        self.stderr.join()
