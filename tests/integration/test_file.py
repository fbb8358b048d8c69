# SPDX-License-Identifier: Apache-2.0
"""The file exporter: what it writes is what was sent, in every format; and whatever is killed, full, moved or
missing, every record is there once and no message is torn."""
import glob
import os
import random
import re
import subprocess
import threading
import time
import unittest
from collections import Counter

import otlp_file
import suite
import telemetry
import test_captures
from gateway import Gateway, wait_for
from http_client import Connection, request

FORMATS = [(format, compression) for format in ("json", "proto") for compression in ("none", "zstd")]
BACKUP = re.compile(r"^data-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.jsonl$")


def post(gateway, signal_name, body):
    with Connection(gateway.http) as connection:
        connection.send(request(telemetry.HTTP_PATH[signal_name], body))
        answer = connection.read_answer()
    if answer.status != 200:
        raise AssertionError(answer)


def ids_in_lines(*paths):
    return [name for path in paths for name in telemetry.ids_of(otlp_file.messages(path))]


class Case(unittest.TestCase):
    maxDiff = None

    def gateway(self, options=None, path="out/data.jsonl", **more):
        """A gateway with the one exporter `file`; `path` is below its own directory."""
        gateway = Gateway(exporters={"file": {}}, **more)
        self.addCleanup(gateway.destroy)
        self.path = os.path.join(gateway.directory, path)
        os.makedirs(os.path.join(gateway.directory, "out"), exist_ok=True)
        gateway.exporters = {"file": {"path": self.path, **(options or {})}}
        return gateway

    def wait_ids(self, wanted, *paths, more=lambda: ()):
        """Waits until every id is in the files, in a line with its end; each of them must be there once."""
        def found():
            names = set()
            for path in [*(paths or [self.path]), *more()]:
                try:
                    with open(path, "rb") as file:
                        data = file.read()
                    names.update(re.findall(r'"test\.id","value":\{"stringValue":"([^"]*)"',
                                            data[:data.rfind(b"\n") + 1].decode("utf-8", "replace")))
                except FileNotFoundError:
                    pass
            return set(wanted) <= names
        wait_for(found, "the records in the file")

    def check_once(self, wanted, names):
        counts = Counter(names)
        lost = [name for name in wanted if counts[name] == 0]
        twice = [name for name, count in counts.items() if count > 1]
        self.assertEqual((len(lost), len(twice)), (0, 0), f"lost {lost[:9]}, twice {twice[:9]}")


class Formats(Case):
    def check_format(self, format, compression):
        captures = test_captures.captures()
        self.assertGreater(len(captures), 50)
        wanted = Counter((capture.signal, telemetry.meaning_of(capture.signal, capture.message))
                         if format == "json" else capture.message for capture in captures)
        with self.gateway({"format": format, "compression": compression}) as gateway:
            for capture in captures:
                post(gateway, capture.signal, capture.message)
            wait_for(lambda: len(self.try_messages(format, compression)) >= len(captures), "all captures in the file")
            found = otlp_file.messages(self.path, format, compression)
        if format == "json":
            found = [(telemetry.signal_of(line), telemetry.bytes_of(telemetry.signal_of(line), line)) for line in found]
        self.assertTrue(Counter(found) == wanted, "the file does not say what was sent")

    def try_messages(self, format, compression):
        try:
            return otlp_file.messages(self.path, format, compression)
        except (AssertionError, FileNotFoundError):  # it is being written
            return []

    def test_captures_come_out_as_they_were_sent(self):
        for format, compression in FORMATS:
            with self.subTest(format=format, compression=compression):
                self.check_format(format, compression)

    def test_one_line_for_each_batch(self):
        with self.gateway() as gateway:
            for at in range(50):
                post(gateway, "logs", telemetry.logs([f"r{at}a", f"r{at}b"]))
            self.wait_ids([f"r{at}b" for at in range(50)])
            self.assertEqual(len(otlp_file.messages(self.path)), 50)
            self.assertEqual(len(ids_in_lines(self.path)), 100)

    def test_three_signals_share_a_file(self):
        with self.gateway() as gateway:
            for name in telemetry.REQUEST:
                post(gateway, name, telemetry.REQUEST[name]([name]))
            self.wait_ids(list(telemetry.REQUEST))
            self.assertEqual({telemetry.signal_of(line) for line in otlp_file.messages(self.path)},
                             set(telemetry.REQUEST))


