// SPDX-License-Identifier: Apache-2.0
#include "shared/config/component.h"
#include "tests/support/suite.h"

#include <string.h>

static const struct {
    const char *text;
    const char *id; /* NULL: refused */
    size_t type_len;
    const char *why;
} cases[] = {
    {"otlp", "otlp", 4, "a type alone"},
    {"debug/verbose", "debug/verbose", 5, "type and name"},
    {" debug / verbose ", "debug/verbose", 5, "spaces around the slash"},
    {"a_1/b/c", "a_1/b/c", 3, "a slash in the name"},
    {"file/\xc3\xa4.json", "file/\xc3\xa4.json", 4, "letters beyond ASCII, and a point"},
    {"", NULL, 0, "nothing"},
    {"/x", NULL, 0, "no type"},
    {"debug/", NULL, 0, "no name behind the slash"},
    {"1debug", NULL, 0, "a digit first"},
    {"de-bug", NULL, 0, "a hyphen in the type"},
    {"debug/a b", NULL, 0, "a space in the name"},
    {"debug/a\tb", NULL, 0, "a control character in the name"},
    {"debug/a$b", NULL, 0, "a symbol in the name"},
};

START_TEST(ids_are_a_type_and_perhaps_a_name)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct component_id id;
        int rc = component_id_parse(slice_of(cases[i].text), &id);
        ck_assert_msg(rc == (cases[i].id ? 0 : GW_ERR_MALFORMED), "%s", cases[i].why);
        if (!cases[i].id)
            continue;
        ck_assert_str_eq(id.text, cases[i].id);
        ck_assert_uint_eq(component_type(&id).len, cases[i].type_len);
    }
}
END_TEST

START_TEST(ids_have_a_longest_length)
{
    char text[CONFIG_ID_BYTES + 1];
    struct component_id id;
    memset(text, 'x', sizeof text);
    text[1] = '/';
    ck_assert_int_eq(component_id_parse(slice_make(text, CONFIG_ID_BYTES - 1), &id), 0);
    ck_assert_int_eq(component_id_parse(slice_make(text, CONFIG_ID_BYTES), &id), GW_ERR_MALFORMED);
    ck_assert_int_eq(component_id_parse(slice_make(text + 2, 63), &id), 0);
    ck_assert_int_eq(component_id_parse(slice_make(text + 2, 64), &id), GW_ERR_MALFORMED);
}
END_TEST

static const struct {
    enum component_kind kind;
    const char *type;
    const char *message; /* NULL: exists */
} components[] = {
    {COMPONENT_RECEIVER, "otlp", NULL},
    {COMPONENT_EXPORTER, "debug", NULL},
    {COMPONENT_EXPORTER, "console", NULL},
    {COMPONENT_EXPORTER, "nop", NULL},
    {COMPONENT_EXTENSION, "health_check", NULL},
    {COMPONENT_EXPORTER, "otlp",
     "f:3:7: p: masques-collector does not have the exporter \"otlp\"; supported here: debug, "
     "console, file, clickhouse, nop"},
    {COMPONENT_EXPORTER, "clickhouse", NULL},
    {COMPONENT_EXPORTER, "debgu",
     "f:3:7: p: masques-collector does not have the exporter \"debgu\"; did you mean debug? "
     "supported here: debug, console, file, clickhouse, nop"},
    {COMPONENT_EXTENSION, "file_storage", NULL},
    {COMPONENT_PROCESSOR, "batch", NULL},
    {COMPONENT_PROCESSOR, "memory_limiter", NULL},
    {COMPONENT_PROCESSOR, "filter",
     "f:3:7: p: masques-collector does not have the processor \"filter\"; supported here: batch, "
     "memory_limiter"},
    {COMPONENT_CONNECTOR, "forward",
     "f:3:7: p: masques-collector does not have the connector \"forward\"; supported here: "
     "nothing"},
    {COMPONENT_RECEIVER, "prometheus",
     "f:3:7: p: masques-collector does not have the receiver \"prometheus\"; supported here: otlp"},
};

START_TEST(components_that_are_not_there_are_named)
{
    for (size_t i = 0; i < sizeof components / sizeof components[0]; i++) {
        struct config_error error = {.line = 0};
        struct report report = {.file = "f", .error = &error};
        int rc = component_check(components[i].kind, slice_of(components[i].type), &report,
                                 (struct place){3, 7}, "p");
        ck_assert_int_eq(rc, components[i].message ? GW_ERR_INVALID : 0);
        ck_assert_str_eq(error.text, components[i].message ? components[i].message : "");
    }
}
END_TEST

SUITE_MAIN("component", ids_are_a_type_and_perhaps_a_name, ids_have_a_longest_length,
           components_that_are_not_there_are_named)
