# SPDX-License-Identifier: Apache-2.0
"""What is created: the printed statements are accepted, and make the tables that the collector makes and the exporter
makes; the rights that the document names are enough; secrets are shown nowhere; the example file works."""
import json
import os
import re
import unittest

import clickhouse
import clickhouse_tables
import house
import suite
from clickhouse import ClickHouse
from gateway import BIN, SIGNALS, Gateway, run_program, wait_for

EXPORTER = os.path.join(BIN, "masques-exporter-clickhouse")
RECEIVER = os.path.join(BIN, "masques-receiver")
EXAMPLE = os.path.join(os.environ["MASQUES_SOURCE_DIR"], "config", "clickhouse.yaml")
COLUMNS = ("SELECT table, name, type, compression_codec, default_kind, default_expression FROM system.columns"
           " WHERE database = currentDatabase() AND table != 'otel_traces_trace_id_ts_mv'")
# The independent statements do without some codecs and indexes; the names and types are what readers see.
COMPARED = ("table", "name", "type", "default_kind", "default_expression")
KEYS = ("SELECT name, engine, partition_key, sorting_key, primary_key FROM system.tables"
        " WHERE database = currentDatabase() ORDER BY name")
STATEMENTS = ("SELECT name, replaceAll(create_table_query, concat(currentDatabase(), '.'), '') AS text"
              " FROM system.tables WHERE database = currentDatabase() ORDER BY name")
INDEXES = ("SELECT table, name, type_full FROM system.data_skipping_indices WHERE database = currentDatabase()"
           " ORDER BY table, name")
VARIANTS = ({}, {"ttl": "72h"}, {"timestamp_time": "true", "ttl": "90s"}, {"dedup_window": "0"},
            {"logs_table_name": "my logs", "traces_table_name": "spans`", "metrics_tables.sum.name": "sums"},
            {"table_engine.name": "ReplacingMergeTree", "dedup_window": "77"})


def printed(*arguments, **options):
    flags = [text for name, value in options.items() for text in (f"--{name}", value)]
    result = run_program(EXPORTER, *arguments, *flags)
    assert result.returncode == 0 and not result.stderr, result.stderr
    return result.stdout


def nested(options):
    """Flags as the configuration has them."""
    found = {}
    for name, value in options.items():
        *above, last = name.split(".")
        place = found
        for key in above:
            place = place.setdefault(key, {})
        place[last] = {"true": True}.get(value, int(value) if value.isdigit() else value)
    return found


class Schema(house.Case):
    def make(self, script):
        for statement in script.split(";\n\n"):
            if statement.strip():
                self.server.raw(statement)

    def test_they_are_the_collectors(self):
        self.make(printed("--print-ddl", database=self.server.database))
        ours = {what: self.server.query(sql) for what, sql in (("columns", COLUMNS), ("keys", KEYS))}
        self.server.new_database("independent")
        self.server.command(clickhouse_tables.everything())
        theirs = {what: self.server.query(sql) for what, sql in (("columns", COLUMNS), ("keys", KEYS))}
        self.assertEqual(ours["keys"], theirs["keys"])
        self.assertEqual(len(ours["keys"]), 9)
        shown = [sorted(tuple(row[name] for name in COMPARED) for row in rows)
                 for rows in (ours["columns"], theirs["columns"])]
        self.assertEqual(*shown)
        self.assertGreater(len(shown[0]), 130)

    def test_every_variant_is_what_the_exporter_creates(self):
        for options in VARIANTS:
            with self.subTest(options):
                self.server.new_database("made")
                with self.gateway(**nested(options)) as gateway:
                    for signal in SIGNALS:
                        self.send(gateway, signal)
                    self.wait_counts(gateway, delivered=9)
                made = self.server.query(STATEMENTS)
                self.server.new_database("printed")
                self.make(printed("--print-ddl", database="printed", **options))
                wanted = {row["name"]: row["text"] for row in self.server.query(STATEMENTS)}
                self.assertGreater(len(made), 3)
                for row in made:
                    self.assertEqual(row["text"], wanted[row["name"]])

    def test_they_may_be_there_already(self):
        script = printed("--print-ddl", database=self.server.database)
        self.make(script)
        before = self.server.query(STATEMENTS)
        self.make(script)
        self.assertEqual(self.server.query(STATEMENTS), before)

    def test_older_servers_get_bloom_filters(self):
        self.make(printed("--print-ddl=26.1", database=self.server.database))
        old = {(row["table"], row["name"]): row["type_full"] for row in self.server.query(INDEXES)}
        self.server.new_database("newer")
        self.make(printed("--print-ddl=26.2", database="newer"))
        new = {(row["table"], row["name"]): row["type_full"] for row in self.server.query(INDEXES)}
        self.assertEqual(set(old), set(new))
        self.assertFalse([name for name, kind in old.items() if "text" in kind])
        changed = {name for name in old if old[name] != new[name]}
        self.assertEqual(changed, {name for name in old if name[0] == "otel_logs"})
        self.assertEqual(len(changed), 8)

    def test_a_ttl_deletes_and_the_default_does_not(self):
        self.make(printed("--print-ddl", database=self.server.database, ttl="48h"))
        self.server.insert("otel_logs", [{"Timestamp": "2020-01-01 00:00:00"}, {"Timestamp": "2100-01-01 00:00:00"}])
        self.server.command("OPTIMIZE TABLE otel_logs FINAL")
        wait_for(lambda: self.server.count("otel_logs") == 1, "the old row to go")  # a merge of the engine's own may do it
        texts = {row["name"]: row["text"] for row in self.server.query(STATEMENTS)}
        self.assertEqual(sum("toIntervalDay(2)" in text for text in texts.values()), 8)

    def test_views_under_other_names(self):
        names = {"database": self.server.database, "logs_table_name": "my logs", "metrics_tables.sum.name": "sums"}
        self.make(printed("--print-ddl", **names))
        script = printed("--print-views", **names)
        for statement in re.split(r";\n", script):
            if statement.strip():
                self.server.raw(statement, settings={"database": "default"})
        views = [name for name in self.server.tables() if name.startswith("claude_code_")]
        self.assertEqual(len(views), 10)
        for view in views:
            self.assertEqual(self.server.count(view), 0)


