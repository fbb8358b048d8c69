// SPDX-License-Identifier: Apache-2.0
#include "router/sequence.h"

#include <string.h>

#define NO_FIT UINT64_MAX

/* Numbers are never negative here and spans never empty, so that this holds every width. */
static uint64_t width(int64_t low, int64_t high)
{
    return (uint64_t)(high - low) + 1;
}

/* What a digest says, with what could be missing in it. */
struct piece {
    int64_t low, high;
    uint64_t records;
    uint64_t missing;
    uint64_t now_ms;
};

static struct sequence_span *top_of(struct sequence_track *t)
{
    return &t->spans[t->count - 1];
}

/* ---- lost ---- */

static uint64_t gap_below(const struct sequence_track *t, size_t i)
{
    return i == 0 ? 0 : (uint64_t)(t->spans[i].low - t->spans[i - 1].high) - 1;
}

static bool is_over(uint64_t since_ms, uint64_t now_ms, int64_t number, int64_t top)
{
    return now_ms - since_ms >= SEQUENCE_GRACE_MS || (uint64_t)(top - number) >= SEQUENCE_SLACK;
}

static uint64_t lost_in(const struct sequence_track *t, uint64_t now_ms)
{
    uint64_t lost = 0;
    int64_t top = t->count ? t->spans[t->count - 1].high : 0;
    for (size_t i = 0; i < t->count; i++) {
        const struct sequence_span *s = &t->spans[i];
        uint64_t gap = gap_below(t, i);
        if (gap && is_over(s->gap_ms, now_ms, s->low, top))
            lost += gap;
        if (s->holes && is_over(s->holes_ms, now_ms, s->high, top))
            lost += s->holes;
    }
    return lost;
}

uint64_t sequence_lost(const struct sequence *q, uint64_t now_ms)
{
    uint64_t lost = q->past_lost;
    for (size_t i = 0; i < SEQUENCE_TRACKS; i++)
        lost += lost_in(&q->tracks[i], now_ms);
    return lost;
}

/* ---- spans ---- */

/* Adds the holes of a span, or of the gap below it, to another one. */
static void add_holes(struct sequence_span *to, uint64_t holes, uint64_t since_ms)
{
    if (holes && (to->holes == 0 || since_ms < to->holes_ms))
        to->holes_ms = since_ms;
    to->holes += holes;
}

static void remove_spans(struct sequence_track *t, size_t from, size_t end)
{
    memmove(&t->spans[from], &t->spans[end], (t->count - end) * sizeof t->spans[0]);
    t->count -= end - from;
}

/* The lowest two become one: what lies between them is known by number only from now on. */
static void make_room(struct sequence_track *t)
{
    struct sequence_span *low = &t->spans[0];
    const struct sequence_span *next = &t->spans[1];
    if (t->count < SEQUENCE_SPANS)
        return;
    add_holes(low, gap_below(t, 1), next->gap_ms);
    add_holes(low, next->holes, next->holes_ms);
    low->high = next->high;
    remove_spans(t, 1, 2);
}

/* A piece without holes fills those of the span that it falls into, at most as many as it has
 * numbers there. */
static uint64_t settle_overlap(struct sequence_span *s, const struct piece *p)
{
    int64_t low = p->low > s->low ? p->low : s->low;
    int64_t high = p->high < s->high ? p->high : s->high;
    if (low > high)
        return 0;
    uint64_t common = width(low, high);
    if (p->missing == 0)
        s->holes -= common < s->holes ? common : s->holes;
    return common;
}

/* Spans with holes stay by themselves, so that it is known where the holes are; what overlaps has
 * to become one all the same. */
static bool belongs(const struct sequence_span *s, const struct piece *p)
{
    if (p->low <= s->high && s->low <= p->high)
        return true;
    bool adjoins = p->low - 1 == s->high || s->low - 1 == p->high;
    return adjoins && s->holes == 0 && p->missing == 0;
}

