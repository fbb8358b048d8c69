// SPDX-License-Identifier: Apache-2.0
#include "shared/config/exporter_options.h"

#include <string.h>

#include "shared/config/clickhouse_rows.h"

static const char *const formats[] = {"pretty", "json", NULL};
static const char *const colors[] = {"auto", "always", "never", NULL};

static const struct option console_rows[] = {
    {
        .path = "format",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct console_options, format),
        .choices = formats,
        .initial = "pretty",
        .reloadable = true,
        .help = "`pretty`: one aligned line a record, for people; `json`: one line of OTLP JSON a "
                "batch.",
    },
    {
        .path = "color",
        .type = OPTION_CHOICE,
        .offset = offsetof(struct console_options, color),
        .choices = colors,
        .initial = "auto",
        .reloadable = true,
        .help = "Colours in `pretty`; `auto`: on a terminal, unless `NO_COLOR` is set.",
    },
    {
        .path = "match",
        .type = OPTION_TEXT,
        .offset = offsetof(struct console_options, match),
        .max = CONSOLE_MATCH_MAX_BYTES,
        .initial = "",
        .reloadable = true,
        .help = "Show only records that contain this text, whatever the case of its letters (`pretty`: in "
                "their line or in a text left out of it; `json`: the whole batch is shown if its line contains it).",
    },
};

#define CONSOLE_ROWS (sizeof console_rows / sizeof console_rows[0])

static const char *const file_formats[] = {"json", "proto", NULL};
static const char *const compressions[] = {"none", "zstd", NULL};

#define FILE_OPTION(member) .offset = offsetof(struct file_options, member)

static const struct option file_rows[] = {
    {.path = "path", .type = OPTION_TEXT, FILE_OPTION(path), .max = FILE_PATH_BYTES - 1,
     .initial = "",
     .help = "The file, required. With `group_by` it has one `*`, for the attribute's value."},
    {.path = "format", .type = OPTION_CHOICE, FILE_OPTION(format), .choices = file_formats,
     .initial = "json",
     .help = "`json`: one line of OTLP JSON a batch; `proto`: a length of 4 bytes, the highest "
             "first, and OTLP protobuf."},
    {.path = "compression", .type = OPTION_CHOICE, FILE_OPTION(compression),
     .choices = compressions, .initial = "none",
     .help = "`zstd`: a length of 4 bytes and a frame of zstd for each batch, in either format."},
    {.path = "append", .type = OPTION_BOOL, FILE_OPTION(append), .initial = "false",
     .help = "Whether a file that is there is continued; otherwise it is emptied, once in a run of "
             "the gateway. Not with `compression` or `rotation`."},
    {.path = "flush_interval", .type = OPTION_DURATION, FILE_OPTION(flush_interval_ns),
     .max = 24 * DURATION_HOUR_NS, .bare_ns = true, .initial = "1s",
     .help = "How long bytes may wait before they are written. They never do: what counts as "
             "delivered is written."},
    {.path = "rotation::max_megabytes", .type = OPTION_MIB, FILE_OPTION(max_bytes),
     .max = SIZE_TIB, .initial = "100",
     .help = "A file that would become larger is renamed first; 0: as 100."},
    {.path = "rotation::max_days", .type = OPTION_NUMBER, FILE_OPTION(max_days), .max = 36500,
     .initial = "0",
     .help = "A file older than this is renamed, a backup older than this is removed; 0: at no "
             "age."},
    {.path = "rotation::max_backups", .type = OPTION_NUMBER, FILE_OPTION(max_backups),
     .max = 1000000, .initial = "100",
     .help = "Backups that are kept, the newest; 0: all of them."},
    {.path = "rotation::localtime", .type = OPTION_BOOL, FILE_OPTION(localtime),
     .initial = "false", .help = "Whether names of backups tell local time instead of UTC."},
    {.path = "rotation", .type = OPTION_PRESENCE, FILE_OPTION(rotation), .initial = "false",
     .help = "Rotates the file, by the options above; needs nothing but to be there."},
    {.path = "group_by::enabled", .type = OPTION_BOOL, FILE_OPTION(group_by), .initial = "false",
     .help = "Whether the telemetry of each value of a resource attribute has a file of its own."},
    {.path = "group_by::resource_attribute", .type = OPTION_TEXT, FILE_OPTION(resource_attribute),
     .max = FILE_ATTRIBUTE_BYTES - 1, .initial = "fileexporter.path_segment",
     .help = "That attribute; what has no such text is rejected."},
    {.path = "group_by::max_open_files", .type = OPTION_NUMBER, FILE_OPTION(max_open_files),
     .min = 1, .max = 100000, .initial = "100", .help = "Files that are kept open."},
    {.path = "create_directory", .type = OPTION_BOOL, FILE_OPTION(create_directory),
     .initial = "false",
     .help = "Whether the file's directory is made where it is missing; with `group_by` it is in "
             "any case."},
    {.path = "directory_permissions", .type = OPTION_TEXT, FILE_OPTION(directory_permissions),
     .max = FILE_PERMISSIONS_BYTES - 1, .initial = "",
     .help = "Of directories that are made, in octal, less the umask; empty: 0755. Only with "
             "`create_directory`."},
};

