// SPDX-License-Identifier: Apache-2.0
#include "shared/config/component.h"

#include <string.h>

#define TYPE_BYTES_MAX 63u

struct kind {
    const char *noun;
    const char *existing[4]; /* exporters have their own table */
};

static const struct kind kinds[] = {
    [COMPONENT_RECEIVER] = {"receiver", {"otlp"}},
    [COMPONENT_PROCESSOR] = {"processor", {"batch", "memory_limiter"}},
    [COMPONENT_EXPORTER] = {"exporter", {0}},
    [COMPONENT_EXTENSION] = {"extension", {"health_check", "file_storage"}},
    [COMPONENT_CONNECTOR] = {"connector", {0}},
};

static bool is_letter(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static struct slice trim(struct slice text)
{
    while (text.len && text.data[0] == ' ')
        text = slice_make(text.data + 1, text.len - 1);
    while (text.len && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

static bool is_type(struct slice type)
{
    if (type.len == 0 || type.len > TYPE_BYTES_MAX || !is_letter(type.data[0]))
        return false;
    for (size_t i = 1; i < type.len; i++)
        if (!is_letter(type.data[i]) && !is_digit(type.data[i]) && type.data[i] != '_')
            return false;
    return true;
}

/* No spaces, controls or symbols; of Unicode's symbols, those of ASCII. */
static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.data[i] <= 0x20 || name.data[i] == 0x7f || strchr("$+<=>^`|~", name.data[i]))
            return false;
    return name.len > 0;
}

int component_id_parse(struct slice text, struct component_id *id)
{
    const uint8_t *slash = text.len ? memchr(text.data, '/', text.len) : NULL;
    size_t at = slash ? (size_t)(slash - text.data) : text.len;
    struct slice type = trim(slice_make(text.data, at));
    struct slice name = slice_make(NULL, 0);
    if (slash)
        name = trim(slice_make(slash + 1, text.len - at - 1));
    if (!is_type(type) || (slash && !is_name(name)) || type.len + 1 + name.len >= sizeof id->text)
        return GW_ERR_MALFORMED;
    memcpy(id->text, type.data, type.len);
    id->type_len = type.len;
    size_t len = type.len;
    if (slash) {
        id->text[len++] = '/';
        memcpy(id->text + len, name.data, name.len);
        len += name.len;
    }
    id->text[len] = '\0';
    return 0;
}

struct slice component_type(const struct component_id *id)
{
    return slice_make(id->text, id->type_len);
}

/* What exists of a kind. */
static void list_existing(enum component_kind kind, struct names *names)
{
    size_t count;
    const struct exporter_kind *exporters = exporter_kinds(&count);
    for (size_t i = 0; kind == COMPONENT_EXPORTER && i < count; i++)
        names_add(names, slice_of(exporters[i].type));
    for (size_t i = 0; kinds[kind].existing[i]; i++)
        names_add(names, slice_of(kinds[kind].existing[i]));
}

int component_check(enum component_kind kind, struct slice type, struct report *report,
                    struct place at, const char *path)
{
    struct names names = {.count = 0};
    list_existing(kind, &names);
    for (size_t i = 0; i < names.count; i++)
        if (slice_eq(names.items[i], type))
            return 0;
    struct buf text = buf_make(512);
    names_print(&names, type, &text);
    int rc = report_error(report, at, path, "masques-collector does not have the %s %s; %.*s",
                          kinds[kind].noun, report_quote(type).text, (int)text.len,
                          (const char *)text.data);
    buf_free(&text);
    return rc;
}
