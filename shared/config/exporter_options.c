// SPDX-License-Identifier: Apache-2.0
#include "shared/config/exporter_options.h"

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

static const struct exporter_kind kinds[] = {
    {"debug", "console", {"exporters::debug", console_rows, CONSOLE_ROWS}, true},
    {"console", "console", {"exporters::console", console_rows, CONSOLE_ROWS}, true},
    {"nop", "nop", {"exporters::nop", NULL, 0}, false},
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
