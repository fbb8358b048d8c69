// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/work.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "exporters/clickhouse/body.h"
#include "exporters/clickhouse/ddl.h"
#include "exporters/clickhouse/letters.h"
#include "exporters/clickhouse/progress.h"
#include "exporters/clickhouse/statement.h"

/* Of a part's rows in OTLP (exporters/clickhouse/cut.h). Together with the rows it keeps an insert below what the server
 * makes one block of (exporters/clickhouse/statement.h). */
#define PART_BYTES (32u * 1024 * 1024)
#define BLOCK_MAX_BYTES (256u * 1024 * 1024) /* less than the server's own limit: then an insert is all or nothing */

struct work {
    const struct work_rules *rules;
    struct delivery *delivery;
    struct progress progress;
    bool said;      /* there is a note */
    bool noted;     /* the journal has what is next, as open */
    bool noting;    /* it is on its way there */
    bool open;      /* what is next may have been written */
    bool refreshed; /* the table was looked at again for what is next */
    bool checked;   /* it is not the columns that are refused, in this part */
    bool blamed;    /* rows were refused, with the words in `last`, and the table is looked at before they are blamed */
    size_t host;
    uint32_t tried;     /* hosts, a bit each */
    bool failing;       /* one of them did not do, or could not be looked at */
    const struct table *table;
    uint64_t mask;      /* columns of the body */
    struct answer last; /* why the last host would not do */
    struct catalog_wait wait;
    struct body *body;
    struct client_call *call;
};

static void go(struct work *w);

const struct delivery *work_delivery(const struct work *w)
{
    return w->delivery;
}

static enum table_kind kind_of(const struct work *w)
{
    return progress_table(&w->progress);
}

/* ---- verdicts ---- */

static void finish(struct work *w, const struct delivery_verdict *verdict)
{
    struct delivery *delivery = w->delivery;
    w->delivery = NULL;
    delivery_finish(delivery, verdict);
    w->rules->ended(w->rules->ctx, w);
}

static void finish_unreadable(struct work *w, int rc)
{
    struct delivery *delivery = w->delivery;
    w->delivery = NULL;
    delivery_unreadable(delivery, rc);
    w->rules->ended(w->rules->ctx, w);
}

/* Gives the note to the router; `open`: what is next is about to be sent, or may have been. */
static int say_note(struct work *w, bool open)
{
    struct buf text = buf_make(NOTE_MAX_BYTES);
    progress_note(&w->progress, open, &text);
    int rc = buf_ok(&text) ? delivery_progress(w->delivery, buf_slice(&text)) : GW_ERR_NOMEM;
    buf_free(&text);
    w->said |= rc == 0;
    return rc;
}

/* What was sent has its definite answer: the next attempt may know, if the journal says that it is open. */
static void finish_retry(struct work *w, const struct answer *a, bool degraded)
{
    struct answer answer = *a;
    if (w->said && !w->open && say_note(w, false) < 0)
        log_warn(w->rules->log, "no memory for a note: what is next of a delivery counts as sent");
    w->rules->failed(w->rules->ctx, kind_of(w), &answer);
    finish(w, &(struct delivery_verdict){.outcome = MASQUES__BUS__OUTCOME__RETRY,
                                         .after_ms = answer.after_ms,
                                         .degraded = degraded,
                                         .error = answer.text});
}

static void finish_done(struct work *w)
{
    struct letters letters = {.count = 0};
    int rc = letters_read(&letters, w->delivery, &w->progress.cut, &w->progress.note);
    if (rc < 0)
        finish_unreadable(w, rc);
    else
        finish(w, &(struct delivery_verdict){.outcome = MASQUES__BUS__OUTCOME__DONE,
                                             .rejected = letters.list,
                                             .rejected_count = letters.count});
    letters_free(&letters);
}

static void finish_nomem(struct work *w)
{
    finish_unreadable(w, GW_ERR_NOMEM);
}

/* ---- what is next ---- */

/* The rows that are next are other ones, and so is their token; `part`: they are of another part. */
static void turn_to_next(struct work *w, bool part)
{
    w->checked &= !part;
    w->noted = false;
    w->open = false;
    w->refreshed = false;
    w->tried = 0;
    w->failing = false;
    w->progress.note.place = 0;
}

/* False: it is one row. */
static bool halve(struct work *w)
{
    if (!progress_halve(&w->progress))
        return false;
    turn_to_next(w, false);
    return true;
}

/* ---- sending ---- */

static void on_answer(void *ctx, const struct client_reply *reply);