class Beginning(Case):
    """append, create_directory, and a file that was there before."""

    def run_once(self, options, ids, path="out/data.jsonl", before=None, directory=None):
        gateway = self.gateway(options, path)
        if directory:
            self.path = os.path.join(directory, path)
            gateway.exporters["file"]["path"] = self.path
        if before is not None:
            with open(self.path, "wb") as file:
                file.write(before)
        with gateway:
            post(gateway, "logs", telemetry.logs(ids))
            self.wait_ids(ids)
            gateway.stop()
            with open(self.path, "rb") as file:
                return file.read()

    def test_a_file_is_emptied_once_a_run(self):
        first = self.run_once({}, ["a"], before=b"old\n")
        self.assertEqual(len(otlp_file.lines(first)), 1)

    def test_append_continues_it(self):
        data = self.run_once({"append": True}, ["a"], before=b"old\n")
        self.assertEqual(otlp_file.lines(data)[0], "old")
        self.assertEqual(len(otlp_file.lines(data)), 2)

    def test_append_ends_a_line_of_somebody_else(self):
        data = self.run_once({"append": True}, ["a"], before=b"no end")
        self.assertEqual(otlp_file.lines(data)[0], "no end")
        self.assertEqual(len(otlp_file.lines(data)), 2)

    def test_a_restarted_exporter_does_not_empty_it(self):
        with self.gateway() as gateway:
            post(gateway, "logs", telemetry.logs(["a"]))
            self.wait_ids(["a"])
            gateway.wait_replaced("file", gateway.kill_child("file"))
            post(gateway, "logs", telemetry.logs(["b"]))
            self.wait_ids(["a", "b"])
            gateway.wait_replaced("router", gateway.kill_child("router"))
            post(gateway, "logs", telemetry.logs(["c"]))
            self.wait_ids(["a", "b", "c"])
            self.check_once(["a", "b", "c"], ids_in_lines(self.path))
            gateway.stop()
            self.assertFalse(glob.glob(os.path.join(os.path.dirname(self.path), ".*")), "a file beside it")

    def test_the_next_run_empties_it(self):
        gateway = self.gateway()
        with gateway:
            post(gateway, "logs", telemetry.logs(["a"]))
            self.wait_ids(["a"])
            gateway.stop()
            with Gateway(exporters={"file": {"path": self.path}}) as second:
                post(second, "logs", telemetry.logs(["b"]))
                self.wait_ids(["b"])
                self.assertEqual(ids_in_lines(self.path), ["b"])

    def test_directories_are_made_with_their_permissions(self):
        self.run_once({"create_directory": True, "directory_permissions": "0700"}, ["a"], "out/x/y/data.jsonl")

    def test_a_missing_directory_is_said_and_waited_for(self):
        with self.gateway(path="out/later/data.jsonl") as gateway:
            post(gateway, "logs", telemetry.logs(["a"]))
            error = wait_for(lambda: gateway.child("file").get("lastError") or gateway.child("file").get("error"),
                             "an error in health")
            self.assertIn("later/data.jsonl failed: No such file or directory", error)
            self.assertEqual(gateway.health_answer()[0], 200)
            os.mkdir(os.path.dirname(self.path))
            self.wait_ids(["a"])
            self.check_once(["a"], ids_in_lines(self.path))


