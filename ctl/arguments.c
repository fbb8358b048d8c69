// SPDX-License-Identifier: Apache-2.0
#include "ctl/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/words.h"
#include "shared/config/duration.h"

#define ALL_SIGNALS 0xeu /* bits 1..3 */
#define BIT(command) (1u << (command))
#define EVERY (~0u)
#define NOT(commands) (~(commands))
#define COMMON BIT(COMMAND_NONE) /* of a flag: of (nearly) every command, and may stand before it */
#define MASTERS (BIT(COMMAND_STATUS) | BIT(COMMAND_ATTACH) | BIT(COMMAND_RELOAD)) /* the router is not asked */
#define LETTERS (BIT(COMMAND_LETTERS_LIST) | BIT(COMMAND_LETTERS_REPLAY) | BIT(COMMAND_LETTERS_DROP))
#define WITHIN_MAX_MS (24u * 3600 * 1000)

/* ---- commands --------------------------------------------------------------------------------------------------- */

struct command {
    const char *group; /* NULL, or the word that stands before the name */
    const char *name;
    const char *operands;
    bool needs_subject;
    const char *summary; /* one line of the program's help */
    const char *text;    /* what its own help says besides */
};

static const struct command commands[COMMAND_COUNT] = {
    [COMMAND_STATUS] = {NULL, "status", "", false, "every process, its state and what waits in it",
                        "Shows what the health endpoint says. Exit code 0 when telemetry is accepted, 1\n"
                        "when not. --json gives the answer as it is (docs/operations.md explains it).\n"},
    [COMMAND_EXPORTERS] = {NULL, "exporters", "", false,
                           "every exporter: what waits, what was delivered or lost",
                           "One line an exporter and signal. OLDEST is the age of the oldest record that\n"
                           "waits. What was rejected, what was lost and why, and the last error stand below.\n"},
    [COMMAND_ATTACH] = {NULL, "attach", "TYPE/NAME", true,
                        "start a further exporter, and keep it running",
                        "The master starts the exporter, watches it, and starts it again after a restart\n"
                        "of the gateway, until `masquesctl detach`. What its TYPE takes is in\n"
                        "docs/configuration.md: any further --KEY VALUE is an option of the exporter,\n"
                        "--KEY.KEY VALUE one below a key. Behind a lone `--` all are, also those whose\n"
                        "name masquesctl has itself.\n"
                        "\n"
                        "  masquesctl attach file/archive --signals logs,traces --from oldest \\\n"
                        "      --path /var/log/otel.json\n"},
    [COMMAND_DETACH] = {NULL, "detach", "NAME", true, "end an exporter that was attached, and forget its place",
                        "What still waits for it is given up, or delivered first with --drain. When\n"
                        "that takes longer than --within it stays attached, nothing is given up, and the\n"
                        "exit code is 1; detach without --drain gives up what is left. An exporter of the\n"
                        "configuration is taken out there (masquesctl reload).\n"},
    [COMMAND_TAIL] = {NULL, "tail", "", false, "show telemetry as it comes in",
                      "Joins the gateway as a live exporter: from now on, forgotten when it ends. It\n"
                      "never holds anything up; what it is too slow for is left out. Ctrl-C ends it.\n"},
    [COMMAND_LETTERS_LIST] = {"dead-letters", "list", "[EXPORTER]", false,
                              "records that a destination refused, and why", ""},
    [COMMAND_LETTERS_REPLAY] = {"dead-letters", "replay", "[EXPORTER] [NUMBER...]", false,
                                "hand them to their exporter again",
                                "Without NUMBERs: all of them. A letter that is delivered is gone; one that is\n"
                                "refused again stays, under a new number.\n"},
    [COMMAND_LETTERS_DROP] = {"dead-letters", "drop", "[EXPORTER] NUMBER...|--all", false,
                              "throw them away", "Needs NUMBERs or --all.\n"},
    [COMMAND_DRAIN] = {NULL, "drain", "", false, "wait until everything stored is delivered",
                       "To every durable exporter that is there. Exit code 1, and a list of what is\n"
                       "left, when it takes longer than --within.\n"},
    [COMMAND_RELOAD] = {NULL, "reload", "", false, "read the configuration again, as SIGHUP does",
                        "A configuration with an error changes nothing, and the error is printed.\n"},
    [COMMAND_VALIDATE] = {NULL, "validate", "FILE", true, "check a configuration (masques-receiver validate)", ""},
};

