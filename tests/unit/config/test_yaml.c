// SPDX-License-Identifier: Apache-2.0
#include "shared/config/yaml.h"
#include "tests/support/suite.h"

#include <stdio.h>
#include <string.h>

/* Reads `text`, which must be right. */
static void read_good(struct yaml_doc *doc, const char *text)
{
    struct config_error error = {.line = 0};
    struct report report = {.file = "f", .error = &error};
    int rc = yaml_read(doc, slice_of(text), &report);
    ck_assert_msg(rc == 0, "%s: %s", text, error.text);
}

/* Reads `text`, which must be refused with that message. */
static void read_bad(struct slice text, const char *message)
{
    struct yaml_doc doc = {0};
    struct config_error error = {.line = 0};
    struct report report = {.file = "f", .error = &error};
    ck_assert_int_eq(yaml_read(&doc, text, &report), GW_ERR_INVALID);
    ck_assert_str_eq(error.text, message);
    yaml_free(&doc);
}

static void check_place(const struct yaml_node *node, unsigned line, unsigned column)
{
    ck_assert_uint_eq(node->at.line, line);
    ck_assert_uint_eq(node->at.column, column);
}

START_TEST(nodes_know_their_kind_their_text_and_their_place)
{
    struct yaml_doc doc = {0};
    read_good(&doc, "a: 5\n"
                    "bc:\n"
                    "  - 'x'\n"
                    "  - \"\xc3\xa4\\ty\"\n"
                    "d: {e: , f: [~, null]}\n"
                    "g: |\n"
                    "  two\n"
                    "  lines\n");
    ck_assert_int_eq(doc.root->kind, YAML_MAP);
    ck_assert_uint_eq(doc.root->count, 4);
    const struct yaml_node *a = yaml_find(doc.root, "a");
    ck_assert(slice_is(a->text, "5") && a->plain);
    check_place(a, 1, 4);
    check_place(doc.root->entries[1].key, 2, 1);
    const struct yaml_node *list = yaml_find(doc.root, "bc");
    ck_assert_int_eq(list->kind, YAML_LIST);
    ck_assert(slice_is(list->entries[0].value->text, "x") && !list->entries[0].value->plain);
    check_place(list->entries[0].value, 3, 5);
    ck_assert(slice_is(list->entries[1].value->text, "\xc3\xa4\ty"));
    check_place(list->entries[1].value, 4, 5);
    const struct yaml_node *d = yaml_find(doc.root, "d");
    ck_assert_int_eq(yaml_find(d, "e")->kind, YAML_NULL);
    ck_assert_int_eq(yaml_find(d, "f")->entries[0].value->kind, YAML_NULL);
    ck_assert_int_eq(yaml_find(d, "f")->entries[1].value->kind, YAML_NULL);
    ck_assert(slice_is(yaml_find(doc.root, "g")->text, "two\nlines\n"));
    ck_assert_ptr_null(yaml_find(doc.root, "nothing"));
    ck_assert_ptr_null(yaml_find(a, "not a map"));
    yaml_free(&doc);
}
END_TEST

START_TEST(columns_count_characters)
{
    struct yaml_doc doc = {0};
    read_good(&doc, "\xc3\xa4\xc3\xb6: x");
    check_place(doc.root->entries[0].value, 1, 5);
    yaml_free(&doc);
}
END_TEST

START_TEST(an_empty_text_is_null)
{
    static const char *const texts[] = {"", "# only a comment\n", "---\n", "~"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct yaml_doc doc = {0};
        read_good(&doc, texts[i]);
        ck_assert_int_eq(doc.root->kind, YAML_NULL);
        yaml_free(&doc);
    }
}
END_TEST

START_TEST(quoted_nothing_is_a_text)
{
    struct yaml_doc doc = {0};
    read_good(&doc, "a: ''\nb: 'null'\n");
    ck_assert_int_eq(yaml_find(doc.root, "a")->kind, YAML_SCALAR);
    ck_assert_int_eq(yaml_find(doc.root, "b")->kind, YAML_SCALAR);
    yaml_free(&doc);
}
END_TEST

