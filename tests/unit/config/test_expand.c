// SPDX-License-Identifier: Apache-2.0
#include "shared/config/expand.h"
#include "tests/support/suite.h"

#include <string.h>

struct variable {
    const char *name;
    const char *value;
};

static const char *look_up(void *context, const char *name)
{
    static const struct variable variables[] = {
        {"NUMBER", "64"},
        {"TEXT", "plain text"},
        {"EMPTY", ""},
        {"QUOTED", "'x'"},
        {"LIST", "[a, b]"},
        {"MAP", "{k: v}"},
        {"ODD", "a: b: c"},
        {"AT", "@secret"},
        {"HALF", "NUM"},
        {"INDIRECT", "${env:NUMBER}"},
        {"DOLLARS", "a$$b"},
        {"SELF", "${env:SELF}"},
        {"GROW", "${env:GROW}${env:GROW}"},
        {"LONG", "0123456789abcdef0123456789abcdef"},
        {"_x1", "underscore"},
        {"NULLISH", "null"},
    };
    (void)context;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        if (strcmp(variables[i].name, name) == 0)
            return variables[i].value;
    return NULL;
}

/* Reads and expands "v: <text>", and describes what became of v: "plain:…", "text:…", "null",
 * "map", "list". */
static int expand(const char *text, struct buf *out, struct report *report)
{
    static const char *const kinds[] = {"null", "", "map", "list"};
    struct yaml_doc doc = {0};
    struct buf source = buf_make(100000);
    buf_printf(&source, "v: %s\n", text);
    int rc = yaml_read(&doc, buf_slice(&source), report);
    if (rc == 0)
        rc = expand_document(&doc, look_up, NULL, report);
    if (rc == 0) {
        const struct yaml_node *v = yaml_find(doc.root, "v");
        buf_text(out, kinds[v->kind]);
        if (v->kind == YAML_SCALAR) {
            buf_text(out, v->plain ? "plain:" : "text:");
            buf_slice_append(out, v->text);
            ck_assert_int_eq(v->text.data[v->text.len], 0);
        }
        if (v->written.data) {
            buf_text(out, " written:");
            buf_slice_append(out, v->written);
        }
    }
    buf_byte(out, '\0');
    buf_free(&source);
    yaml_free(&doc);
    return rc;
}

static const struct {
    const char *text;
    const char *outcome;
    unsigned warnings;
    const char *why;
} good[] = {
    {"plain", "plain:plain", 0, "nothing to expand"},
    {"${env:NUMBER}", "plain:64 written:64", 0, "the whole value is typed"},
    {"${NUMBER}", "plain:64 written:64", 0, "env is the default scheme"},
    {"\"${env:NUMBER}\"", "plain:64 written:64", 0, "quotes around the whole do not matter"},
    {"${env:_x1}", "plain:underscore written:underscore", 0, "names"},
    {"${env:TEXT}", "plain:plain text written:plain text", 0, "text"},
    {"${env:LIST}", "list written:[a, b]", 0, "a list"},
    {"${env:MAP}", "map written:{k: v}", 0, "a map"},
    {"${env:QUOTED}", "text:x written:'x'", 0, "YAML reads it, and what was written is kept"},
    {"${env:ODD}", "text:a: b: c written:a: b: c", 0, "no YAML: a text"},
    {"${env:AT}", "text:@secret written:@secret", 0, "no YAML: a text"},
    {"${env:NULLISH}", "null written:null", 0, "null from the environment"},
    {"x${env:NUMBER}y", "text:x64y", 0, "within a longer text it is text"},
    {"${env:NUMBER}${NUMBER}", "text:6464", 0, "two make a longer text"},
    {"${env:NOT_SET}", "null", 1, "not set"},
    {"a${env:NOT_SET}b", "text:ab", 1, "not set, within a text"},
    {"${env:NOT_SET:-7}", "plain:7 written:7", 0, "default"},
    {"${env:NOT_SET:-}", "text: written:", 0, "an empty default is an empty text"},
    {"${env:EMPTY}", "text: written:", 0, "set, to nothing"},
    {"${env:EMPTY:-7}", "text: written:", 0, "set, to nothing: the default is for what is not set"},
    {"${env:NUMBER:-7}", "plain:64 written:64", 0, "set: no default"},
    {"${env:NOT_SET:-a:-b}", "plain:a:-b written:a:-b", 0, "the first :- counts"},
    {"${env:NOT_SET:-127.0.0.1:4317}", "plain:127.0.0.1:4317 written:127.0.0.1:4317", 0, "colons"},
    {"${env:${env:HALF}BER}", "plain:64 written:64", 0, "the innermost first"},
    {"${env:NOT_SET:-${env:NUMBER}}", "plain:64 written:64", 0, "a default that is a reference"},
    {"${env:INDIRECT}", "plain:64 written:64", 0, "what comes in is expanded again"},
    {"$$", "plain:$", 0, "escaped dollar"},
    {"$$$$", "plain:$$", 0, "two escaped dollars"},
    {"a$b", "plain:a$b", 0, "a dollar alone"},
    {"$${env:NUMBER}", "plain:${env:NUMBER}", 0, "escaped reference"},
    {"$$${env:NUMBER}", "text:$64", 0, "escaped dollar, then a reference"},
    {"$${env:NUMBER} ${env:NUMBER}", "text:${env:NUMBER} 64", 0, "escaped, then a reference"},
    {"${env:DOLLARS}", "plain:a$b written:a$b", 0, "escapes are read in what comes in, too"},
    {"'${'", "text:${", 0, "not closed"},
    {"'}${env:NUMBER}'", "text:}64", 0, "a brace that closes nothing"},
    {"'${}'", NULL, 0, "no name"},
};

