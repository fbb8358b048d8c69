// SPDX-License-Identifier: Apache-2.0
// usage: read.mjs URL DATABASE: what ClickHouse's own client finds in the tables, as one line of JSON.
import { createClient } from "@clickhouse/client";

const [url, database] = process.argv.slice(2);
const client = createClient({ url, database, compression: { response: true } });
const rows = async (query, query_params) =>
  (await client.query({ query, query_params, format: "JSONEachRow" })).json();

if (!(await client.ping()).success) throw new Error("no answer to ping");
const tables = (await rows("select name from system.tables where database = currentDatabase() order by name")).map((row) => row.name);
const logs = await rows(
  `select Timestamp, ServiceName, Body, LogAttributes['test.id'] as id, LogAttributes from otel_logs
   where ServiceName = {service: String} order by Timestamp`, { service: "test" });
const spans = await rows("select SpanName, Duration, StatusCode, SpanKind from otel_traces order by Timestamp");
const [sums] = await rows("select sum(Value) as sum, count() as count, any(IsMonotonic) as monotonic from otel_metrics_sum");
console.log(JSON.stringify({ tables, logs, spans, sums }));
await client.close();
