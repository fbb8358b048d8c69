# SPDX-License-Identifier: Apache-2.0
"""The views for Claude Code say what is computed from the same requests by other means (claude_numbers.py): from what
was captured, and from made-up sessions with everything that the captures lack."""
import os
import random
import shutil
import tempfile
import unittest

import claude_numbers
import clickhouse_tables
import otlp_oracle
import samples
import suite
from clickhouse import ClickHouse
from gateway import run_program

DUMP = os.path.join(os.environ["MASQUES_TEST_BIN"], "native_dump")
VIEWS = os.path.join(os.environ["MASQUES_SOURCE_DIR"], "deploy", "clickhouse", "claude_code.sql")
SECOND, DAY = 10**9, 86400 * 10**9
START = samples.NOON
MODELS = ("claude-opus-5-5", "claude-haiku-5", "")
TOOLS = ("Bash", "Read", "Edit", "mcp_tool")
METRICS = {
    "claude_code.session.count": {"start_type": ("fresh", "resume")},
    "claude_code.lines_of_code.count": {"type": ("added", "removed"), "model": MODELS[:2]},
    "claude_code.pull_request.count": {},
    "claude_code.commit.count": {},
    "claude_code.cost.usage": {"model": MODELS[:2], "query_source": ("main", "subagent", "auxiliary")},
    "claude_code.token.usage": {"model": MODELS[:2], "query_source": ("main", "subagent"),
                                "type": ("input", "output", "cacheRead", "cacheCreation")},
    "claude_code.code_edit_tool.decision": {"tool_name": ("Edit", "Write"), "decision": ("accept", "reject")},
    "claude_code.active_time.total": {"type": ("user", "cli")},
}


def put(attributes, **values):
    """Keys with "__" for each ".": session__id."""
    for key, value in values.items():
        item = attributes.add()
        item.key = key.replace("__", ".")
        if isinstance(value, str):
            item.value.string_value = value
        elif isinstance(value, float):
            item.value.double_value = value
        else:
            item.value.int_value = value


