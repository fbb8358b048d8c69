// SPDX-License-Identifier: Apache-2.0
/* What the router is asked: exporters, detach, drain, dead letters. */
#include <string.h>

#include "ctl/commands.h"
#include "ctl/exporters_view.h"
#include "ctl/gateway.h"
#include "ctl/json.h"
#include "ctl/letters_view.h"
#include "ctl/router.h"

/* A router, and its answers to one question after the other. */
struct talk {
    char endpoint[GATEWAY_TEXT_BYTES];
    struct router *router;
    struct router_answers answers;
};

static int talk_begin(struct talk *t, const struct arguments *a, struct buf *why)
{
    *t = (struct talk){0};
    int err = gateway_bus(a, t->endpoint, why);
    if (err != GW_OK)
        return err;
    t->router = router_new(t->endpoint, a->timeout_ms, why);
    return t->router ? GW_OK : GW_ERR_NOMEM;
}

static void talk_end(struct talk *t)
{
    router_answers_free(&t->answers);
    router_free(&t->router);
}

/* 0: answered, whatever the router says. */
static int talk_ask(struct talk *t, const struct router_question *question, struct buf *why)
{
    router_answers_free(&t->answers);
    return router_ask(t->router, question, &t->answers, why);
}

/* The router's own error, said on. */
static int talk_verdict(const struct talk *t, struct buf *why)
{
    const char *error = router_error(&t->answers);
    buf_text(why, error);
    return error[0] ? GW_ERR_INVALID : GW_OK;
}

/* One question, answered without an error. */
static int talk_whole(struct talk *t, const struct arguments *a, const struct router_question *question,
                      struct buf *why)
{
    int err = talk_begin(t, a, why);
    if (err == GW_OK)
        err = talk_ask(t, question, why);
    return err == GW_OK ? talk_verdict(t, why) : err;
}

/* ---- exporters -------------------------------------------------------------------------------------------------- */

static struct router_question list_question(Masques__Bus__Request *request, Masques__Bus__List *list)
{
    masques__bus__request__init(request);
    masques__bus__list__init(list);
    request->what_case = MASQUES__BUS__REQUEST__WHAT_LIST;
    request->list = list;
    return (struct router_question){.request = request, .repeatable = true};
}

int command_exporters(const struct arguments *a, struct buf *out, struct buf *why)
{
    Masques__Bus__Request request;
    Masques__Bus__List list;
    struct router_question question = list_question(&request, &list);
    struct talk t;
    int err = talk_whole(&t, a, &question, why);
    if (err == GW_OK && a->json) {
        exporters_view_json(&t.answers, out);
        buf_byte(out, '\n');
    } else if (err == GW_OK) {
        exporters_view_table(&t.answers, false, out);
    }
    talk_end(&t);
    return err;
}

/* ---- detach ----------------------------------------------------------------------------------------------------- */

/* `left`: records that waited for it. */
static void show_detached(const struct arguments *a, uint64_t left, struct buf *out)
{
    if (a->json) {
        buf_text(out, "{\"done\":true");
        json_number(out, "givenUp", left);
        buf_text(out, "}\n");
        return;
    }
    buf_printf(out, "%s is detached", a->subject);
    if (left)
        buf_printf(out, "; %llu record(s) that waited for it are given up", (unsigned long long)left);
    buf_text(out, ".\n");
}

int command_detach(const struct arguments *a, struct buf *out, struct buf *why)
{
    Masques__Bus__Request request = MASQUES__BUS__REQUEST__INIT;
    Masques__Bus__Detach detach = MASQUES__BUS__DETACH__INIT;
    struct talk t;
    detach.name = (char *)a->subject;
    detach.drain = a->drain;
    detach.within_ms = a->within_ms;
    request.what_case = MASQUES__BUS__REQUEST__WHAT_DETACH;
    request.detach = &detach;
    const struct router_question question = {
        .request = &request, .patient = a->drain, .within_ms = a->within_ms};
    int err = talk_whole(&t, a, &question, why);
    if (err == GW_OK) /* with --drain: what came after the question is not owed, and is given up */
        show_detached(a, router_count(&t.answers), out);
    talk_end(&t);
    return err;
}

/* ---- drain ------------------------------------------------------------------------------------------------------ */

/* What is left, exporter by exporter, of the same router. */
static int show_left(struct talk *t, const struct arguments *a, uint64_t left, struct buf *out, struct buf *why)
{
    Masques__Bus__Request request;
    Masques__Bus__List list;
    struct router_question question = list_question(&request, &list);
    int err = talk_ask(t, &question, why);
    if (err == GW_OK)
        err = talk_verdict(t, why);
    if (err != GW_OK)
        return err;
    if (a->json) {
        buf_byte(out, '{');
        json_number(out, "left", left);
        json_member(out, "exporters");
        exporters_view_json(&t->answers, out);
        buf_text(out, "}\n");
    } else {
        exporters_view_table(&t->answers, true, out);
    }
    return GW_OK;
}

