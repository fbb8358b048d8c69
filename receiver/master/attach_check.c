// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/attach_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/config/component.h"

#define ALL_SIGNALS (1u << CONFIG_LOGS | 1u << CONFIG_METRICS | 1u << CONFIG_TRACES)
#define MODE_MAX 3u  /* masques.bus.Mode: live, durable, lossy; 0: as the exporter wishes */
#define START_MAX 3u /* masques.bus.Start: where it left off, now, oldest, its registration */
#define TEXT_BYTES 1024u

__attribute__((format(printf, 2, 3))) static int refuse(char why[512], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, 512, format, args);
    va_end(args);
    return GW_ERR_INVALID;
}

static int check_type(const Masques__Control__Attached *wanted, struct config_exporter *out, char why[512])
{
    struct names names = {.count = 0};
    size_t count;
    const struct exporter_kind *kinds = exporter_kinds(&count);
    out->kind = exporter_kind_find(slice_of(wanted->type));
    if (out->kind)
        return GW_OK;
    for (size_t i = 0; i < count; i++)
        names_add(&names, slice_of(kinds[i].type));
    struct buf text = buf_make(TEXT_BYTES);
    names_print(&names, slice_of(wanted->type), &text);
    refuse(why, "there is no exporter of the type %s; %.*s", report_quote(slice_of(wanted->type)).text,
           (int)text.len, (const char *)text.data);
    buf_free(&text);
    return GW_ERR_INVALID;
}

/* The name is a component's id, as in the configuration: the type stands before the "/". */
static int check_name(const Masques__Control__Attached *wanted, struct config_exporter *out, char why[512])
{
    struct component_id id;
    if (component_id_parse(slice_of(wanted->name), &id) < 0)
        return refuse(why, "%s is no name of an exporter; it is TYPE or TYPE/NAME",
                      report_quote(slice_of(wanted->name)).text);
    if (!slice_is(component_type(&id), wanted->type))
        return refuse(why, "the name %s does not begin with the exporter's type %s",
                      report_quote(slice_of(wanted->name)).text, report_quote(slice_of(wanted->type)).text);
    memcpy(out->id, id.text, sizeof out->id);
    return GW_OK;
}

static int check_numbers(const Masques__Control__Attached *wanted, struct config_exporter *out, char why[512])
{
    if (wanted->signals == 0 || (wanted->signals & ~ALL_SIGNALS))
        return refuse(why, "%s: at least one of the signals logs, metrics and traces is wanted", out->id);
    if (wanted->mode > MODE_MAX || wanted->start > START_MAX)
        return refuse(why, "%s: the mode or where to start from is none that this version knows", out->id);
    out->signals = wanted->signals;
    return GW_OK;
}

/* A path comes into sentences as it is: what no path can contain is refused before that. */
static int check_paths(const Masques__Control__Attached *wanted, const struct config_exporter *out, char why[512])
{
    for (size_t i = 0; i < wanted->n_options; i++) {
        const char *path = wanted->options[i]->path;
        for (const char *c = path; *c; c++)
            if (*c <= ' ' || *c > '~')
                return refuse(why, "%s: %s: unknown option", out->id, report_quote(slice_of(path)).text);
    }
    return GW_OK;
}

static int apply_options(const Masques__Control__Attached *wanted, struct config_exporter *out, char why[512])
{
    const struct option_set *set = &out->kind->options;
    struct buf text = buf_make(TEXT_BYTES);
    int err = GW_OK;
    options_default(set->rows, set->count, &out->options);
    options_default(config_delivery_options()->rows, config_delivery_options()->count, &out->delivery);
    for (size_t i = 0; err == GW_OK && i < wanted->n_options; i++)
        err = options_apply(set->rows, set->count, wanted->options[i]->path, wanted->options[i]->value,
                            &out->options, &text);
    /* What one option forbids another. */
    if (err == GW_OK && out->kind->check && out->kind->check(&out->options, &text) != 0)
        err = GW_ERR_INVALID;
    if (err != GW_OK)
        refuse(why, "%s: %.*s", out->id, (int)text.len, (const char *)text.data);
    buf_free(&text);
    return err == GW_OK ? GW_OK : GW_ERR_INVALID;
}

int attach_check(const Masques__Control__Attached *wanted, struct config_exporter *out, char why[512])
{
    memset(out, 0, sizeof *out);
    int err = check_type(wanted, out, why);
    if (err == GW_OK)
        err = check_name(wanted, out, why);
    if (err == GW_OK)
        err = check_numbers(wanted, out, why);
    if (err == GW_OK)
        err = check_paths(wanted, out, why);
    return err == GW_OK ? apply_options(wanted, out, why) : err;
}