#define FILE_ROWS (sizeof file_rows / sizeof file_rows[0])
#define MODE_DEFAULT 0755u
#define MODE_MAX 0777u

/* An octal number. False: it is none. */
static bool octal(const char *text, uint32_t *value)
{
    *value = 0;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '7')
            return false;
        *value = *value << 3 | (uint32_t)(*c - '0');
    }
    return text[0] != '\0';
}

uint32_t file_options_directory_mode(const struct file_options *o)
{
    uint32_t mode;
    return octal(o->directory_permissions, &mode) ? mode : MODE_DEFAULT;
}

static const char *group_by_fault(const struct file_options *o)
{
    const char *star = strchr(o->path, '*');
    if (!o->group_by)
        return NULL;
    if (!star || strchr(star + 1, '*'))
        return "path must contain exactly one * when group_by is enabled";
    if (star == o->path)
        return "path must not start with * when group_by is enabled";
    if (!o->resource_attribute[0])
        return "resource_attribute must not be empty when group_by is enabled";
    return NULL;
}

static const char *directory_fault(const struct file_options *o)
{
    uint32_t mode;
    if (!o->directory_permissions[0])
        return NULL;
    if (!o->create_directory)
        return "directory_permissions requires create_directory to be true";
    if (!octal(o->directory_permissions, &mode))
        return "directory_permissions must be an octal number such as 0755";
    return mode > MODE_MAX ? "directory_permissions has bits that are no permissions" : NULL;
}

int file_options_check(const void *options, struct buf *why)
{
    const struct file_options *o = options;
    const char *fault = NULL;
    if (!o->path[0])
        fault = "path must be non-empty";
    else if (o->append && o->compression != FILE_PLAIN)
        fault = "append and compression enabled at the same time is not supported";
    else if (o->append && o->rotation)
        fault = "append and rotation enabled at the same time is not supported";
    else
        fault = group_by_fault(o);
    if (!fault)
        fault = directory_fault(o);
    if (!fault)
        return 0;
    buf_text(why, fault);
    return GW_ERR_INVALID;
}

static const struct exporter_kind kinds[] = {
    {"debug", "console", {"exporters::debug", console_rows, CONSOLE_ROWS}, true, NULL},
    {"console", "console", {"exporters::console", console_rows, CONSOLE_ROWS}, true, NULL},
    {"file", "file", {"exporters::file", file_rows, FILE_ROWS}, false, file_options_check},
    {"clickhouse", "clickhouse", {"exporters::clickhouse", clickhouse_rows, CLICKHOUSE_ROWS}, false,
     clickhouse_options_check},
    {"nop", "nop", {"exporters::nop", NULL, 0}, false, NULL},
};

const struct exporter_kind *exporter_kinds(size_t *count)
{
    *count = sizeof kinds / sizeof kinds[0];
    return kinds;
}

const struct exporter_kind *exporter_kind_find(struct slice type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (slice_is(type, kinds[i].type))
            return &kinds[i];
    return NULL;
}
