# SPDX-License-Identifier: Apache-2.0
"""Damaged requests: what is sound in them gets through, and the sender, the log and the counters say what did not."""
import json
import re
import time
import unittest

import grpc
import grpc_client
import suite
import telemetry
from gateway import Gateway, wait_for
from http_client import post
from telemetry import HTTP_PATH

PROTOBUF, JSON = "application/x-protobuf", "application/json"
REJECTED = {"logs": "rejectedLogRecords", "metrics": "rejectedDataPoints", "traces": "rejectedSpans"}


def partial(answer, kind=PROTOBUF):
    """(rejected, message) of an Export*ServiceResponse; None: full success."""
    if kind == JSON:
        tree = json.loads(answer).get("partialSuccess")
        if tree is None:
            return None
        return int(next((tree[key] for key in REJECTED.values() if key in tree), 0)), tree.get("errorMessage", "")
    if answer == b"":
        return None
    (number, inner), = telemetry.fields(answer)
    assert number == 1
    values = dict(telemetry.fields(inner))
    return values.get(1, 0), values.get(2, b"").decode()


def damaged(signal, name):
    """A request whose middle record is malformed inside, its length intact: a key claims more bytes than there are."""
    parts = telemetry.REQUEST[signal]([name + "-1", name + "-broken", name + "-3"]).split(b"\x07test.id")
    return parts[0] + b"\x07test.id" + parts[1] + b"\x7ftest.id" + parts[2] + b"\x07test.id" + parts[3]


class Mending(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.begun = time.monotonic()
        cls.gateway = Gateway(workers=1).start()

    @classmethod
    def tearDownClass(cls):
        try:
            cls.gateway.stop()
        finally:
            cls.gateway.destroy()

    def arrives(self, name):
        return self.gateway.stdout.wait(
            lambda lines: next((line for line in lines if f'"stringValue":"{name}"' in line), None), name)

    def worker(self):
        return self.gateway.child("worker/1")

    def counted(self, what):
        return wait_for(lambda: what(self.worker()), "the worker's counts")

    def test_a_malformed_attribute_costs_its_value_or_its_record_and_nothing_else(self):
        for signal in HTTP_PATH:
            for way in ("grpc", "http"):
                with self.subTest(signal=signal, way=way):
                    name = f"{signal}-{way}"
                    body = damaged(signal, name)
                    before = sum(self.worker()["rejected"].values())
                    if way == "grpc":
                        answer = grpc_client.export(self.gateway.grpc, signal, body)
                    else:
                        answer = post(self.gateway.http, HTTP_PATH[signal], body)
                        self.assertEqual(answer.status, 200)
                        answer = answer.body
                    rejected, message = partial(answer)
                    self.assertEqual(rejected, 1)
                    self.assertRegex(message, r"left out.*attributes.* byte \d+")
                    self.assertEqual(telemetry.ids_of([self.arrives(name + "-1")]), [name + "-1", name + "-3"])
                    self.counted(lambda worker, before=before: sum(worker["rejected"].values()) == before + 1)

    def test_text_that_is_no_utf8_is_mended(self):
        body = telemetry.logs(["utf8-XXXX"]).replace(b"XXXX", b"\xff\xfe\x80\x80")
        rejected, message = partial(grpc_client.export(self.gateway.grpc, "logs", body))
        self.assertEqual(rejected, 0)
        self.assertIn("UTF-8", message)
        self.arrives("utf8-????")
        self.counted(lambda worker: worker["numbers"].get("mended_logs", 0) >= 2)

    def test_json_values_are_mended(self):
        text = {"resourceLogs": [{"scopeLogs": [{"logRecords": [
            {"body": {"intValue": 1.79e308}, "traceId": "xyz", "attributes": [
                {"key": "test.id", "value": {"stringValue": "json-mended"}}, {"key": "none", "value": {"doubleValue": {}}}]}]}]}]}
        answer = post(self.gateway.http, "/v1/logs", json.dumps(text).encode(), content_type=JSON)
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, JSON))
        rejected, message = partial(answer.body, JSON)
        self.assertEqual(rejected, 0)
        self.assertRegex(message, r"mended.*logRecords\[0\]")
        record = json.loads(self.arrives("json-mended"))["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
        self.assertEqual(record["body"], {"doubleValue": 1.79e308})

    def test_when_nothing_is_left_it_is_still_no_error(self):
        body = telemetry.logs(["alone"])
        body = body.replace(b"\x07test.id", b"\x7ftest.id")
        self.assertEqual(partial(grpc_client.export(self.gateway.grpc, "logs", body))[0], 1)

    def test_what_cannot_be_mended_is_refused_with_what_and_where(self):
        with self.assertRaises(grpc.RpcError) as caught:
            grpc_client.export(self.gateway.grpc, "logs", telemetry.logs(["cut"])[:-1])
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertRegex(caught.exception.details(), r"resource_logs.* byte \d+")
        answer = post(self.gateway.http, "/v1/logs", b'{"resourceLogs":[{"scopeLogs":[{]}]}', content_type=JSON)
        self.assertEqual((answer.status, answer.headers["content-type"]), (400, JSON))
        self.assertRegex(answer.json()["message"], r"scopeLogs\[0\].* byte \d+")

    def test_the_log_names_the_peer_and_does_not_repeat_itself(self):
        for n in range(20):
            grpc_client.export(self.gateway.grpc, "logs", damaged("logs", f"said-{n}"))
            post(self.gateway.http, "/v1/logs", b"{", content_type=JSON)
        said = ("were damaged", " refused: ")
        self.gateway.stderr.wait(lambda lines: all(any(text in line for line in lines) for text in said), "both")
        damage, refused = ([line for line in self.gateway.stderr.all() if text in line] for text in said)
        most = 1 + (time.monotonic() - self.begun) // 10  # SAY_EVERY_MS, since the worker's start
        for found in (damage, refused):
            self.assertTrue(1 <= len(found) <= most, found)
            self.assertTrue(re.search(r"logs from 127\.0\.0\.1:\d+ ", found[0]), found)


if __name__ == "__main__":
    suite.main()
