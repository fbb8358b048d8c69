// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/progress.h"

#define NOTE_RESERVE_BYTES 1024u /* of a note, for giving up what is left of parts with very many bad rows */

static const struct plan_part *part_of(const struct progress *p)
{
    return &p->cut.parts[p->note.parts_done];
}

/* ---- from the note ---- */

/* What an earlier attempt has left. 0; GW_ERR_UNSUPPORTED, GW_ERR_NOMEM. */
static int read_note(struct note *note, struct slice bytes, const struct plan_limits *limits, const struct log *log)
{
    int rc = bytes.len ? note_read(bytes, note) : GW_OK;
    if (rc == GW_ERR_MALFORMED) {
        log_warn(log, "a delivery's note cannot be read: parts of it may be written twice");
        rc = GW_OK;
    }
    if (rc == GW_OK && !note->limits.version)
        note->limits = *limits;
    return rc;
}

/* Does the note fit to the delivery as it is cut? */
static bool fits(const struct progress *p)
{
    return !progress_is_over(p) && p->note.position < part_of(p)->rows;
}

int progress_read(struct progress *p, struct delivery *delivery, const struct plan_limits *limits,
                  const struct log *log)
{
    int rc = read_note(&p->note, delivery_note(delivery), limits, log);
    if (rc == GW_OK)
        rc = cut_read(&p->cut, delivery, &p->note.limits);
    if (rc < 0)
        return rc;
    if (p->cut.count && !fits(p)) {
        log_warn(log, "a delivery's note does not fit to it: parts of it may be written twice");
        note_fini(&p->note);
        p->note.limits = *limits;
    }
    if (!progress_is_over(p))
        p->division = (struct division){.rows = part_of(p)->rows,
                                        .position = p->note.position,
                                        .span = p->note.span};
    return GW_OK;
}

void progress_fini(struct progress *p)
{
    cut_free(&p->cut);
    note_fini(&p->note);
}

void progress_note(struct progress *p, bool open, struct buf *out)
{
    p->note.open = open;
    p->note.position = p->division.position;
    p->note.span = p->division.span;
    note_write(&p->note, out);
}

/* ---- what is next ---- */

bool progress_is_over(const struct progress *p)
{
    return p->note.parts_done >= p->cut.count;
}

enum table_kind progress_table(const struct progress *p)
{
    return part_of(p)->table;
}

uint32_t progress_rows(const struct progress *p)
{
    return division_next(&p->division);
}

void progress_token(const struct progress *p, const Masques__Bus__DeliveryId *id, const char *database,
                    const char *table, struct buf *out)
{
    const struct plan_part *part = part_of(p);
    struct token_range range = {.day = part->day,
                                .first = part->first,
                                .last = part->last,
                                .plan_version = p->note.limits.version};
    if (p->division.span) {
        range.position = p->division.position;
        range.span = division_next(&p->division);
    }
    token_write(id, database, table, &range, out);
}

/* Where the part at hand is done, the next one is at hand. True: it was. */
static bool turn(struct progress *p)
{
    if (division_next(&p->division))
        return false;
    p->note.parts_done++;
    p->division = (struct division){.rows = progress_is_over(p) ? 0 : part_of(p)->rows};
    return true;
}

bool progress_taken(struct progress *p)
{
    division_taken(&p->division);
    return turn(p);
}

bool progress_halve(struct progress *p)
{
    return division_halve(&p->division);
}

int progress_reject(struct progress *p, const char *reason, uint32_t *count, bool *whole)
{
    struct division *d = &p->division;
    *count = 1;
    int rc = note_reject(&p->note, p->note.parts_done, d->position, *count, reason, NOTE_RESERVE_BYTES);
    if (rc == GW_ERR_FULL) {
        *count = d->rows - d->position;
        rc = note_reject(&p->note, p->note.parts_done, d->position, *count, reason, 0);
    }
    if (rc < 0)
        return rc;
    division_reject(d, *count);
    *whole = turn(p);
    return GW_OK;
}
