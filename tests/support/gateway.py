# SPDX-License-Identifier: Apache-2.0
"""A gateway of its own for a test: the built programs, a generated configuration, free ports, a runtime directory
that nobody else has. Nothing here waits for a time to pass; everything waits for a condition."""
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

BIN = os.environ["MASQUES_BIN_DIR"]
RECEIVER = os.path.join(BIN, "masques-receiver")
FIXTURES = os.environ.get("MASQUES_FIXTURES", "")
DEADLINE_S = 60.0  # of a wait: generous, because machines are slow; a test that passes never sees it

# A test that is killed takes along what it started.
DIE_WITH_TEST = ("setpriv", "--pdeathsig", "KILL")

SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error:|SUMMARY: .*Sanitizer")
SIGNALS = ("logs", "metrics", "traces")


class Timeout(AssertionError):
    pass


def wait_for(condition, what="a condition", deadline=DEADLINE_S, pause=0.01):
    """Returns condition()'s first true value; fails when there is none before the deadline."""
    end = time.monotonic() + deadline
    tick = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Timeout(f"waited {deadline:.0f} s in vain for {what}")
        tick.wait(pause)


def roomy_directory():
    """Where the store costs no disk, if there is such a place with room; otherwise where temporary files are."""
    shm = "/dev/shm"
    if os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 1 << 30:
        return shm
    return None


