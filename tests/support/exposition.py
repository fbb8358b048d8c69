# SPDX-License-Identifier: Apache-2.0
"""A strict reader of the Prometheus text format, version 0.0.4: what a scraper would put up with is an error here."""
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"')
VALUE = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?$")
TYPES = {"counter", "gauge", "untyped"}
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Family:
    def __init__(self, name, help_text):
        self.name, self.help, self.type = name, help_text, None
        self.samples = {}  # {frozenset of (label, value): number}


def _unescape(text):
    return re.sub(r'\\["\\n]', lambda match: ESCAPES[match.group()], text)


def _comment(line, families, current):
    word, name, rest = (line[2:] + "  ").split(" ", 2)
    rest = rest.rstrip(" ")
    if not NAME.fullmatch(name):
        raise ValueError(f"no name: {line!r}")
    if word == "HELP":
        if name in families:
            raise ValueError(f"a second HELP: {line!r}")
        if not rest or re.search(r"\\[^\\n]", rest.replace("\\\\", "")):
            raise ValueError(f"no help, or a wrong escape: {line!r}")
        families[name] = Family(name, rest)
        return families[name]
    if word != "TYPE" or current is None or current.name != name or current.type or rest not in TYPES:
        raise ValueError(f"neither HELP nor the one TYPE behind it: {line!r}")
    current.type = rest
    return current


def _labels(text, line):
    found = {}
    while True:
        match = LABEL.match(text)
        if not match or match.group(1) in found or match.group(1).startswith("__"):
            raise ValueError(f"no label: {line!r}")
        found[match.group(1)] = _unescape(match.group(2))
        text = text[match.end():]
        if text.startswith("} "):
            return found, text[2:]
        if not text.startswith(","):
            raise ValueError(f"no end of a label: {line!r}")
        text = text[1:]


def _sample(line, current):
    name = NAME.match(line)
    if not name or current is None or name.group() != current.name or current.type is None:
        raise ValueError(f"a sample outside of its family: {line!r}")
    rest, labels = line[name.end():], {}
    if rest.startswith("{"):
        labels, rest = _labels(rest[1:], line)
    elif rest.startswith(" "):
        rest = rest[1:]
    if not VALUE.match(rest):
        raise ValueError(f"no value: {line!r}")
    key = frozenset(labels.items())
    if key in current.samples:
        raise ValueError(f"a series twice: {line!r}")
    if current.samples and len({frozenset(label for label, _ in series) for series in (*current.samples, key)}) != 1:
        raise ValueError(f"other labels than the rest of its family: {line!r}")
    value = float(rest)
    if current.type == "counter" and value < 0:
        raise ValueError(f"a counter below 0: {line!r}")
    current.samples[key] = value


def parse(data):
    """{name: Family} of the bytes of an answer; ValueError where they break the format."""
    text = data.decode("utf-8")
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    families, current = {}, None
    for line in text[:-1].split("\n"):
        if line.startswith("# "):
            current = _comment(line, families, current)
        else:
            _sample(line, current)
    for family in families.values():
        if family.type is None:
            raise ValueError(f"{family.name} has no TYPE")
    return families


def value(families, name, **labels):
    """The one sample that has these labels and maybe others; None: there is none."""
    wanted = set(labels.items())
    found = [number for series, number in families[name].samples.items() if wanted <= series]
    if len(found) > 1:
        raise AssertionError(f"{name} with {labels} is not one series")
    return found[0] if found else None


def total(families, name, **labels):
    """The sum of all samples that have these labels."""
    wanted = set(labels.items())
    return sum(number for series, number in families[name].samples.items() if wanted <= series)
