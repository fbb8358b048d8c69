# SPDX-License-Identifier: Apache-2.0
"""Dockerfile, docker-compose.yml and what they mount, as far as they can be checked without Docker: the packages have
the libraries of the programs, the question of HEALTHCHECK is answered as it should be, names and paths fit."""
import json
import os
import re
import subprocess
import unittest

import suite
import yaml
from gateway import BIN, Gateway, run_program

SOURCE = os.environ["MASQUES_SOURCE_DIR"]
SANITIZED = os.environ.get("MASQUES_SANITIZED") == "1"
ALWAYS_THERE = {"libc6", "libgcc-s1", "libstdc++6"}  # of the image, or what every C++ library brings


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


def libraries_of(program):
    """Those that it names itself; what these need, their packages bring."""
    text = subprocess.run(["objdump", "-p", program], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"NEEDED\s+(\S+)", text))


def package_of(library):
    paths = subprocess.run(["dpkg", "-S", f"*/{library}"], capture_output=True, text=True, check=True).stdout
    return paths.split(":")[0]


class Dockerfile(unittest.TestCase):
    text = read("Dockerfile")

    @unittest.skipIf(SANITIZED, "a sanitizer's build needs other libraries")
    def test_its_packages_have_the_libraries_of_every_program(self):
        packages = set(re.search(r"--no-install-recommends \\\n(.*?)&&", self.text, re.S)[1].replace("\\", "").split())
        programs = [os.path.join(BIN, name) for name in os.listdir(BIN)
                    if name.startswith("masques") and name not in ("masques-load", "masques-encode")]
        self.assertGreater(len(programs), 6)
        needed = set().union(*map(libraries_of, programs))
        self.assertGreater(len(needed), 8)
        self.assertEqual({package_of(library) for library in needed} - ALWAYS_THERE - packages, set())

    def test_it_runs_as_a_user_of_its_own(self):
        last = self.text.split("\nFROM ")[-1]
        self.assertRegex(last, r"\nUSER masques\n")
        self.assertRegex(last, r"useradd .*--uid 10001")

    def test_the_health_check_tells_well_from_unwell(self):
        command = json.loads(re.search(r"HEALTHCHECK .*\\\n\s+CMD (\[.*\])\n", self.text)[1])
        with Gateway(exporters={"nop": {}}) as gateway:
            host, port = gateway.health_address
            mine = [word.replace("127.0.0.1/13133", f"{host}/{port}") for word in command]
            self.assertNotEqual(mine, command)
            self.assertEqual(run_program(*mine).returncode, 0)
        self.assertNotEqual(run_program(*mine).returncode, 0)

    def test_the_configurations_are_where_it_says(self):
        self.assertIn("COPY config /etc/masques", self.text)
        for name in ("claude-code.yaml", "clickhouse.yaml"):
            self.assertTrue(os.path.exists(os.path.join(SOURCE, "config", name)))


class Compose(unittest.TestCase):
    compose = yaml.safe_load(read("docker-compose.yml"))
    services = compose["services"]

    def test_names_fit(self):
        self.assertEqual(set(self.services), {"gateway", "clickhouse", "statements", "schema", "grafana"})
        for name, service in self.services.items():
            with self.subTest(name):
                self.assertIn("image", service)
                self.assertLessEqual(set(service.get("depends_on", ())), set(self.services))
                for volume in service.get("volumes", ()):
                    source, target = volume.split(":")[:2]
                    self.assertTrue(target.startswith("/"))
                    if source.startswith("./"):
                        self.assertTrue(os.path.isdir(os.path.join(SOURCE, source)), source)
                    else:
                        self.assertIn(source, self.compose["volumes"])

    def test_the_ports_are_a_collectors_and_closed_to_the_network(self):
        ports = self.services["gateway"]["ports"]
        self.assertEqual([port.split(":")[-1] for port in ports], ["4317", "4318", "13133"])
        for service in self.services.values():
            for port in service.get("ports", ()):
                self.assertRegex(port, r"^(127\.0\.0\.1|\$\{MASQUES_PUBLISH:-127\.0\.0\.1\}):\d+:\d+$")

    def test_the_gateway_is_given_what_its_configuration_asks_for(self):
        gateway = self.services["gateway"]
        path = gateway["command"][1].replace("/etc/masques", os.path.join(SOURCE, "config"))
        given = {name: str(value) for name, value in gateway["environment"].items()}
        asked = set(re.findall(r"\$\{env:(\w+)", read("config", "clickhouse.yaml")))
        self.assertLessEqual(set(given), asked)
        given["CLICKHOUSE_PASSWORD"] = "hidden"
        result = run_program(os.path.join(BIN, "masques-receiver"), "print-config", "--config", path,
                             env={**os.environ, **given})
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn('endpoint: "http://clickhouse:8123"', result.stdout)
        self.assertNotIn("hidden", result.stdout)

    def test_what_prints_the_statements_prints_them(self):
        line = self.services["statements"]["entrypoint"][2].split(" > ")[0]
        result = run_program("bash", "-c", line, env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"})
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("CREATE DATABASE IF NOT EXISTS `otel`;", result.stdout)
        self.assertIn("CREATE OR REPLACE VIEW `otel`.claude_code_sessions", result.stdout)
        gateway = yaml.safe_load(read("config", "clickhouse.yaml"))["exporters"]["clickhouse"]
        self.assertIn(f"--ttl {gateway['ttl']}", line)

    def test_grafana_is_told_of_the_tables(self):
        (source,) = yaml.safe_load(read("deploy", "grafana", "provisioning", "datasources", "clickhouse.yaml"))["datasources"]
        self.assertEqual(source["type"], self.services["grafana"]["environment"]["GF_PLUGINS_PREINSTALL"])
        options = source["jsonData"]
        self.assertEqual((options["host"], options["port"], options["protocol"]), ("clickhouse", 8123, "http"))
        self.assertEqual(options["username"], self.services["gateway"]["environment"]["CLICKHOUSE_USER"])
        self.assertEqual([options[signal]["defaultTable"] for signal in ("logs", "traces")], ["otel_logs", "otel_traces"])
        self.assertTrue(options["logs"]["otelEnabled"] and options["traces"]["otelEnabled"])
        dashboard = json.loads(read("deploy", "grafana", "dashboards", "claude-code.json"))
        self.assertEqual({panel["datasource"]["uid"] for panel in dashboard["panels"]}, {source["uid"]})


if __name__ == "__main__":
    suite.main()
