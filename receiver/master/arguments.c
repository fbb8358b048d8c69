// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/arguments.h"

#include <stddef.h>
#include <string.h>

/* One row a word of the command line; the same rows make the help text. */
struct word {
    const char *name;
    const char *value; /* what the value is called in the help; NULL: takes none */
    enum arguments_action action;
    size_t offset; /* of the value's field */
    const char *help;
};

static const struct word words[] = {
    {"--config", "FILE", ARGUMENTS_RUN, offsetof(struct arguments, config),
     "read the configuration from FILE (without: OTLP on 127.0.0.1, to the console)"},
    {"--ready-file", "FILE", ARGUMENTS_RUN, offsetof(struct arguments, ready_file),
     "once telemetry is accepted, write the bound addresses to FILE as JSON"},
    {"validate", NULL, ARGUMENTS_VALIDATE, 0, "only check the configuration"},
    {"print-config", NULL, ARGUMENTS_PRINT_CONFIG, 0,
     "print the configuration with every default filled in"},
    {"--help", NULL, ARGUMENTS_HELP, 0, "print this text"},
    {"--version", NULL, ARGUMENTS_VERSION, 0, "print the version"},
};

static const struct word *find(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i].name) == len && memcmp(words[i].name, name, len) == 0)
            return &words[i];
    return NULL;
}

static int complain(char why[256], const char *text, const char *arg)
{
    snprintf(why, 256, "%s: %.120s (masques-receiver --help lists what there is)", text, arg);
    return GW_ERR_INVALID;
}

int arguments_parse(int argc, char **argv, struct arguments *out, char why[256])
{
    *out = (struct arguments){.action = ARGUMENTS_RUN};
    for (int i = 1; i < argc; i++) {
        const char *equals = strncmp(argv[i], "--", 2) == 0 ? strchr(argv[i], '=') : NULL;
        size_t len = equals ? (size_t)(equals - argv[i]) : strlen(argv[i]);
        const struct word *word = find(argv[i], len);
        if (!word)
            return complain(why, "unknown option", argv[i]);
        if (!word->value) {
            if (equals)
                return complain(why, "this option takes no value", argv[i]);
            out->action = word->action;
            continue;
        }
        const char *value = equals ? equals + 1 : i + 1 < argc ? argv[++i] : NULL;
        if (!value || !*value)
            return complain(why, "this option needs a value", word->name);
        *(const char **)((char *)out + word->offset) = value;
    }
    return GW_OK;
}

void arguments_help(FILE *out)
{
    fputs("masques-receiver: receives OpenTelemetry data (OTLP over gRPC and HTTP) and passes it on\n"
          "\n"
          "usage: masques-receiver [--config FILE] [--ready-file FILE]\n"
          "       masques-receiver validate|print-config [--config FILE]\n"
          "\n",
          out);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        fprintf(out, "  %-12s %-5s %s\n", words[i].name, words[i].value ? words[i].value : "",
                words[i].help);
    fputs("\n"
          "Telemetry goes to stdout, the program's own log to stderr.\n"
          "SIGTERM or Ctrl-C: finish what is in flight, then end; a second time: end at once.\n"
          "SIGHUP: read the configuration again; what is not fit changes nothing.\n"
          "SIGUSR2: become the program file that is there now; no connection is refused.\n"
          "Exit codes: 0 ended as asked, 1 could not start or could not go on.\n",
          out);
}
