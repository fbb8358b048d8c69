// SPDX-License-Identifier: Apache-2.0
// Sends logs, metrics and spans with the genuine exporters of the OpenTelemetry JS SDK, then prints what it sent and
// only the SDK knows (ids, times) as one line of JSON. What the values should look like at the other end stands in
// values.json. An export that fails makes the exit code 1.
//   node otel-sdk.mjs grpc|http/protobuf|http/json none|gzip ENDPOINT
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { diag, DiagLogLevel, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api';
import { SeverityNumber } from '@opentelemetry/api-logs';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchLogRecordProcessor, LoggerProvider } from '@opentelemetry/sdk-logs';
import { AggregationTemporality, AggregationType, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';

const [protocol, compression, endpoint] = process.argv.slice(2);
const flavour = { grpc: 'grpc', 'http/protobuf': 'proto', 'http/json': 'http' }[protocol];
const require = createRequire(import.meta.url);

let errors = 0;
const complain = (...words) => { errors++; console.error(...words); };
diag.setLogger({ error: complain, warn: complain, info() {}, debug() {}, verbose() {} }, DiagLogLevel.WARN);

function exporter(signal, name, options = {}) {
  const url = protocol === 'grpc' ? endpoint : `${endpoint}/v1/${signal === 'trace' ? 'traces' : signal}`;
  const Exporter = require(`@opentelemetry/exporter-${signal}-otlp-${flavour}`)[name];
  return new Exporter({ url, compression, ...options });
}

// values.json: what JSON cannot say is { "$bytes": […] }.
function native(value) {
  if (value && Array.isArray(value.$bytes)) return new Uint8Array(value.$bytes);
  if (Array.isArray(value)) return value.map(native);
  if (value && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, native(item)]));
  return value;
}
const values = JSON.parse(readFileSync(new URL('values.json', import.meta.url)));
const attributes = forLogs => Object.fromEntries(values.filter(entry => forLogs || !entry.logs)
  .map(entry => [entry.key, entry.repeat ? entry.js.repeat(entry.repeat) : native(entry.js)]));

const resource = resourceFromAttributes({ 'service.name': 'js-sdk', 'service.version': '1.2.3', 'host.cores': 8 });
const told = { spans: {} };

// Logs: a record with every kind of value, then one for every kind of body.
const logs = new LoggerProvider({ resource, processors: [
  new BatchLogRecordProcessor({ exporter: exporter('logs', 'OTLPLogExporter'), scheduledDelayMillis: 60000 })] });
const logger = logs.getLogger('js-logger', '0.1.0', { schemaUrl: 'https://example.test/schema' });
const spanContext = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: TraceFlags.SAMPLED };
logger.emit({ severityNumber: SeverityNumber.WARN2, severityText: 'warn', eventName: 'js.event', body: 'all kinds',
  attributes: attributes(true), timestamp: new Date(1700000000123), observedTimestamp: new Date(1700000000456),
  context: trace.setSpanContext(ROOT_CONTEXT, spanContext) });
for (const entry of values)
  logger.emit({ body: entry.repeat ? entry.js.repeat(entry.repeat) : native(entry.js), attributes: { 'body.of': entry.key } });

// Metrics: every instrument, and a histogram of each kind.
const metrics = new MeterProvider({ resource,
  readers: [new PeriodicExportingMetricReader({ exportIntervalMillis: 3600000,
    exporter: exporter('metrics', 'OTLPMetricExporter', { temporalityPreference: AggregationTemporality.DELTA }) })],
  views: [{ instrumentName: 'exponential', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM, options: { maxSize: 20, recordMinMax: true } } }] });
const meter = metrics.getMeter('js-meter', '0.2.0');
const counter = meter.createCounter('counter', { unit: '1', description: 'an int counter', valueType: 0 });
counter.add(5, { route: '/a', code: 200, ok: true });
counter.add(7, { route: '/b' });
meter.createCounter('cost', { unit: 'USD' }).add(0.0037);
meter.createUpDownCounter('up.down').add(-2);
const gauge = meter.createGauge('gauge', { unit: 'Cel' });
gauge.record(21.5);
gauge.record(-0, { v: 'negative zero' });
gauge.record(Infinity, { v: 'infinity' });
const histogram = meter.createHistogram('histogram', { unit: 'ms', advice: { explicitBucketBoundaries: [0, 5, 10] } });
for (const value of [1, 7, 30, 7]) histogram.record(value);
const exponential = meter.createHistogram('exponential');
for (const value of [0, 1, 2, 4]) exponential.record(value);
meter.createObservableGauge('observable').addCallback(result => result.observe(1.25, { k: 'v' }));

// Spans: parent and child, event, exception, link, status, every kind.
const spans = new BasicTracerProvider({ resource, spanProcessors: [
  new BatchSpanProcessor(exporter('trace', 'OTLPTraceExporter'), { scheduledDelayMillis: 60000 })] });
const tracer = spans.getTracer('js-tracer', '0.3.0');
const remember = (name, span) => { const { traceId, spanId } = span.spanContext(); told.spans[name] = { traceId, spanId }; };
const root = tracer.startSpan('root', { kind: SpanKind.SERVER, attributes: attributes(false), startTime: new Date(1700000000000),
  links: [{ context: spanContext, attributes: { link: 1 } }] }, ROOT_CONTEXT);
root.addEvent('event', { a: 1 }, new Date(1700000000001));
root.recordException(new TypeError('bad thing'));
remember('root', root);
const child = tracer.startSpan('child', { kind: SpanKind.CLIENT }, trace.setSpan(ROOT_CONTEXT, root));
child.setStatus({ code: SpanStatusCode.ERROR, message: 'failed' });
remember('child', child);
child.end();
root.end(new Date(1700000000999));
for (const [name, kind] of Object.entries({ internal: SpanKind.INTERNAL, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER })) {
  const span = tracer.startSpan(name, { kind, root: true });
  span.setStatus({ code: SpanStatusCode.OK });
  remember(name, span);
  span.end();
}

for (const result of await Promise.allSettled([logs, metrics, spans].map(provider => provider.forceFlush())))
  if (result.status !== 'fulfilled') complain(result.reason);
for (const result of await Promise.allSettled([logs, metrics, spans].map(provider => provider.shutdown())))
  if (result.status !== 'fulfilled') complain(result.reason);
console.log(JSON.stringify(told));
process.exitCode = errors ? 1 : 0;
