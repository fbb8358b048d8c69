// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/walk.h"

#include "shared/otlp/walker.h"

#define PATH_HEAD 8u /* names shown from the front of a long path */
#define PATH_TAIL 2u /* and from its end */

int otlp_walk(enum otlp_signal signal, struct slice request, const struct otlp_limits *limits,
              struct otlp_walk_result *out)
{
    struct walker w;
    int err = walker_init(&w, signal, request, limits);
    if (err == GW_OK)
        err = walker_run(&w);
    walker_result(&w, out);
    return err;
}

static void explain_path(const struct otlp_walk_result *out, struct buf *text)
{
    enum otlp_message message = otlp_schema_request(out->signal);
    for (uint32_t i = 0; i < out->path_len; i++) {
        const struct otlp_field *field = otlp_schema_field(message, out->path[i]);
        message = field ? (enum otlp_message)field->child : OTLP_NO_MESSAGE;
        bool shown = i < PATH_HEAD || i + PATH_TAIL >= out->path_len;
        if (!shown) {
            if (i == PATH_HEAD)
                buf_text(text, "...");
            continue;
        }
        if (i > 0)
            buf_byte(text, '.');
        if (field)
            buf_text(text, field->name);
        else
            buf_printf(text, "field %u", out->path[i]);
    }
    if (out->path_len == 0)
        buf_text(text, "request");
}

void otlp_walk_explain(const struct otlp_walk_result *out, struct buf *text)
{
    if (out->fault == OTLP_FAULT_NONE)
        return;
    explain_path(out, text);
    if (out->fault == OTLP_FAULT_LENGTH)
        buf_printf(text, ": length %llu runs past the end", (unsigned long long)out->length);
    else if (out->length)
        buf_printf(text, ": %s (limit %llu)", out->why, (unsigned long long)out->length);
    else
        buf_printf(text, ": %s", out->why);
    buf_printf(text, " at byte %zu", out->offset);
}
