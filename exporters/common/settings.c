// SPDX-License-Identifier: Apache-2.0
#include "exporters/common/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/bus/endpoint.h"

#define ALL_SIGNALS 0xeu    /* bits 1..3 */
#define PATH_MAX_BYTES 128u /* of an option's path */

/* A word that a flag may have for its value. */
struct word {
    const char *text;
    int value;
};

static const struct word modes[] = {
    {"live", MASQUES__BUS__MODE__LIVE},
    {"durable", MASQUES__BUS__MODE__DURABLE},
    {"lossy", MASQUES__BUS__MODE__LOSSY},
    {NULL, 0},
};

static const struct word starts[] = {
    {"last", MASQUES__BUS__START__WHERE_LEFT_OFF},
    {"now", MASQUES__BUS__START__NOW},
    {"oldest", MASQUES__BUS__START__OLDEST},
    {NULL, 0},
};

static const struct word signals[] = {
    {"logs", MASQUES__BUS__SIGNAL__LOGS},
    {"metrics", MASQUES__BUS__SIGNAL__METRICS},
    {"traces", MASQUES__BUS__SIGNAL__TRACES},
    {NULL, 0},
};

static const struct word levels[] = {
    {"error", LOG_LEVEL_ERROR},
    {"warn", LOG_LEVEL_WARN},
    {"info", LOG_LEVEL_INFO},
    {"debug", LOG_LEVEL_DEBUG},
    {NULL, 0},
};

static const struct word *word_find(const struct word *words, struct slice text)
{
    for (; words->text; words++)
        if (slice_is(text, words->text))
            return words;
    return NULL;
}

static void word_list(const struct word *words, struct buf *out)
{
    for (const struct word *w = words; w->text; w++)
        buf_printf(out, "%s%s", w == words ? "" : ", ", w->text);
}

/* One word, as `flag` wants it. 0; GW_ERR_INVALID. */
static int word_value(const char *flag, const struct word *words, struct slice text, int *value,
                      struct buf *why)
{
    const struct word *w = word_find(words, text);
    if (w) {
        *value = w->value;
        return 0;
    }
    buf_printf(why, "--%s: \"%.*s\" is none of ", flag, (int)text.len, (const char *)text.data);
    word_list(words, why);
    return GW_ERR_INVALID;
}

/* "logs,traces" to bits. */
static int signal_bits(const char *text, uint32_t *bits, struct buf *why)
{
    *bits = 0;
    while (true) {
        size_t n = strcspn(text, ",");
        int signal;
        if (word_value("signals", signals, slice_make(text, n), &signal, why) < 0)
            return GW_ERR_INVALID;
        *bits |= 1u << signal;
        if (text[n] == '\0')
            return 0;
        text += n + 1;
    }
}

static int store_open(const char *path, int *fd, struct buf *why)
{
    *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*fd >= 0)
        return 0;
    buf_printf(why, "--store: cannot open the directory %s: %s", path, strerror(errno));
    return GW_ERR_INVALID;
}

/* One option for the exporter; `shown` is how its user wrote the name. */
static int option_give(const struct exporter_ops *ops, void *options, const char *path,
                       const char *text, const char *shown, struct buf *why)
{
    if (ops->option)
        return ops->option(options, path, text, why) < 0 ? GW_ERR_INVALID : 0;
    buf_printf(why, "%s: unknown option", shown);
    return GW_ERR_INVALID;
}

/* A flag's name as a path: "a.b-c" is "a::b_c". False: too long. */
static bool flag_path(struct slice name, char *path, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (n + 3 > room)
            return false;
        if (name.data[i] == '.') {
            path[n++] = ':';
            path[n++] = ':';
        } else {
            path[n++] = name.data[i] == '-' ? '_' : (char)name.data[i];
        }
    }
    path[n] = '\0';
    return true;
}

/* The flags that every exporter has. */
enum flag {
    FLAG_ROUTER,
    FLAG_NAME,
    FLAG_SIGNALS,
    FLAG_MODE,
    FLAG_FROM,
    FLAG_STORE,
    FLAG_LOG_LEVEL,
};

static const struct word flags[] = {
    {"router", FLAG_ROUTER}, {"name", FLAG_NAME},   {"signals", FLAG_SIGNALS},
    {"mode", FLAG_MODE},     {"from", FLAG_FROM},   {"store", FLAG_STORE},
    {"log-level", FLAG_LOG_LEVEL}, {NULL, 0},
};

static int flag_take(const struct exporter_ops *ops, void *options, struct slice name,
                     const char *value, struct exporter_settings *out, struct buf *why)
{
    const struct word *flag = word_find(flags, name);
    if (!flag) {
        char path[PATH_MAX_BYTES];
        char shown[PATH_MAX_BYTES + 2];
        snprintf(shown, sizeof shown, "--%.*s", (int)name.len, (const char *)name.data);
        if (flag_path(name, path, sizeof path))
            return option_give(ops, options, path, value, shown, why);
        buf_printf(why, "%s: unknown option", shown);
        return GW_ERR_INVALID;
    }
    int word = 0;
    int rc = 0;
    switch ((enum flag)flag->value) {
    case FLAG_ROUTER:
        rc = endpoint_check(value, why);
        out->endpoint = value;
        break;
    case FLAG_NAME:
        out->name = value;
        break;
    case FLAG_SIGNALS:
        rc = signal_bits(value, &out->signals, why);
        break;
    case FLAG_MODE:
        rc = word_value("mode", modes, slice_of(value), &word, why);
        out->mode = (Masques__Bus__Mode)word;
        break;
    case FLAG_FROM:
        rc = word_value("from", starts, slice_of(value), &word, why);
        out->start = (Masques__Bus__Start)word;
        break;
    case FLAG_STORE:
        rc = store_open(value, &out->store_fd, why);
        break;
    case FLAG_LOG_LEVEL:
        rc = word_value("log-level", levels, slice_of(value), &word, why);
        out->log_level = (enum log_level)word;
        break;
    }
    return rc;
}