/* ---- flags ------------------------------------------------------------------------------------------------------ */

enum flag_kind {
    FLAG_SWITCH, /* -> bool */
    FLAG_TEXT,   /* -> const char * */
    FLAG_TIME,   /* -> uint32_t, ms */
    FLAG_SIGNALS,
    FLAG_MODE,
    FLAG_START,
    FLAG_FORMAT, /* -> const char *, "pretty" or "json" */
};

struct flag {
    const char *name;
    const char *value; /* what the value is called in the help; NULL: takes none */
    enum flag_kind kind;
    size_t offset; /* of the field in struct arguments */
    unsigned commands;
    const char *help;
};

#define FIELD(name) offsetof(struct arguments, name)

static const struct flag flags[] = {
    {"signals", "LIST", FLAG_SIGNALS, FIELD(signals), BIT(COMMAND_ATTACH) | BIT(COMMAND_TAIL),
     "logs, metrics, traces, separated by commas; default: all"},
    {"mode", "MODE", FLAG_MODE, FIELD(mode), BIT(COMMAND_ATTACH),
     "durable: keeps its place, what waits for it is kept;\n"
     "lossy: keeps its place, may miss data;\n"
     "live: from now on, may miss data;\n"
     "default: what its type is made for"},
    {"from", "WHERE", FLAG_START, FIELD(start), BIT(COMMAND_ATTACH),
     "where a new name begins: oldest, now, or last (where it\n"
     "left off); default: last"},
    {"drain", NULL, FLAG_SWITCH, FIELD(drain), BIT(COMMAND_DETACH), "deliver what it is owed first"},
    {"within", "TIME", FLAG_TIME, FIELD(within_ms), BIT(COMMAND_DETACH) | BIT(COMMAND_DRAIN),
     "how long that may take (30s, 5m); default: for ever"},
    {"match", "TEXT", FLAG_TEXT, FIELD(match), BIT(COMMAND_TAIL),
     "only records that contain TEXT, in any case\n(json: batches)"},
    {"format", "FORMAT", FLAG_FORMAT, FIELD(format), BIT(COMMAND_TAIL),
     "pretty: a line a record; json: OTLP JSON, a line a batch"},
    {"all", NULL, FLAG_SWITCH, FIELD(all), BIT(COMMAND_LETTERS_DROP) | BIT(COMMAND_LETTERS_REPLAY),
     "all of them"},
    {"runtime", "DIRECTORY", FLAG_TEXT, FIELD(runtime), NOT(BIT(COMMAND_VALIDATE)),
     "where the gateway is; default: /run/masques as root,\n"
     "otherwise $XDG_RUNTIME_DIR/masques or /tmp/masques-UID"},
    {"router", "ENDPOINT", FLAG_TEXT, FIELD(router), NOT(MASTERS | BIT(COMMAND_VALIDATE)),
     "ipc://PATH or tcp://HOST:PORT of the router; default:\n"
     "the master is asked for it"},
    {"timeout", "TIME", FLAG_TIME, FIELD(timeout_ms), NOT(BIT(COMMAND_VALIDATE)),
     "how long the gateway may be silent; default: 5s"},
    {"json", NULL, FLAG_SWITCH, FIELD(json), NOT(BIT(COMMAND_VALIDATE)), "print JSON"},
    {"help", NULL, FLAG_SWITCH, FIELD(help), EVERY, "print this text"},
    {"version", NULL, FLAG_SWITCH, FIELD(version), EVERY, "print the version"},
};

#define FLAG_COUNT (sizeof flags / sizeof flags[0])

static bool flag_fits(const struct flag *flag, enum arguments_command command)
{
    return flag->commands & BIT(command);
}

static bool flag_is_common(const struct flag *flag)
{
    return flag->commands & COMMON;
}

