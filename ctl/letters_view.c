// SPDX-License-Identifier: Apache-2.0
#include "ctl/letters_view.h"

#include <time.h>

#include "ctl/json.h"
#include "ctl/table.h"
#include "ctl/words.h"
#include "shared/base/clock.h"

#define TIME_BYTES 48u

/* The reason stands under its letter. */
static const struct table_column columns[] = {
    {"NUMBER", true, 0}, {"EXPORTER", false, 0}, {"SIGNAL", false, 0}, {"RECORDS", true, 0},
    {"BYTES", true, 0},  {"REJECTED", false, 0},
};

/* RFC 3339 in UTC, in seconds; empty for a time that no calendar has. */
static void time_text(uint64_t ns, char text[TIME_BYTES])
{
    struct tm utc;
    time_t seconds = (time_t)(ns / CLOCK_NS_PER_S);
    if (!gmtime_r(&seconds, &utc) || !strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc))
        text[0] = '\0';
}

static void put_letter(struct table *t, const Masques__Bus__DeadLetter *letter)
{
    char when[TIME_BYTES];
    time_text(letter->rejected_ns, when);
    table_number(t, letter->number);
    table_word(t, letter->exporter);
    table_word(t, words_signal_name(letter->signal));
    table_number(t, letter->records);
    if (letter->bytes)
        table_bytes(t, letter->bytes);
    else
        table_word(t, "-"); /* the exporter did not give them */
    table_word(t, when);
    table_note(t, "", slice_of(letter->reason));
}

void letters_view_table(const struct router_answers *answers, struct buf *out)
{
    struct table table;
    table_init(&table, columns, sizeof columns / sizeof columns[0]);
    for (size_t i = 0; i < answers->count; i++) {
        const Masques__Bus__Answer *answer = router_answer(answers, i);
        for (size_t k = 0; k < answer->n_dead_letters; k++)
            put_letter(&table, answer->dead_letters[k]);
    }
    table_print(&table, out);
    table_fini(&table);
}

static void put_letter_json(struct buf *out, const Masques__Bus__DeadLetter *letter)
{
    char when[TIME_BYTES];
    time_text(letter->rejected_ns, when);
    json_item(out);
    buf_byte(out, '{');
    json_number(out, "number", letter->number);
    json_text(out, "exporter", letter->exporter);
    json_text(out, "signal", words_signal_name(letter->signal));
    json_number(out, "records", letter->records);
    json_number(out, "bytes", letter->bytes);
    json_text(out, "rejectedAt", when);
    json_text(out, "reason", letter->reason);
    if (letter->id) {
        json_member(out, "delivery");
        buf_byte(out, '{');
        json_number(out, "generation", letter->id->generation);
        json_number(out, "first", letter->id->first);
        json_number(out, "last", letter->id->last);
        buf_byte(out, '}');
    }
    buf_byte(out, '}');
}

void letters_view_json(const struct router_answers *answers, struct buf *out)
{
    buf_byte(out, '[');
    for (size_t i = 0; i < answers->count; i++) {
        const Masques__Bus__Answer *answer = router_answer(answers, i);
        for (size_t k = 0; k < answer->n_dead_letters; k++)
            put_letter_json(out, answer->dead_letters[k]);
    }
    buf_byte(out, ']');
}
