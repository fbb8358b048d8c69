// SPDX-License-Identifier: Apache-2.0
#include "ctl/words.h"

#include <string.h>

struct word {
    const char *text; /* NULL: the end of a list */
    uint32_t value;
};

static const struct word signals[] = {
    {"logs", MASQUES__BUS__SIGNAL__LOGS},
    {"metrics", MASQUES__BUS__SIGNAL__METRICS},
    {"traces", MASQUES__BUS__SIGNAL__TRACES},
    {NULL, 0},
};

static const struct word modes[] = {
    {"durable", MASQUES__BUS__MODE__DURABLE},
    {"live", MASQUES__BUS__MODE__LIVE},
    {"lossy", MASQUES__BUS__MODE__LOSSY},
    {NULL, 0},
};

static const struct word starts[] = {
    {"oldest", MASQUES__BUS__START__OLDEST},
    {"now", MASQUES__BUS__START__NOW},
    {"last", MASQUES__BUS__START__WHERE_LEFT_OFF},
    {NULL, 0},
};

static const struct word owners[] = {
    {"configured", MASQUES__BUS__OWNER__CONFIGURED},
    {"attached", MASQUES__BUS__OWNER__ATTACHED},
    {"orphaned", MASQUES__BUS__OWNER__ORPHANED},
    {NULL, 0},
};

static int find(const char *flag, const struct word *words, struct slice text, uint32_t *value,
                struct buf *why)
{
    for (const struct word *w = words; w->text; w++) {
        if (slice_is(text, w->text)) {
            *value = w->value;
            return GW_OK;
        }
    }
    buf_printf(why, "--%s: \"%.*s\" is none of ", flag, (int)text.len, (const char *)text.data);
    for (const struct word *w = words; w->text; w++)
        buf_printf(why, "%s%s", w == words ? "" : ", ", w->text);
    return GW_ERR_INVALID;
}

static const char *name_of(const struct word *words, uint32_t value)
{
    for (const struct word *w = words; w->text; w++)
        if (w->value == value)
            return w->text;
    return "unknown";
}

int words_signals(const char *text, uint32_t *bits, struct buf *why)
{
    uint32_t found = 0;
    while (true) {
        size_t n = strcspn(text, ",");
        uint32_t signal;
        int err = find("signals", signals, slice_make(text, n), &signal, why);
        if (err != GW_OK)
            return err;
        found |= 1u << signal;
        if (text[n] == '\0')
            break;
        text += n + 1;
    }
    *bits = found;
    return GW_OK;
}

int words_mode(const char *text, uint32_t *mode, struct buf *why)
{
    return find("mode", modes, slice_of(text), mode, why);
}

int words_start(const char *text, uint32_t *start, struct buf *why)
{
    return find("from", starts, slice_of(text), start, why);
}

const char *words_signal_name(Masques__Bus__Signal signal)
{
    return name_of(signals, (uint32_t)signal);
}

const char *words_mode_name(Masques__Bus__Mode mode)
{
    return name_of(modes, (uint32_t)mode);
}

const char *words_owner_name(Masques__Bus__Owner owner)
{
    return name_of(owners, (uint32_t)owner);
}