static void insert_alone(struct sequence_track *t, const struct piece *p)
{
    make_room(t);
    size_t at = 0;
    while (at < t->count && t->spans[at].low < p->low)
        at++;
    memmove(&t->spans[at + 1], &t->spans[at], (t->count - at) * sizeof t->spans[0]);
    t->count++;
    struct sequence_span *s = &t->spans[at];
    struct sequence_span *next = at + 1 < t->count ? s + 1 : NULL;
    *s = (struct sequence_span){.low = p->low, .high = p->high, .gap_ms = p->now_ms};
    add_holes(s, p->missing, p->now_ms);
    if (next && at > 0) /* it divides a gap: both parts are as old as that */
        s->gap_ms = next->gap_ms;
    else if (next)
        next->gap_ms = p->now_ms;
}

/* [from, end) of the spans and the piece become one. */
static void insert_into(struct sequence_track *t, size_t from, size_t end, const struct piece *p)
{
    struct sequence_span *s = &t->spans[from];
    uint64_t common = 0;
    for (size_t i = from; i < end; i++)
        common += settle_overlap(&t->spans[i], p);
    for (size_t i = from + 1; i < end; i++)
        add_holes(s, t->spans[i].holes, t->spans[i].holes_ms);
    if (p->high > t->spans[end - 1].high)
        s->high = p->high;
    else
        s->high = t->spans[end - 1].high;
    if (p->low < s->low)
        s->low = p->low;
    /* Most of what is missing in the piece may be what was there before. */
    if (p->missing > common)
        add_holes(s, p->missing - common, p->now_ms);
    remove_spans(t, from + 1, end);
}

static void insert(struct sequence_track *t, const struct piece *p)
{
    size_t from = 0;
    while (from < t->count && !belongs(&t->spans[from], p))
        from++;
    size_t end = from;
    while (end < t->count && belongs(&t->spans[end], p))
        end++;
    if (from == end)
        insert_alone(t, p);
    else
        insert_into(t, from, end, p);
}

/* ---- tracks ---- */

/* How well the piece fits: the less the better; NO_FIT: not at all. */
static uint64_t fit(const struct sequence_track *t, const struct piece *p)
{
    uint64_t common = 0, away = UINT64_MAX;
    if (t->count == 0)
        return NO_FIT;
    for (size_t i = 0; i < t->count; i++) {
        const struct sequence_span *s = &t->spans[i];
        uint64_t far;
        if (p->low > s->high) {
            far = (uint64_t)(p->low - s->high) - 1;
        } else if (p->high < s->low) {
            far = (uint64_t)(s->low - p->high) - 1;
        } else {
            far = 0;
            common += width(p->low > s->low ? p->low : s->low,
                            p->high < s->high ? p->high : s->high);
        }
        away = far < away ? far : away;
    }
    if (away == 0 && common == 0)
        return 0;
    if (common == width(p->low, p->high))
        return 1;
    bool below = p->high < t->spans[0].low;
    return below || away > SEQUENCE_JUMP_MAX ? NO_FIT : 2 + away;
}

static bool begins_again(const struct sequence_track *t, const struct piece *p)
{
    return t->count && t->first_high == p->high && t->first_records == p->records &&
           p->now_ms - t->first_ms < SEQUENCE_REPEAT_MS;
}

/* The first batch of a process: the track that has it, or lacks nothing but it. */
static struct sequence_track *track_of_first(struct sequence *q, const struct piece *p)
{
    struct sequence_track *found = NULL;
    for (size_t i = 0; i < SEQUENCE_TRACKS; i++) {
        struct sequence_track *t = &q->tracks[i];
        bool fits = t->count && p->high == t->spans[0].low - 1;
        if ((fits || begins_again(t, p)) && (!found || t->heard > found->heard))
            found = t;
    }
    return found;
}

static struct sequence_track *track_that_fits(struct sequence *q, const struct piece *p)
{
    struct sequence_track *found = NULL;
    uint64_t best = NO_FIT;
    for (size_t i = 0; i < SEQUENCE_TRACKS; i++) {
        struct sequence_track *t = &q->tracks[i];
        uint64_t how = fit(t, p);
        if (how == NO_FIT || how > best || (how == best && t->heard < found->heard))
            continue;
        found = t;
        best = how;
    }
    return found;
}

