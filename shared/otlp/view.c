// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/view.h"

int otlp_cursor_next_piece(struct otlp_cursor *c, struct wire_field *f)
{
    for (;;) {
        struct wire *run = &c->run[c->level];
        c->tag = run->at;
        int got = wire_next(run, f);
        if (got < 0)
            return got;
        if (got == 0) {
            if (c->level == 0)
                return 0;
            c->level--;
            continue;
        }
        if (c->level == c->view.levels)
            return 1;
        if (f->number != c->view.number[c->level] || f->type != WIRE_BYTES)
            continue;
        if (c->level + 1u == c->view.levels && c->tag < c->view.from)
            continue;
        c->run[++c->level] = wire_of(f->bytes);
    }
}

struct otlp_view otlp_view_pieces(const struct otlp_view *parent, uint32_t number,
                                  const uint8_t *first, const uint8_t *last)
{
    struct wire_field f;
    if (first == last)
        return otlp_view_field_at(parent, first, &f) ? otlp_view_of(f.bytes) : otlp_view_empty();
    struct otlp_view view = *parent;
    if (view.levels == OTLP_VIEW_LEVELS) /* cannot be, see above */
        return otlp_view_empty();
    view.number[view.levels++] = (uint8_t)number;
    view.from = first;
    return view;
}

bool otlp_view_child(const struct otlp_view *parent, enum otlp_message message, uint32_t number,
                     struct otlp_view *out)
{
    const struct otlp_field *field = otlp_schema_field(message, number);
    uint8_t oneof = field ? field->oneof : 0;
    const uint8_t *first = NULL;
    const uint8_t *last = NULL;
    struct otlp_cursor c = otlp_cursor_of(parent);
    struct wire_field f;
    while (otlp_cursor_next(&c, &f) == 1) {
        if (f.number == number && f.type == WIRE_BYTES) {
            first = first ? first : c.tag;
            last = c.tag;
        } else if (oneof) {
            const struct otlp_field *other = otlp_schema_field(message, f.number);
            if (other && other->oneof == oneof)
                first = NULL;
        }
    }
    if (!first) {
        *out = otlp_view_empty();
        return false;
    }
    *out = otlp_view_pieces(parent, number, first, last);
    return true;
}

bool otlp_view_scalar(const struct otlp_view *view, uint32_t number, struct wire_field *f)
{
    bool found = false;
    struct otlp_cursor c = otlp_cursor_of(view);
    struct wire_field got;
    while (otlp_cursor_next(&c, &got) == 1) {
        if (got.number == number) {
            *f = got;
            found = true;
        }
    }
    return found;
}

struct slice otlp_view_bytes(const struct otlp_view *view, uint32_t number)
{
    struct wire_field f;
    if (!otlp_view_scalar(view, number, &f) || f.type != WIRE_BYTES)
        return slice_make(NULL, 0);
    return f.bytes;
}

uint64_t otlp_view_number(const struct otlp_view *view, uint32_t number)
{
    struct wire_field f;
    return otlp_view_scalar(view, number, &f) && f.type != WIRE_BYTES ? f.value : 0;
}
