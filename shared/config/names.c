// SPDX-License-Identifier: Apache-2.0
#include "shared/config/names.h"

#define LONGEST 40u /* longer names are not compared */
#define WRONG_MAX 2u

void names_add(struct names *names, struct slice name)
{
    for (size_t i = 0; i < names->count; i++)
        if (slice_eq(names->items[i], name))
            return;
    if (names->count < NAMES_MAX)
        names->items[names->count++] = name;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Edits between two names of at most LONGEST bytes: wrong, missing, extra and swapped letters
 * (optimal string alignment). rows[i % 3][k]: edits from the first i bytes of a to the first k
 * bytes of b. */
static unsigned distance(struct slice a, struct slice b)
{
    unsigned rows[3][LONGEST + 1];
    for (unsigned k = 0; k <= b.len; k++)
        rows[0][k] = k;
    for (unsigned i = 1; i <= a.len; i++) {
        const unsigned *above = rows[(i - 1) % 3], *higher = rows[(i + 1) % 3];
        unsigned *row = rows[i % 3];
        row[0] = i;
        for (unsigned k = 1; k <= b.len; k++) {
            unsigned wrong = a.data[i - 1] != b.data[k - 1];
            row[k] = least(above[k - 1] + wrong, least(above[k], row[k - 1]) + 1);
            if (i > 1 && k > 1 && a.data[i - 1] == b.data[k - 2] && a.data[i - 2] == b.data[k - 1])
                row[k] = least(row[k], higher[k - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

struct slice names_closest(const struct names *names, struct slice given)
{
    struct slice best = {0};
    unsigned best_wrong = WRONG_MAX + 1;
    for (size_t i = 0; i < names->count && given.len <= LONGEST; i++) {
        struct slice name = names->items[i];
        if (name.len > LONGEST)
            continue;
        unsigned wrong = distance(given, name);
        if (wrong < best_wrong && wrong * 2 < name.len) {
            best = name;
            best_wrong = wrong;
        }
    }
    return best;
}

void names_print(const struct names *names, struct slice given, struct buf *out)
{
    struct slice close = names_closest(names, given);
    if (close.len)
        buf_printf(out, "did you mean %.*s? ", (int)close.len, (const char *)close.data);
    buf_text(out, "supported here: ");
    for (size_t i = 0; i < names->count; i++)
        buf_printf(out, "%s%.*s", i ? ", " : "", (int)names->items[i].len,
                   (const char *)names->items[i].data);
    if (names->count == 0)
        buf_text(out, "nothing");
}