static void send_rows(struct work *w)
{
    const struct clickhouse_options *o = w->rules->options;
    struct buf token = buf_make(STATEMENT_MAX_BYTES), url = buf_make(STATEMENT_MAX_BYTES);
    progress_token(&w->progress, delivery_id(w->delivery), o->database, ddl_table(o, kind_of(w)), &token);
    statement_insert(w->rules->hosts->items[w->host].url, o, kind_of(w), buf_slice(&token), &url);
    w->mask = w->table->mask;
    w->body = body_new(w->delivery, &w->progress.cut, w->progress.note.parts_done, w->progress.division.position,
                       progress_rows(&w->progress), w->mask, (enum clickhouse_compress)o->compress);
    if (w->body && buf_ok(&token) && buf_ok(&url))
        w->call = client_start(w->rules->client,
                               &(struct client_request){
                                   .url = (const char *)url.data,
                                   .encoding = compress_name((enum clickhouse_compress)o->compress),
                                   .pull = body_pull,
                                   .rewind = body_rewind,
                                   .body = w->body,
                                   .done = on_answer,
                                   .ctx = w,
                               });
    buf_free(&token);
    buf_free(&url);
    if (!w->call)
        finish_nomem(w);
}

/* The table is known: nothing is sent before the journal has what it is and where it goes. */
static void go_with(struct work *w, const struct table *table)
{
    w->table = table;
    if (w->noted && w->progress.note.place == table->place) {
        send_rows(w);
        return;
    }
    w->progress.note.place = table->place;
    w->noted = false;
    if (say_note(w, true) < 0) {
        finish_nomem(w);
        return;
    }
    w->noting = true;
}

void work_progressed(struct work *w)
{
    if (!w->noting)
        return;
    w->noting = false;
    w->noted = true;
    go(w); /* what was known of the table may have changed meanwhile */
}

/* ---- where to ---- */

static void on_looked(void *ctx, const struct table *table, const struct answer *answer);

static void look(struct work *w, bool columns)
{
    if (catalog_look(w->rules->catalog, w->host, kind_of(w), columns, &w->wait) < 0)
        finish_nomem(w);
}

/* Where the token may be known, it is sent; elsewhere it must not be. */
static bool is_bound_elsewhere(const struct work *w, const struct table *table)
{
    return w->open && w->progress.note.place && w->progress.note.place != table->place;
}

/* No host is left. What is bound to a place that no configured server has any more cannot wait for it for ever. */
static void give_up(struct work *w)
{
    if (w->open && w->progress.note.place && !w->failing) {
        log_warn(w->rules->log, "a delivery's rows may have been written to a server that is not configured any more: "
                                "they may be there twice");
        w->progress.note.place = 0;
        w->tried = 0;
        go(w);
        return;
    }
    finish_retry(w, &w->last, false);
}

/* Goes on with what is next, as far as that is possible now. */
static void go(struct work *w)
{
    if (progress_is_over(&w->progress)) {
        finish_done(w);
        return;
    }
    for (;;) {
        uint64_t now = loop_now_ms(w->rules->loop);
        w->host = hosts_pick(w->rules->hosts, w->tried, now);
        if (w->host == HOSTS_NONE) {
            give_up(w);
            return;
        }
        const struct table *table = catalog_get(w->rules->catalog, w->host, kind_of(w));
        if (!table) {
            look(w, false);
            return;
        }
        if (!is_bound_elsewhere(w, table)) {
            go_with(w, table);
            return;
        }
        w->tried |= 1u << w->host;
    }
}

/* ---- answers ---- */

/* The host will not do, another one may. */
static void try_elsewhere(struct work *w, const struct answer *answer)
{
    hosts_failed(w->rules->hosts, w->host, loop_now_ms(w->rules->loop));
    w->tried |= 1u << w->host;
    w->failing = true;
    w->last = *answer;
    go(w);
}

/* Rows are refused: they are halved or, when it is one, rejected. */
static void refuse_rows(struct work *w, const struct answer *answer)
{
    enum table_kind kind = kind_of(w);
    uint32_t count;
    bool part;
    if (halve(w)) {
        go(w);
        return;
    }
    int rc = progress_reject(&w->progress, answer->text, &count, &part);
    if (rc == GW_ERR_NOMEM) {
        finish_nomem(w);
    } else if (rc < 0) {
        finish_retry(w, answer, true);
    } else {
        log_warn(w->rules->log, "%s refuses %" PRIu32 " row(s): %s", ddl_table(w->rules->options, kind), count,
                 answer->text);
        turn_to_next(w, part);
        go(w);
    }
}

/* Before rows are blamed the table is looked at anew, and asked for the columns alone. */
static void on_bad(struct work *w, const struct answer *answer, uint64_t native_bytes)
{
    if (native_bytes >= BLOCK_MAX_BYTES) { /* blocks before the bad one are written */
        finish_retry(w, answer, true);
        return;
    }
    if (w->checked) {
        refuse_rows(w, answer);
        return;
    }
    w->checked = w->blamed = true;
    w->last = *answer;
    catalog_doubt(w->rules->catalog, w->host, kind_of(w));
    look(w, true);
}

/* What is too much at once is halved, if it is sure that nothing of it is there. */
static void on_large(struct work *w, const struct answer *answer, uint64_t native_bytes)
{
    if (!w->open && native_bytes < BLOCK_MAX_BYTES && halve(w))
        go(w);
    else if (answer->elsewhere)
        try_elsewhere(w, answer);
    else
        finish_retry(w, answer, answer->code < 0); /* a proxy's limit, for a row or an open token: that is set by hand */
}