START_TEST(a_byte_order_mark_and_windows_line_ends_are_no_harm)
{
    struct yaml_doc doc = {0};
    read_good(&doc, "\xef\xbb\xbf" "a: 1\r\nb: 2\r\n");
    ck_assert(slice_is(yaml_find(doc.root, "a")->text, "1"));
    ck_assert(slice_is(yaml_find(doc.root, "b")->text, "2"));
    yaml_free(&doc);
}
END_TEST

START_TEST(aliases_and_merge_keys_are_resolved)
{
    struct yaml_doc doc = {0};
    read_good(&doc, "base: &base {a: 1, b: 2}\n"
                    "other: &other {b: 3, c: 4}\n"
                    "own: {<<: *base, b: 5}\n"
                    "both: {b: 6, <<: [*base, *other]}\n"
                    "same: *base\n");
    ck_assert_ptr_eq(yaml_find(doc.root, "same"), yaml_find(doc.root, "base"));
    const struct yaml_node *own = yaml_find(doc.root, "own");
    ck_assert_uint_eq(own->count, 2);
    ck_assert(slice_is(yaml_find(own, "a")->text, "1"));
    ck_assert(slice_is(yaml_find(own, "b")->text, "5"));
    const struct yaml_node *both = yaml_find(doc.root, "both");
    ck_assert_uint_eq(both->count, 3);
    ck_assert(slice_is(yaml_find(both, "b")->text, "6"));
    ck_assert(slice_is(yaml_find(both, "c")->text, "4"));
    yaml_free(&doc);
}
END_TEST

static const struct {
    const char *text;
    const char *message;
} bad[] = {
    {"a: [1\n", "f:2:1: this is no YAML: flow sequence without a closing bracket"},
    {"a: 1\nb: 2\na: 3\n", "f:3:1: key \"a\" is given twice, first in line 1"},
    {"a: 1\n---\nb: 2\n", "f:2:1: a second document; one file is one document"},
    {"a: !!str 5\n", "f:1:10: tags such as \"tag:yaml.org,2002:str\" are not supported"},
    {"? [x]\n: 1\n", "f:1:3: a key must be a text"},
    {"~: 1\n", "f:1:1: a key must be a text"},
    {"a: *b\n", "f:1:5: unknown anchor \"b\""},
    {"a: &b [*b]\n", "f:1:9: anchor \"b\" contains itself"},
    {"a: &b x\n*b : 1\n", "f:2:2: an alias cannot be a key"},
    {"<<: 5\n", "f:1:1: \"<<\" needs a map or a list of maps"},
    {"<<: {a: 1}\n<<: {b: 1}\n", "f:2:1: key \"<<\" is given twice"},
    {"a: 1\nb: x\xffy\n", "f:2:5: bytes that are no UTF-8"},
};

START_TEST(what_is_wrong_is_said_with_its_place)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        read_bad(slice_of(bad[i].text), bad[i].message);
    read_bad(slice_make("a: 1\n\0", 6), "f:2:1: a NUL byte");
}
END_TEST

START_TEST(files_have_a_largest_size)
{
    static char text[YAML_BYTES_MAX + 1];
    struct yaml_doc doc = {0};
    struct config_error error = {.line = 0};
    struct report report = {.file = "f", .error = &error};
    memset(text, '\n', sizeof text);
    text[0] = 'a';
    ck_assert_int_eq(yaml_read(&doc, slice_make(text, YAML_BYTES_MAX), &report), 0);
    yaml_free(&doc);
    read_bad(slice_make(text, sizeof text), "f: the file is larger than 1 MiB");
}
END_TEST

START_TEST(nesting_has_a_deepest_level)
{
    char text[2 * (YAML_DEPTH_MAX + 1) + 1];
    char message[100];
    struct yaml_doc doc = {0};
    for (size_t depth = YAML_DEPTH_MAX; depth <= YAML_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\0';
        if (depth > YAML_DEPTH_MAX)
            break;
        read_good(&doc, text);
        yaml_free(&doc);
    }
    snprintf(message, sizeof message, "f:1:%u: nested deeper than %u levels", YAML_DEPTH_MAX + 1,
             YAML_DEPTH_MAX);
    read_bad(slice_of(text), message);
}
END_TEST