class Rights(house.Case):
    """What docs/clickhouse.md says that a user needs is enough, and the server remembers tokens for it."""

    users = {
        "writer": clickhouse.user("secret", ["GRANT INSERT, SHOW ON here.*", "GRANT SELECT ON here.otel_traces"]),
        "creator": clickhouse.user("secret", [
            "GRANT INSERT, SHOW, CREATE DATABASE, CREATE TABLE, CREATE VIEW ON there.*",
            "GRANT SELECT ON there.otel_traces", "GRANT SELECT ON there.otel_traces_trace_id_ts",
            "GRANT TABLE ENGINE ON MergeTree"]),
        "viewless": clickhouse.user("secret", [
            "GRANT INSERT, SHOW, CREATE DATABASE, CREATE TABLE ON nowhere.*", "GRANT TABLE ENGINE ON MergeTree"]),
    }
    server_options = {"users": users}

    def check(self, name, **options):
        with self.gateway(username=name, password="secret", **options) as gateway:
            for signal in SIGNALS:
                self.wait_once(self.send(gateway, signal), signal)
            self.wait_counts(gateway, delivered=9)
            self.wait_state(gateway, "running")
        self.assertNotIn("dedup: off", gateway.stderr.text())
        return gateway.stderr.text()

    def test_to_write_only(self):
        self.server.new_database("here")
        self.server.command(clickhouse_tables.everything())
        self.check("writer", create_schema=False)

    def test_to_create(self):
        self.server.database = "there"
        self.check("creator")
        self.assertEqual(self.server.count("otel_traces_trace_id_ts"), 1)

    def test_a_view_that_may_not_be_created_stops_no_span(self):
        self.server.database = "nowhere"
        said = self.check("viewless")
        self.assertIn("what belongs to nowhere.otel_traces cannot be created", said)
        self.assertEqual(said.count("cannot be created"), 1)
        self.assertNotIn("otel_traces_trace_id_ts_mv", self.server.tables())


class Secrets(house.Case):
    users = {"writer": clickhouse.user("hidden-password")}
    server_options = {"users": users}

    def test_they_are_shown_nowhere(self):
        gateway = self.gateway(username="${env:WHO}", password="${env:SECRET}", masques={"log_level": "debug"})
        gateway.env.update(WHO="writer", SECRET="hidden-password")
        with gateway:
            self.wait_once(self.send(gateway))
            result = run_program(RECEIVER, "print-config", "--config", gateway.write_config(), env=gateway.env)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn('password: "[REDACTED]"', result.stdout)
            self.assertIn('username: "[REDACTED]"', result.stdout)
            seen = result.stdout + result.stderr + json.dumps(gateway.health())
            for pid in (self.child(gateway)["pid"], gateway.process.pid):
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    seen += file.read().decode("utf-8", "replace")
        self.assertNotIn("hidden-password", seen + gateway.stderr.text())

    def test_by_hand(self):
        """From the environment, never among the arguments."""
        result = run_program(EXPORTER, "--router", "ipc:///nowhere", "--password=hidden-password")
        self.assertEqual(result.returncode, 1)
        self.assertIn("CLICKHOUSE_PASSWORD", result.stderr)
        self.assertNotIn("hidden-password", result.stderr)
        with Gateway(exporters={"nop": {}}) as gateway:
            env = dict(os.environ, CLICKHOUSE_USER="writer", CLICKHOUSE_PASSWORD="hidden-password")
            process = clickhouse.subprocess.Popen(
                [*clickhouse.DIE_WITH_TEST, EXPORTER, "--router", gateway.ready["bus"], "--endpoint", self.server.endpoint,
                 "--database", self.server.database, "--mode", "live"], env=env, stderr=clickhouse.subprocess.PIPE)
            lines = clickhouse.Lines(process.stderr)
            try:
                clickhouse.wait_for(lambda: "clickhouse" in json.dumps(gateway.health()["children"]), "the exporter")
                clickhouse.wait_for(lambda: (self.send(gateway), self.server.count("otel_logs"))[1] > 0, "rows",
                                    pause=0.2)
            finally:
                process.terminate()
                process.wait(60)
                lines.join()
        self.assertNotIn("hidden-password", lines.text())


class Example(house.Case):
    """config/clickhouse.yaml, but for its ports and the age of rows."""

    def test_it_works(self):
        class FromFile(Gateway):
            def config(self):
                with open(EXAMPLE, encoding="utf-8") as file:
                    text = re.sub(r"}:(4317|4318|13133)", "}:0", file.read())
                text = text.replace("ttl: 2160h", "ttl: 175200h")  # what the tests send is old
                return text + f"\nmasques:\n  runtime_directory: {self.runtime}\n"

        gateway = FromFile(env={"MASQUES_HOST": "127.0.0.1", "CLICKHOUSE_ENDPOINT": self.server.endpoint,
                                "CLICKHOUSE_DATABASE": "otel_example"})
        self.addCleanup(gateway.destroy)
        gateway.env["MASQUES_STORE"] = os.path.join(gateway.directory, "store")
        self.server.database = "otel_example"
        with gateway:
            for signal in SIGNALS:
                self.wait_once(self.send(gateway, signal), signal)


if __name__ == "__main__":
    suite.main()