static struct exporter_settings settings_default(const struct exporter_ops *ops, void *options)
{
    if (ops->defaults)
        ops->defaults(options);
    return (struct exporter_settings){
        .name = ops->type,
        .signals = ALL_SIGNALS,
        .mode = ops->mode,
        .store_fd = -1,
        .drain_ms = SETTINGS_DRAIN_MS,
        .log_level = LOG_LEVEL_INFO,
    };
}

enum settings_flags_outcome settings_from_flags(int argc, char **argv,
                                                const struct exporter_ops *ops, void *options,
                                                struct exporter_settings *out, struct buf *why)
{
    *out = settings_default(ops, options);
    if (ops->mode_by_hand)
        out->mode = ops->mode_by_hand;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (strcmp(arg, "--help") == 0)
            return SETTINGS_HELP;
        if (strcmp(arg, "--version") == 0)
            return SETTINGS_VERSION;
        if (strcmp(arg, "--replace") == 0) {
            out->replace = true;
            continue;
        }
        if (strncmp(arg, "--", 2) != 0 || arg[2] == '\0') {
            buf_printf(why, "\"%s\" is no flag; --help lists them", arg);
            return SETTINGS_WRONG;
        }
        size_t n = strcspn(arg + 2, "=");
        const char *value = arg[2 + n] == '=' ? arg + 3 + n : NULL;
        if (!value && i + 1 < argc)
            value = argv[++i];
        if (!value) {
            buf_printf(why, "%s needs a value", arg);
            return SETTINGS_WRONG;
        }
        if (flag_take(ops, options, slice_make(arg + 2, n), value, out, why) < 0)
            return SETTINGS_WRONG;
    }
    if (out->endpoint && out->name[0])
        return ops->check && ops->check(options, why) < 0 ? SETTINGS_WRONG : SETTINGS_RUN;
    buf_text(why, out->endpoint ? "--name must not be empty"
                                : "--router ENDPOINT is missing: where the router listens, for "
                                  "instance ipc:///run/masques/bus.sock");
    return SETTINGS_WRONG;
}

/* Mode (0: as its type has it) and start of one that masquesctl attached: nobody else says them. */
static int attached_place(const Masques__Control__ExporterSettings *mine,
                          struct exporter_settings *out, struct buf *why)
{
    if (mine->mode > MASQUES__BUS__MODE__LOSSY ||
        mine->start > MASQUES__BUS__START__REGISTERED) {
        buf_printf(why, "the master's settings have mode %u and start %u, which mean nothing",
                   mine->mode, mine->start);
        return GW_ERR_INVALID;
    }
    if (mine->mode)
        out->mode = (Masques__Bus__Mode)mine->mode;
    out->start = (Masques__Bus__Start)mine->start;
    return 0;
}

int settings_from_master(const Masques__Control__Settings *settings,
                         const struct exporter_ops *ops, void *options,
                         struct exporter_settings *out, struct buf *why)
{
    *out = settings_default(ops, options);
    if (settings->role_case != MASQUES__CONTROL__SETTINGS__ROLE_EXPORTER) {
        buf_text(why, "the master's settings are not for an exporter");
        return GW_ERR_INVALID;
    }
    const Masques__Control__ExporterSettings *mine = settings->exporter;
    out->name = settings->name;
    out->endpoint = settings->bus_endpoint;
    out->signals = mine->signals;
    out->drain_ms = mine->drain_ms;
    out->log_level = settings->log_level > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG
                                                           : (enum log_level)settings->log_level;
    if (mine->store_fd > 0)
        out->store_fd = (int)mine->store_fd;
    out->wishes = (struct exporter_wishes){mine->max_records, mine->max_bytes, mine->linger_ms,
                                           mine->in_flight};
    out->synced = mine->synced;
    if (mine->attached && attached_place(mine, out, why) < 0)
        return GW_ERR_INVALID;
    for (size_t i = 0; i < mine->n_options; i++) {
        const Masques__Control__Option *option = mine->options[i];
        if (option_give(ops, options, option->path, option->value, option->path, why) < 0)
            return GW_ERR_INVALID;
    }
    return ops->check && ops->check(options, why) < 0 ? GW_ERR_INVALID : 0;
}

void settings_help(const struct exporter_ops *ops, struct buf *out)
{
    buf_printf(out, "masques-exporter-%s: %s\n\n", ops->type, ops->summary);
    buf_text(out,
             "  --router ENDPOINT   the router to take deliveries from: ipc://PATH or tcp://HOST:PORT\n"
             "  --name NAME         what the router knows it by; default: its type\n"
             "  --signals LIST      logs, metrics, traces, separated by commas; default: all\n"
             "  --mode MODE         live: from now on, forgotten when it leaves; durable: keeps its\n"
             "                      place, holds the store; lossy: keeps its place, may miss data\n"
             "  --from WHERE        where a new name begins: oldest, now, last (where it left off)\n"
             "  --store DIRECTORY   the router's store on this machine, to read deliveries from\n"
             "  --replace           take the name from an exporter that has it\n"
             "  --log-level LEVEL   error, warn, info, debug; default: info\n"
             "  --help, --version\n");
    if (ops->flags)
        buf_text(out, ops->flags);
}
