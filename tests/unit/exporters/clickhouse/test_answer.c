// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/answer.h"
#include "tests/support/suite.h"

static struct client_reply exception(int64_t code, long status, const char *text)
{
    return (struct client_reply){.outcome = CLIENT_REPLIED, .status = status,
                                 .exception = code, .text = slice_of(text)};
}

START_TEST(codes_decide)
{
    static const struct {
        int64_t code;
        long status; /* which differs between versions, and must not matter */
        enum answer_class class;
        bool open, elsewhere;
        const char *why;
    } cases[] = {
        {3, 500, ANSWER_RETRY, false, true, "a body cut off on its way"},
        {6, 400, ANSWER_BAD, false, false, "a row"},
        {16, 404, ANSWER_STALE, false, false, "a column has gone"},
        {60, 404, ANSWER_STALE, false, false, "the table has gone"},
        {81, 404, ANSWER_STALE, false, false, "the database has gone"},
        {115, 404, ANSWER_HOLD, false, false, "a setting that this server does not know"},
        {117, 400, ANSWER_BAD, false, false, "a row"},
        {159, 408, ANSWER_RETRY, true, false, "it may have gone through"},
        {164, 500, ANSWER_HOLD, false, false, "a user that may only read"},
        {202, 500, ANSWER_RETRY, false, true, "too busy"},
        {241, 500, ANSWER_LARGE, false, true, "memory"},
        {242, 500, ANSWER_RETRY, false, true, "this replica only"},
        {243, 500, ANSWER_HOLD, false, true, "disk full"},
        {252, 500, ANSWER_RETRY, false, true, "too many parts"},
        {319, 500, ANSWER_RETRY, true, true, "it says itself that it does not know"},
        {469, 400, ANSWER_BAD, false, false, "a constraint of the table"},
        {497, 403, ANSWER_HOLD, false, false, "rights"},
        {497, 500, ANSWER_HOLD, false, false, "rights, on an older server"},
        {516, 403, ANSWER_HOLD, false, false, "the password"},
        {999, 500, ANSWER_RETRY, true, true, "Keeper, perhaps after the commit"},
        {98765, 500, ANSWER_RETRY, true, true, "a code of the future"},
        {6, 200, ANSWER_BAD, false, false, "an exception is one, whatever the status"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_reply reply = exception(cases[i].code, cases[i].status, "Code: 1. words");
        struct answer a;
        answer_of_insert(&reply, 1, &a);
        ck_assert_msg(a.class == cases[i].class, "%s: class %d", cases[i].why, (int)a.class);
        ck_assert_msg(a.open == cases[i].open, "%s: open", cases[i].why);
        ck_assert_msg(a.elsewhere == cases[i].elsewhere, "%s: elsewhere", cases[i].why);
        ck_assert_int_eq(a.code, cases[i].code);
        ck_assert_str_eq(a.text, "Code: 1. words");
        if (a.class == ANSWER_HOLD || a.class == ANSWER_STALE)
            ck_assert_uint_eq(a.after_ms, ANSWER_HOLD_MS);
    }
}
END_TEST

START_TEST(the_words_are_the_servers_first_line)
{
    struct client_reply reply = exception(
        60, 404, "Code: 60. DB::Exception: Table a.b does not exist. (UNKNOWN_TABLE) (version 26.7.2.1)\nmore\n");
    struct answer a;
    answer_of_insert(&reply, 1, &a);
    ck_assert_str_eq(a.text, "Code: 60. DB::Exception: Table a.b does not exist. (UNKNOWN_TABLE)");
    char text[2000];
    memset(text, 'x', sizeof text);
    reply.text = slice_make(text, sizeof text);
    answer_of_insert(&reply, 1, &a);
    ck_assert_uint_eq(strlen(a.text), ANSWER_TEXT_BYTES - 1);
    reply.text = slice_make(NULL, 0);
    answer_of_insert(&reply, 1, &a);
    ck_assert_str_eq(a.text, "exception 60 without words");
}
END_TEST

START_TEST(a_view_that_fails_is_not_the_rows_fault)
{
    struct client_reply reply = exception(6, 400, "Code: 6. Cannot parse: while pushing to view a.b_mv (1-2): x");
    struct answer a;
    answer_of_insert(&reply, 1, &a);
    ck_assert_int_eq(a.class, ANSWER_HOLD);
    ck_assert(a.open);
    ck_assert_ptr_nonnull(strstr(a.text, "the view a.b_mv fails: Code: 6."));
    reply = exception(241, 500, "Code: 241. memory: while pushing to view b_mv");
    answer_of_insert(&reply, 1, &a);
    ck_assert_int_eq(a.class, ANSWER_RETRY); /* never divided: rows of the table may be there */
    ck_assert(a.open);
}
END_TEST

START_TEST(too_many_partitions_are_too_much_at_once)
{
    struct client_reply reply = exception(252, 500, "Code: 252. Too many partitions for single INSERT block (more than 100)");
    struct answer a;
    answer_of_insert(&reply, 1, &a);
    ck_assert_int_eq(a.class, ANSWER_LARGE);
}
END_TEST

START_TEST(without_a_code_somebody_else_speaks)
{
    static const struct {
        long status;
        enum answer_class class;
        bool open;
    } cases[] = {{400, ANSWER_RETRY, true}, {401, ANSWER_HOLD, false}, {403, ANSWER_HOLD, false},
                 {404, ANSWER_HOLD, false}, {413, ANSWER_LARGE, false}, {429, ANSWER_RETRY, true},
                 {500, ANSWER_RETRY, true}, {502, ANSWER_RETRY, true}, {503, ANSWER_RETRY, true},
                 {504, ANSWER_RETRY, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct client_reply reply = exception(-1, cases[i].status, "<html>Bad Gateway</html>");
        struct answer a;
        answer_of_insert(&reply, 1, &a);
        ck_assert_msg(a.class == cases[i].class && a.open == cases[i].open, "%ld", cases[i].status);
        ck_assert_ptr_nonnull(strstr(a.text, "not from ClickHouse: <html>"));
    }
}
END_TEST

START_TEST(silence_is_open_only_when_all_was_sent)
{
    struct client_reply reply = {.outcome = CLIENT_UNSENT, .exception = -1, .error = "refused"};
    struct answer a;
    answer_of_insert(&reply, 1, &a);
    ck_assert(a.class == ANSWER_RETRY && !a.open && a.elsewhere);
    ck_assert_str_eq(a.text, "refused");
    reply.outcome = CLIENT_UNKNOWN;
    answer_of_insert(&reply, 1, &a);
    ck_assert(a.class == ANSWER_RETRY && a.open && a.elsewhere);
    reply.outcome = CLIENT_BODY_ENDED;
    answer_of_insert(&reply, 1, &a);
    ck_assert(a.class == ANSWER_OURS && !a.open);
}
END_TEST

START_TEST(a_success_tells_of_all_rows)
{
    struct client_reply reply = {.outcome = CLIENT_REPLIED, .status = 200, .exception = -1,
                                 .has_summary = true, .written_rows = 5};
    struct answer a;
    answer_of_insert(&reply, 5, &a);
    ck_assert(a.class == ANSWER_DONE && !a.open && !a.text[0]);
    answer_of_insert(&reply, 4, &a); /* views write rows, too */
    ck_assert_int_eq(a.class, ANSWER_DONE);
    answer_of_insert(&reply, 6, &a);
    ck_assert(a.class == ANSWER_HOLD && a.open);
    ck_assert_ptr_nonnull(strstr(a.text, "5 rows of 6"));
    reply.has_summary = false;
    answer_of_insert(&reply, 1, &a);
    ck_assert(a.class == ANSWER_HOLD && a.open);
    answer_of_query(&reply, &a);
    ck_assert_int_eq(a.class, ANSWER_DONE);
}
END_TEST

SUITE_MAIN("answer", codes_decide, the_words_are_the_servers_first_line, a_view_that_fails_is_not_the_rows_fault,
           too_many_partitions_are_too_much_at_once, without_a_code_somebody_else_speaks,
           silence_is_open_only_when_all_was_sent, a_success_tells_of_all_rows)
