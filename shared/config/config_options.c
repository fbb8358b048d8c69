// SPDX-License-Identifier: Apache-2.0
/* The tables of the configuration's own options. Their order is that of print-config and of the
 * document. */
#include "shared/config/config.h"

#define COUNT(rows) (sizeof(rows) / sizeof(rows)[0])

/* In the order of enum log_level. */
static const char *const log_levels[] = {"error", "warn", "info", "debug", NULL};

/* In the order of enum config_fsync. */
static const char *const fsyncs[] = {"always", "interval", "never", NULL};

#define OTLP(member) .offset = offsetof(struct config_otlp, member)

static const struct option otlp_rows[] = {
    {.path = "protocols::grpc::endpoint", .type = OPTION_ENDPOINT, OTLP(grpc.endpoint),
     .initial = "127.0.0.1:4317",
     .help = "Where OTLP/gRPC is taken. `localhost` means 127.0.0.1; an empty host means every "
             "address; port 0 lets the kernel choose."},
    {.path = "protocols::grpc::max_recv_msg_size_mib", .type = OPTION_MIB,
     OTLP(grpc.max_message_bytes), .min = SIZE_MIB, .max = SIZE_GIB, .initial = "64",
     .help = "Largest gRPC message, on the wire and inflated."},
    {.path = "protocols::grpc::max_concurrent_streams", .type = OPTION_NUMBER,
     OTLP(grpc.max_streams), .min = 1, .max = 10000, .initial = "100",
     .help = "Requests at a time on one HTTP/2 connection."},
    {.path = "protocols::http::endpoint", .type = OPTION_ENDPOINT, OTLP(http.endpoint),
     .initial = "127.0.0.1:4318", .help = "Where OTLP/HTTP is taken."},
    {.path = "protocols::http::max_request_body_size", .type = OPTION_BYTES,
     OTLP(http.max_body_bytes), .min = SIZE_KIB, .max = SIZE_GIB, .initial = "64MiB",
     .help = "Largest request body, on the wire and inflated."},
    {.path = "protocols::http::logs_url_path", .type = OPTION_URL_PATH, OTLP(http.logs_path),
     .min = 1, .max = CONFIG_URL_PATH_BYTES - 1, .initial = "/v1/logs",
     .help = "URL path of logs."},
    {.path = "protocols::http::metrics_url_path", .type = OPTION_URL_PATH, OTLP(http.metrics_path),
     .min = 1, .max = CONFIG_URL_PATH_BYTES - 1, .initial = "/v1/metrics",
     .help = "URL path of metrics."},
    {.path = "protocols::http::traces_url_path", .type = OPTION_URL_PATH, OTLP(http.traces_path),
     .min = 1, .max = CONFIG_URL_PATH_BYTES - 1, .initial = "/v1/traces",
     .help = "URL path of traces."},
};

#define HEALTH(member) .offset = offsetof(struct config_health, member)

static const struct option health_rows[] = {
    {.path = "endpoint", .type = OPTION_ENDPOINT, HEALTH(endpoint), .initial = "127.0.0.1:13133",
     .help = "Where the health of the gateway can be asked for."},
    {.path = "path", .type = OPTION_URL_PATH, HEALTH(path), .min = 1,
     .max = CONFIG_URL_PATH_BYTES - 1, .initial = "/", .help = "URL path that answers."},
};

#define STORAGE(member) .offset = offsetof(struct config_file_storage, member)
#define ANY_MIB .max = SIZE_TIB
#define ANY_TIME .max = 1000 * 24 * DURATION_HOUR_NS

#define COMPACTION_IDLE                                                                           \
    .idle = "the store gives files free as what is in them is delivered"

