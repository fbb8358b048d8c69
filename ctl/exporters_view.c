// SPDX-License-Identifier: Apache-2.0
#include "ctl/exporters_view.h"

#include "ctl/json.h"
#include "ctl/table.h"
#include "ctl/words.h"

#define NOTE_BYTES 4096u

/* ---- the table -------------------------------------------------------------------------------------------------- */

/* What is seldom there (rejected, lost, the last error) stands under its line. */
static const struct table_column columns[] = {
    {"NAME", false, 0},   {"OWNER", false, 0},  {"MODE", false, 0},   {"STATE", false, 40},
    {"SIGNAL", false, 0}, {"WAITING", true, 0}, {"OLDEST", true, 0}, {"DELIVERED", true, 0},
};

static const struct table_column pending_columns[] = {
    {"NAME", false, 0},   {"STATE", false, 40}, {"SIGNAL", false, 0},
    {"WAITING", true, 0}, {"BYTES", true, 0},   {"OLDEST", true, 0},
};

/* "3 rejected; 12 lost: space 10, corrupt 2" */
static void put_missing(struct table *t, const Masques__Bus__Lane *lane)
{
    struct buf text = buf_make(NOTE_BYTES);
    if (lane->rejected)
        buf_printf(&text, "%llu rejected", (unsigned long long)lane->rejected);
    if (lane->lost)
        buf_printf(&text, "%s%llu lost", text.len ? "; " : "", (unsigned long long)lane->lost);
    for (size_t i = 0; i < lane->n_losses; i++)
        buf_printf(&text, "%s%s %llu", i ? ", " : ": ", lane->losses[i]->reason,
                   (unsigned long long)lane->losses[i]->records);
    table_note(t, "", buf_slice(&text));
    buf_free(&text);
}

static void put_exporter(struct table *t, const Masques__Bus__Exporter *e)
{
    table_word(t, e->name);
    table_word(t, words_owner_name(e->owner));
    table_word(t, words_mode_name(e->mode));
    table_word(t, e->state);
}

static void put_nothing(struct table *t, size_t cells)
{
    for (size_t i = 0; i < cells; i++)
        table_word(t, "");
}

/* What is said of the exporter stands in its first line. */
static void put_lines(struct table *t, const Masques__Bus__Exporter *e)
{
    for (size_t i = 0; i < e->n_lanes; i++) {
        const Masques__Bus__Lane *lane = e->lanes[i];
        if (i == 0)
            put_exporter(t, e);
        else
            put_nothing(t, 4);
        table_word(t, words_signal_name(lane->signal));
        table_number(t, lane->pending);
        table_age(t, lane->oldest_ms);
        table_number(t, lane->delivered);
        put_missing(t, lane);
    }
    if (e->n_lanes == 0) {
        put_exporter(t, e);
        put_nothing(t, 4);
    }
    table_note(t, "last error: ", slice_of(e->error));
}

static void put_pending_lines(struct table *t, const Masques__Bus__Exporter *e)
{
    for (size_t i = 0; i < e->n_lanes && e->mode == MASQUES__BUS__MODE__DURABLE; i++) {
        const Masques__Bus__Lane *lane = e->lanes[i];
        if (lane->pending == 0)
            continue;
        table_word(t, e->name);
        table_word(t, e->state);
        table_word(t, words_signal_name(lane->signal));
        table_number(t, lane->pending);
        table_bytes(t, lane->pending_bytes);
        table_age(t, lane->oldest_ms);
    }
}

void exporters_view_table(const struct router_answers *answers, bool pending_only, struct buf *out)
{
    struct table table;
    if (pending_only)
        table_init(&table, pending_columns, sizeof pending_columns / sizeof pending_columns[0]);
    else
        table_init(&table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < answers->count; i++) {
        const Masques__Bus__Answer *answer = router_answer(answers, i);
        for (size_t k = 0; k < answer->n_exporters; k++)
            (pending_only ? put_pending_lines : put_lines)(&table, answer->exporters[k]);
    }
    table_print(&table, out);
    table_fini(&table);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static void put_lane_json(struct buf *out, const Masques__Bus__Lane *lane)
{
    json_member(out, words_signal_name(lane->signal));
    buf_byte(out, '{');
    json_number(out, "pending", lane->pending);
    json_number(out, "pendingBytes", lane->pending_bytes);
    json_number(out, "oldestMs", lane->oldest_ms);
    json_number(out, "delivered", lane->delivered);
    json_number(out, "rejected", lane->rejected);
    json_number(out, "lost", lane->lost);
    json_member(out, "losses");
    buf_byte(out, '{');
    for (size_t i = 0; i < lane->n_losses; i++)
        json_number(out, lane->losses[i]->reason, lane->losses[i]->records);
    buf_text(out, "}}");
}

static void put_exporter_json(struct buf *out, const Masques__Bus__Exporter *e)
{
    json_item(out);
    buf_byte(out, '{');
    json_text(out, "name", e->name);
    json_text(out, "type", e->type);
    json_text(out, "owner", words_owner_name(e->owner));
    json_text(out, "mode", words_mode_name(e->mode));
    json_text(out, "state", e->state);
    json_number(out, "pid", e->pid);
    json_text(out, "lastError", e->error);
    json_member(out, "signals");
    buf_byte(out, '{');
    for (size_t i = 0; i < e->n_lanes; i++)
        put_lane_json(out, e->lanes[i]);
    buf_text(out, "}}");
}

void exporters_view_json(const struct router_answers *answers, struct buf *out)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < answers->count; i++) {
        const Masques__Bus__Answer *answer = router_answer(answers, i);
        for (size_t k = 0; k < answer->n_exporters; k++)
            put_exporter_json(out, answer->exporters[k]);
    }
    buf_byte(out, ']');
}
