// SPDX-License-Identifier: Apache-2.0
/* The section `processors`: every processor that is configured. */
#include "shared/config/sections.h"

#include <stdlib.h>
#include <string.h>

static int read_one(struct reader *r, struct sections *s, const struct yaml_entry *entry)
{
    struct component_id id;
    int rc = sections_component(r, COMPONENT_PROCESSOR, entry, &id);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < s->processor_count; i++)
        if (strcmp(s->processors[i].id, id.text) == 0)
            return read_error(r, entry->key, "the id \"%s\" is given twice", id.text);
    if (s->processor_count == SECTIONS_PROCESSORS_MAX)
        return read_error(r, entry->key, "more than %u processors", SECTIONS_PROCESSORS_MAX);
    struct processor *list = realloc(s->processors, (s->processor_count + 1) * sizeof *list);
    if (!list)
        return GW_ERR_NOMEM;
    s->processors = list;
    struct processor *p = &list[s->processor_count++];
    memset(p, 0, sizeof *p);
    strcpy(p->id, id.text);
    p->at = entry->key->at;
    p->is_batch = slice_is(component_type(&id), "batch");
    return processor_read(r, entry, p);
}

int sections_processors(struct reader *r, struct sections *s)
{
    const struct yaml_node *section;
    int rc = sections_open(r, s, "processors", &section);
    size_t before = r->trail.len;
    for (size_t i = 0; rc == 0 && i < section->count; i++) {
        rc = read_one(r, s, &section->entries[i]);
        trail_cut(&r->trail, before);
    }
    trail_cut(&r->trail, 0);
    return rc;
}