class Maker:
    """Makes requests of Claude Code by chance: the same for the same seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, values):
        return self.random.choice(values)

    def either(self, value):
        """Numbers are texts in some events and versions."""
        return self.one((value, str(value)))

    def event(self, records, name, time, **attributes):
        record = records.add()
        record.time_unix_nano = time
        record.body.string_value = f"claude_code.{name}"
        if self.random.random() < 0.8:
            put(record.attributes, event__name=name)
        put(record.attributes, **attributes)

    def say(self, kind):
        """(name, attributes) of an event."""
        r = self.random
        if kind == 0:
            return "user_prompt", {"prompt_length": "6", "prompt": "<REDACTED>"}
        if kind == 1:
            attributes = {"model": self.one(MODELS), "input_tokens": self.either(r.randrange(9999)),
                          "output_tokens": self.either(r.randrange(999)), "cache_read_tokens": r.randrange(99999),
                          "cache_creation_tokens": r.randrange(999), "cost_usd": self.either(r.random()),
                          "duration_ms": self.either(r.randrange(1, 60000)), "query_source": "main"}
            if r.random() < 0.7:
                attributes["ttft_ms"] = r.randrange(1, 2000)
            return "api_request", attributes
        if kind == 2:
            return "api_error", {"model": self.one(MODELS), "error": "529 overloaded", "status_code": self.either(529),
                                 "attempt": self.either(r.randrange(1, 11)), "duration_ms": r.randrange(1000)}
        if kind == 3:
            return "api_retries_exhausted", {"model": self.one(MODELS), "total_attempts": 11}
        if kind == 4:
            return "tool_decision", {"tool_name": self.one(TOOLS), "decision": self.one(("accept", "accept", "reject")),
                                     "source": "user_temporary"}
        if kind == 5:
            attributes = {"tool_name": self.one(TOOLS), "success": self.one(("true", "true", "false")),
                          "tool_result_size_bytes": "17"}
            if r.random() < 0.9:
                attributes["duration_ms"] = self.either(r.randrange(30000))
            return "tool_result", attributes
        return "compaction", {}

    def session(self, number):
        """A session's logs: resumed at times, with numbers that are missing, that come twice and out of order."""
        r = self.random
        request = otlp_oracle.REQUESTS["logs"]()
        scope = request.resource_logs.add().scope_logs.add()
        scope.scope.name = "com.anthropic.claude_code.events"
        who = {"session__id": f"session-{number}", "user__id": f"user-{number % 3}"}
        if number % 3 == 1:
            who["user__email"] = "someone@example.com"
        if number % 7 == 6:
            who["session__id"] = ""
        time = START + r.randrange(2 * DAY)
        for _ in range(r.randrange(1, 4)):
            for sequence in range(r.choice((1, 5, 40, 100))):
                time += r.randrange(3 * SECOND)
                if r.random() < 0.1:
                    continue
                name, attributes = self.say(r.randrange(7))
                early = r.randrange(2 * SECOND) if r.random() < 0.05 and sequence else 0
                for _ in range(2 if r.random() < 0.03 else 1):
                    self.event(scope.log_records, name, time - early, event__sequence=sequence, **who, **attributes)
            time += 3600 * SECOND
        other = request.resource_logs.add().scope_logs.add()
        other.scope.name = "somebody.else"
        self.event(other.log_records, "user_prompt", time, event__sequence=1000, **who)
        return request.SerializeToString()

    def exports(self, number, temporality):
        """A process's metrics, some exports long, over some days."""
        r = self.random
        start = time = START + r.randrange(DAY)
        series = []
        for _ in range(30):
            name = self.one(tuple(METRICS))
            attributes = {key: self.one(values) for key, values in METRICS[name].items()}
            if (name, attributes) not in [known[:2] for known in series]:
                series.append((name, attributes, [0.0]))
        for _ in range(r.randrange(1, 8)):
            before = time
            request = otlp_oracle.REQUESTS["metrics"]()
            resource = request.resource_metrics.add()
            put(resource.resource.attributes, service__name="claude-code", host__arch=self.one(("arm64",)))
            scope = resource.scope_metrics.add()
            scope.scope.name = "com.anthropic.claude_code"
            time += r.choice((60 * SECOND, DAY // 3))
            for name, attributes, total in series:
                rise = float(r.randrange(100)) if "cost" not in name else r.random()
                total[0] += rise
                metric = scope.metrics.add(name=name)
                metric.sum.aggregation_temporality = temporality
                metric.sum.is_monotonic = True
                point = metric.sum.data_points.add()
                put(point.attributes, user__id=f"user-{number % 3}", session__id=f"session-{number}", **attributes)
                point.start_time_unix_nano = start if temporality == claude_numbers.CUMULATIVE else before
                point.time_unix_nano = time
                point.as_double = rise if temporality == claude_numbers.DELTA else total[0]
            yield request.SerializeToString()


class Views(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.server = ClickHouse().start()
        cls.addClassCleanup(cls.server.destroy)

    def load(self, generation="new", **requests):
        """Tables with these requests (logs=, metrics=) and the views over them."""
        directory = tempfile.mkdtemp(prefix="masques-test-")
        self.addCleanup(shutil.rmtree, directory)
        self.server.new_database("views")
        self.server.command(clickhouse_tables.everything(generation=generation))
        for signal, bodies in requests.items():
            paths = []
            for number, body in enumerate(bodies):
                paths.append(os.path.join(directory, f"{signal}-{number}"))
                with open(paths[-1], "wb") as file:
                    file.write(body)
            result = run_program(DUMP, signal, directory, *paths)
            self.assertEqual(result.returncode, 0, result.stderr)
        for table in clickhouse_tables.TABLES:
            path = os.path.join(directory, table)
            if os.path.exists(path):
                with open(path, "rb") as file:
                    self.server.insert_native(table, file.read(), max_partitions_per_insert_block=0)
        with open(VIEWS, encoding="utf-8") as file:
            self.server.command(file.read())

    def check(self, view, keys, wanted):
        """The view has these rows and no others."""
        columns = [*keys, *next(iter(wanted.values()))]
        shown = ", ".join(f"toUnixTimestamp64Nano({name}) AS {name}" if name in ("Start", "End") else
                          f"toString({name}) AS {name}" if name == "Day" else name for name in columns)
        rows = self.server.query(f"SELECT {shown} FROM {view}")
        found = {}
        for row in rows:
            key = tuple(row[key] for key in keys)
            key = key if len(key) > 1 else key[0]
            self.assertNotIn(key, found)
            found[key] = {name: value for name, value in row.items() if name not in keys}
        self.assertEqual(set(found), set(wanted), view)
        for key, row in wanted.items():
            for name, value in row.items():
                with self.subTest(view=view, key=key, column=name):
                    if isinstance(value, float):
                        self.assertAlmostEqual(found[key][name], value, delta=1e-9 * max(1, abs(value)))
                    else:
                        self.assertEqual(found[key][name], value)
        return found

    def check_all(self, logs, metrics):
        events = claude_numbers.events(logs)
        self.check("claude_code_sessions", ["SessionId"], claude_numbers.sessions(events))
        self.check("claude_code_tools", ["Day", "Tool"], claude_numbers.tools(events))
        self.check("claude_code_api", ["Day", "Model"], claude_numbers.api(events))
        self.check("claude_code_lost_events", ["SessionId", "Run"], claude_numbers.lost_events(events))
        self.check("claude_code_usage", ["Day", "Model", "UserId", "UserEmail", "QuerySource"],
                   claude_numbers.usage(metrics))
        self.check("claude_code_work", ["Day", "UserId", "UserEmail"], claude_numbers.work(metrics))
        calls = [event for event in events if event.name == "tool_result"]
        self.assertEqual(self.server.query("SELECT count() AS n, sum(Success) AS good, sum(ResultBytes) AS bytes"
                                           " FROM claude_code_tool_calls"),
                         [{"n": len(calls), "good": sum(event["success"] == "true" for event in calls),
                           "bytes": sum(int(event["tool_result_size_bytes"] or 0) for event in calls)}])
        requests = [event for event in events if event.name in ("api_request", "api_error")]
        (row,) = self.server.query("SELECT count() AS n, countIf(Success) AS good, sum(Attempts) AS attempts,"
                                   " sum(CostUSD) AS cost FROM claude_code_api_requests")
        self.assertEqual((row["n"], row["good"]),
                         (len(requests), sum(event.name == "api_request" for event in requests)))
        self.assertEqual(row["attempts"], sum(max(1, int(event["attempt"] or 0)) for event in requests))
        self.assertAlmostEqual(row["cost"], sum(float(event["cost_usd"] or 0) for event in requests))
        self.assertEqual(self.server.value("SELECT count() FROM claude_code_events"), len(events))
        return events

    def test_captures(self):
        logs, metrics = samples.captures("logs"), samples.captures("metrics")
        for generation in ("new", "old"):
            with self.subTest(generation):
                self.load(generation, logs=logs, metrics=metrics)
                events = self.check_all(logs, metrics)
                self.assertGreater(len(events), 100)
        # Nothing was lost when they were captured, and each session has its cost in both places.
        self.assertEqual(self.server.value("SELECT sum(Lost) FROM claude_code_lost_events"), 0)

    def test_costs_agree(self):
        """Events and counters of the captured sessions are two accounts of the same money."""
        logs, metrics = samples.captures("logs"), samples.captures("metrics")
        self.load(logs=logs, metrics=metrics)
        by_events = {row["SessionId"]: row["CostUSD"] for row in self.server.query(
            "SELECT SessionId, CostUSD FROM claude_code_sessions WHERE ApiRequests > 0")}
        by_counters = {row["id"]: row["cost"] for row in self.server.query(
            "SELECT Attributes['session.id'] AS id, sum(Increase) AS cost FROM claude_code_increases"
            " WHERE MetricName = 'claude_code.cost.usage' AND id != '' GROUP BY id")}
        self.assertGreater(len(by_counters), 5)
        for session, cost in by_counters.items():
            self.assertAlmostEqual(by_events[session], cost, places=9)

    def test_made_up_sessions(self):
        maker = Maker(20261126)
        logs = [maker.session(number) for number in range(25)]
        metrics = []
        for number in range(12):
            metrics += maker.exports(number, self.temporality(number))
        self.load(logs=logs, metrics=metrics)
        events = self.check_all(logs, metrics)
        lost = claude_numbers.lost_events(events)
        self.assertTrue(any(row["Lost"] for row in lost.values()))
        self.assertTrue(any(row["Duplicates"] for row in lost.values()))
        self.assertTrue(any(run for _, run in lost))

    @staticmethod
    def temporality(number):
        return (claude_numbers.DELTA, claude_numbers.CUMULATIVE)[number % 2]

    def test_the_same_work_in_both_temporalities_is_the_same(self):
        sums = []
        for temporality in (claude_numbers.DELTA, claude_numbers.CUMULATIVE):
            maker = Maker(7)
            metrics = [body for number in range(3) for body in maker.exports(number, temporality)]
            self.load(metrics=metrics)
            sums.append(self.server.query("SELECT sum(CostUSD) AS cost, sum(InputTokens) AS tokens"
                                          " FROM claude_code_usage")[0])
        self.assertAlmostEqual(sums[0]["cost"], sums[1]["cost"])
        self.assertEqual(sums[0]["tokens"], sums[1]["tokens"])
        self.assertGreater(sums[0]["cost"], 1)

    def test_they_can_be_made_again(self):
        self.load(logs=samples.captures("logs"))
        before = self.server.tables()
        with open(VIEWS, encoding="utf-8") as file:
            self.server.command(file.read())
        self.assertEqual(self.server.tables(), before)


if __name__ == "__main__":
    suite.main()
