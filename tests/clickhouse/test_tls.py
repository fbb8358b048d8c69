# SPDX-License-Identifier: Apache-2.0
"""https: whose certificate is taken, what is said where it is not, and our own certificate. The engine has no TLS here:
the proxy before it does."""
import os
import shutil
import ssl
import subprocess
import tempfile

import house
import suite
from fault_proxy import FaultProxy
from gateway import wait_for

GIVES_UP = {"shutdown": {"grace": "0s"}}  # with what it could not deliver


class Tls(house.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.directory = tempfile.mkdtemp(prefix="masques-test-")
        cls.addClassCleanup(shutil.rmtree, cls.directory)
        cls.authority("ca")
        cls.authority("other")
        cls.certificate("server", "ca")
        cls.certificate("client", "ca")

    @classmethod
    def path(cls, name):
        return os.path.join(cls.directory, name)

    @classmethod
    def openssl(cls, *arguments):
        subprocess.run(["openssl", *arguments], cwd=cls.directory, check=True, capture_output=True)

    @classmethod
    def authority(cls, name):
        cls.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                    f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")

    @classmethod
    def certificate(cls, name, authority):
        cls.openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        cls.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                    "-CAcreateserial", "-copy_extensions", "copy", "-days", "2", "-out", f"{name}.pem")

    def tls_proxy(self, asks_for_certificate=False):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("server.pem"), self.path("server.key"))
        if asks_for_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.path("ca.pem"))
        proxy = FaultProxy(self.server.address, tls=context)
        self.addCleanup(proxy.close)
        return proxy

    def check_written(self, proxy, **tls):
        with self.gateway(proxy.endpoint, tls=tls) as gateway:
            self.wait_once(self.send(gateway))
        self.assertEqual(proxy.failures, [])

    def check_refused(self, proxy, words, **tls):
        with self.gateway(proxy.endpoint, masques=GIVES_UP, tls=tls) as gateway:
            self.send(gateway)
            self.wait_words(gateway, words)
            self.assertEqual(self.server.count(house.LOGS), 0)

    def test_an_authority_that_is_known(self):
        self.check_written(self.tls_proxy(), ca_file=self.path("ca.pem"))

    def test_an_authority_that_is_not(self):
        for tls in ({}, {"ca_file": self.path("other.pem")}):
            self.check_refused(self.tls_proxy(), "certificate", **tls)

    def test_no_check_at_all(self):
        self.check_written(self.tls_proxy(), insecure_skip_verify=True)

    def test_our_own_certificate(self):
        self.check_written(self.tls_proxy(True), ca_file=self.path("ca.pem"), cert_file=self.path("client.pem"),
                           key_file=self.path("client.key"))
        proxy = self.tls_proxy(True)
        with self.gateway(proxy.endpoint, masques=GIVES_UP, tls={"ca_file": self.path("ca.pem")}) as gateway:
            self.send(gateway)
            self.wait_words(gateway)
            wait_for(lambda: proxy.refused, "to be refused without one")

    def test_a_file_that_is_missing(self):
        self.check_refused(self.tls_proxy(), "nowhere.pem", ca_file=self.path("nowhere.pem"))


if __name__ == "__main__":
    suite.main()
