// SPDX-License-Identifier: Apache-2.0
/* exporter_main(): what an exporter is started with, by the master or by hand, and then its life. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/common/run.h"
#include "shared/control/child.h"

#define TEXT_MAX_BYTES (16u * 1024)

static int main_by_hand(int argc, char **argv, const struct exporter_ops *ops, void *options)
{
    struct exporter_settings settings = {.name = NULL};
    struct buf text = buf_make(TEXT_MAX_BYTES);
    int code = EXIT_SUCCESS;
    switch (settings_from_flags(argc, argv, ops, options, &settings, &text)) {
    case SETTINGS_RUN:
        code = run_exporter(ops, options, &settings, false);
        break;
    case SETTINGS_HELP:
        settings_help(ops, &text);
        printf("%.*s", (int)text.len, (const char *)text.data);
        break;
    case SETTINGS_VERSION:
        printf("masques-exporter-%s %s\n", ops->type, MASQUES_VERSION);
        break;
    case SETTINGS_WRONG:
        fprintf(stderr, "masques-exporter-%s: %.*s\n", ops->type, (int)text.len,
                (const char *)text.data);
        code = EXIT_FAILURE;
        break;
    }
    buf_free(&text);
    return code;
}

static int main_spawned(const struct exporter_ops *ops, void *options)
{
    Masques__Control__Settings *given;
    struct exporter_settings settings = {.name = NULL};
    if (child_begin(&given) < 0)
        return EXIT_FAILURE;
    struct buf why = buf_make(TEXT_MAX_BYTES);
    int code = EXIT_FAILURE;
    if (settings_from_master(given, ops, options, &settings, &why) == 0)
        code = run_exporter(ops, options, &settings, true);
    else
        fprintf(stderr, "masques-exporter-%s: %.*s\n", ops->type, (int)why.len,
                (const char *)why.data);
    buf_free(&why);
    masques__control__settings__free_unpacked(given, NULL);
    return code;
}

int exporter_main(int argc, char **argv, const struct exporter_ops *ops)
{
    void *options = calloc(1, ops->options_bytes ? ops->options_bytes : 1);
    if (!options) {
        fprintf(stderr, "masques-exporter-%s: no memory\n", ops->type);
        return EXIT_FAILURE;
    }
    bool spawned = argc == 2 && strcmp(argv[1], "--child") == 0;
    int code = spawned ? main_spawned(ops, options) : main_by_hand(argc, argv, ops, options);
    free(options);
    return code;
}