START_TEST(references_are_replaced_as_the_collector_does)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct config_error error = {.line = 0};
        struct report report = {.file = "f", .error = &error};
        struct buf out = buf_make(1000);
        int rc = expand(good[i].text, &out, &report);
        if (!good[i].outcome) {
            ck_assert_msg(rc == GW_ERR_INVALID, "%s: %s", good[i].text, good[i].why);
        } else {
            ck_assert_msg(rc == 0, "%s: %s: %s", good[i].text, good[i].why, error.text);
            ck_assert_str_eq((const char *)out.data, good[i].outcome);
            ck_assert_msg(report.warning_count == good[i].warnings, "%s: %s", good[i].text,
                          good[i].why);
        }
        report_free(&report);
        buf_free(&out);
    }
}
END_TEST

static const struct {
    const char *text;
    const char *message;
} bad[] = {
    {"${file:x}", "f:1:4: ${...} with \"file:x\": only ${NAME}, ${env:NAME} and "
                  "${env:NAME:-default} are supported"},
    {"${NAME:-x}", "f:1:4: ${...} with \"NAME:-x\": only ${NAME}, ${env:NAME} and "
                   "${env:NAME:-default} are supported"},
    {"${1x}", "f:1:4: ${...} with \"1x\": the name of an environment variable consists of "
              "letters, digits and \"_\", and does not start with a digit"},
    {"${env:a-b}", "f:1:4: ${...} with \"env:a-b\": the name of an environment variable consists "
                   "of letters, digits and \"_\", and does not start with a digit"},
    {"${env:A$B}", "f:1:4: ${...} with \"env:A$B\": no \"$\" is allowed inside"},
    {"${env:SELF}", "f:1:4: more ${...} than can be meant, or ${...} that stand for each other"},
    {"${env:GROW}", "f:1:4: more ${...} than can be meant, or ${...} that stand for each other"},
};

START_TEST(what_cannot_be_replaced_is_an_error_with_its_place)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct config_error error = {.line = 0};
        struct report report = {.file = "f", .error = &error};
        struct buf out = buf_make(1000);
        ck_assert_int_eq(expand(bad[i].text, &out, &report), GW_ERR_INVALID);
        ck_assert_str_eq(error.text, bad[i].message);
        report_free(&report);
        buf_free(&out);
    }
}
END_TEST

START_TEST(a_value_cannot_grow_without_end)
{
    struct config_error error = {.line = 0};
    struct report report = {.file = "f", .error = &error};
    struct buf text = buf_make(100000), out = buf_make(100);
    for (size_t i = 0; i + 40 < EXPAND_BYTES_MAX; i++)
        buf_byte(&text, 'x');
    for (size_t i = 0; i < 3; i++)
        buf_text(&text, "${LONG}");
    buf_byte(&text, '\0');
    ck_assert_int_eq(expand((const char *)text.data, &out, &report), GW_ERR_INVALID);
    ck_assert_str_eq(error.text,
                     "f:1:4: a value grows over 65536 bytes by what its ${...} stand for");
    buf_free(&text);
    buf_free(&out);
}
END_TEST

START_TEST(a_document_has_a_largest_number_of_references)
{
    for (unsigned more = 0; more <= 1; more++) {
        struct config_error error = {.line = 0};
        struct report report = {.file = "f", .error = &error};
        struct yaml_doc doc = {0};
        struct buf text = buf_make(YAML_BYTES_MAX);
        for (unsigned i = 0; i < EXPAND_TOTAL_MAX + more; i++)
            buf_text(&text, "- x${EMPTY}\n");
        ck_assert_int_eq(yaml_read(&doc, buf_slice(&text), &report), 0);
        ck_assert_int_eq(expand_document(&doc, look_up, NULL, &report),
                         more ? GW_ERR_INVALID : 0);
        ck_assert_uint_eq(error.line, more ? EXPAND_TOTAL_MAX + 1 : 0);
        yaml_free(&doc);
        buf_free(&text);
    }
}
END_TEST

START_TEST(keys_are_left_alone)
{
    struct config_error error = {.line = 0};
    struct report report = {.file = "f", .error = &error};
    struct yaml_doc doc = {0};
    ck_assert_int_eq(yaml_read(&doc, slice_of("'${env:NUMBER}$$': 1"), &report), 0);
    ck_assert_int_eq(expand_document(&doc, look_up, NULL, &report), 0);
    ck_assert_ptr_nonnull(yaml_find(doc.root, "${env:NUMBER}$$"));
    yaml_free(&doc);
}
END_TEST

START_TEST(a_warning_names_the_variable_and_its_place)
{
    struct config_error error = {.line = 0};
    struct report report = {.file = "f", .error = &error};
    struct buf out = buf_make(1000);
    ck_assert_int_eq(expand("\n  ${env:NOT_SET}", &out, &report), 0);
    ck_assert_uint_eq(report.warning_count, 1);
    ck_assert_str_eq(
        report.warnings[0],
        "f:2:3: environment variable NOT_SET is not set, and nothing is put in its place");
    report_free(&report);
    buf_free(&out);
}
END_TEST

SUITE_MAIN("expand", references_are_replaced_as_the_collector_does,
           what_cannot_be_replaced_is_an_error_with_its_place, a_value_cannot_grow_without_end,
           a_document_has_a_largest_number_of_references, keys_are_left_alone,
           a_warning_names_the_variable_and_its_place)
