// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/attributes.h"

#include "tests/support/suite.h"
#include "tests/unit/otlp/message.h"

/* Attributes with these keys, of one character each; borrowed from `batch`. */
static struct attributes gather(struct buf *batch, const char *keys)
{
    struct attributes a = {0};
    *batch = message();
    for (const char *k = keys; *k; k++) {
        const char key[] = {*k, 0};
        put_attribute(batch, 1, key, "v");
    }
    struct otlp_view view = otlp_view_of(buf_slice(batch));
    attributes_add_all(&a, &view, 1);
    return a;
}

static void expect_order(struct key_orders *orders, struct dictionary *words, const char *keys, const char *sorted)
{
    struct buf batch;
    struct attributes a = gather(&batch, keys);
    const struct key_order *o = key_orders_find(orders, &a, words);
    ck_assert_ptr_nonnull(o);
    ck_assert_uint_eq(o->count, strlen(keys));
    for (size_t i = 0; i < o->count; i++) {
        ck_assert_int_eq(keys[o->places[i]], sorted[i]);
        ck_assert(dictionary_is(words, o->numbers[i], a.list[o->places[i]].key));
        if (i) /* equal ones as they came */
            ck_assert(sorted[i - 1] != sorted[i] || o->places[i - 1] < o->places[i]);
    }
    attributes_fini(&a);
    buf_free(&batch);
}

START_TEST(keys_are_sorted_and_numbered)
{
    struct key_orders orders = {0};
    struct dictionary words = {0};
    for (int i = 0; i < 3; i++) {
        expect_order(&orders, &words, "", "");
        expect_order(&orders, &words, "cab", "abc");
        expect_order(&orders, &words, "bca", "abc");
        expect_order(&orders, &words, "xaxbx", "abxxx");
        if (i == 1) { /* the dictionary is another one */
            dictionary_clear(&words);
            key_orders_clear(&orders);
        }
    }
    key_orders_fini(&orders);
    dictionary_fini(&words);
}
END_TEST

/* More kinds than are remembered, again and again. */
START_TEST(kinds_may_be_many)
{
    struct key_orders orders = {0};
    struct dictionary words = {0};
    for (int round = 0; round < 2; round++) {
        for (char a = 'a'; a <= 'z'; a++) {
            for (char b = 'a'; b <= 'z'; b++) {
                const char keys[] = {a, b, 0};
                const char sorted[] = {a < b ? a : b, a < b ? b : a, 0};
                expect_order(&orders, &words, keys, sorted);
            }
        }
    }
    key_orders_fini(&orders);
    dictionary_fini(&words);
}
END_TEST

/* A shorter key before a longer one that begins with it; keys as bytes, not as text of a locale. */
START_TEST(keys_are_compared_by_their_bytes)
{
    static const char *const keys[] = {"b", "ab", "a", "", "\xc3\xa9", "B", "abc"};
    static const char *const sorted[] = {"", "B", "a", "ab", "abc", "b", "\xc3\xa9"};
    struct key_orders orders = {0};
    struct dictionary words = {0};
    struct attributes a = {0};
    struct buf batch = message();
    for (size_t i = 0; i < 7; i++)
        put_attribute(&batch, 1, keys[i], "v");
    struct otlp_view view = otlp_view_of(buf_slice(&batch));
    attributes_add_all(&a, &view, 1);
    const struct key_order *o = key_orders_find(&orders, &a, &words);
    for (size_t i = 0; i < 7; i++)
        ck_assert(slice_is(a.list[o->places[i]].key, sorted[i]));
    attributes_fini(&a);
    key_orders_fini(&orders);
    dictionary_fini(&words);
    buf_free(&batch);
}
END_TEST

/* Long lists are sorted by merging. */
START_TEST(many_keys_are_sorted)
{
    static const size_t counts[] = {47, 48, 49, 96, 97, 1000, 5000};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct key_orders orders = {0};
        struct dictionary words = {0};
        struct attributes a = {0};
        struct buf batch = message();
        for (size_t i = 0; i < counts[c]; i++) {
            char key[32];
            snprintf(key, sizeof key, "%zu", i * 7919 % counts[c] / 2); /* most of them twice */
            put_attribute(&batch, 1, key, "v");
        }
        struct otlp_view view = otlp_view_of(buf_slice(&batch));
        attributes_add_all(&a, &view, 1);
        ck_assert_uint_eq(a.count, counts[c]);
        const struct key_order *o = key_orders_find(&orders, &a, &words);
        for (size_t i = 1; i < counts[c]; i++) {
            struct slice x = a.list[o->places[i - 1]].key, y = a.list[o->places[i]].key;
            int order = strncmp((const char *)x.data, (const char *)y.data, x.len < y.len ? x.len : y.len);
            ck_assert(order < 0 || (order == 0 && x.len <= y.len));
            ck_assert(!slice_eq(x, y) || o->places[i - 1] < o->places[i]);
        }
        key_orders_clear(&orders);
        attributes_trim(&a);
        ck_assert_uint_eq(a.count, 0);
        attributes_fini(&a);
        key_orders_fini(&orders);
        dictionary_fini(&words);
        buf_free(&batch);
    }
}
END_TEST

/* Keys that differ where the digest does not look are told apart all the same. */
START_TEST(a_digest_is_no_proof)
{
    struct key_orders orders = {0};
    struct dictionary words = {0};
    static const char *const keys[] = {"one.same.end", "two.same.end", "one.same.end"};
    for (size_t i = 0; i < 3; i++) {
        struct attributes a = {0};
        struct buf batch = message();
        put_attribute(&batch, 1, keys[i], "v");
        struct otlp_view view = otlp_view_of(buf_slice(&batch));
        attributes_add_all(&a, &view, 1);
        const struct key_order *o = key_orders_find(&orders, &a, &words);
        ck_assert(dictionary_is(&words, o->numbers[0], slice_of(keys[i])));
        attributes_fini(&a);
        buf_free(&batch);
    }
    ck_assert_uint_eq(words.count, 3);
    key_orders_fini(&orders);
    dictionary_fini(&words);
}
END_TEST

SUITE_MAIN("attributes", keys_are_sorted_and_numbered, kinds_may_be_many, keys_are_compared_by_their_bytes,
           many_keys_are_sorted, a_digest_is_no_proof)
