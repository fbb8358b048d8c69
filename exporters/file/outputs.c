// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/outputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct outputs {
    struct output **list;
    size_t count;
    size_t max;
    uint64_t ticks;
};

struct outputs *outputs_new(size_t max_open)
{
    struct outputs *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->max = max_open ? max_open : 1;
    s->list = calloc(s->max, sizeof(struct output *));
    if (!s->list) {
        free(s);
        return NULL;
    }
    return s;
}

void outputs_free(struct outputs **outputs)
{
    struct outputs *s = *outputs;
    *outputs = NULL;
    if (!s)
        return;
    for (size_t i = 0; i < s->count; i++)
        output_free(&s->list[i]);
    free(s->list);
    free(s);
}

static struct output *find(const struct outputs *s, const char *path)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->list[i]->path, path) == 0)
            return s->list[i];
    return NULL;
}

/* Makes a place in the list. 0; GW_ERR_FULL. */
static int make_place(struct outputs *s)
{
    size_t oldest = s->count;
    if (s->count < s->max)
        return 0;
    for (size_t i = 0; i < s->count; i++)
        if (!s->list[i]->in_round &&
            (oldest == s->count || s->list[i]->used < s->list[oldest]->used))
            oldest = i;
    if (oldest == s->count)
        return GW_ERR_FULL;
    output_free(&s->list[oldest]);
    s->list[oldest] = s->list[--s->count];
    return 0;
}

int outputs_get(struct outputs *s, const char *path, const struct output_rules *rules,
                struct output **output, struct trouble *trouble)
{
    struct output *o = find(s, path);
    int rc = 0;
    if (!o) {
        rc = make_place(s);
        if (rc < 0)
            return rc;
        o = output_new(path);
        if (!o) {
            trouble_note(trouble, "opening", path, ENOMEM);
            return GW_ERR_NOMEM;
        }
        s->list[s->count++] = o;
    }
    if (!o->in_round)
        rc = output_ready(o, rules, trouble);
    o->used = ++s->ticks;
    *output = o;
    return rc;
}

struct output *const *outputs_all(const struct outputs *s, size_t *count)
{
    *count = s->count;
    return s->list;
}

void outputs_close(struct outputs *s)
{
    for (size_t i = 0; i < s->count; i++)
        output_close(s->list[i]);
}
