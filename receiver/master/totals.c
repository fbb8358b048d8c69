// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/totals.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists ---- */

static uint64_t in_list(const Masques__Control__Beat *beat, enum totals_list list, unsigned signal)
{
    if (!beat)
        return 0;
    const struct {
        size_t count;
        const uint64_t *values;
    } lists[TOTALS_LISTS] = {
        [TOTALS_ACCEPTED] = {beat->n_accepted, beat->accepted},
        [TOTALS_DELIVERED] = {beat->n_delivered, beat->delivered},
        [TOTALS_REFUSED] = {beat->n_refused, beat->refused},
        [TOTALS_REJECTED] = {beat->n_rejected, beat->rejected},
        [TOTALS_LOST] = {beat->n_lost, beat->lost},
    };
    return signal >= 1 && signal <= lists[list].count ? lists[list].values[signal - 1] : 0;
}

uint64_t totals_count(const struct totals *past, const Masques__Control__Beat *now, enum totals_list list,
                      unsigned signal)
{
    return past->lists[list][signal - 1] + in_list(now, list, signal);
}

uint64_t totals_gaps(const struct totals *past, const Masques__Control__Beat *now)
{
    return past->sequence_gaps + (now ? now->sequence_gaps : 0);
}

/* ---- numbers ---- */

/* One more element; false: no memory, or `max` are there. */
static bool grow(void **list, size_t count, size_t *cap, size_t max, size_t size)
{
    if (count < *cap)
        return true;
    size_t wanted = *cap ? *cap * 2 : 16;
    if (wanted > max)
        wanted = max;
    void *bigger = wanted > count ? realloc(*list, wanted * size) : NULL;
    if (!bigger)
        return false;
    *list = bigger;
    *cap = wanted;
    return true;
}

static void add_number(struct totals *t, const Masques__Control__Number *number)
{
    size_t i = 0;
    while (i < t->number_count && strcmp(t->numbers[i].name, number->name) != 0)
        i++;
    if (i == t->number_count) {
        if (strlen(number->name) >= TOTALS_NAME_BYTES ||
            !grow((void **)&t->numbers, t->number_count, &t->number_cap, TOTALS_NUMBERS_MAX, sizeof *t->numbers))
            return;
        snprintf(t->numbers[i].name, sizeof t->numbers[i].name, "%s", number->name);
        t->numbers[i].value = 0;
        t->number_count++;
    }
    t->numbers[i].value += number->value;
}

uint64_t totals_number(const struct totals *past, const Masques__Control__Beat *now, const char *name)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < past->number_count; i++)
        if (strcmp(past->numbers[i].name, name) == 0)
            sum += past->numbers[i].value;
    for (size_t i = 0; now && i < now->n_numbers; i++)
        if (strcmp(now->numbers[i]->name, name) == 0)
            sum += now->numbers[i]->value;
    return sum;
}

/* ---- who was heard ---- */

static struct totals_seen *find(struct totals_seen *list, size_t count, const Masques__Control__Seen *seen)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].signal == seen->signal && strcmp(list[i].service, seen->service) == 0)
            return &list[i];
    return NULL;
}

static void merge(struct totals_seen *into, const Masques__Control__Seen *seen)
{
    into->records += seen->records;
    into->lost_before_us += seen->lost_before_us;
    if (seen->last_ns > into->last_ns)
        into->last_ns = seen->last_ns;
}

static void set(struct totals_seen *into, const Masques__Control__Seen *seen)
{
    *into = (struct totals_seen){.signal = seen->signal};
    snprintf(into->service, sizeof into->service, "%s", seen->service);
    merge(into, seen);
}

/* The index of the one heard longest ago. */
static size_t oldest(const struct totals_seen *list, size_t count)
{
    size_t found = 0;
    for (size_t i = 1; i < count; i++)
        if (list[i].last_ns < list[found].last_ns)
            found = i;
    return found;
}

static void add_seen(struct totals *t, const Masques__Control__Seen *seen)
{
    struct totals_seen *found = find(t->seen, t->seen_count, seen);
    if (found) {
        merge(found, seen);
        return;
    }
    if (grow((void **)&t->seen, t->seen_count, &t->seen_cap, TOTALS_SEEN_MAX, sizeof *t->seen)) {
        set(&t->seen[t->seen_count++], seen);
        return;
    }
    if (t->seen_count)
        set(&t->seen[oldest(t->seen, t->seen_count)], seen);
}

static int later_first(const void *a, const void *b)
{
    const struct totals_seen *x = a, *y = b;
    if (x->last_ns != y->last_ns)
        return x->last_ns < y->last_ns ? 1 : -1;
    int order = strcmp(x->service, y->service);
    return order ? order : (int)x->signal - (int)y->signal;
}

static void put(struct totals_seen *out, size_t *count, size_t max, const struct totals_seen *seen)
{
    if (*count < max) {
        out[(*count)++] = *seen;
        return;
    }
    size_t at = oldest(out, max);
    if (out[at].last_ns < seen->last_ns)
        out[at] = *seen;
}

/* What the past knows of it, taken together with what is heard now; the place in the past, or its count. */
static size_t with_past(const struct totals *past, const Masques__Control__Seen *now, struct totals_seen *both)
{
    const struct totals_seen *found = past->seen ? find(past->seen, past->seen_count, now) : NULL;
    set(both, now);
    both->sessions = now->sessions; /* those that are remembered now */
    if (!found)
        return past->seen_count;
    both->records += found->records;
    both->lost_before_us += found->lost_before_us;
    both->last_ns = both->last_ns > found->last_ns ? both->last_ns : found->last_ns;
    return (size_t)(found - past->seen);
}

size_t totals_sources(const struct totals *past, const Masques__Control__Beat *now, struct totals_seen *out, size_t max)
{
    bool told[TOTALS_SEEN_MAX + 1] = {false};
    size_t count = 0;
    for (size_t i = 0; max && now && i < now->n_seen; i++) {
        struct totals_seen both;
        struct totals_seen *same = find(out, count, now->seen[i]); /* names that differ in what was mended */
        if (same) {
            merge(same, now->seen[i]);
            same->sessions += now->seen[i]->sessions;
            continue;
        }
        told[with_past(past, now->seen[i], &both)] = true;
        put(out, &count, max, &both);
    }
    for (size_t i = 0; max && i < past->seen_count; i++)
        if (!told[i])
            put(out, &count, max, &past->seen[i]);
    if (count)
        qsort(out, count, sizeof *out, later_first);
    return count;
}

/* ---- life ---- */

void totals_add(struct totals *t, const Masques__Control__Beat *last)
{
    if (!last)
        return;
    for (unsigned list = 0; list < TOTALS_LISTS; list++)
        for (unsigned signal = 1; signal <= TOTALS_SIGNALS; signal++)
            t->lists[list][signal - 1] += in_list(last, (enum totals_list)list, signal);
    t->sequence_gaps += last->sequence_gaps;
    for (size_t i = 0; i < last->n_numbers; i++)
        add_number(t, last->numbers[i]);
    for (size_t i = 0; i < last->n_seen; i++)
        add_seen(t, last->seen[i]);
}

void totals_fini(struct totals *t)
{
    free(t->numbers);
    free(t->seen);
    *t = (struct totals){0};
}
