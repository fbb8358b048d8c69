// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/arguments.h"

#include <string.h>

#include "tests/support/suite.h"

START_TEST(command_lines_are_read_or_refused_with_a_reason)
{
    static const struct {
        const char *words[5];
        int err;
        enum arguments_action action;
        const char *config, *why;
    } cases[] = {
        {{NULL}, GW_OK, ARGUMENTS_RUN, NULL, NULL},
        {{"--config", "a.yaml"}, GW_OK, ARGUMENTS_RUN, "a.yaml", NULL},
        {{"--config=b.yaml"}, GW_OK, ARGUMENTS_RUN, "b.yaml", NULL},
        {{"validate", "--config", "c.yaml"}, GW_OK, ARGUMENTS_VALIDATE, "c.yaml", NULL},
        {{"print-config"}, GW_OK, ARGUMENTS_PRINT_CONFIG, NULL, NULL},
        {{"--version"}, GW_OK, ARGUMENTS_VERSION, NULL, NULL},
        {{"--help"}, GW_OK, ARGUMENTS_HELP, NULL, NULL},
        {{"--cofnig", "x"}, GW_ERR_INVALID, 0, NULL, "unknown option: --cofnig"},
        {{"extra"}, GW_ERR_INVALID, 0, NULL, "unknown option: extra"},
        {{"--config"}, GW_ERR_INVALID, 0, NULL, "needs a value: --config"},
        {{"--config="}, GW_ERR_INVALID, 0, NULL, "needs a value: --config"},
        {{"--version=1"}, GW_ERR_INVALID, 0, NULL, "takes no value: --version=1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *argv[6] = {(char *)"masques-receiver"};
        int argc = 1;
        for (; cases[i].words[argc - 1]; argc++)
            argv[argc] = (char *)cases[i].words[argc - 1];
        struct arguments out;
        char why[256] = "";
        ck_assert_int_eq(arguments_parse(argc, argv, &out, why), cases[i].err);
        if (cases[i].err != GW_OK) {
            ck_assert_msg(strstr(why, cases[i].why) != NULL, "case %zu: %s", i, why);
            continue;
        }
        ck_assert_int_eq(out.action, cases[i].action);
        ck_assert_pstr_eq(out.config, cases[i].config);
    }
}
END_TEST

SUITE_MAIN("receiver/master/arguments", command_lines_are_read_or_refused_with_a_reason)