static const struct flag *flag_find(struct slice name)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if (slice_is(name, flags[i].name))
            return &flags[i];
    return NULL;
}

static void put_command(enum arguments_command command, struct buf *out)
{
    const struct command *c = &commands[command];
    buf_printf(out, "%s%s%s", c->group ? c->group : "", c->group ? " " : "", c->name);
}

static int read_time(const char *text, uint32_t *ms)
{
    int64_t ns;
    if (duration_parse(slice_of(text), &ns) != GW_OK || ns < DURATION_MS_NS ||
        ns / DURATION_MS_NS > WITHIN_MAX_MS)
        return GW_ERR_INVALID;
    *ms = (uint32_t)(ns / DURATION_MS_NS);
    return GW_OK;
}

static int flag_read(const struct flag *flag, const char *value, struct arguments *out, struct buf *why)
{
    void *field = (char *)out + flag->offset;
    switch (flag->kind) {
    case FLAG_SWITCH:
        *(bool *)field = true;
        return GW_OK;
    case FLAG_FORMAT:
        if (strcmp(value, "pretty") != 0 && strcmp(value, "json") != 0) {
            buf_printf(why, "--format: \"%s\" is none of pretty, json", value);
            return GW_ERR_INVALID;
        }
        *(const char **)field = value;
        return GW_OK;
    case FLAG_TEXT:
        *(const char **)field = value;
        return GW_OK;
    case FLAG_TIME:
        if (read_time(value, field) == GW_OK)
            return GW_OK;
        buf_printf(why, "--%s: \"%s\" is no time from 1ms to 24h, like 30s or 5m", flag->name, value);
        return GW_ERR_INVALID;
    case FLAG_SIGNALS:
        return words_signals(value, field, why);
    case FLAG_MODE:
        return words_mode(value, field, why);
    case FLAG_START:
        return words_start(value, field, why);
    }
    return GW_ERR_INVALID;
}

/* ---- reading ---------------------------------------------------------------------------------------------------- */

struct reading {
    int argc;
    char **argv;
    int at;
    bool only_options; /* behind "--" */
    unsigned early;    /* bit n set: flags[n] stood before the command */
    struct arguments *out;
    struct buf *why;
};

static int complain(const struct reading *r, const char *what, const char *arg)
{
    buf_printf(r->why, "%s: %s (masquesctl ", what, arg);
    if (r->out->command != COMMAND_NONE)
        put_command(r->out->command, r->why);
    else if (r->out->group)
        buf_text(r->why, r->out->group);
    if (r->out->command != COMMAND_NONE || r->out->group)
        buf_byte(r->why, ' ');
    buf_text(r->why, "--help lists what there is)");
    return GW_ERR_INVALID;
}

static bool in_group(const struct command *c, const char *group)
{
    return group ? c->group && strcmp(c->group, group) == 0 : c->group == NULL;
}

static bool is_group(const char *word)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (in_group(&commands[i], word))
            return true;
    return false;
}

static int take_command(struct reading *r, const char *word)
{
    if (!r->out->group && is_group(word)) {
        r->out->group = word;
        return GW_OK;
    }
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        const struct command *c = &commands[i];
        if (c->name && in_group(c, r->out->group) && strcmp(c->name, word) == 0) {
            r->out->command = (enum arguments_command)i;
            r->out->group = NULL;
            return GW_OK;
        }
    }
    return complain(r, r->out->group ? "dead-letters has no such command" : "unknown command", word);
}

/* No name of an exporter begins so. */
static bool is_number(const char *text)
{
    return text[0] >= '0' && text[0] <= '9';
}

static bool read_number(const char *text, uint64_t *number)
{
    char *end = NULL;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return *end == '\0' && errno == 0;
}

static int take_operand(struct reading *r, const char *word)
{
    struct arguments *out = r->out;
    if ((BIT(out->command) & LETTERS) && is_number(word)) {
        if (out->command == COMMAND_LETTERS_LIST)
            return complain(r, "no exporter", word);
        if (!read_number(word, &out->numbers[out->number_count]))
            return complain(r, "no number of a dead letter", word);
        out->number_count++;
        return GW_OK;
    }
    if (!out->subject && commands[out->command].operands[0] && word[0]) {
        out->subject = word;
        return GW_OK;
    }
    return complain(r, "one word too many", word);
}

