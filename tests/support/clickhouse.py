# SPDX-License-Identifier: Apache-2.0
"""A ClickHouse server of a test's own: the real engine (tests/clickhouse/engine.c) on a port and in a directory that
nobody else has. Everything here is asked over HTTP, as the exporter asks."""
import glob
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.parse
from xml.sax.saxutils import escape

from gateway import DEADLINE_S, DIE_WITH_TEST, Lines, roomy_directory, wait_for

ENGINE = os.path.join(os.environ["MASQUES_TEST_BIN"], "engine")
LIBRARY = os.environ.get("MASQUES_CLICKHOUSE_LIBRARY") or os.path.join(
    os.environ["MASQUES_SOURCE_DIR"], "tests", "clickhouse", "node_modules", "@chdb", "lib-linux-x64-gnu", "libchdb.so")
PORTS = range(20000, 32000)  # below those that the kernel gives to clients, who could take ours while we are down
MEMORY = "<max_server_memory_usage>4000000000</max_server_memory_usage>"

# What is read back is exact: maps in their order and with equal keys, times in ns, 64 bits as numbers, NaN as text.
EXACT = {
    "output_format_json_map_as_array_of_tuples": 1,
    "output_format_json_named_tuples_as_objects": 0,
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 1,
    "output_format_json_escape_forward_slashes": 0,
    "date_time_output_format": "unix_timestamp",
}


class ServerError(AssertionError):
    """What the server refused: code (0: none was given), status, text."""

    def __init__(self, status, code, text):
        super().__init__(f"status {status}, code {code}: {text}")
        self.status, self.code, self.text = status, code, text


def free_port():
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def user(password="", grants=None, profile="default"):
    """A user of users.xml. `grants`: statements such as "GRANT INSERT ON default.*"; None: everything."""
    text = f"<password>{escape(password)}</password><networks><ip>::/0</ip></networks>"
    text += f"<profile>{profile}</profile><quota>default</quota>"
    if grants is not None:
        text += "<grants>" + "".join(f"<query>{escape(grant)}</query>" for grant in grants) + "</grants>"
    return text


def _part(name):
    """(partition, first block, last block) of a part's name; None: it is none."""
    words = name.rsplit("_", 3)
    if len(words) != 4 or not all(word.isdigit() for word in words[1:]):
        return None
    return words[0], int(words[1]), int(words[2])


def _is_there(part, parts):
    return any(partition == part[0] and first <= part[1] and part[2] <= last for partition, first, last in parts)


