// SPDX-License-Identifier: Apache-2.0
#include "shared/base/blob.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "shared/base/err.h"
#include "tests/support/suite.h"

static void *drop_many(void *arg)
{
    for (int i = 0; i < 100000; i++) {
        blob_hold(arg);
        blob_drop(arg);
    }
    blob_drop(arg);
    return NULL;
}

START_TEST(holders_in_several_threads_leave_it_intact)
{
    pthread_t threads[4];
    struct blob *b = blob_new(8);
    memcpy(b->data, "content", 8);
    b->len = 8;
    for (int i = 0; i < 4; i++) {
        blob_hold(b);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, drop_many, b), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_str_eq((const char *)b->data, "content");
    blob_drop(b); /* the last one: the sanitizers would tell */
    blob_drop(NULL);
}
END_TEST

START_TEST(growing_keeps_the_bytes_and_refuses_the_impossible)
{
    struct blob *b = blob_new(4);
    memcpy(b->data, "abcd", 4);
    b->len = 4;
    ck_assert_int_eq(blob_grow(&b, 4096), GW_OK);
    ck_assert_uint_eq(b->cap, 4096);
    ck_assert_int_eq(memcmp(b->data, "abcd", 4), 0);
    ck_assert_int_eq(blob_grow(&b, SIZE_MAX), GW_ERR_NOMEM);
    ck_assert_uint_eq(b->cap, 4096);
    ck_assert_ptr_null(blob_new(SIZE_MAX));
    blob_drop(b);
}
END_TEST

SUITE_MAIN("base/blob", holders_in_several_threads_leave_it_intact,
           growing_keeps_the_bytes_and_refuses_the_impossible)
