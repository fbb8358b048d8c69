// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/dictionary.h"

#include <stdio.h>

#include "tests/support/suite.h"

static uint32_t add(struct dictionary *d, const char *word)
{
    return dictionary_add(d, slice_of(word));
}

START_TEST(words_have_numbers)
{
    struct dictionary d = {0};
    ck_assert_uint_eq(add(&d, "a"), 1); /* 0 is the empty one */
    ck_assert_uint_eq(add(&d, ""), 0);
    ck_assert_uint_eq(add(&d, "b"), 2);
    ck_assert_uint_eq(add(&d, "a"), 1);
    ck_assert_uint_eq(add(&d, "ab"), 3);
    ck_assert_uint_eq(d.count, 4);
    ck_assert_uint_eq(d.text.len, 8);
    ck_assert_mem_eq(d.text.data, "\0\1a\1b\2ab", 8);
    ck_assert(dictionary_is(&d, 3, slice_of("ab")) && !dictionary_is(&d, 3, slice_of("aa")));
    ck_assert(!dictionary_is(&d, 3, slice_of("a")) && dictionary_is(&d, 0, slice_of("")));
    dictionary_fini(&d);
}
END_TEST

START_TEST(words_may_be_many_and_bytes)
{
    struct dictionary d = {0};
    char word[32];
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 100000; i++) {
            int len = snprintf(word, sizeof word, "%u", i);
            word[len] = 0; /* the NUL is part of it */
            ck_assert_uint_eq(dictionary_add(&d, slice_make(word, (size_t)len + 1)), i + 1);
        }
    }
    ck_assert_uint_eq(d.count, 100001);
    dictionary_fini(&d);
}
END_TEST

START_TEST(an_emptied_dictionary_begins_anew)
{
    struct dictionary d = {0};
    dictionary_clear(&d);
    add(&d, "a");
    dictionary_clear(&d);
    ck_assert_uint_eq(d.count, 0);
    ck_assert_uint_eq(add(&d, "b"), 1);
    ck_assert_uint_eq(add(&d, "a"), 2);
    dictionary_fini(&d);
}
END_TEST

/* A block of very many words leaves no dictionary behind that has to be emptied at that price for ever. */
START_TEST(a_large_dictionary_is_given_back)
{
    struct dictionary d = {0};
    char word[32];
    for (unsigned i = 0; i < 200000; i++) {
        snprintf(word, sizeof word, "%u", i);
        add(&d, word);
    }
    dictionary_clear(&d);
    ck_assert_uint_le(d.slot_count, 65536 * 2);
    ck_assert_uint_eq(add(&d, "a"), 1);
    dictionary_fini(&d);
}
END_TEST

SUITE_MAIN("dictionary", words_have_numbers, words_may_be_many_and_bytes, an_emptied_dictionary_begins_anew,
           a_large_dictionary_is_given_back)