class ClickHouse:
    """with ClickHouse() as server: …

    users     {name: user(…)}, beside `default`, which may do everything without a password
    profiles  {name: {setting: value}}; `default` is everybody's who has no other
    config    XML, more of the server's configuration
    """

    def __init__(self, users=None, profiles=None, config=MEMORY):
        self.directory = tempfile.mkdtemp(prefix="masques-clickhouse-", dir=roomy_directory())
        self.data = os.path.join(self.directory, "data")
        self.users = dict(users or {})
        self.profiles = {"default": {}, **(profiles or {})}
        self.config = config
        self.port = free_port()
        self.database = "default"  # of questions; to be changed at any time
        self.process = None
        self.stderr = None

    # -- life

    @property
    def address(self):
        return "127.0.0.1", self.port

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def _write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"<clickhouse>{text}</clickhouse>")
        return path

    def write_config(self):
        profiles = "".join(f"<{name}>" + "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in settings.items())
                           + f"</{name}>" for name, settings in self.profiles.items())
        users = "".join(f"<{name}>{text}</{name}>" for name, text in {"default": user(), **self.users}.items())
        users_path = self._write("users.xml", f"<profiles>{profiles}</profiles><users>{users}</users>"
                                              "<quotas><default></default></quotas>")
        return self._write("config.xml", f"<users_config>{users_path}</users_config>"
                                         f"<timezone>UTC</timezone>{self.config}")

    def start(self, wait=True):
        """Also again, after stop() or kill(): on the same port and with the same data."""
        if not os.path.exists(LIBRARY):
            raise AssertionError(f"the engine is not installed ({LIBRARY}): tests/clickhouse/install does it")
        if self.stderr:  # of one that ended by itself
            self.stderr.join()
        self.process = subprocess.Popen(
            [*DIE_WITH_TEST, ENGINE, LIBRARY, str(self.port), self.data, "--config-file", self.write_config()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.directory)
        self.stderr = Lines(self.process.stderr)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        def answers():
            if self.process.poll() is not None:
                raise AssertionError(f"the engine ended with {self.process.returncode}:\n{self.stderr.text()}")
            try:
                return self.request("GET", "/ping", timeout=5)[2] == b"Ok.\n"
            except (OSError, http.client.HTTPException):
                return False
        wait_for(answers, "the engine to answer", 180)  # hundreds of MB are loaded first

    def _end(self, number):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(DEADLINE_S)
        if self.stderr:
            self.stderr.join()
            self.stderr = None

    def stop(self):
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def restart(self):
        self.kill()
        return self.start()

    def forget_lost_tokens(self):
        """While it is down: takes out of the tables' logs what the engine remembers as inserted and does not have. It
        writes the token before the part that the token is for, so that a crash between the two loses that insert,
        however often it is repeated (test_engine.py shows it). Returns how many these were. The log: a line for each
        change, 1 (added) or 2 (dropped), the part, the token; the part may be in a larger one by now."""
        lost = 0
        for path in glob.glob(os.path.join(self.data, "store", "*", "*", "deduplication_logs", "*.txt")):
            parts = [part for name in os.listdir(os.path.dirname(os.path.dirname(path))) if (part := _part(name))]
            with open(path, encoding="utf-8") as file:
                lines = file.readlines()
            dropped = {line.split()[2] for line in lines if line.startswith("2\t")}
            kept = [line for line in lines if not line.startswith("1\t") or line.split()[2] in dropped
                    or _is_there(_part(line.split()[1]), parts)]
            lost += len(lines) - len(kept)
            if len(kept) < len(lines):
                with open(path, "w", encoding="utf-8") as file:
                    file.writelines(kept)
        return lost

    def pause(self):
        """It answers nothing, and its connections stay."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def destroy(self):
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self.start() if self.process is None else self

    def __exit__(self, *_):
        self.destroy()

    # -- questions

    def request(self, method, path, body=None, headers=None, timeout=DEADLINE_S):
        """(status, headers, body)."""
        connection = http.client.HTTPConnection(*self.address, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def raw(self, sql, body=None, settings=None, headers=None, timeout=DEADLINE_S):
        """The answer's body; ServerError if the server refuses. `body`: the data of an INSERT."""
        parameters = {"wait_end_of_query": 1, "database": self.database, **(settings or {})}
        if body is not None:
            parameters["query"], data = sql, body
        else:
            data = sql.encode("utf-8", "surrogateescape")
        status, answer_headers, answer = self.request("POST", "/?" + urllib.parse.urlencode(parameters), data, headers,
                                                      timeout)
        code = int(answer_headers.get("x-clickhouse-exception-code", 0))
        if status != 200 or code:
            raise ServerError(status, code, answer.decode("utf-8", "replace").strip())
        return answer

    def command(self, sql, **settings):
        """Statements, one after the other; a `;` at the end of a line parts them."""
        for statement in sql.split(";\n"):
            if statement.strip(" \n;"):
                self.raw(statement.strip(" \n;"), settings=settings)

    def query(self, sql, **settings):
        """The rows as dicts, exact (EXACT). Bytes that are no UTF-8 come as surrogates."""
        answer = self.raw(sql + " FORMAT JSONEachRow", settings={**EXACT, **settings})
        # A double may be written -0, which Python would take for the integer 0.
        return [json.loads(line, parse_int=lambda digits: -0.0 if digits == "-0" else int(digits))
                for line in answer.decode("utf-8", "surrogateescape").split("\n") if line]

    def values(self, sql, **settings):
        """The first column."""
        return [next(iter(row.values())) for row in self.query(sql, **settings)]

    def value(self, sql, **settings):
        (value,) = self.values(sql, **settings)
        return value

    def insert(self, table, rows, **settings):
        """Rows as dicts."""
        body = "\n".join(json.dumps(row) for row in rows).encode("utf-8")
        self.raw(f"INSERT INTO {table} FORMAT JSONEachRow", body, settings)

    def insert_native(self, table, body, **settings):
        """Blocks of the Native format, as the exporter sends them."""
        self.raw(f"INSERT INTO {table} FORMAT Native", body, settings)

    def count(self, table):
        """0 as well for a table that is not there."""
        try:
            return self.value(f"SELECT count() FROM {table}")
        except ServerError as error:
            if error.code in (60, 81):
                return 0
            raise

    def tables(self):
        return self.values("SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name")

    def new_database(self, name):
        """Makes it, empty, and asks there from now on."""
        self.raw(f"DROP DATABASE IF EXISTS {name}", settings={"database": "default"})
        self.raw(f"CREATE DATABASE {name}", settings={"database": "default"})
        self.database = name

    def wait_count(self, table, wanted, deadline=DEADLINE_S):
        """Waits until so many rows are there; more are an error at once. It may be down meanwhile."""
        def enough():
            try:
                found = self.count(table)
            except (OSError, http.client.HTTPException):
                return False
            if found > wanted:
                raise AssertionError(f"{found} rows in {table} instead of {wanted}")
            return found == wanted
        wait_for(enough, f"{wanted} rows in {table}", deadline, pause=0.05)
