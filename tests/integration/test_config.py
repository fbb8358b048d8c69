# SPDX-License-Identifier: Apache-2.0
"""Configuration files through the program itself: the examples are valid, what print-config writes is a configuration
that says the same, and what a file says in vain or in error is said with its place."""
import glob
import os
import tempfile
import unittest

import suite
from gateway import RECEIVER, run_program

EXAMPLES = sorted(glob.glob(os.path.join(os.environ["MASQUES_SOURCE_DIR"], "config", "*.yaml")))

# Every key of the collector's queues, retries, processors, storage and metrics that this gateway takes.
DIALECT = """\
receivers:
  otlp:
    protocols:
      grpc:
      http:
        endpoint: localhost:4318
processors:
  memory_limiter:
    check_interval: 1s
    limit_mib: 200
    spike_limit_mib: 40
    limit_percentage: 80
    spike_limit_percentage: 20
    min_gc_interval_when_soft_limited: 10s
    min_gc_interval_when_hard_limited: 1s
  batch:
    send_batch_size: 512
    send_batch_max_size: 1024
    timeout: 2s
    metadata_keys: []
    metadata_cardinality_limit: 500
exporters:
  nop/queue:
    sending_queue:
      enabled: true
      num_consumers: 4
      wait_for_result: false
      block_on_overflow: true
      sizer: bytes
      queue_size: 104857600
      storage: file_storage/queue
      batch:
        flush_timeout: 500ms
        min_size: 1000
        max_size: 2000
        sizer: items
    retry_on_failure:
      enabled: true
      initial_interval: 100ms
      randomization_factor: 0.3
      multiplier: 2
      max_interval: 10s
      max_elapsed_time: 5m
  nop/processor:
extensions:
  health_check:
  file_storage/queue:
    directory: /var/lib/masques
    timeout: 1s
    fsync: false
    create_directory: true
    directory_permissions: "0750"
    recreate: false
    compaction:
      on_start: true
      on_rebound: false
      directory: /tmp
      max_transaction_size: 65536
      rebound_needed_threshold_mib: 100
      rebound_trigger_threshold_mib: 10
      check_interval: 5s
      cleanup_on_start: false
service:
  extensions: [health_check, file_storage/queue]
  telemetry:
    logs:
      level: warn
    metrics:
      level: detailed
      readers:
        - pull:
            exporter:
              prometheus:
                host: 127.0.0.1
                port: 9999
                without_scope_info: true
                without_type_suffix: true
                without_units: true
  pipelines:
    logs:
      receivers: [otlp]
      processors: [memory_limiter, batch]
      exporters: [nop/queue, nop/processor]
"""
IN_VAIN = ("11:22: processors::memory_limiter::spike_limit_mib", "13:29: processors::memory_limiter::spike_limit_percentage",
           "15:40: processors::memory_limiter::min_gc_interval_when_hard_limited",
           "21:33: processors::batch::metadata_cardinality_limit", "55:17: extensions::file_storage/queue::compaction::on_start",
           "57:18: extensions::file_storage/queue::compaction::directory")


class Config(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="masques-config-")
        self.addCleanup(place.cleanup)
        self.path = os.path.join(place.name, "config.yaml")

    def write(self, text):
        with open(self.path, "w", encoding="utf-8") as file:
            file.write(text)
        return self.path

    def run_receiver(self, action, path, code=0):
        done = run_program(RECEIVER, action, "--config", path)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_the_examples_are_valid_and_without_warnings(self):
        self.assertGreaterEqual(len(EXAMPLES), 3)
        for path in EXAMPLES:
            with self.subTest(path):
                done = self.run_receiver("validate", path)
                self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_what_is_printed_says_the_same(self):
        for path in [*EXAMPLES, self.write(DIALECT)]:
            with self.subTest(path):
                first = self.run_receiver("print-config", path).stdout
                self.assertIn("pipelines:", first)
                self.run_receiver("validate", self.write(first))
                self.assertEqual(self.run_receiver("print-config", self.path).stdout, first)

    def test_the_printed_configuration_shows_what_became_of_the_dialect(self):
        text = self.run_receiver("print-config", self.write(DIALECT)).stdout
        for words in ("    num_consumers: 4\n", "queue_size: 104857600\n", "storage: file_storage/queue\n",
                      "block_on_overflow: true\n", "max_elapsed_time: 5m0s\n", "randomization_factor: 0.3\n"):
            self.assertIn(words.replace("file_storage/queue", '"file_storage/queue"'), text)
        queue, processor = text.split("  nop/processor:\n")
        self.assertIn("        flush_timeout: 500ms\n        min_size: 1000\n        max_size: 2000\n", queue)
        self.assertIn("        flush_timeout: 2s\n        min_size: 512\n        max_size: 1024\n", processor)
        ours = text.split("\nmasques:\n")[1]
        self.assertIn("    ledger: 200MiB\n", ours)
        self.assertIn('    directory: "/var/lib/masques"\n    fsync: interval\n', ours)
        self.assertIn("  log_level: warn\n", ours)
        self.assertIn("      level: detailed\n      address: 127.0.0.1:9999\n", text)

    def test_validate_says_what_has_no_effect(self):
        done = self.run_receiver("validate", self.write(DIALECT))
        self.assertEqual(done.stdout, "")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), len(IN_VAIN), done.stderr)
        for line, place in zip(lines, IN_VAIN):
            self.assertTrue(line.startswith(f"masques-receiver: warning: {self.path}:{place}: has no effect: "), line)

    def test_an_error_has_file_line_key_and_reason(self):
        for wrong, right, words in (
                ("storage: file_storage/queue", "storage: file_storage/other",
                 "31:16: exporters::nop/queue::sending_queue::storage: references extension \"file_storage/other\" which is "
                 "not configured as a file_storage"),
                ("[health_check, file_storage/queue]", "[health_check]",
                 "31:16: exporters::nop/queue::sending_queue::storage: references extension \"file_storage/queue\" which "
                 "service::extensions does not list"),
                ("metadata_keys: []", "metadata_keys: [tenant]", "20:20: processors::batch::metadata_keys: "),
                ("sizer: items", "sizer: requests", "36:16: exporters::nop/queue::sending_queue::batch::sizer: ")):
            with self.subTest(right):
                self.assertEqual(DIALECT.count(wrong), 1)
                for action in ("validate", "print-config"):
                    done = self.run_receiver(action, self.write(DIALECT.replace(wrong, right)), code=1)
                    self.assertEqual(done.stdout, "")
                    self.assertIn(f"{self.path}:{words}", done.stderr)


if __name__ == "__main__":
    suite.main()