/* "[x,x,x,…]" of n items. */
static struct buf make_list(size_t n)
{
    struct buf text = buf_make(YAML_BYTES_MAX);
    for (size_t i = 0; i < n; i++)
        buf_text(&text, i ? ",x" : "[x");
    buf_text(&text, "]");
    return text;
}

START_TEST(a_file_has_a_largest_number_of_values)
{
    struct yaml_doc doc = {0};
    struct config_error error = {.line = 0};
    struct report report = {.file = "f", .error = &error};
    struct buf most = make_list(YAML_NODES_MAX - 1), more = make_list(YAML_NODES_MAX);
    ck_assert_int_eq(yaml_read(&doc, buf_slice(&most), &report), 0);
    read_bad(buf_slice(&more), "f:1:40000: more than 20000 values in one file");
    yaml_free(&doc);
    buf_free(&most);
    buf_free(&more);
}
END_TEST

START_TEST(maps_that_merge_maps_cannot_grow_without_end)
{
    struct buf text = buf_make(YAML_BYTES_MAX);
    struct yaml_doc doc = {0};
    struct config_error error = {.line = 0};
    struct report report = {.file = "f", .error = &error};
    buf_text(&text, "m0: &m0 {k0: 1}\n");
    for (unsigned i = 1; i < 500; i++)
        buf_printf(&text, "m%u: &m%u {<<: *m%u, k%u: 1}\n", i, i % 200, (i - 1) % 200, i);
    ck_assert_int_eq(yaml_read(&doc, buf_slice(&text), &report), GW_ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "more than 20000 values in one file"));
    yaml_free(&doc);
    buf_free(&text);
}
END_TEST

START_TEST(a_graft_takes_the_place_of_a_value)
{
    struct yaml_doc doc = {0};
    read_good(&doc, "a: x\n");
    struct yaml_node *a = doc.root->entries[0].value;
    ck_assert_int_eq(yaml_graft(&doc, a, slice_of("{b: [5]}")), 0);
    const struct yaml_node *b = yaml_find(a, "b");
    ck_assert(slice_is(b->entries[0].value->text, "5"));
    check_place(b->entries[0].value, 1, 4);
    ck_assert_int_eq(yaml_graft(&doc, a, slice_of("7")), 0);
    ck_assert(slice_is(a->text, "7") && a->plain);
    ck_assert_uint_eq(a->count, 0);
    ck_assert_int_eq(yaml_graft(&doc, a, slice_of("# nothing")), 0);
    ck_assert_int_eq(a->kind, YAML_NULL);
    yaml_free(&doc);
}
END_TEST

START_TEST(a_graft_that_is_no_yaml_changes_nothing)
{
    static const char *const texts[] = {"[", "a: b: c", "@x", "*x", "!tag x", "\xff", "a\n---\nb"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct yaml_doc doc = {0};
        read_good(&doc, "a: x\n");
        struct yaml_node *a = doc.root->entries[0].value;
        ck_assert_msg(yaml_graft(&doc, a, slice_of(texts[i])) == GW_ERR_MALFORMED, "%s", texts[i]);
        ck_assert(slice_is(a->text, "x"));
        yaml_free(&doc);
    }
}
END_TEST

SUITE_MAIN("yaml", nodes_know_their_kind_their_text_and_their_place, columns_count_characters,
           an_empty_text_is_null, quoted_nothing_is_a_text,
           a_byte_order_mark_and_windows_line_ends_are_no_harm,
           aliases_and_merge_keys_are_resolved, what_is_wrong_is_said_with_its_place,
           files_have_a_largest_size, nesting_has_a_deepest_level,
           a_file_has_a_largest_number_of_values, maps_that_merge_maps_cannot_grow_without_end,
           a_graft_takes_the_place_of_a_value, a_graft_that_is_no_yaml_changes_nothing)
