# SPDX-License-Identifier: Apache-2.0
"""The proxy of the error matrix does what it says, and otherwise nothing."""
import http.client
import threading
import time
import unittest

import fault_proxy
import suite
from clickhouse import ClickHouse, ServerError
from fault_proxy import FaultProxy


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = ClickHouse().start()
        cls.addClassCleanup(cls.server.destroy)

    def setUp(self):
        self.server.command("DROP TABLE IF EXISTS t;\nCREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id")
        self.proxy = FaultProxy(self.server.address)
        self.addCleanup(self.proxy.close)
        self.addCleanup(lambda: self.assertEqual(self.proxy.failures, []))

    def insert(self, padding=0):
        """(status, code) as the client sees them; None: the connection broke."""
        connection = http.client.HTTPConnection(*self.proxy.address, timeout=30)
        try:
            connection.request("POST", "/?query=INSERT+INTO+t+FORMAT+JSONEachRow&insert_deduplication_token=a",
                               b'{"id": 1}' + b"\n" * padding)
            answer = connection.getresponse()
            answer.read()
            return answer.status, int(answer.headers.get("X-ClickHouse-Exception-Code", 0))
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def test_what_the_client_sees_and_what_is_done(self):
        for action, seen, done in (
                (fault_proxy.passes, (200, 0), 1),
                (fault_proxy.error(241), (500, 241), 0),
                (fault_proxy.error(516, status=403), (403, 516), 0),
                (fault_proxy.no_code(), (502, 0), 0),
                (fault_proxy.early(252), (500, 252), 0),
                (fault_proxy.reset_before, None, 0),
                (fault_proxy.reset_within(), None, 0),
                (fault_proxy.reset_after, None, 1),
                (fault_proxy.done_but(fault_proxy.error(319)), (500, 319), 1),
                (fault_proxy.done_but(fault_proxy.no_code(504)), (504, 0), 1)):
            with self.subTest(action):
                self.server.command("TRUNCATE TABLE t")
                rule = self.proxy.on(action)
                self.assertEqual(self.insert(), seen)
                self.assertEqual(self.server.count("t"), done)
                (request,) = rule.hits
                self.assertEqual((request.status, request.code), seen or (None, None))
                self.assertEqual(request.token, "a")

    def test_an_answer_is_cut_in_its_head(self):
        self.proxy.on(fault_proxy.cut_answer)
        self.insert()  # a lenient client may take what it got for an answer
        self.assertEqual(self.server.count("t"), 1)

    def test_held_requests_and_answers(self):
        for action, before in ((fault_proxy.held, 0), (fault_proxy.answer_held, 1)):
            self.server.command("TRUNCATE TABLE t")
            event, seen = threading.Event(), []
            rule = self.proxy.on(action(event))
            client = threading.Thread(target=lambda: seen.append(self.insert()))
            client.start()
            rule.wait()
            self.server.wait_count("t", before)
            self.assertEqual(seen, [])
            event.set()
            client.join(60)
            self.assertEqual(seen, [(200, 0)])
            self.assertEqual(self.server.count("t"), 1)

    def test_rules_take_what_they_match_and_as_often_as_they_may(self):
        self.proxy.on(fault_proxy.error(1), match="SELECT", times=None)
        self.proxy.on(fault_proxy.error(2), times=2)
        self.assertEqual([self.insert()[1] for _ in range(3)], [2, 2, 0])
        self.assertEqual([request.code for request in self.proxy.inserts("t")], [2, 2, 0])

    def test_a_server_that_is_not_there_is_a_broken_connection(self):
        self.proxy.server = ("127.0.0.1", 1)
        self.assertIsNone(self.insert())
        self.proxy.server = self.server.address
        self.assertEqual(self.insert(), (200, 0))

    def test_the_engine_refuses_through_it_as_directly(self):
        with self.assertRaises(ServerError) as direct:
            self.server.raw("SELECT * FROM nowhere")
        connection = http.client.HTTPConnection(*self.proxy.address, timeout=30)
        begin = time.monotonic()
        for _ in range(3):  # over one connection
            connection.request("POST", "/?wait_end_of_query=1", b"SELECT * FROM nowhere")
            answer = connection.getresponse()
            self.assertEqual(answer.read().decode().strip(), direct.exception.text)
            self.assertEqual(answer.headers["X-ClickHouse-Exception-Code"], "60")
        connection.close()
        print(f"three questions through the proxy: {time.monotonic() - begin:.3f} s")


if __name__ == "__main__":
    suite.main()