int command_drain(const struct arguments *a, struct buf *out, struct buf *why)
{
    Masques__Bus__Request request = MASQUES__BUS__REQUEST__INIT;
    Masques__Bus__Flush flush = MASQUES__BUS__FLUSH__INIT;
    struct talk t;
    flush.within_ms = a->within_ms;
    request.what_case = MASQUES__BUS__REQUEST__WHAT_FLUSH;
    request.flush = &flush;
    const struct router_question question = {
        .request = &request, .patient = true, .within_ms = a->within_ms, .repeatable = true};
    int err = talk_begin(&t, a, why);
    if (err == GW_OK)
        err = talk_ask(&t, &question, why);
    if (err == GW_OK) {
        uint64_t left = router_count(&t.answers);
        err = talk_verdict(&t, why);
        if (left) {
            if (err == GW_OK)
                buf_printf(why, "%llu record(s) are not delivered yet", (unsigned long long)left);
            struct buf ignored = buf_make(1024);
            if (show_left(&t, a, left, out, &ignored) != GW_OK)
                buf_slice_append(why, buf_slice(&ignored));
            buf_free(&ignored);
            err = GW_ERR_FULL;
        } else if (err == GW_OK) {
            buf_text(out, a->json ? "{\"left\":0,\"exporters\":[]}\n" : "Everything stored is delivered.\n");
        }
    }
    talk_end(&t);
    return err;
}

/* ---- dead letters ------------------------------------------------------------------------------------------------ */

static char *exporter_of(const struct arguments *a)
{
    return (char *)(a->subject ? a->subject : "");
}

int command_letters_list(const struct arguments *a, struct buf *out, struct buf *why)
{
    Masques__Bus__Request request = MASQUES__BUS__REQUEST__INIT;
    Masques__Bus__DeadLetterList list = MASQUES__BUS__DEAD_LETTER_LIST__INIT;
    struct talk t;
    list.exporter = exporter_of(a);
    request.what_case = MASQUES__BUS__REQUEST__WHAT_DEAD_LETTER_LIST;
    request.dead_letter_list = &list;
    const struct router_question question = {.request = &request, .repeatable = true};
    int err = talk_whole(&t, a, &question, why);
    if (err == GW_OK && a->json) {
        letters_view_json(&t.answers, out);
        buf_byte(out, '\n');
    } else if (err == GW_OK) {
        letters_view_table(&t.answers, out);
    }
    talk_end(&t);
    return err;
}

/* Both ways to be rid of letters: answered with how many it were, some of which may have been done when another could
 * not. */
static int act_on_letters(const struct arguments *a, Masques__Bus__Request *request, const char *what,
                          struct buf *out, struct buf *why)
{
    const struct router_question question = {.request = request};
    struct talk t;
    int err = talk_whole(&t, a, &question, why);
    unsigned long long count = router_count(&t.answers);
    if ((err == GW_OK || count) && a->json)
        buf_printf(out, "{\"count\":%llu}\n", count);
    else if (err == GW_OK || count)
        buf_printf(out, "%llu dead letter%s %s.\n", count, count == 1 ? "" : "s", what);
    talk_end(&t);
    return err;
}

int command_letters_replay(const struct arguments *a, struct buf *out, struct buf *why)
{
    Masques__Bus__Request request = MASQUES__BUS__REQUEST__INIT;
    Masques__Bus__DeadLetterReplay replay = MASQUES__BUS__DEAD_LETTER_REPLAY__INIT;
    replay.exporter = exporter_of(a);
    replay.n_numbers = a->number_count;
    replay.numbers = a->numbers;
    request.what_case = MASQUES__BUS__REQUEST__WHAT_DEAD_LETTER_REPLAY;
    request.dead_letter_replay = &replay;
    return act_on_letters(a, &request, "handed to their exporter again", out, why);
}

int command_letters_drop(const struct arguments *a, struct buf *out, struct buf *why)
{
    Masques__Bus__Request request = MASQUES__BUS__REQUEST__INIT;
    Masques__Bus__DeadLetterDrop drop = MASQUES__BUS__DEAD_LETTER_DROP__INIT;
    drop.exporter = exporter_of(a);
    drop.n_numbers = a->number_count;
    drop.numbers = a->numbers;
    request.what_case = MASQUES__BUS__REQUEST__WHAT_DEAD_LETTER_DROP;
    request.dead_letter_drop = &drop;
    return act_on_letters(a, &request, "dropped", out, why);
}
