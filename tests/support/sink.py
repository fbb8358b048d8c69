# SPDX-License-Identifier: Apache-2.0
"""The durable exporter of the loss tests (tests/support/sink.c), attached to a running gateway by hand, or in the place
of a configuration's exporter `file`."""
import os
import shutil
import signal
import subprocess
from collections import Counter

from gateway import BIN, DIE_WITH_TEST, RECEIVER, SANITIZER, Lines, state_of, wait_for

PROGRAM = os.path.join(os.environ["MASQUES_TEST_BIN"], "sink")


class Records:
    """What a sink wrote to self.file."""

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


class Sink(Records):
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

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.stderr.join()
        if code != 0 or SANITIZER.search(self.stderr.text()):
            raise AssertionError(f"the sink ended with {code}:\n{self.stderr.text()}")

    def stand_still(self):
        """Until SIGCONT; what is stored from now on waits for it."""
        self.process.send_signal(signal.SIGSTOP)
        wait_for(lambda: state_of(self.process.pid) == b"T", "the sink to stand still")

    def kill(self):
        self.process.kill()
        self.process.wait(60)
        self.stderr.join()


class StandIn(Records):
    """The sink in the place of `file/NAME`, in a gateway that is not started yet: supervised, and with the settings that
    the configuration has for that exporter."""

    def __init__(self, gateway, name="file/sink", **options):
        programs = os.path.join(gateway.directory, "bin")
        if not os.path.isdir(programs):
            os.mkdir(programs)
            for program in os.listdir(BIN):
                path = PROGRAM if program == "masques-exporter-file" else os.path.join(BIN, program)
                place = os.path.join(programs, program)
                # The gateway looks for the others beside its own file, wherever a symbolic link to that lies.
                (shutil.copy2 if path == RECEIVER else os.symlink)(path, place)
            gateway.program = os.path.join(programs, os.path.basename(RECEIVER))
        self.gateway = gateway
        self.name = name
        self.file = os.path.join(gateway.directory, name.replace("/", "-") + ".out")
        open(self.file, "ab").close()
        gateway.exporters[name] = {"path": self.file, **options}

    def begin(self, what):
        """`what`: "retry" or "reject"; that is its answer to every delivery until end()."""
        open(f"{self.file}.{what}", "wb").close()

    def end(self, what):
        os.unlink(f"{self.file}.{what}")

    def tries(self):
        """(delivery, attempt) of every delivery that came to it, in order."""
        try:
            with open(self.file + ".tries", encoding="ascii") as file:
                return [(tuple(words[:4]), int(words[4])) for words in map(str.split, file) if len(words) == 5]
        except FileNotFoundError:
            return []

    def attempts(self):
        """The highest so far, of any delivery."""
        return max((attempt for _, attempt in self.tries()), default=0)