/* A flag's name as an option's path: "a.b-c" is "a::b_c". False: it does not fit. */
static bool option_path(struct slice name, char path[ARGUMENTS_PATH_BYTES])
{
    size_t n = 0;
    for (size_t i = 0; i < name.len; i++) {
        if (n + 3 > ARGUMENTS_PATH_BYTES)
            return false;
        if (name.data[i] == '.') {
            path[n++] = ':';
            path[n++] = ':';
        } else {
            path[n++] = name.data[i] == '-' ? '_' : (char)name.data[i];
        }
    }
    path[n] = '\0';
    return n > 0;
}

static int take_option(struct reading *r, struct slice name, const char *value)
{
    struct arguments_option *option = &r->out->options[r->out->option_count];
    if (!option_path(name, option->path))
        return complain(r, "no name of an option", r->argv[r->at]);
    option->value = value;
    r->out->option_count++;
    return GW_OK;
}

/* argv[at] begins with "--". */
static int take_flag(struct reading *r)
{
    const char *arg = r->argv[r->at];
    size_t n = strcspn(arg + 2, "=");
    struct slice name = slice_make(arg + 2, n);
    const char *value = arg[2 + n] == '=' ? arg + 3 + n : NULL;
    bool attaching = r->out->command == COMMAND_ATTACH;
    const struct flag *flag = r->only_options ? NULL : flag_find(name);
    bool fits = flag && flag_fits(flag, r->out->command);
    if (!fits && (!attaching || (flag && flag_is_common(flag))))
        return complain(r, flag ? "not an option here" : "unknown option", arg);
    if (fits && r->out->command == COMMAND_NONE)
        r->early |= 1u << (flag - flags);
    if (fits && !flag->value) {
        if (value)
            return complain(r, "this option takes no value", arg);
        return flag_read(flag, NULL, r->out, r->why);
    }
    if (!value && r->at + 1 < r->argc)
        value = r->argv[++r->at];
    if (!value)
        return complain(r, "this option needs a value", arg);
    return fits ? flag_read(flag, value, r->out, r->why) : take_option(r, name, value);
}

static int take(struct reading *r)
{
    const char *arg = r->argv[r->at];
    if (strcmp(arg, "--") == 0 && r->out->command == COMMAND_ATTACH && !r->only_options) {
        r->only_options = true;
        return GW_OK;
    }
    if (strncmp(arg, "--", 2) == 0 && arg[2])
        return take_flag(r);
    if (arg[0] == '-')
        return complain(r, "unknown option", arg);
    return r->out->command == COMMAND_NONE ? take_command(r, arg) : take_operand(r, arg);
}

/* ---- what does not go together ---------------------------------------------------------------------------------- */

static int check_early(const struct reading *r)
{
    for (size_t i = 0; i < FLAG_COUNT; i++)
        if ((r->early & 1u << i) && !flag_fits(&flags[i], r->out->command))
            return complain(r, "not an option of this command", flags[i].name);
    return GW_OK;
}

static int check(const struct reading *r)
{
    const struct arguments *a = r->out;
    const struct command *c = &commands[a->command];
    const struct {
        bool wrong;
        const char *what, *arg;
    } rows[] = {
        {a->group != NULL, "a word is missing behind", a->group},
        {a->command == COMMAND_NONE, "no command is given", "status, for instance"},
        {c->needs_subject && !a->subject, "a word is missing", c->operands},
        {a->command == COMMAND_LETTERS_DROP && a->number_count == 0 && !a->all, "what is to be dropped is missing",
         "NUMBERs or --all"},
        {a->number_count > 0 && a->all, "NUMBERs and --all do not go together", "--all"},
        {a->command == COMMAND_DETACH && a->within_ms && !a->drain, "only with --drain", "--within"},
    };
    if (a->help || a->version)
        return GW_OK;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].wrong)
            return complain(r, rows[i].what, rows[i].arg);
    return check_early(r);
}

