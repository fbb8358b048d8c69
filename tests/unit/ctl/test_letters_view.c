// SPDX-License-Identifier: Apache-2.0
#include "ctl/letters_view.h"

#include "tests/support/suite.h"
#include "tests/unit/ctl/answers.h"

struct house {
    struct said said;
    Masques__Bus__Answer answer;
    Masques__Bus__DeadLetter letters[2], *list[2];
    Masques__Bus__DeliveryId id;
};

static const struct router_answers *build(struct house *h)
{
    memset(h, 0, sizeof *h);
    masques__bus__answer__init(&h->answer);
    masques__bus__delivery_id__init(&h->id);
    h->id.generation = 3;
    h->id.first = 40;
    h->id.last = 44;
    for (size_t i = 0; i < 2; i++) {
        masques__bus__dead_letter__init(&h->letters[i]);
        h->list[i] = &h->letters[i];
        h->letters[i].exporter = (char *)"clickhouse";
        h->letters[i].number = 9 + i;
        h->letters[i].records = 1;
        h->letters[i].rejected_ns = 1795348800123000000u;
        h->letters[i].reason = (char *)"no\x1b[31m such column";
    }
    h->letters[0].signal = MASQUES__BUS__SIGNAL__LOGS;
    h->letters[0].bytes = 2048;
    h->letters[0].id = &h->id;
    h->letters[1].signal = MASQUES__BUS__SIGNAL__METRICS;
    h->letters[1].rejected_ns = 0;
    h->answer.n_dead_letters = 2;
    h->answer.dead_letters = h->list;
    return say(&h->said, &h->answer);
}

START_TEST(letters_stand_in_a_table)
{
    struct house h;
    struct buf out = buf_make(10000);
    letters_view_table(build(&h), &out);
    buf_byte(&out, '\0');
    ck_assert_str_eq((const char *)out.data,
                     "NUMBER  EXPORTER    SIGNAL   RECORDS    BYTES  REJECTED\n"
                     "     9  clickhouse  logs           1  2.0 KiB  2026-11-22T12:00:00Z\n"
                     "    no\\x1b[31m such column\n"
                     "    10  clickhouse  metrics        1        -  1970-01-01T00:00:00Z\n"
                     "    no\\x1b[31m such column\n");
    buf_free(&out);
}
END_TEST

START_TEST(the_same_as_json)
{
    struct house h;
    struct buf out = buf_make(10000);
    letters_view_json(build(&h), &out);
    buf_byte(&out, '\0');
    ck_assert_str_eq((const char *)out.data,
                     "[{\"number\":9,\"exporter\":\"clickhouse\",\"signal\":\"logs\",\"records\":1,\"bytes\":2048,"
                     "\"rejectedAt\":\"2026-11-22T12:00:00Z\",\"reason\":\"no\\u001b[31m such column\","
                     "\"delivery\":{\"generation\":3,\"first\":40,\"last\":44}},"
                     "{\"number\":10,\"exporter\":\"clickhouse\",\"signal\":\"metrics\",\"records\":1,\"bytes\":0,"
                     "\"rejectedAt\":\"1970-01-01T00:00:00Z\",\"reason\":\"no\\u001b[31m such column\"}]");
    buf_free(&out);
}
END_TEST

SUITE_MAIN("ctl/letters_view", letters_stand_in_a_table, the_same_as_json)
