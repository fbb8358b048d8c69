// SPDX-License-Identifier: Apache-2.0
/* Reading a message of a walked batch whatever its shape on the wire. Nearly every message is
 * one run of bytes; but a singular submessage may stand in its parent more than once, and then
 * it is all its occurrences together, one after the other (protobuf.dev, "Last One Wins"). A
 * view is either the run of bytes, or names the run that holds the pieces, so nothing is ever
 * copied or allocated.
 *
 * Members of a oneof replace each other: pieces from before the last other member do not count
 * (`from`).
 *
 * OTLP never nests a singular submessage more than two deep before a repeated one comes, which
 * is whole again: KeyValue.value.array_value is the longest chain. */
#ifndef MASQUES_OTLP_VIEW_H
#define MASQUES_OTLP_VIEW_H

#include "shared/otlp/schema.h"
#include "shared/otlp/wire.h"

#define OTLP_VIEW_LEVELS 2u

struct otlp_view {
    struct slice holder;   /* borrowed */
    const uint8_t *from;   /* innermost pieces whose tag stands before it do not count */
    uint8_t levels;        /* 0: the message is `holder` itself */
    uint8_t number[OTLP_VIEW_LEVELS]; /* of the pieces in `holder`, and of the pieces in those */
};

struct otlp_cursor {
    struct otlp_view view;
    uint32_t level;                         /* the innermost open run */
    const uint8_t *tag;                     /* of the field that was read last */
    struct wire run[OTLP_VIEW_LEVELS + 1];
};

/* A message that is one run of bytes. */
static inline struct otlp_view otlp_view_of(struct slice message)
{
    return (struct otlp_view){.holder = message, .from = message.data};
}

/* Nothing set. */
static inline struct otlp_view otlp_view_empty(void)
{
    return (struct otlp_view){.levels = 0};
}

static inline struct otlp_cursor otlp_cursor_of(const struct otlp_view *view)
{
    struct otlp_cursor c;
    c.view = *view;
    c.level = 0;
    c.tag = view->holder.data;
    c.run[0] = wire_of(view->holder);
    return c;
}

/* otlp_cursor_next() for a message in pieces. */
int otlp_cursor_next_piece(struct otlp_cursor *c, struct wire_field *f);

/* The next field, known or not. 1: `*f` is set and `c->tag` is where it stands; 0: the end;
 * GW_ERR_MALFORMED: the bytes were never walked. */
static inline int otlp_cursor_next(struct otlp_cursor *c, struct wire_field *f)
{
    if (c->view.levels)
        return otlp_cursor_next_piece(c, f);
    c->tag = c->run[0].at;
    return wire_next(&c->run[0], f);
}

/* The submessage (not repeated) of `parent` in field `number`, which `message` must have as
 * such. False: absent, `*out` is empty; so is the member of a oneof that another member
 * replaced. */
bool otlp_view_child(const struct otlp_view *parent, enum otlp_message message, uint32_t number,
                     struct otlp_view *out);

/* The submessage whose first and last piece that count have their tags at `first` and `last`.
 * For readers that keep an index of their own. */
struct otlp_view otlp_view_pieces(const struct otlp_view *parent, uint32_t number,
                                  const uint8_t *first, const uint8_t *last);

/* The field whose tag stands at `tag` inside `view`: false only if the bytes were never walked. */
static inline bool otlp_view_field_at(const struct otlp_view *view, const uint8_t *tag,
                                      struct wire_field *f)
{
    struct wire w = {tag, wire_of(view->holder).end};
    return wire_next(&w, f) == 1;
}

/* The last value of the scalar field `number` in `view`; false: absent. Not for members of a
 * oneof. */
bool otlp_view_scalar(const struct otlp_view *view, uint32_t number, struct wire_field *f);

/* The same for strings and bytes; empty when absent. */
struct slice otlp_view_bytes(const struct otlp_view *view, uint32_t number);

/* The same for numbers, as bits on the wire; 0 when absent. */
uint64_t otlp_view_number(const struct otlp_view *view, uint32_t number);

#endif