class Lines:
    """The lines of a pipe, read by a thread so that the writer never blocks."""

    def __init__(self, pipe):
        self._pipe = pipe
        self._lines = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for raw in iter(self._pipe.readline, b""):
            with self._changed:
                self._lines.append(raw.decode("utf-8", "surrogateescape").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def all(self):
        with self._changed:
            return list(self._lines)

    def text(self):
        return "\n".join(self.all())

    def wait(self, predicate, what="lines", deadline=DEADLINE_S):
        """Waits until predicate(list of lines) is true; returns its value."""
        end = time.monotonic() + deadline
        with self._changed:
            while True:
                value = predicate(self._lines)
                if value:
                    return value
                left = end - time.monotonic()
                if left <= 0:
                    raise Timeout(f"waited {deadline:.0f} s in vain for {what}; the last lines are:\n"
                                  + "\n".join(self._lines[-20:]))
                self._changed.wait(left)

    def wait_count(self, count, deadline=DEADLINE_S):
        self.wait(lambda lines: len(lines) >= count, f"{count} lines", deadline)
        return self.all()

    def join(self):
        self._thread.join(DEADLINE_S)
        self._pipe.close()


def processes_of_session(session):
    """Pids of the living processes of a session; zombies do not count."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", "rb") as file:
                fields = file.read().rsplit(b")", 1)[1].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] not in (b"Z", b"X"):
            found.append(int(entry))
    return found


def state_of(pid):
    """The letter of a process's state; X: it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rsplit(b")", 1)[1].split()[0]
    except OSError:
        return b"X"


def signal_if_there(pid, number):
    """Children die with their master: one of a list of pids may be gone before its turn comes."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def process_alive(pid):
    return state_of(pid) not in b"ZX"


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    raise AssertionError(f"process {pid} has no memory")


def peer_ports_of(pid):
    """The ports at the other end of the TCP connections that a process holds."""
    inodes = set()
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{entry}")
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    ports = set()
    with open("/proc/net/tcp", encoding="ascii") as file:
        for line in list(file)[1:]:
            words = line.split()
            if words[9] in inodes:
                ports.add(int(words[2].split(":")[1], 16))
    return ports


def run_program(*arguments, timeout=DEADLINE_S, **options):
    """Runs a program of the gateway to its end."""
    return subprocess.run(arguments, capture_output=True, text=True, timeout=timeout, check=False, **options)


class Gateway:
    """with Gateway(...) as gateway: …

    exporters   {id: options}; all of them take all signals unless `pipelines` says otherwise
    pipelines   {signal: [exporter ids]}
    masques     more keys of `masques:`
    otlp        {"grpc": {...}, "http": {...}} to merge into the endpoints
    extensions  {id: options}, beside the health check; the service lists them
    health      whether there is a health endpoint, or which
    telemetry   what stands in `service::telemetry`
    """

    def __init__(self, exporters=None, pipelines=None, masques=None, otlp=None, workers=2, hang_after=None,
                 arguments=(), env=None, runtime_directory=None, stdout=subprocess.PIPE, health=True,
                 extensions=None, telemetry=None):
        self.directory = tempfile.mkdtemp(prefix="masques-test-", dir=roomy_directory())
        self.runtime = runtime_directory or os.path.join(self.directory, "run")
        self.exporters = {"debug": {"format": "json"}} if exporters is None else exporters
        self._pipelines = pipelines
        self._masques = dict(masques or {})
        self._otlp = otlp or {}
        self._workers = workers
        self._hang_after = hang_after
        self._health = health
        self._extensions = dict(extensions or {})
        self._telemetry = telemetry
        self._arguments = list(arguments)
        self.env = dict(os.environ, **(env or {}))
        self._stdout = stdout
        self.process = None
        self.stdout = None
        self.stderr = None
        self.ready = None
        self.exit_code = None
        self._checked = False
        self.program = RECEIVER
        self.launcher = ()  # a program that becomes the receiver
        self.descriptors = ()  # to be passed on
        self.moment_to_kill = contextlib.nullcontext  # in which processes are killed or stopped

    # -- configuration

    def override_otlp(self, protocol, options):
        """For the next write_config()."""
        self._otlp = {**self._otlp, protocol: options}

    def override_masques(self, **keys):
        self._masques.update(keys)

    def set_pipelines(self, pipelines):
        self._pipelines = pipelines

    def config(self):
        """As JSON, which YAML contains."""
        ids = list(self.exporters)
        pipelines = self._pipelines or {name: ids for name in SIGNALS}
        masques = {"workers": self._workers, "runtime_directory": self.runtime, **self._masques}
        if self._hang_after:
            masques["supervision"] = {"hang_after": self._hang_after}
        config = {
            "receivers": {"otlp": {"protocols": {
                "grpc": {"endpoint": "127.0.0.1:0", **self._otlp.get("grpc", {})},
                "http": {"endpoint": "127.0.0.1:0", **self._otlp.get("http", {})},
            }}},
            "exporters": self.exporters,
            "service": {
                "pipelines": {name: {"receivers": ["otlp"], "exporters": list(wanted)}
                              for name, wanted in pipelines.items()},
            },
            "masques": masques,
        }
        if self._telemetry:
            config["service"]["telemetry"] = self._telemetry
        extensions = dict(self._extensions)
        if self._health:
            extensions["health_check"] = {"endpoint": self._health if isinstance(self._health, str)
                                                     else "127.0.0.1:0"}
        if extensions:
            config["extensions"] = extensions
            config["service"]["extensions"] = list(extensions)
        return json.dumps(config, indent=2)

    def options(self, masques):
        """More keys of `masques:`, for the next start."""
        self._masques.update(masques)

    def write_config(self):
        path = os.path.join(self.directory, "config.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.config())
        return path

    # -- life

    def start(self, wait=True):
        """Once more after kill_family(), too: on the same directories, with the options as they are now."""
        self.ready_file = os.path.join(self.directory, "ready.json")
        if os.path.exists(self.ready_file):
            os.unlink(self.ready_file)
        self.exit_code, self._checked = None, False
        self.process = subprocess.Popen(
            [*DIE_WITH_TEST, *self.launcher, self.program, "--config", self.write_config(), "--ready-file", self.ready_file, *self._arguments],
            stdin=subprocess.DEVNULL, stdout=self._stdout, stderr=subprocess.PIPE, env=self.env,
            pass_fds=self.descriptors, start_new_session=True)
        self.stdout = Lines(self.process.stdout) if self.process.stdout else None
        self.stderr = Lines(self.process.stderr)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, deadline=DEADLINE_S):
        def is_ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the gateway ended with {self.process.returncode}:\n{self.stderr.text()}")
            return os.path.exists(self.ready_file)
        wait_for(is_ready, "the ready file", deadline)
        with open(self.ready_file, encoding="utf-8") as file:
            self.ready = json.load(file)
        return self.ready

    def __enter__(self):
        return self.start() if self.process is None else self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                if not self._checked:
                    self.stop()
            else:
                print(f"-- stderr of the gateway, last lines\n{chr(10).join(self.stderr.all()[-40:])}",
                      file=sys.stderr)
        finally:
            self.destroy()

    def stop(self, number=signal.SIGTERM, code=0, deadline=DEADLINE_S):
        """Ends the gateway and proves that it ended well: exit code, no process left, no report of a sanitizer."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.wait_end(deadline)
        self.check_end(code)

    def wait_end(self, deadline=DEADLINE_S):
        try:
            self.exit_code = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise Timeout(f"the gateway still runs {deadline:.0f} s after it was told to end; its stderr:\n"
                          + self.stderr.text()) from None
        return self.exit_code

    def check_end(self, code=0):
        wait_for(lambda: not processes_of_session(self.process.pid), "the last child to end")
        for lines in (self.stdout, self.stderr):
            if lines:
                lines.join()
        self._checked = True
        if self.exit_code != code:
            raise AssertionError(f"exit code {self.exit_code} instead of {code}; stderr:\n{self.stderr.text()}")
        self.check_sanitizers()

    def check_sanitizers(self):
        text = self.stderr.text()
        if SANITIZER.search(text):
            raise AssertionError("a sanitizer has found something:\n" + text)

    def kill_family(self, first=()):
        """Kills the master; its children have to follow by themselves. `first`: names of children to be killed before,
        in this order. Everything they wrote to stderr is checked and forgotten. Then start() again."""
        pids = [self.child(name)["pid"] for name in first]
        with self.moment_to_kill():
            for pid in filter(None, pids):
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.kill()
            self.wait_end()
            self.check_end(code=-signal.SIGKILL)

    def destroy(self):
        """Whatever happened, nothing stays: no process, no file."""
        if self.process is not None and not self._checked:
            for pid in {self.process.pid, *processes_of_session(self.process.pid)}:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self.process.wait(DEADLINE_S)
            for lines in (self.stdout, self.stderr):
                if lines:
                    lines.join()
            self._checked = True
        shutil.rmtree(self.directory, ignore_errors=True)

    # -- addresses

    @staticmethod
    def _split(address):
        host, port = address.rsplit(":", 1)
        return host, int(port)

    @property
    def grpc(self):
        return self._split(self.ready["grpc"])

    @property
    def http(self):
        return self._split(self.ready["http"])

    @property
    def health_address(self):
        return self._split(self.ready["health"])

    @property
    def metrics_address(self):
        return self._split(self.ready["metrics"])

    # -- health

    def health_answer(self, method="GET", path="/", timeout=DEADLINE_S):
        """(status, headers, body) of the health endpoint."""
        connection = http.client.HTTPConnection(*self.health_address, timeout=timeout)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def health(self):
        return json.loads(self.health_answer()[2])

    def children(self, kind=None):
        """Entries of the health answer's `children`, by name."""
        entries = {child["name"]: child for child in self.health()["children"]}
        return {name: child for name, child in entries.items() if kind in (None, child["kind"])}

    def child(self, name):
        return self.children()[name]

    def wait_beats(self, count=2, name="router"):
        """Waits until a child was heard so many more times. What health says of queues is as old as the router's last
        beat; the second one from now on was written after this call."""
        for _ in range(count):
            last = self.child(name)["lastHeartbeat"]
            wait_for(lambda last=last: self.child(name)["lastHeartbeat"] not in (None, last), f"a beat of {name}")

    def names(self, kind):
        return sorted(self.children(kind))

    def kill_child(self, name, number=signal.SIGKILL):
        """Sends a signal to a child; returns the pid that it had. A child that is just not there (pid 0, which would
        stand for our own process group) is waited for."""
        done = {signal.SIGKILL: b"ZX", signal.SIGSTOP: b"TZX"}.get(number)

        def sent():
            pid = self.child(name)["pid"]
            try:
                if pid:
                    with self.moment_to_kill():
                        os.kill(pid, number)
                        if done:
                            wait_for(lambda: state_of(pid) in done, f"{name} to be killed or stopped", pause=0.0005)
                return pid
            except ProcessLookupError:  # it ended after the answer was written
                return None
        return wait_for(sent, f"a process {name}")

    def wait_replaced(self, name, pid, deadline=DEADLINE_S):
        """Waits until another process runs under the name; returns its entry."""
        def replaced():
            try:
                entry = self.children().get(name)
            except (OSError, http.client.HTTPException):
                return None
            return entry if entry and entry["pid"] not in (0, pid) and entry["state"] == "running" else None
        return wait_for(replaced, f"{name} to run anew", deadline)

    # -- output

    def json_lines(self):
        return [line for line in self.stdout.all() if line.startswith("{")]

    def wait_json(self, count, deadline=DEADLINE_S):
        """The lines of the json console, once there are `count` of them."""
        self.stdout.wait(lambda lines: sum(line.startswith("{") for line in lines) >= count,
                         f"{count} lines of JSON", deadline)
        return self.json_lines()
