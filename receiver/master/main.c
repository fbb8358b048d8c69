// SPDX-License-Identifier: Apache-2.0
/* masques-receiver, the master: reads the configuration, opens the sockets, starts and watches the children, answers
 * health. Touches no byte of telemetry. */
#include <stdio.h>
#include <stdlib.h>

#include "receiver/master/arguments.h"
#include "receiver/master/gateway.h"

static int fail(const char *sentence)
{
    fprintf(stderr, "masques-receiver: %s\n", sentence);
    return EXIT_FAILURE;
}

/* NULL after having said why. */
static struct config *read_config(const struct arguments *arguments)
{
    struct config_error err = {.text = "no memory"};
    struct config *config = NULL;
    if (!arguments->config)
        config = config_default();
    else if (config_load(arguments->config, &config, &err) != GW_OK)
        config = NULL;
    if (!config)
        fail(err.text);
    return config;
}

static int print_config(const struct config *config)
{
    struct buf text = buf_make(1024 * 1024);
    config_print(config, &text);
    size_t written = fwrite(text.data, 1, text.len, stdout);
    int code = buf_ok(&text) && written == text.len && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    buf_free(&text);
    return code;
}

/* What a gateway would say in its log. */
static void show_warnings(const struct config *config)
{
    for (size_t i = 0; i < config->warning_count; i++)
        fprintf(stderr, "masques-receiver: warning: %s\n", config->warnings[i]);
}

static int with_config(const struct arguments *arguments, char **argv)
{
    struct config *config = read_config(arguments);
    int code = EXIT_SUCCESS;
    if (!config)
        return EXIT_FAILURE;
    if (arguments->action == ARGUMENTS_RUN)
        return gateway_run(arguments, argv, config);
    if (arguments->action == ARGUMENTS_PRINT_CONFIG)
        code = print_config(config);
    else
        show_warnings(config);
    config_free(&config);
    return code;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    char why[256];
    if (arguments_parse(argc, argv, &arguments, why) != GW_OK)
        return fail(why);
    switch (arguments.action) {
    case ARGUMENTS_HELP:
        arguments_help(stdout);
        return EXIT_SUCCESS;
    case ARGUMENTS_VERSION:
        puts("masques-receiver " MASQUES_VERSION);
        return EXIT_SUCCESS;
    default:
        return with_config(&arguments, argv);
    }
}
