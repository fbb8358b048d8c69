# SPDX-License-Identifier: Apache-2.0
"""The numbers that the views of deploy/clickhouse/claude_code.sql are about, computed from requests by other means: no
table, no SQL, none of the gateway's code. Each function gives {key: {column: value}} of one view."""
import datetime
import math
from collections import defaultdict

import otlp_oracle
from clickhouse_rows import value_text

DELTA, CUMULATIVE = 1, 2
SECOND = 10**9


def day_of(ns):
    return datetime.datetime.fromtimestamp(ns // SECOND, datetime.timezone.utc).date().isoformat()


def number(text):
    """0 for what is none."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def percentile(values, part):
    """Linear between the two nearest; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    at = part * (len(ordered) - 1)
    low, high = math.floor(at), math.ceil(at)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


class Event:
    def __init__(self, record):
        self.time = record.time_unix_nano or record.observed_time_unix_nano
        self.attributes = {}
        for item in record.attributes:
            self.attributes.setdefault(item.key, value_text(item.value))
        self.name = self["event.name"] or value_text(record.body).replace("claude_code.", "", 1)
        self.session, self.day = self["session.id"], day_of(self.time)
        self.user = (self["user.id"], self["user.email"])

    def __getitem__(self, key):
        return self.attributes.get(key, "")


def events(bodies):
    """Of requests of logs."""
    return [Event(record) for body in bodies for resource in otlp_oracle.decode("logs", body).resource_logs
            for scope in resource.scope_logs if scope.scope.name == "com.anthropic.claude_code.events"
            for record in scope.log_records]


def grouped(things, key):
    groups = defaultdict(list)
    for thing in things:
        groups[key(thing)].append(thing)
    return groups


def sessions(all_events):
    found = {}
    for session, group in grouped((event for event in all_events if event.session), lambda event: event.session).items():
        requests = [event for event in group if event.name == "api_request"]
        calls = [event for event in group if event.name == "tool_result"]
        found[session] = {
            "UserId": group[0].user[0], "UserEmail": group[0].user[1],
            "Start": min(event.time for event in group), "End": max(event.time for event in group),
            "Events": len(group), "Prompts": sum(event.name == "user_prompt" for event in group),
            "ToolCalls": len(calls), "ToolErrors": sum(event["success"] != "true" for event in calls),
            "ApiRequests": len(requests), "ApiErrors": sum(event.name == "api_error" for event in group),
            "InputTokens": sum(number(event["input_tokens"]) for event in requests),
            "OutputTokens": sum(number(event["output_tokens"]) for event in requests),
            "CacheReadTokens": sum(number(event["cache_read_tokens"]) for event in requests),
            "CacheCreationTokens": sum(number(event["cache_creation_tokens"]) for event in requests),
            "CostUSD": sum(number(event["cost_usd"]) for event in requests),
            "Models": sorted({event["model"] for event in requests} - {""}),
        }
    return found


def durations(group, key, prefix):
    values = [float(event[key]) for event in group if event[key]]
    return {f"{prefix}{round(part * 100)}": percentile(values, part) for part in (0.5, 0.9, 0.99)}


def tools(all_events):
    wanted = [event for event in all_events if event.name in ("tool_result", "tool_decision")]
    found = {}
    for key, group in grouped(wanted, lambda event: (event.day, event["tool_name"])).items():
        calls = [event for event in group if event.name == "tool_result"]
        decisions = [event["decision"] for event in group if event.name == "tool_decision"]
        good = sum(event["success"] == "true" for event in calls)
        found[key] = {"Calls": len(calls), "Successes": good, "Failures": len(calls) - good,
                      "Accepted": decisions.count("accept"), "Rejected": len(decisions) - decisions.count("accept"),
                      **durations(calls, "duration_ms", "DurationMs")}
    return found


def api(all_events):
    wanted = [event for event in all_events if event.name in ("api_request", "api_error", "api_retries_exhausted")]
    found = {}
    for key, group in grouped(wanted, lambda event: (event.day, event["model"])).items():
        good = [event for event in group if event.name == "api_request"]
        bad = [event for event in group if event.name == "api_error"]
        found[key] = {"Requests": len(good), "Errors": len(bad),
                      "Retries": sum(max(number(event["attempt"]), 1) - 1 for event in bad),
                      "RetriesExhausted": len(group) - len(good) - len(bad),
                      **durations(good, "duration_ms", "DurationMs"), **durations(good, "ttft_ms", "FirstTokenMs")}
    return found


def lost_events(all_events):
    found = {}
    numbered = [event for event in all_events if event.session and event["event.sequence"]]
    for session, group in grouped(numbered, lambda event: event.session).items():
        runs, before = [[]], 0
        for event in sorted(group, key=lambda event: (event.time, int(event["event.sequence"]))):
            sequence = int(event["event.sequence"])
            if sequence < before and (sequence == 0 or before - sequence > 32):
                runs.append([])
            runs[-1].append((sequence, event))
            before = sequence
        for run, members in enumerate(runs):
            sequences = [sequence for sequence, _ in members]
            missing = set(range(min(sequences), max(sequences))) - set(sequences)
            found[session, run] = {
                "Start": members[0][1].time, "End": members[-1][1].time, "Events": len(members),
                "FirstSequence": min(sequences), "LastSequence": max(sequences), "Lost": len(missing),
                "Duplicates": len(sequences) - len(set(sequences))}
    return found


class Point:
    def __init__(self, resource, metric, point):
        self.metric, self.temporality = metric.name, metric.sum.aggregation_temporality
        self.attributes = {item.key: value_text(item.value) for item in point.attributes}
        self.start, self.time = point.start_time_unix_nano // SECOND, point.time_unix_nano
        self.value = point.as_double if point.WhichOneof("value") == "as_double" else float(point.as_int)
        self.series = (self.metric, tuple(sorted(self.attributes.items())), self.start,
                       tuple(sorted((item.key, value_text(item.value)) for item in resource.attributes)))


def increases(bodies):
    """(day, metric, attributes) of each rise, and how much it was."""
    points = [Point(resource.resource, metric, point) for body in bodies
              for resource in otlp_oracle.decode("metrics", body).resource_metrics
              for scope in resource.scope_metrics if scope.scope.name == "com.anthropic.claude_code"
              for metric in scope.metrics for point in metric.sum.data_points]
    for point in points:
        if point.temporality == DELTA:
            yield day_of(point.time), point.metric, point.attributes, point.value
    cumulative = [point for point in points if point.temporality == CUMULATIVE]
    for series in grouped(cumulative, lambda point: point.series).values():
        before = 0.0
        for point in sorted(series, key=lambda point: (point.time, point.value)):
            yield day_of(point.time), point.metric, point.attributes, point.value - before
            before = point.value


def usage(bodies):
    columns = {"input": "InputTokens", "output": "OutputTokens", "cacheRead": "CacheReadTokens",
               "cacheCreation": "CacheCreationTokens"}
    found = defaultdict(lambda: dict.fromkeys(["CostUSD", *columns.values()], 0.0))
    for day, metric, attributes, rise in increases(bodies):
        key = (day, *(attributes.get(name, "") for name in ("model", "user.id", "user.email", "query_source")))
        if metric == "claude_code.cost.usage":
            found[key]["CostUSD"] += rise
        elif metric == "claude_code.token.usage":
            found[key][columns[attributes["type"]]] += rise
    return dict(found)


WORK = {
    ("claude_code.session.count", None): "Sessions",
    ("claude_code.lines_of_code.count", ("type", "added")): "LinesAdded",
    ("claude_code.lines_of_code.count", ("type", "removed")): "LinesRemoved",
    ("claude_code.commit.count", None): "Commits",
    ("claude_code.pull_request.count", None): "PullRequests",
    ("claude_code.code_edit_tool.decision", ("decision", "accept")): "EditsAccepted",
    ("claude_code.code_edit_tool.decision", ("decision", "reject")): "EditsRejected",
    ("claude_code.active_time.total", ("type", "user")): "UserSeconds",
    ("claude_code.active_time.total", ("type", "cli")): "CliSeconds",
}


def work(bodies):
    found = defaultdict(lambda: dict.fromkeys(WORK.values(), 0.0))
    for day, metric, attributes, rise in increases(bodies):
        row = found[day, attributes.get("user.id", ""), attributes.get("user.email", "")]
        for (name, pair), column in WORK.items():
            if name == metric and (pair is None or attributes.get(pair[0]) == pair[1]):
                row[column] += rise
    return dict(found)