static const struct option file_storage_rows[] = {
    {.path = "directory", .type = OPTION_TEXT, STORAGE(directory), .min = 1,
     .max = CONFIG_STORE_DIRECTORY_BYTES - 1, .initial = "/var/lib/otelcol/file_storage",
     .help = "Becomes `masques::store::directory`."},
    {.path = "timeout", .type = OPTION_DURATION, STORAGE(timeout_ns), ANY_TIME, .initial = "1s",
     .idle = "a directory that another gateway uses is refused at once",
     .help = "Has no meaning here: a directory that another gateway uses is refused at once."},
    {.path = "fsync", .type = OPTION_BOOL, STORAGE(fsync), .initial = "true",
     .help = "`true`: `masques::store::fsync` is `always`; `false`: `interval` (in the "
             "collector, `false` is the default)."},
    {.path = "create_directory", .type = OPTION_BOOL, STORAGE(create_directory),
     .initial = "false", .help = "Creates the directories above `directory` as well."},
    {.path = "directory_permissions", .type = OPTION_TEXT, STORAGE(directory_permissions),
     .min = 1, .max = CONFIG_PERMISSIONS_BYTES - 1, .initial = "0750",
     .help = "Of the directories above it, in octal; the store's own directory is created with "
             "0700."},
    {.path = "recreate", .type = OPTION_BOOL, STORAGE(recreate), .initial = "false",
     .idle = "a damaged record costs itself, not the store",
     .help = "Has no meaning here: a damaged record costs itself, not the store."},
    {.path = "compaction::on_start", .type = OPTION_BOOL, STORAGE(compaction.on_start),
     .initial = "false", COMPACTION_IDLE,
     .help = "Has no meaning here, as all of `compaction`: what is delivered leaves the store by the "
             "file."},
    {.path = "compaction::on_rebound", .type = OPTION_BOOL, STORAGE(compaction.on_rebound),
     .initial = "false", COMPACTION_IDLE,
     .help = "Has no meaning here."},
    {.path = "compaction::directory", .type = OPTION_TEXT, STORAGE(compaction.directory),
     .max = CONFIG_STORE_DIRECTORY_BYTES - 1, .initial = "", COMPACTION_IDLE,
     .help = "Has no meaning here."},
    {.path = "compaction::rebound_needed_threshold_mib", .type = OPTION_MIB,
     STORAGE(compaction.rebound_needed_bytes), ANY_MIB, .initial = "100",
     COMPACTION_IDLE,
     .help = "Has no meaning here."},
    {.path = "compaction::rebound_trigger_threshold_mib", .type = OPTION_MIB,
     STORAGE(compaction.rebound_trigger_bytes), ANY_MIB, .initial = "10",
     COMPACTION_IDLE,
     .help = "Has no meaning here."},
    {.path = "compaction::max_transaction_size", .type = OPTION_COUNT,
     STORAGE(compaction.max_transaction_size), .max = SIZE_TIB, .initial = "65536",
     COMPACTION_IDLE,
     .help = "Has no meaning here."},
    {.path = "compaction::check_interval", .type = OPTION_DURATION,
     STORAGE(compaction.check_interval_ns), ANY_TIME, .initial = "5s",
     COMPACTION_IDLE,
     .help = "Has no meaning here."},
    {.path = "compaction::cleanup_on_start", .type = OPTION_BOOL,
     STORAGE(compaction.cleanup_on_start), .initial = "false", COMPACTION_IDLE,
     .help = "Has no meaning here."},
};

#define MASQUES(member) .offset = offsetof(struct config_masques, member)
#define TIMEOUT .min = 100 * DURATION_MS_NS, .max = 24 * DURATION_HOUR_NS

static const struct option telemetry_rows[] = {
    {.path = "logs::level", .type = OPTION_CHOICE, MASQUES(log_level), .choices = log_levels,
     .initial = "info", .reloadable = true,
     .help = "Least serious messages of the gateway's own log; `masques::log_level` wins over it."},
};

/* In the order of enum config_metrics_level. */
static const char *const metrics_levels[] = {"none", "basic", "normal", "detailed", NULL};

static const struct option metrics_rows[] = {
    {.path = "metrics::level", .type = OPTION_CHOICE,
     .offset = offsetof(struct config_metrics, level), .choices = metrics_levels,
     .initial = "none",
     .help = "`none`: no metrics of the gateway's own are served; the other levels are one and "
             "the same. Where `metrics` is there and has no `level`: `normal`."},
    {.path = "metrics::address", .type = OPTION_ENDPOINT,
     .offset = offsetof(struct config_metrics, endpoint), .initial = "127.0.0.1:8888",
     .help = "Where `GET /metrics` is answered, in Prometheus text."},
};

