// SPDX-License-Identifier: Apache-2.0
/* The exporters that a configuration can name, and their options. Read by whoever reads the
 * configuration, and by the exporter programs, which are given their options as (path, text) pairs:
 * options_apply() with their rows. */
#ifndef MASQUES_CONFIG_EXPORTER_OPTIONS_H
#define MASQUES_CONFIG_EXPORTER_OPTIONS_H

#include "shared/config/clickhouse_options.h"
#include "shared/config/option.h"

enum console_format {
    CONSOLE_PRETTY = 0, /* one aligned line a record, for people */
    CONSOLE_JSON = 1,   /* one line of OTLP JSON a batch */
};

enum console_color {
    CONSOLE_COLOR_AUTO = 0, /* on a terminal, unless NO_COLOR is set */
    CONSOLE_COLOR_ALWAYS = 1,
    CONSOLE_COLOR_NEVER = 2,
};

#define CONSOLE_MATCH_MAX_BYTES 200u

struct console_options {
    uint32_t format; /* enum console_format */
    uint32_t color;  /* enum console_color */
    char match[CONSOLE_MATCH_MAX_BYTES + 1]; /* empty: everything is shown */
};

#define FILE_PATH_BYTES 1025      /* with their NULs */
#define FILE_ATTRIBUTE_BYTES 257
#define FILE_PERMISSIONS_BYTES 9

enum file_format {
    FILE_JSON = 0,
    FILE_PROTO = 1,
};

enum file_compression {
    FILE_PLAIN = 0,
    FILE_ZSTD = 1,
};

struct file_options {
    char path[FILE_PATH_BYTES]; /* with one "*" where group_by is enabled */
    uint32_t format;            /* enum file_format */
    uint32_t compression;       /* enum file_compression */
    bool append;
    uint64_t flush_interval_ns;
    uint64_t max_bytes;   /* of a file before it is rotated */
    uint32_t max_days;    /* age of a file and of its backups; 0: no limit */
    uint32_t max_backups; /* 0: no limit */
    bool localtime;       /* in the names of backups */
    bool rotation;        /* the four before it count */
    bool group_by;
    char resource_attribute[FILE_ATTRIBUTE_BYTES];
    uint32_t max_open_files;
    bool create_directory;
    char directory_permissions[FILE_PERMISSIONS_BYTES]; /* octal; "": 0755 */
};

/* The options of any one exporter. */
union exporter_options {
    struct console_options console;
    struct file_options file;
    struct clickhouse_options clickhouse;
};

struct exporter_kind {
    const char *type;    /* in the configuration: "debug" of "debug/verbose" */
    const char *program; /* masques-exporter-<program> */
    struct option_set options; /* of a union exporter_options */
    bool lossy;          /* its backlog never holds the store */
    /* What its options demand of each other. 0; GW_ERR_INVALID with a sentence appended to `why`. NULL: nothing. */
    int (*check)(const void *options, struct buf *why);
};

/* exporter_kind.check of the file exporter; `options` is a struct file_options. The rules are those of the
 * collector's fileexporter (config.go, Validate). */
int file_options_check(const void *options, struct buf *why) GW_MUST_CHECK;

/* The mode of directories that are made, from checked options. */
uint32_t file_options_directory_mode(const struct file_options *options);

/* The kinds, `*count` of them. Static. */
const struct exporter_kind *exporter_kinds(size_t *count);

/* The kind of that type ("debug"), or NULL. Static. */
const struct exporter_kind *exporter_kind_find(struct slice type);

#endif
