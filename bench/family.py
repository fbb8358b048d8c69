# SPDX-License-Identifier: Apache-2.0
"""A gateway of its own for a measurement, and what its processes cost. Used by the scripts of this folder."""
import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TICK = os.sysconf("SC_CLK_TCK")

CONFIG = """
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:0"}}, http: {{endpoint: "127.0.0.1:0"}}}}}}}}
exporters: {{{exporter}: {options}}}
extensions: {{health_check: {{endpoint: "127.0.0.1:0"}}}}
service:
  extensions: [health_check]
  pipelines:
    logs: {{receivers: [otlp], exporters: [{exporter}]}}
    metrics: {{receivers: [otlp], exporters: [{exporter}]}}
    traces: {{receivers: [otlp], exporters: [{exporter}]}}
masques: {{runtime_directory: "{runtime}", workers: {workers}, store: {store}}}
"""


def lines_of(pid, name):
    """Of a file of /proc; none when the process has gone since it was last heard."""
    try:
        with open("/proc/%d/%s" % (pid, name)) as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


class Family:
    def __init__(self, bin_dir, exporter="nop", workers=0, store="{}", options="{}"):
        # On tmpfs, where a store without a directory wants to lie; all of it goes when the row is done.
        self.dir = tempfile.mkdtemp(prefix="masques-bench-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        config, ready = self.dir + "/config.yaml", self.dir + "/ready.json"
        with open(config, "w") as f:
            f.write(CONFIG.format(exporter=exporter, options=options, store=store, runtime=self.dir + "/run",
                                  workers=workers))
        self.begun = time.monotonic()
        self.process = subprocess.Popen(
            [bin_dir + "/masques-receiver", "--config", config, "--ready-file", ready],
            stdout=subprocess.DEVNULL, stderr=open(self.dir + "/log", "w"))
        atexit.register(self.process.terminate)  # whatever ends this script ends its gateway; nothing once it has ended
        while not os.path.exists(ready):
            if self.process.poll() is not None or time.monotonic() - self.begun > 60:
                sys.exit("bench/run: the gateway does not start: " + open(self.dir + "/log").read())
            time.sleep(0.002)
        self.started_in = time.monotonic() - self.begun
        self.ready = json.load(open(ready))

    def health(self):
        try:
            with urllib.request.urlopen("http://" + self.ready["health"] + "/health") as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:  # 503: takes nothing just now
            return json.load(error)

    def processes(self):
        return {"master": self.process.pid,
                **{c["name"]: c["pid"] for c in self.health()["children"] if c["pid"]}}

    def cpu(self):
        """CPU seconds so far, by process."""
        out = {}
        for name, pid in self.processes().items():
            for line in lines_of(pid, "stat"):
                fields = line.rsplit(")", 1)[1].split()
                out[name] = (int(fields[11]) + int(fields[12])) / TICK
        return out

    def pss(self):
        """KiB, by process."""
        out = {}
        for name, pid in self.processes().items():
            for line in lines_of(pid, "smaps_rollup"):
                if line.startswith("Pss:"):
                    out[name] = int(line.split()[1])
        return out

    def connections(self):
        return sum(c["numbers"].get("connections", 0) for c in self.health()["children"] if c["kind"] == "worker")

    def delivered(self):
        return sum(sum(c["delivered"].values()) for c in self.health()["children"] if c["kind"] == "exporter")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        if code:
            sys.exit("bench/run: the gateway ended with %d: %s" % (code, open(self.dir + "/log").read()))
        shutil.rmtree(self.dir)


def build():
    directory = ROOT + "/build/bench"
    subprocess.run(["cmake", "-S", ROOT, "-B", directory, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                    "-DBUILD_TESTING=OFF"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", directory, "-j2"], check=True, stdout=subprocess.DEVNULL)
    return directory + "/bin"
