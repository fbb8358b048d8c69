// SPDX-License-Identifier: Apache-2.0
/* The configuration, resolved: every default filled in, every reference checked. Read from a file
 * in the collector's YAML dialect; docs/configuration.md is its description for users. */
#ifndef MASQUES_CONFIG_CONFIG_H
#define MASQUES_CONFIG_CONFIG_H

#include "shared/base/log.h"
#include "shared/config/expand.h"
#include "shared/config/exporter_options.h"
#include "shared/config/report.h"

#define CONFIG_ID_BYTES 129 /* "type/name" and its NUL */
#define CONFIG_URL_PATH_BYTES 129
#define CONFIG_DIRECTORY_BYTES 81 /* a socket's path in it must fit sun_path (108) */
#define CONFIG_STORE_DIRECTORY_BYTES 1025
#define CONFIG_PERMISSIONS_BYTES 8
#define CONFIG_STORE_DISK_BYTES (UINT64_C(4) << 30) /* store.max_bytes with a directory */
#define CONFIG_EXPORTERS_MAX 64u  /* each one is a process */

/* Signals in a mask are bits 1 << n; n is the number that the bus and shared/otlp give the
 * signal. */
enum config_signal {
    CONFIG_LOGS = 1,
    CONFIG_METRICS = 2,
    CONFIG_TRACES = 3,
};

struct config_grpc {
    bool enabled;
    struct endpoint endpoint;
    uint64_t max_message_bytes; /* of one message, on the wire and inflated */
    uint32_t max_streams;       /* a connection */
};

struct config_http {
    bool enabled;
    struct endpoint endpoint;
    uint64_t max_body_bytes; /* of one body, on the wire and inflated */
    char logs_path[CONFIG_URL_PATH_BYTES];
    char metrics_path[CONFIG_URL_PATH_BYTES];
    char traces_path[CONFIG_URL_PATH_BYTES];
};

struct config_otlp {
    char id[CONFIG_ID_BYTES]; /* "otlp", "otlp/name" */
    struct config_grpc grpc;  /* at least one of the two is enabled */
    struct config_http http;
};

struct config_health {
    char id[CONFIG_ID_BYTES]; /* "health_check", "health_check/name" */
    bool enabled;
    struct endpoint endpoint;
    char path[CONFIG_URL_PATH_BYTES];
};

/* extensions::file_storage, once an exporter's `sending_queue::storage` names it. What has a meaning
 * here is in `masques.store` as well; the rest is what the collector has, kept for print-config. */
struct config_compaction {
    bool on_start;
    bool on_rebound;
    bool cleanup_on_start;
    char directory[CONFIG_STORE_DIRECTORY_BYTES];
    uint64_t rebound_needed_bytes;
    uint64_t rebound_trigger_bytes;
    uint64_t max_transaction_size;
    uint64_t check_interval_ns;
};

struct config_file_storage {
    char id[CONFIG_ID_BYTES]; /* "file_storage", "file_storage/name" */
    bool enabled;
    bool fsync;
    bool create_directory;
    bool recreate;
    char directory[CONFIG_STORE_DIRECTORY_BYTES];
    char directory_permissions[CONFIG_PERMISSIONS_BYTES];
    uint64_t timeout_ns;
    struct config_compaction compaction;
};

/* service::telemetry::metrics. */
struct config_metrics {
    bool enabled;             /* it is there, and its level is not `none` */
    uint32_t level;           /* enum config_metrics_level */
    struct endpoint endpoint; /* where GET /metrics is answered */
};

enum config_metrics_level {
    CONFIG_METRICS_NONE = 0,
    CONFIG_METRICS_BASIC = 1,
    CONFIG_METRICS_NORMAL = 2,
    CONFIG_METRICS_DETAILED = 3,
};

struct config_limits {
    uint64_t ledger_bytes; /* a worker; at least twice the larger body limit */
    uint64_t header_timeout_ns;
    uint64_t body_timeout_ns;
    uint64_t body_bytes_per_s; /* beyond body_timeout, a body must keep this pace */
    uint64_t idle_timeout_ns;
    uint64_t write_timeout_ns;
    uint64_t max_header_bytes;
    uint32_t max_connections; /* a worker */
    uint32_t connections_per_address;
    uint32_t max_depth; /* protobuf messages within each other, the request being 1 */
    uint32_t max_records; /* a request */
    uint32_t inflate_ratio; /* inflated bytes per byte received, past 1 MiB */
    uint64_t discard_bytes; /* of a refused body that are read on, */
    uint64_t discard_timeout_ns; /* for so long */
};

enum config_fsync {
    CONFIG_FSYNC_ALWAYS = 0,   /* stored means synced */
    CONFIG_FSYNC_INTERVAL = 1, /* a power cut may take the data of the last interval */
    CONFIG_FSYNC_NEVER = 2,    /* the kernel syncs when it likes */
};