class Rotation(Case):
    def backups(self):
        directory = os.path.dirname(self.path)
        return sorted(os.path.join(directory, name) for name in os.listdir(directory) if name != "data.jsonl")

    def test_by_size_with_the_collectors_names(self):
        with self.gateway({"rotation": {"max_megabytes": 1}}) as gateway:
            for at in range(40):
                post(gateway, "logs", telemetry.logs([f"r{at}"], padding=100_000))
            wanted = [f"r{at}" for at in range(40)]
            self.wait_ids(wanted, more=self.backups)
            backups = self.backups()
            self.assertGreaterEqual(len(backups), 3)
            for path in backups:
                self.assertRegex(os.path.basename(path), BACKUP)
                self.assertLessEqual(os.path.getsize(path), 1 << 20)
            self.check_once(wanted, ids_in_lines(self.path, *backups))

    def test_old_backups_go(self):
        with self.gateway({"rotation": {"max_megabytes": 1, "max_backups": 2}}) as gateway:
            for at in range(60):
                post(gateway, "logs", telemetry.logs([f"r{at}"], padding=100_000))
            self.wait_ids(["r59"])
            self.assertEqual(len(self.backups()), 2)

    def test_a_larger_message_has_a_file_of_its_own(self):
        with self.gateway({"rotation": {"max_megabytes": 1}}) as gateway:
            for name, padding in (("a", 10), ("b", 2_000_000), ("c", 10)):
                post(gateway, "logs", telemetry.logs([name], padding=padding))
                self.wait_ids([name], more=self.backups)
            self.assertEqual([ids_in_lines(path) for path in self.backups()], [["a"], ["b"]])
            self.assertEqual(ids_in_lines(self.path), ["c"])


class Grouping(Case):
    def test_each_value_has_its_file_and_the_rest_is_rejected(self):
        with self.gateway({"group_by": {"enabled": True, "resource_attribute": "service.name", "max_open_files": 2}},
                          path="out/*/data.jsonl") as gateway:
            wanted = {}
            for at in range(30):  # more files than may be open
                service = f"s{at % 5}"
                wanted.setdefault(service, []).append(f"r{at}")
                post(gateway, "logs", telemetry.logs([f"r{at}"], service=service))
            post(gateway, "logs", telemetry.logs(["out"], service="../../../escaped"))
            post(gateway, "logs", telemetry.logs(["none"], service="x" * 300))
            wanted["escaped"] = ["out"]
            paths = {service: self.path.replace("*", service) for service in wanted}
            self.wait_ids([name for names in wanted.values() for name in names], *paths.values())
            for service, names in wanted.items():
                self.check_once(names, ids_in_lines(paths[service]))
            self.assertFalse(glob.glob(os.path.join(os.path.dirname(gateway.directory), "escaped*")))


    def test_more_rejected_resources_than_a_message_has_frames(self):
        """Each of them is a rejection of its own, with good ones between them."""
        request = telemetry.oracle.REQUESTS["logs"]()
        for at in range(5000):
            for service in ("good", None):
                part = telemetry.oracle.REQUESTS["logs"].FromString(telemetry.logs([f"{service}{at}"], service="good"))
                if service is None:
                    del part.resource_logs[0].resource.attributes[:]
                request.resource_logs.append(part.resource_logs[0])
        with self.gateway({"group_by": {"enabled": True, "resource_attribute": "service.name"}},
                          path="out/*.jsonl") as gateway:
            post(gateway, "logs", request.SerializeToString())
            wait_for(lambda: gateway.child("file")["rejected"].get("logs") == 5000, "the rejections to be counted")
            self.check_once([f"good{at}" for at in range(5000)], ids_in_lines(self.path.replace("*", "good")))


