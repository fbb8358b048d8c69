-- Views of what Claude Code sends, over the tables that masques-collector (or the OpenTelemetry Collector) writes.
--
--   clickhouse-client --database otel --multiquery < claude_code.sql
--
-- makes them beside the tables of that database; "masques-exporter-clickhouse --print-views" prints them for other names
-- of database and tables. They may be made again at any time: each replaces the one before. Nothing is stored by them.
--
-- What they read: otel_logs (events) and otel_metrics_sum (counters), with attributes as Map columns. Days are those of
-- the server's time zone. Costs are what Claude Code computes, in US dollars. Claude Code has two names for a user: a
-- random id of the installation (UserId) and, for who is logged in, the mail address (UserEmail, else empty).
-- docs/clickhouse.md has a table of them.

-- ---------------------------------------------------------------------------------------------------------------------
-- Every event, with the attributes that most of them have.

CREATE OR REPLACE VIEW claude_code_events AS
SELECT
    Timestamp,
    if(LogAttributes['event.name'] != '', LogAttributes['event.name'], replaceOne(Body, 'claude_code.', '')) AS Event,
    LogAttributes['session.id'] AS SessionId,
    LogAttributes['user.id'] AS UserId,
    LogAttributes['user.email'] AS UserEmail,
    LogAttributes['prompt.id'] AS PromptId,
    toInt64OrNull(LogAttributes['event.sequence']) AS Sequence,
    TraceId,
    SpanId,
    ResourceAttributes,
    LogAttributes
FROM otel_logs
WHERE ScopeName = 'com.anthropic.claude_code.events';

-- ---------------------------------------------------------------------------------------------------------------------
-- One row a session: from its first to its last event. Sessions whose events have no session.id are not among them.

CREATE OR REPLACE VIEW claude_code_sessions AS
SELECT
    SessionId,
    any(UserId) AS UserId,
    any(UserEmail) AS UserEmail,
    min(Timestamp) AS Start,
    max(Timestamp) AS End,
    count() AS Events,
    countIf(Event = 'user_prompt') AS Prompts,
    countIf(Event = 'tool_result') AS ToolCalls,
    countIf(Event = 'tool_result' AND LogAttributes['success'] != 'true') AS ToolErrors,
    countIf(Event = 'api_request') AS ApiRequests,
    countIf(Event = 'api_error') AS ApiErrors,
    sumIf(toUInt64OrZero(LogAttributes['input_tokens']), Event = 'api_request') AS InputTokens,
    sumIf(toUInt64OrZero(LogAttributes['output_tokens']), Event = 'api_request') AS OutputTokens,
    sumIf(toUInt64OrZero(LogAttributes['cache_read_tokens']), Event = 'api_request') AS CacheReadTokens,
    sumIf(toUInt64OrZero(LogAttributes['cache_creation_tokens']), Event = 'api_request') AS CacheCreationTokens,
    sumIf(toFloat64OrZero(LogAttributes['cost_usd']), Event = 'api_request') AS CostUSD,
    arraySort(groupUniqArrayIf(LogAttributes['model'], Event = 'api_request' AND LogAttributes['model'] != '')) AS Models
FROM claude_code_events
WHERE SessionId != ''
GROUP BY SessionId;

-- ---------------------------------------------------------------------------------------------------------------------
-- Counters: by how much each one rose on each day. Claude Code sends differences (delta, its default) or totals since
-- its start (cumulative); both are summed here. A total counts on the day of its point for what it exceeds the one
-- before; its series are told apart by their attributes and their start.

CREATE OR REPLACE VIEW claude_code_increases AS
SELECT Day, MetricName, Attributes, sum(Increase) AS Increase
FROM
(
    SELECT toDate(TimeUnix) AS Day, MetricName, Attributes, sum(Value) AS Increase
    FROM otel_metrics_sum
    WHERE ScopeName = 'com.anthropic.claude_code' AND AggregationTemporality = 1
    GROUP BY Day, MetricName, Attributes
    UNION ALL
    SELECT Day, MetricName, Attributes, if(Total >= Before, Total - Before, Total) AS Increase
    FROM
    (
        SELECT
            Day, MetricName, Attributes, Total,
            lagInFrame(Total, 1, toFloat64(0)) OVER (
                PARTITION BY MetricName, Attributes, Resource, Start
                ORDER BY Day ASC
                ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
            ) AS Before
        FROM
        (
            SELECT
                toDate(TimeUnix) AS Day, MetricName, Attributes, cityHash64(ResourceAttributes) AS Resource,
                StartTimeUnix AS Start, max(Value) AS Total
            FROM otel_metrics_sum
            WHERE ScopeName = 'com.anthropic.claude_code' AND AggregationTemporality = 2
            GROUP BY Day, MetricName, Attributes, Resource, Start
        )
    )
)
GROUP BY Day, MetricName, Attributes;

-- ---------------------------------------------------------------------------------------------------------------------
-- Cost and tokens by day, model, user and query source (main, subagent, auxiliary), from the counters.