struct config_store {
    char directory[CONFIG_STORE_DIRECTORY_BYTES]; /* "": on tmpfs, near the runtime directory */
    uint32_t fsync;             /* enum config_fsync; without a meaning on tmpfs */
    uint64_t fsync_interval_ns;
    uint64_t max_bytes;
    uint64_t segment_bytes;     /* at most a quarter of max_bytes */
    uint64_t dead_letter_bytes; /* beyond max_bytes */
    bool create_parents; /* the directories above `directory`, too, */
    uint32_t parent_mode; /* with these permissions; file_storage says so */
};

struct config_masques {
    uint32_t workers; /* 0: one a core, at most 4 */
    uint32_t log_level; /* enum log_level */
    char runtime_directory[CONFIG_DIRECTORY_BYTES]; /* "": the program chooses */
    uint64_t hang_after_ns; /* a child silent for so long is killed and replaced */
    uint64_t grace_ns;      /* for draining at shutdown */
    struct config_limits limits;
    struct config_store store;
    uint64_t router_memory_bytes; /* the sum of all credit */
};

/* What a size counts. */
enum config_sizer {
    CONFIG_SIZER_ITEMS = 0, /* records */
    CONFIG_SIZER_BYTES = 1,
    CONFIG_SIZER_REQUESTS = 2, /* queue only */
};

/* How deliveries are formed. */
struct config_batch {
    bool enabled; /* otherwise as the exporter itself wishes */
    uint32_t sizer; /* enum config_sizer: items or bytes */
    uint64_t timeout_ns; /* 0: nothing is waited for, min_size has no meaning */
    uint64_t min_size;
    uint64_t max_size; /* 0: min_size is the size; otherwise at least min_size */
};

/* What every exporter can be told about its queue and about what failed. */
struct config_delivery {
    bool queue_enabled;
    bool wait_for_result;
    bool block_on_overflow;
    bool retry_enabled;
    uint32_t consumers;   /* deliveries at a time and signal; 0: as many as the exporter wishes */
    uint32_t queue_sizer; /* enum config_sizer */
    uint64_t queue_size;  /* 0: half of the store */
    char storage[CONFIG_ID_BYTES]; /* "": none is named */
    struct config_batch batch;
    uint64_t initial_interval_ns;
    uint64_t max_interval_ns;
    uint64_t max_elapsed_ns; /* 0: never gives up */
    uint32_t randomization_permille;
    uint32_t multiplier_permille;
};

/* An exporter that some pipeline uses: one process. */
struct config_exporter {
    char id[CONFIG_ID_BYTES]; /* "debug", "debug/verbose" */
    const struct exporter_kind *kind;
    uint32_t signals; /* mask, never 0: the union of the pipelines that name it */
    union exporter_options options;
    struct config_delivery delivery;
};

struct config {
    struct config_otlp otlp;
    struct config_health health;
    struct config_file_storage file_storage;
    struct config_metrics metrics;
    struct config_masques masques;
    struct config_exporter *exporters; /* in the file's order */
    size_t exporter_count;             /* >= 1 */
    char **warnings;                   /* "FILE:LINE:COL: …", to be shown once at start */
    size_t warning_count;
};

/* Returns owned (config_free): what runs without a file. Logs, metrics and traces from OTLP on
 * 127.0.0.1 to the exporter `debug`, with the health check. NULL: no memory. */
struct config *config_default(void) GW_MUST_CHECK;

/* Reads a file; ${…} is looked up in the environment. Returns owned in `*out`. 0; otherwise `*out`
 * is NULL and `err->text` says what is wrong, in one sentence: GW_ERR_IO: the file cannot be read;
 * GW_ERR_INVALID; GW_ERR_NOMEM. */
int config_load(const char *path, struct config **out, struct config_error *err) GW_MUST_CHECK;

/* The same for a text (borrowed) that goes by the name `name` in messages. */
int config_from_text(const char *name, struct slice text, expand_lookup lookup, void *context,
                     struct config **out, struct config_error *err) GW_MUST_CHECK;

/* Frees; NULL inside is fine. */
void config_free(struct config **config);

/* Mask of the signals that some exporter wants. */
uint32_t config_signals(const struct config *config);

/* Appends the configuration as a file that resolves to it, every option written out. */
void config_print(const struct config *config, struct buf *out);

/* The option sets other than the exporters': each one belongs to the struct named. Static. */
const struct option_set *config_otlp_options(void);      /* struct config_otlp */
const struct option_set *config_health_options(void);    /* struct config_health */
const struct option_set *config_masques_options(void);   /* struct config_masques */
const struct option_set *config_file_storage_options(void); /* struct config_file_storage */
const struct option_set *config_delivery_options(void);     /* struct config_delivery */
/* service::telemetry: in a struct config_masques, and in a struct config_metrics. */
const struct option_set *config_telemetry_options(void);
const struct option_set *config_metrics_options(void);

#endif