class Others(Case):
    """Others that touch the same files."""

    def test_a_line_without_an_end_gets_one_while_it_runs(self):
        with self.gateway({"append": True}) as gateway:
            post(gateway, "logs", telemetry.logs(["a"]))
            self.wait_ids(["a"])
            with open(self.path, "ab") as file:
                file.write(b"no end")
            post(gateway, "logs", telemetry.logs(["b"]))
            self.wait_ids(["a", "b"])
            lines = otlp_file.messages(self.path)
            self.assertEqual((len(lines), lines[1]), (3, "no end"))
            self.assertEqual(telemetry.ids_of(lines[::2]), ["a", "b"])

    def test_a_renamed_file_is_left_and_a_new_one_begins(self):
        with self.gateway() as gateway:
            post(gateway, "logs", telemetry.logs(["a"]))
            self.wait_ids(["a"])
            os.rename(self.path, self.path + ".1")
            gateway.process.send_signal(1)  # as logrotate's postrotate does; it is not needed
            post(gateway, "logs", telemetry.logs(["b"]))
            self.wait_ids(["b"])
            self.assertEqual((ids_in_lines(self.path + ".1"), ids_in_lines(self.path)), (["a"], ["b"]))

    def test_a_file_that_is_cut_to_nothing_goes_on_without_a_hole(self):
        """logrotate's copytruncate."""
        with self.gateway({"append": True}) as gateway:
            post(gateway, "logs", telemetry.logs(["a"]))
            self.wait_ids(["a"])
            os.truncate(self.path, 0)
            post(gateway, "logs", telemetry.logs(["b"]))
            self.wait_ids(["b"])
            self.assertEqual(ids_in_lines(self.path), ["b"])

    def test_two_exporters_with_one_path_do_not_spoil_it(self):
        gateway = self.gateway()
        gateway.exporters["file/second"] = dict(gateway.exporters["file"])
        with gateway:
            for at in range(20):
                post(gateway, "logs", telemetry.logs([f"r{at}"]))
            wanted = [f"r{at}" for at in range(20)]
            self.wait_ids(wanted)
            def refused():
                children = gateway.children("exporter").values()
                return any("another exporter" in child.get("lastError", "") + child.get("error", "")
                           for child in children)
            wait_for(refused, "the second exporter to say that it may not write")
            self.check_once(wanted, ids_in_lines(self.path))


class Degraded(Case):
    def test_what_is_wrong_and_that_it_is_over_is_in_the_log_once(self):
        gateway = self.gateway({"append": True}, path="out/missing/data.jsonl")
        with gateway:
            post(gateway, "logs", telemetry.logs(["a"]))
            gateway.stderr.wait(lambda lines: [line for line in lines if "file: degraded: opening " in line],
                                "what is wrong")
            os.mkdir(os.path.dirname(self.path))
            self.wait_ids(["a"])
            gateway.stderr.wait(lambda lines: [line for line in lines if "file: not degraded any more" in line],
                                "that it is over")
            self.assertEqual(gateway.stderr.text().count("degraded: opening"), 1)


class Full(Case):
    def test_a_full_disk_tears_nothing_and_is_recovered_from(self):
        """A real one. What does not fit is cut off again, health says why, and all of it comes when there is room."""
        gateway = self.gateway({"append": True}, path="out/small/data.jsonl")
        small = os.path.dirname(self.path)
        os.makedirs(small)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True, check=False)
        if done.returncode:
            self.skipTest("no right to mount a small file system: " + done.stderr.decode())
        self.addCleanup(subprocess.run, ["umount", "-l", small], check=False)
        with gateway:
            wanted = [f"r{at}" for at in range(40)]
            for name in wanted:  # 2 MB
                post(gateway, "logs", telemetry.logs([name], padding=50_000))
            degraded = wait_for(lambda: (lambda child: child if child["state"] == "degraded" else None)(
                gateway.child("file")), "the exporter to be degraded")
            self.assertIn("No space left on device", degraded.get("lastError", ""))
            wait_for(lambda: self.whole_lines() > 5, "whole lines in the full file")
            subprocess.run(["mount", "-o", "remount,size=16m", small], check=True)
            self.wait_ids(wanted)
            self.check_once(wanted, ids_in_lines(self.path))
            wait_for(lambda: gateway.child("file")["state"] == "running", "the exporter to be well again")

    def whole_lines(self):
        try:
            return len(otlp_file.messages(self.path))
        except AssertionError:  # it is being written
            return 0