/* When all tracks are taken: the one that begins next above the piece, which then stands below a
 * gap of it. */
static struct sequence_track *track_above(struct sequence *q, const struct piece *p)
{
    struct sequence_track *found = NULL;
    for (size_t i = 0; i < SEQUENCE_TRACKS; i++) {
        struct sequence_track *t = &q->tracks[i];
        int64_t low = t->count ? t->spans[0].low : 0;
        if (low > p->high && (uint64_t)(low - p->high) <= SEQUENCE_JUMP_MAX &&
            (!found || low < found->spans[0].low))
            found = t;
    }
    return found;
}

static struct sequence_track *track_new(struct sequence *q, const struct piece *p)
{
    struct sequence_track *t = &q->tracks[0];
    for (size_t i = 1; i < SEQUENCE_TRACKS && t->count; i++)
        if (q->tracks[i].count == 0 || q->tracks[i].heard < t->heard)
            t = &q->tracks[i];
    if (t->count) {
        struct sequence_track *above = track_above(q, p);
        if (above)
            return above;
        q->past_lost += lost_in(t, p->now_ms);
    }
    t->count = 0;
    t->first_high = -1;
    return t;
}

/* ---- overtaking ---- */

/* What stands in `from` at `at` and above goes on where `to` ends. False: no room. */
static bool move_above(struct sequence_track *to, struct sequence_track *from, size_t at)
{
    size_t moved = from->count - at;
    if (to->count + moved > SEQUENCE_SPANS)
        return false;
    memcpy(&to->spans[to->count], &from->spans[at], moved * sizeof to->spans[0]);
    struct sequence_span *low = top_of(to), *high = low + 1;
    to->count += moved;
    from->count = at;
    if (low->holes == 0 && high->holes == 0) {
        low->high = high->high;
        size_t joint = (size_t)(high - to->spans);
        remove_spans(to, joint, joint + 1);
    }
    to->heard = to->heard > from->heard ? to->heard : from->heard;
    return true;
}

/* Index of the span that begins behind the end of `t` and had nothing right below it; count: none. */
static size_t sequel(struct sequence_track *t, const struct sequence_track *other)
{
    int64_t next = top_of(t)->high + 1;
    for (size_t i = 0; i < other->count; i++)
        if (other->spans[i].low == next && (i == 0 || gap_below(other, i) > 0))
            return i;
    return other->count;
}

static void join(struct sequence *q, struct sequence_track *t)
{
    for (size_t i = 0; i < SEQUENCE_TRACKS; i++) {
        struct sequence_track *other = &q->tracks[i];
        if (other == t || other->count == 0)
            continue;
        size_t at = sequel(t, other);
        if (at < other->count) {
            move_above(t, other, at);
            continue;
        }
        at = sequel(other, t);
        if (at < t->count && move_above(other, t, at))
            t = other;
    }
}

/* ---- a digest ---- */

void sequence_add(struct sequence *q, int64_t lowest, int64_t highest, uint64_t records,
                  uint64_t now_ms)
{
    struct piece p = {lowest, highest, records, 0, now_ms};
    if (lowest < 0 || highest < lowest || highest == INT64_MAX || records == 0)
        return;
    uint64_t numbers = width(lowest, highest);
    p.missing = numbers > records ? numbers - records : 0;
    if (p.missing > SEQUENCE_JUMP_MAX)
        return;
    struct sequence_track *t = lowest == 0 ? track_of_first(q, &p) : track_that_fits(q, &p);
    if (!t)
        t = track_new(q, &p);
    t->heard = ++q->turn;
    if (lowest == 0 && !begins_again(t, &p)) {
        t->first_high = highest;
        t->first_records = records;
        t->first_ms = now_ms;
    }
    insert(t, &p);
    join(q, t);
}