CREATE OR REPLACE VIEW claude_code_usage AS
SELECT
    Day,
    Attributes['model'] AS Model,
    Attributes['user.id'] AS UserId,
    Attributes['user.email'] AS UserEmail,
    Attributes['query_source'] AS QuerySource,
    sumIf(Increase, MetricName = 'claude_code.cost.usage') AS CostUSD,
    sumIf(Increase, MetricName = 'claude_code.token.usage' AND Attributes['type'] = 'input') AS InputTokens,
    sumIf(Increase, MetricName = 'claude_code.token.usage' AND Attributes['type'] = 'output') AS OutputTokens,
    sumIf(Increase, MetricName = 'claude_code.token.usage' AND Attributes['type'] = 'cacheRead') AS CacheReadTokens,
    sumIf(Increase, MetricName = 'claude_code.token.usage' AND Attributes['type'] = 'cacheCreation') AS CacheCreationTokens
FROM claude_code_increases
WHERE MetricName IN ('claude_code.cost.usage', 'claude_code.token.usage')
GROUP BY Day, Model, UserId, UserEmail, QuerySource;

-- ---------------------------------------------------------------------------------------------------------------------
-- What came of it, by day and user: lines, commits, pull requests, edits that were accepted or not, time, sessions.

CREATE OR REPLACE VIEW claude_code_work AS
SELECT
    Day,
    Attributes['user.id'] AS UserId,
    Attributes['user.email'] AS UserEmail,
    sumIf(Increase, MetricName = 'claude_code.session.count') AS Sessions,
    sumIf(Increase, MetricName = 'claude_code.lines_of_code.count' AND Attributes['type'] = 'added') AS LinesAdded,
    sumIf(Increase, MetricName = 'claude_code.lines_of_code.count' AND Attributes['type'] = 'removed') AS LinesRemoved,
    sumIf(Increase, MetricName = 'claude_code.commit.count') AS Commits,
    sumIf(Increase, MetricName = 'claude_code.pull_request.count') AS PullRequests,
    sumIf(Increase, MetricName = 'claude_code.code_edit_tool.decision' AND Attributes['decision'] = 'accept') AS EditsAccepted,
    sumIf(Increase, MetricName = 'claude_code.code_edit_tool.decision' AND Attributes['decision'] != 'accept') AS EditsRejected,
    sumIf(Increase, MetricName = 'claude_code.active_time.total' AND Attributes['type'] = 'user') AS UserSeconds,
    sumIf(Increase, MetricName = 'claude_code.active_time.total' AND Attributes['type'] = 'cli') AS CliSeconds
FROM claude_code_increases
GROUP BY Day, UserId, UserEmail;

-- ---------------------------------------------------------------------------------------------------------------------
-- Tools: each call that ended.

CREATE OR REPLACE VIEW claude_code_tool_calls AS
SELECT
    Timestamp,
    SessionId,
    UserId,
    UserEmail,
    LogAttributes['tool_name'] AS Tool,
    LogAttributes['success'] = 'true' AS Success,
    toFloat64OrNull(LogAttributes['duration_ms']) AS DurationMs,
    LogAttributes['error_type'] AS ErrorType,
    toUInt64OrZero(LogAttributes['tool_input_size_bytes']) AS InputBytes,
    toUInt64OrZero(LogAttributes['tool_result_size_bytes']) AS ResultBytes
FROM claude_code_events
WHERE Event = 'tool_result';

-- Tools by day: calls, how they ended, how long they took, and what was decided about them beforehand.

CREATE OR REPLACE VIEW claude_code_tools AS
SELECT
    toDate(Timestamp) AS Day,
    LogAttributes['tool_name'] AS Tool,
    countIf(Event = 'tool_result') AS Calls,
    countIf(Event = 'tool_result' AND LogAttributes['success'] = 'true') AS Successes,
    countIf(Event = 'tool_result' AND LogAttributes['success'] != 'true') AS Failures,
    countIf(Event = 'tool_decision' AND LogAttributes['decision'] = 'accept') AS Accepted,
    countIf(Event = 'tool_decision' AND LogAttributes['decision'] != 'accept') AS Rejected,
    quantileExactInclusive(0.5)(if(Event = 'tool_result', toFloat64OrNull(LogAttributes['duration_ms']), NULL)) AS DurationMs50,
    quantileExactInclusive(0.9)(if(Event = 'tool_result', toFloat64OrNull(LogAttributes['duration_ms']), NULL)) AS DurationMs90,
    quantileExactInclusive(0.99)(if(Event = 'tool_result', toFloat64OrNull(LogAttributes['duration_ms']), NULL)) AS DurationMs99
FROM claude_code_events
WHERE Event IN ('tool_result', 'tool_decision')
GROUP BY Day, Tool;

-- ---------------------------------------------------------------------------------------------------------------------
-- Requests to the API: each one, those that failed among them (Error is not empty).