class Load(threading.Thread):
    """Sends requests of all signals, each with new ids, and remembers what was acknowledged."""

    def __init__(self, gateway, number, padding=0):
        super().__init__(daemon=True)
        self.gateway, self.number, self.padding = gateway, number, padding
        self.acknowledged = []
        self.halt = threading.Event()

    def run(self):
        sent = 0
        signals = list(telemetry.REQUEST)
        connection = None
        while not self.halt.wait(0.002):  # or the files become too large to be read here
            name = signals[sent % 3]
            ids = [f"c{self.number}-{sent}-{n}" for n in range(3)]
            sent += 1
            body = (telemetry.logs(ids, padding=self.padding) if name == "logs"
                    else telemetry.REQUEST[name](ids))
            try:
                connection = connection or Connection(self.gateway.http)
                connection.send(request(telemetry.HTTP_PATH[name], body))
                if connection.read_answer().status == 200:
                    self.acknowledged += ids
            except (OSError, EOFError):
                connection = None
        if connection:
            connection.close()

    def stop(self):
        self.halt.set()
        self.join(60)


class Trouble(Case):
    def run_load(self, gateway, until, padding=0):
        loads = [Load(gateway, number, padding) for number in range(3)]
        for load in loads:
            load.start()
        try:
            until(loads)
        finally:
            for load in loads:
                load.stop()
        return [name for load in loads for name in load.acknowledged]

    def check_kills(self, options, padding, victims, kills, format="json", compression="none"):
        seed = int(os.environ.get("MASQUES_SEED", time.time_ns() % 1_000_000))
        chance = random.Random(seed)
        print(f"seed {seed}")
        gateway = self.gateway({"format": format, "compression": compression, **options})
        directory = os.path.dirname(self.path)
        with gateway:
            def kill(loads):
                for _ in range(kills):
                    reached = sum(len(load.acknowledged) for load in loads) + chance.randrange(1, 120)
                    wait_for(lambda: sum(len(load.acknowledged) for load in loads) >= reached, "records", pause=0.001)
                    name = chance.choice(victims)
                    gateway.wait_replaced(name, gateway.kill_child(name))
            acknowledged = self.run_load(gateway, kill, padding)
            wanted = set(acknowledged)
            wait_for(lambda: wanted <= set(self.names(directory, format, compression, strict=False)), "all records",
                     pause=0.2)
            gateway.stop()
            names = self.names(directory, format, compression)
        print(f"{len(acknowledged)} records, {kills} kills")
        self.assertGreater(len(acknowledged), 0)
        self.check_once(acknowledged, names)

    @staticmethod
    def names(directory, format, compression, strict=True):
        """The test.id of every record in every file. Before the end a file may be in the middle of a write."""
        names = []
        for path in glob.glob(os.path.join(directory, "*")):
            try:
                names += telemetry.ids_of(otlp_file.messages(path, format, compression))
            except (AssertionError, FileNotFoundError):
                if strict:
                    raise
        return names

    def test_killed_exporter_writes_nothing_twice(self):
        self.check_kills({}, 2000, ["file"], 6)

    def test_killed_exporter_and_rotation(self):
        self.check_kills({"rotation": {"max_megabytes": 1}}, 20_000, ["file"], 6)

    def test_killed_exporter_and_frames(self):
        self.check_kills({}, 2000, ["file"], 5, compression="zstd")

    def test_killed_router_and_exporter(self):
        self.check_kills({}, 200, ["file", "router"], 6)


if __name__ == "__main__":
    suite.main()