/* No block of ours has room for the rows. What was sent of them has no end, so that nothing of it is written. */
static void on_unfit(struct work *w, uint64_t native_bytes)
{
    struct answer answer = {.class = ANSWER_BAD, .code = -1};
    answer_say(&answer, "the row is too large: a map of more than %u attributes, more than %u items of a list, or "
                        "more than %u MiB of text in a column",
               ATTRIBUTES_MAX, (unsigned)BLOCK_ITEMS_MAX, (unsigned)(BLOCK_COLUMN_MAX_BYTES >> 20));
    if (native_bytes >= BLOCK_MAX_BYTES) /* blocks before it are written */
        finish_retry(w, &answer, true);
    else
        refuse_rows(w, &answer);
}

static void on_stale(struct work *w, const struct answer *answer)
{
    if (w->refreshed) {
        finish_retry(w, answer, true);
        return;
    }
    w->refreshed = true;
    catalog_doubt(w->rules->catalog, w->host, kind_of(w));
    go(w);
}

static void on_taken(struct work *w)
{
    enum table_kind kind = kind_of(w);
    hosts_worked(w->rules->hosts, w->host);
    turn_to_next(w, progress_taken(&w->progress));
    w->rules->worked(w->rules->ctx, kind);
    go(w);
}

static void heed(struct work *w, const struct answer *answer, uint64_t native_bytes)
{
    switch (answer->class) {
    case ANSWER_DONE:
        on_taken(w);
        break;
    case ANSWER_RETRY:
        if (answer->elsewhere)
            try_elsewhere(w, answer);
        else
            finish_retry(w, answer, false);
        break;
    case ANSWER_HOLD:
        finish_retry(w, answer, true);
        break;
    case ANSWER_STALE:
        on_stale(w, answer);
        break;
    case ANSWER_BAD:
        on_bad(w, answer, native_bytes);
        break;
    case ANSWER_LARGE:
        on_large(w, answer, native_bytes);
        break;
    case ANSWER_OURS:
        break; /* on_answer() */
    }
}

static void on_answer(void *ctx, const struct client_reply *reply)
{
    struct work *w = ctx;
    struct answer answer;
    uint64_t native_bytes = body_native_bytes(w->body);
    w->call = NULL;
    answer_of_insert(reply, progress_rows(&w->progress), &answer);
    body_free(&w->body);
    /* More than one block of the server: some may be there. */
    w->open |= answer.open || (answer.class != ANSWER_DONE && native_bytes >= BLOCK_MAX_BYTES);
    if (answer.class == ANSWER_OURS && reply->body_error == GW_ERR_TOO_LARGE)
        on_unfit(w, native_bytes);
    else if (answer.class == ANSWER_OURS)
        finish_unreadable(w, reply->body_error);
    else
        heed(w, &answer, native_bytes);
}

static void on_looked(void *ctx, const struct table *table, const struct answer *answer)
{
    struct work *w = ctx;
    bool blamed = w->blamed;
    struct answer bad = w->last;
    w->blamed = false;
    if (table && blamed && table->mask == w->mask) {
        refuse_rows(w, &bad);
    } else if (table) {
        go(w);
    } else if (answer->elsewhere) {
        try_elsewhere(w, answer);
    } else {
        finish_retry(w, answer, answer->class != ANSWER_RETRY);
    }
}

/* ---- the work ---- */

struct work *work_new(const struct work_rules *rules, struct delivery *delivery)
{
    struct work *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->rules = rules;
    w->delivery = delivery;
    w->wait = (struct catalog_wait){.done = on_looked, .ctx = w};
    return w;
}

void work_free(struct work **work)
{
    struct work *w = *work;
    *work = NULL;
    if (!w)
        return;
    catalog_forget(&w->wait);
    client_cancel(&w->call);
    body_free(&w->body);
    progress_fini(&w->progress);
    free(w);
}

void work_begin(struct work *w)
{
    static const char newer[] = "a newer version has begun this delivery, and only that can go on with it";
    struct plan_limits limits = {.version = PLAN_VERSION, .rows = w->rules->options->insert_rows, .bytes = PART_BYTES};
    w->said = delivery_note(w->delivery).len > 0;
    int rc = progress_read(&w->progress, w->delivery, &limits, w->rules->log);
    if (rc == GW_ERR_UNSUPPORTED) {
        finish(w, &(struct delivery_verdict){.outcome = MASQUES__BUS__OUTCOME__RETRY,
                                             .after_ms = ANSWER_HOLD_MS,
                                             .degraded = true,
                                             .error = newer});
        return;
    }
    if (rc < 0) {
        finish_unreadable(w, rc);
        return;
    }
    w->open = w->noted = w->progress.note.open;
    go(w);
}