CREATE OR REPLACE VIEW claude_code_api_requests AS
SELECT
    Timestamp,
    SessionId,
    UserId,
    UserEmail,
    LogAttributes['model'] AS Model,
    LogAttributes['query_source'] AS QuerySource,
    Event = 'api_request' AS Success,
    LogAttributes['error'] AS Error,
    toUInt16OrZero(LogAttributes['status_code']) AS StatusCode,
    greatest(toUInt64OrZero(LogAttributes['attempt']), 1) AS Attempts,
    toFloat64OrNull(LogAttributes['duration_ms']) AS DurationMs,
    toFloat64OrNull(LogAttributes['ttft_ms']) AS FirstTokenMs,
    toUInt64OrZero(LogAttributes['input_tokens']) AS InputTokens,
    toUInt64OrZero(LogAttributes['output_tokens']) AS OutputTokens,
    toUInt64OrZero(LogAttributes['cache_read_tokens']) AS CacheReadTokens,
    toUInt64OrZero(LogAttributes['cache_creation_tokens']) AS CacheCreationTokens,
    toFloat64OrZero(LogAttributes['cost_usd']) AS CostUSD,
    LogAttributes['request_id'] AS RequestId
FROM claude_code_events
WHERE Event IN ('api_request', 'api_error');

-- Requests to the API by day and model. Times are those of requests that succeeded; Retries are the further attempts of
-- those that did not (Claude Code says nothing about attempts of a request that succeeded in the end).

CREATE OR REPLACE VIEW claude_code_api AS
SELECT
    toDate(Timestamp) AS Day,
    LogAttributes['model'] AS Model,
    countIf(Event = 'api_request') AS Requests,
    countIf(Event = 'api_error') AS Errors,
    sumIf(greatest(toInt64OrZero(LogAttributes['attempt']), 1) - 1, Event = 'api_error') AS Retries,
    countIf(Event = 'api_retries_exhausted') AS RetriesExhausted,
    quantileExactInclusive(0.5)(if(Event = 'api_request', toFloat64OrNull(LogAttributes['duration_ms']), NULL)) AS DurationMs50,
    quantileExactInclusive(0.9)(if(Event = 'api_request', toFloat64OrNull(LogAttributes['duration_ms']), NULL)) AS DurationMs90,
    quantileExactInclusive(0.99)(if(Event = 'api_request', toFloat64OrNull(LogAttributes['duration_ms']), NULL)) AS DurationMs99,
    quantileExactInclusive(0.5)(if(Event = 'api_request', toFloat64OrNull(LogAttributes['ttft_ms']), NULL)) AS FirstTokenMs50,
    quantileExactInclusive(0.9)(if(Event = 'api_request', toFloat64OrNull(LogAttributes['ttft_ms']), NULL)) AS FirstTokenMs90,
    quantileExactInclusive(0.99)(if(Event = 'api_request', toFloat64OrNull(LogAttributes['ttft_ms']), NULL)) AS FirstTokenMs99
FROM claude_code_events
WHERE Event IN ('api_request', 'api_error', 'api_retries_exhausted')
GROUP BY Day, Model;

-- ---------------------------------------------------------------------------------------------------------------------
-- Events that are missing. Claude Code numbers the events of each of its processes from 0 on, without gaps; a session
-- that is resumed is another process (a Run here). Lost: numbers that are missing between the first and the last one
-- that came; what is missing before the first (FirstSequence above 0, unless the process had an earlier session) or
-- after the last is not among them. Duplicates: events that came more than once.

CREATE OR REPLACE VIEW claude_code_lost_events AS
SELECT
    SessionId,
    Run,
    any(UserId) AS UserId,
    any(UserEmail) AS UserEmail,
    min(Timestamp) AS Start,
    max(Timestamp) AS End,
    count() AS Events,
    min(Sequence) AS FirstSequence,
    max(Sequence) AS LastSequence,
    max(Sequence) - min(Sequence) + 1 - toInt64(uniqExact(Sequence)) AS Lost,
    toInt64(count()) - toInt64(uniqExact(Sequence)) AS Duplicates
FROM
(
    -- A run begins where the numbers begin again: at 0, or far below the number before (a little below is only a
    -- matter of clocks).
    SELECT
        SessionId, UserId, UserEmail, Timestamp, Sequence,
        sum(Sequence < Before AND (Sequence = 0 OR Sequence + 32 < Before)) OVER (
            PARTITION BY SessionId
            ORDER BY Timestamp ASC, Sequence ASC
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS Run
    FROM
    (
        SELECT
            SessionId, UserId, UserEmail, Timestamp, assumeNotNull(Sequence) AS Sequence,
            lagInFrame(assumeNotNull(Sequence), 1, toInt64(0)) OVER (
                PARTITION BY SessionId
                ORDER BY Timestamp ASC, Sequence ASC
                ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
            ) AS Before
        FROM claude_code_events
        WHERE SessionId != '' AND Sequence IS NOT NULL
    )
)
GROUP BY SessionId, Run;