static const struct option masques_rows[] = {
    {.path = "workers", .type = OPTION_NUMBER, MASQUES(workers), .max = 64, .initial = "0",
     .help = "Processes that take telemetry in; 0: one a core, at most 4."},
    {.path = "log_level", .type = OPTION_CHOICE, MASQUES(log_level), .choices = log_levels,
     .initial = "info", .reloadable = true,
     .help = "Least serious messages of the gateway's own log."},
    {.path = "runtime_directory", .type = OPTION_TEXT, MASQUES(runtime_directory),
     .max = CONFIG_DIRECTORY_BYTES - 1, .initial = "",
     .help = "Directory of the bus and the store, on a tmpfs. Empty: `/run/masques` as root, "
             "otherwise `$XDG_RUNTIME_DIR/masques`."},
    {.path = "supervision::hang_after", .type = OPTION_DURATION, MASQUES(hang_after_ns),
     .min = DURATION_S_NS, .max = DURATION_HOUR_NS, .initial = "5s", .reloadable = true,
     .help = "A process that gave no sign of life for so long is killed and started again."},
    {.path = "shutdown::grace", .type = OPTION_DURATION, MASQUES(grace_ns),
     .max = DURATION_HOUR_NS, .initial = "10s", .reloadable = true,
     .help = "How long a shutdown may take to finish requests and deliveries."},
    {.path = "limits::ledger", .type = OPTION_BYTES, MASQUES(limits.ledger_bytes),
     .min = 2 * SIZE_MIB, .max = 64 * SIZE_GIB, .initial = "256MiB",
     .help = "Memory for requests in flight, a worker: at least twice the larger body limit (where "
             "it is not written, it follows that limit)."},
    {.path = "limits::max_connections", .type = OPTION_NUMBER, MASQUES(limits.max_connections),
     .min = 1, .max = 1000000, .initial = "4096", .help = "Connections at a time, a worker."},
    {.path = "limits::connections_per_address", .type = OPTION_NUMBER,
     MASQUES(limits.connections_per_address), .min = 1, .max = 1000000, .initial = "256",
     .help = "Connections at a time from one address; this machine's own are exempt."},
    {.path = "limits::max_header_bytes", .type = OPTION_BYTES, MASQUES(limits.max_header_bytes),
     .min = SIZE_KIB, .max = SIZE_MIB, .initial = "8KiB", .help = "Headers of one request."},
    {.path = "limits::header_timeout", .type = OPTION_DURATION, MASQUES(limits.header_timeout_ns),
     TIMEOUT, .initial = "10s",
     .help = "For the first bytes of a connection and the headers of a request."},
    {.path = "limits::body_timeout", .type = OPTION_DURATION, MASQUES(limits.body_timeout_ns),
     TIMEOUT, .initial = "30s",
     .help = "For the body of a request, plus its length at `body_rate`."},
    {.path = "limits::body_rate", .type = OPTION_BYTES, MASQUES(limits.body_bytes_per_s), .min = 1,
     .max = SIZE_GIB, .initial = "64KiB", .help = "Least pace of a long body, a second."},
    {.path = "limits::idle_timeout", .type = OPTION_DURATION, MASQUES(limits.idle_timeout_ns),
     TIMEOUT, .initial = "5m0s", .help = "A connection without a request is closed after so long."},
    {.path = "limits::write_timeout", .type = OPTION_DURATION, MASQUES(limits.write_timeout_ns),
     TIMEOUT, .initial = "30s", .help = "For a client to take its answer."},
    {.path = "limits::max_depth", .type = OPTION_NUMBER, MASQUES(limits.max_depth), .min = 16,
     .max = 100, .initial = "100",
     .help = "Protobuf messages within each other, the request being the first."},
    {.path = "limits::max_records", .type = OPTION_NUMBER, MASQUES(limits.max_records), .min = 1,
     .max = 100000000, .initial = "1000000",
     .help = "Log records, spans or data points of one request."},
    {.path = "limits::inflate_ratio", .type = OPTION_NUMBER, MASQUES(limits.inflate_ratio),
     .min = 10, .max = 2000, .initial = "200",
     .help = "How many times its size a compressed body may become, beyond the first MiB."},
    {.path = "limits::discard_bytes", .type = OPTION_BYTES, MASQUES(limits.discard_bytes),
     .min = SIZE_KIB, .max = SIZE_GIB, .initial = "1MiB",
     .help = "What is still read of a body that was refused early, so that its sender sees the "
             "answer."},
    {.path = "limits::discard_timeout", .type = OPTION_DURATION,
     MASQUES(limits.discard_timeout_ns), TIMEOUT, .initial = "2s",
     .help = "How long it is read."},
    {.path = "store::directory", .type = OPTION_TEXT, MASQUES(store.directory),
     .max = CONFIG_STORE_DIRECTORY_BYTES - 1, .initial = "",
     .help = "Directory of the store on a disk; it is created, the one above it must be there. "
             "Empty: the store lies in memory, beside the bus."},
    {.path = "store::fsync", .type = OPTION_CHOICE, MASQUES(store.fsync), .choices = fsyncs,
     .initial = "always",
     .help = "When a store with a `directory` is synced; `always`: before a request is answered; "
             "`interval`: a power cut may take the data of the last `fsync_interval`; `never`: the "
             "kernel decides."},
    {.path = "store::fsync_interval", .type = OPTION_DURATION, MASQUES(store.fsync_interval_ns),
     .min = 10 * DURATION_MS_NS, .max = DURATION_HOUR_NS, .initial = "1s",
     .help = "Time between syncs with `fsync: interval`."},
    {.path = "store::max_bytes", .type = OPTION_BYTES, MASQUES(store.max_bytes),
     .min = 16 * SIZE_MIB, .max = SIZE_TIB, .initial = "256MiB",
     .help = "What may wait for exporters, in all; with a `directory` and not written: `4GiB`."},
    {.path = "store::segment_bytes", .type = OPTION_BYTES, MASQUES(store.segment_bytes),
     .min = SIZE_MIB, .max = SIZE_GIB, .initial = "8MiB",
     .help = "Size of one file of the store; at most a quarter of `max_bytes`."},
    {.path = "store::dead_letters::max_bytes", .type = OPTION_BYTES,
     MASQUES(store.dead_letter_bytes), .max = SIZE_TIB, .initial = "64MiB",
     .help = "What is kept of records that a destination refused for good."},
    {.path = "router::memory", .type = OPTION_BYTES, MASQUES(router_memory_bytes),
     .min = 8 * SIZE_MIB, .max = 64 * SIZE_GIB, .initial = "64MiB",
     .help = "What may be on its way between workers, router and exporters."},
};

static const struct option_set otlp_set = {"receivers::otlp", otlp_rows, COUNT(otlp_rows)};
static const struct option_set health_set = {"extensions::health_check", health_rows,
                                             COUNT(health_rows)};
static const struct option_set masques_set = {"masques", masques_rows, COUNT(masques_rows)};
static const struct option_set telemetry_set = {"service::telemetry", telemetry_rows,
                                                COUNT(telemetry_rows)};

static const struct option_set file_storage_set = {"extensions::file_storage", file_storage_rows,
                                                   COUNT(file_storage_rows)};
static const struct option_set metrics_set = {"service::telemetry", metrics_rows,
                                              COUNT(metrics_rows)};

const struct option_set *config_otlp_options(void)
{
    return &otlp_set;
}

const struct option_set *config_health_options(void)
{
    return &health_set;
}

const struct option_set *config_masques_options(void)
{
    return &masques_set;
}

const struct option_set *config_telemetry_options(void)
{
    return &telemetry_set;
}

const struct option_set *config_file_storage_options(void)
{
    return &file_storage_set;
}

const struct option_set *config_metrics_options(void)
{
    return &metrics_set;
}
