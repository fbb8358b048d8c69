// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a configuration file: refused with a sentence, or resolved to what prints and
 * resolves again. */
#include <stdlib.h>
#include <string.h>

#include "shared/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libfyaml 0.7.12 itself leaks some hundred bytes at certain syntax errors. What we leak of its
 * objects shows in the unit tests, which have no such exception. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml.so";
}

const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}

static const char *environment(void *context, const char *name)
{
    static const char *const values[][2] = {
        {"A", "1"}, {"B", "${A}"}, {"C", "${C}"}, {"D", "{a: [b, ${A}]}"}, {"E", ""},
    };
    (void)context;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (strcmp(values[i][0], name) == 0)
            return values[i][1];
    return NULL;
}

/* Secrets are not printed, so that what is printed is refused. */
static bool has_secret(const struct config *config)
{
    struct buf text = buf_make(YAML_BYTES_MAX);
    for (size_t i = 0; i < config->exporter_count; i++) {
        const struct option_set *set = &config->exporters[i].kind->options;
        for (size_t k = 0; k < set->count; k++)
            if (set->rows[k].secret)
                option_print(&set->rows[k], &config->exporters[i].options, &text);
    }
    bool has = text.len > 0;
    buf_free(&text);
    return has;
}

static void print_and_read_again(const struct config *config)
{
    struct config *again;
    struct config_error error;
    struct buf out = buf_make(YAML_BYTES_MAX);
    config_print(config, &out);
    int rc = config_from_text("printed", buf_slice(&out), environment, NULL, &again, &error);
    if (has_secret(config)) {
        if (rc == 0)
            abort();
        buf_free(&out);
        return;
    }
    if (rc < 0 || config_signals(again) != config_signals(config))
        abort();
    config_free(&again);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config;
    struct config_error error;
    int rc = config_from_text("input", slice_make(data, size), environment, NULL, &config, &error);
    if ((rc < 0) != (error.text[0] != '\0'))
        abort();
    if (rc == 0)
        print_and_read_again(config);
    config_free(&config);
    return 0;
}