int arguments_parse(int argc, char **argv, struct arguments *out, struct buf *why)
{
    *out = (struct arguments){.runtime = "",
                              .timeout_ms = ARGUMENTS_TIMEOUT_MS,
                              .signals = ALL_SIGNALS,
                              .options = calloc((size_t)argc + 1, sizeof *out->options),
                              .numbers = calloc((size_t)argc + 1, sizeof *out->numbers)};
    struct reading r = {.argc = argc, .argv = argv, .at = 1, .out = out, .why = why};
    if (!out->options || !out->numbers) {
        buf_text(why, gw_strerror(GW_ERR_NOMEM));
        return GW_ERR_NOMEM;
    }
    for (; r.at < argc; r.at++) {
        int err = take(&r);
        if (err != GW_OK)
            return err;
    }
    return check(&r);
}

void arguments_free(struct arguments *a)
{
    free(a->options);
    free(a->numbers);
    a->options = NULL;
    a->numbers = NULL;
}

/* ---- help ------------------------------------------------------------------------------------------------------- */

#define HELP_COLUMN 24

/* `text` may have lines; the further ones begin under the first. */
static void put_entry(struct buf *out, const char *head, const char *text)
{
    buf_printf(out, "  %-*s", HELP_COLUMN - 2, head);
    if (strlen(head) > HELP_COLUMN - 3)
        buf_printf(out, "\n%*s", HELP_COLUMN, "");
    for (; *text; text++) {
        buf_byte(out, (uint8_t)*text);
        if (*text == '\n')
            buf_printf(out, "%*s", HELP_COLUMN, "");
    }
    buf_byte(out, '\n');
}

static void put_flags(struct buf *out, enum arguments_command command, bool common)
{
    for (size_t i = 0; i < FLAG_COUNT; i++) {
        const struct flag *f = &flags[i];
        char head[64];
        if (flag_is_common(f) != common || !flag_fits(f, command))
            continue;
        snprintf(head, sizeof head, "--%s%s%s", f->name, f->value ? " " : "", f->value ? f->value : "");
        put_entry(out, head, f->help);
    }
}

/* The commands of a group, or (NULL) all. */
static void help_of_many(const char *group, struct buf *out)
{
    char name[64];
    snprintf(name, sizeof name, "masquesctl%s%s", group ? " " : "", group ? group : "");
    buf_printf(out, "%s: %s\n\nusage: %s COMMAND [OPTIONS]      COMMAND --help says more\n\n", name,
               group ? "records that a destination refused for good" : "asks and steers a running gateway", name);
    for (unsigned i = COMMAND_NONE + 1; i < COMMAND_COUNT; i++) {
        struct buf head = buf_make(100);
        if (group && !in_group(&commands[i], group))
            continue;
        put_command((enum arguments_command)i, &head);
        buf_byte(&head, '\0');
        put_entry(out, (const char *)head.data, commands[i].summary);
        buf_free(&head);
    }
    buf_byte(out, '\n');
}

static void help_of_one(enum arguments_command command, struct buf *out)
{
    const struct command *c = &commands[command];
    buf_text(out, "masquesctl ");
    put_command(command, out);
    buf_printf(out, ": %s\n\nusage: masquesctl ", c->summary);
    put_command(command, out);
    buf_printf(out, "%s%s [OPTIONS]\n\n%s%s", c->operands[0] ? " " : "", c->operands, c->text,
               c->text[0] ? "\n" : "");
    size_t before = out->len;
    put_flags(out, command, false);
    if (out->len > before)
        buf_byte(out, '\n');
}

void arguments_help(const struct arguments *a, struct buf *out)
{
    if (a->command == COMMAND_NONE)
        help_of_many(a->group, out);
    else
        help_of_one(a->command, out);
    buf_text(out, "common options:\n");
    put_flags(out, a->command, true);
    buf_text(out, "\nExit codes: 0 done; 1 refused or failed (a sentence on stderr); 2 wrong usage.\n");
}
