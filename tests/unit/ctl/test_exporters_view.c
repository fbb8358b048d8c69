// SPDX-License-Identifier: Apache-2.0
#include "ctl/exporters_view.h"

#include "tests/support/suite.h"
#include "tests/unit/ctl/answers.h"

/* Three exporters: one that has lost something, one that is away, one without a signal. */
struct house {
    struct said said;
    Masques__Bus__Answer answer;
    Masques__Bus__Exporter exporters[3], *list[3];
    Masques__Bus__Lane lanes[3], *of_first[2], *of_second[1];
    Masques__Bus__Loss losses[2], *loss_list[2];
};

static void lane(Masques__Bus__Lane *l, Masques__Bus__Signal signal, uint64_t pending)
{
    masques__bus__lane__init(l);
    l->signal = signal;
    l->pending = pending;
    l->pending_bytes = pending * 1024;
    l->oldest_ms = pending * 1000;
    l->delivered = 100;
}

static const struct router_answers *build(struct house *h)
{
    memset(h, 0, sizeof *h);
    masques__bus__answer__init(&h->answer);
    for (size_t i = 0; i < 3; i++) {
        masques__bus__exporter__init(&h->exporters[i]);
        h->list[i] = &h->exporters[i];
    }
    for (size_t i = 0; i < 2; i++) {
        masques__bus__loss__init(&h->losses[i]);
        h->loss_list[i] = &h->losses[i];
    }
    h->losses[0].reason = (char *)"space";
    h->losses[0].records = 10;
    h->losses[1].reason = (char *)"cor\"rupt";
    h->losses[1].records = 2;
    lane(&h->lanes[0], MASQUES__BUS__SIGNAL__LOGS, 0);
    lane(&h->lanes[1], MASQUES__BUS__SIGNAL__TRACES, 5);
    lane(&h->lanes[2], MASQUES__BUS__SIGNAL__METRICS, 70);
    h->lanes[1].lost = 12;
    h->lanes[1].rejected = 3;
    h->lanes[1].n_losses = 2;
    h->lanes[1].losses = h->loss_list;
    h->of_first[0] = &h->lanes[0];
    h->of_first[1] = &h->lanes[1];
    h->of_second[0] = &h->lanes[2];
    h->exporters[0] = (Masques__Bus__Exporter){
        .base = h->exporters[0].base, .name = (char *)"file/archive", .type = (char *)"file",
        .owner = MASQUES__BUS__OWNER__ATTACHED, .mode = MASQUES__BUS__MODE__DURABLE, .state = (char *)"running",
        .error = (char *)"disk\nfull", .pid = 4711, .n_lanes = 2, .lanes = h->of_first};
    h->exporters[1] = (Masques__Bus__Exporter){
        .base = h->exporters[1].base, .name = (char *)"debug", .type = (char *)"console",
        .owner = MASQUES__BUS__OWNER__CONFIGURED, .mode = MASQUES__BUS__MODE__LOSSY, .state = (char *)"away",
        .error = (char *)"", .n_lanes = 1, .lanes = h->of_second};
    h->exporters[2] = (Masques__Bus__Exporter){
        .base = h->exporters[2].base, .name = (char *)"new", .type = (char *)"", .owner = (Masques__Bus__Owner)77,
        .mode = MASQUES__BUS__MODE__LIVE, .state = (char *)"", .error = (char *)""};
    h->answer.n_exporters = 3;
    h->answer.exporters = h->list;
    return say(&h->said, &h->answer);
}

START_TEST(a_line_an_exporter_and_signal)
{
    struct house h;
    struct buf out = buf_make(10000);
    exporters_view_table(build(&h), false, &out);
    buf_byte(&out, '\0');
    ck_assert_str_eq(
        (const char *)out.data,
        "NAME          OWNER       MODE     STATE    SIGNAL   WAITING  OLDEST  DELIVERED\n"
        "file/archive  attached    durable  running  logs           0       -        100\n"
        "                                            traces         5      5s        100\n"
        "    3 rejected; 12 lost: space 10, cor\"rupt 2\n"
        "    last error: disk\\nfull\n"
        "debug         configured  lossy    away     metrics       70   1m10s        100\n"
        "new           unknown     live\n");
    buf_free(&out);
}
END_TEST

START_TEST(what_is_left_of_durable_ones_only)
{
    struct house h;
    struct buf out = buf_make(10000);
    exporters_view_table(build(&h), true, &out);
    buf_byte(&out, '\0');
    ck_assert_str_eq((const char *)out.data, "NAME          STATE    SIGNAL  WAITING    BYTES  OLDEST\n"
                                             "file/archive  running  traces        5  5.0 KiB      5s\n");
    buf_free(&out);
}
END_TEST

START_TEST(the_same_as_json)
{
    struct house h;
    struct buf out = buf_make(10000);
    exporters_view_json(build(&h), &out);
    buf_byte(&out, '\0');
    ck_assert_str_eq(
        (const char *)out.data,
        "[{\"name\":\"file/archive\",\"type\":\"file\",\"owner\":\"attached\",\"mode\":\"durable\",\"state\":\"running\","
        "\"pid\":4711,\"lastError\":\"disk\\nfull\",\"signals\":{\"logs\":{\"pending\":0,\"pendingBytes\":0,\"oldestMs\":0,"
        "\"delivered\":100,\"rejected\":0,\"lost\":0,\"losses\":{}},\"traces\":{\"pending\":5,\"pendingBytes\":5120,"
        "\"oldestMs\":5000,\"delivered\":100,\"rejected\":3,\"lost\":12,\"losses\":{\"space\":10,\"cor\\\"rupt\":2}}}},"
        "{\"name\":\"debug\",\"type\":\"console\",\"owner\":\"configured\",\"mode\":\"lossy\",\"state\":\"away\",\"pid\":0,"
        "\"lastError\":\"\",\"signals\":{\"metrics\":{\"pending\":70,\"pendingBytes\":71680,\"oldestMs\":70000,"
        "\"delivered\":100,\"rejected\":0,\"lost\":0,\"losses\":{}}}},"
        "{\"name\":\"new\",\"type\":\"\",\"owner\":\"unknown\",\"mode\":\"live\",\"state\":\"\",\"pid\":0,\"lastError\":\"\","
        "\"signals\":{}}]");
    buf_free(&out);
}
END_TEST

SUITE_MAIN("ctl/exporters_view", a_line_an_exporter_and_signal, what_is_left_of_durable_ones_only, the_same_as_json)
