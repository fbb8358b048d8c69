// SPDX-License-Identifier: Apache-2.0
#include "shared/config/option.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "shared/config/names.h"
#include "shared/config/pairs.h"
#include "shared/config/report.h"

/* ---- one reader, printer and range for each type; `field` is the option's field ---- */

static bool in_range(const struct option *row, uint64_t value)
{
    return value >= row->min && value <= row->max;
}

static int read_text(const struct option *row, struct slice text, void *field)
{
    if (!in_range(row, text.len))
        return GW_ERR_INVALID;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < 0x20 || text.data[i] == 0x7f)
            return GW_ERR_INVALID;
    if (text.len)
        memcpy(field, text.data, text.len);
    ((char *)field)[text.len] = '\0';
    return 0;
}

static void print_text(const struct option *row, const void *field, struct buf *out)
{
    (void)row;
    buf_text(out, field);
}

static int read_pairs(const struct option *row, struct slice text, void *field)
{
    struct buf pairs = buf_make(row->max);
    int rc = pairs_canonical(text, &pairs) < 0 || !buf_ok(&pairs) ? GW_ERR_INVALID : 0;
    if (rc == 0 && pairs.len)
        memcpy(field, pairs.data, pairs.len);
    if (rc == 0)
        ((char *)field)[pairs.len] = '\0';
    buf_free(&pairs);
    return rc;
}

static int read_url_path(const struct option *row, struct slice text, void *field)
{
    char *path = field;
    size_t slash = text.len && text.data[0] == '/' ? 0 : 1;
    if (!in_range(row, text.len + slash))
        return GW_ERR_INVALID;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= 0x20 || text.data[i] >= 0x7f || strchr("?#%", text.data[i]))
            return GW_ERR_INVALID;
    path[0] = '/';
    if (text.len)
        memcpy(path + slash, text.data, text.len);
    path[text.len + slash] = '\0';
    return 0;
}

static int read_bool(const struct option *row, struct slice text, void *field)
{
    static const char *const names[] = {"false", "False", "FALSE", "true", "True", "TRUE"};
    (void)row;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (slice_is(text, names[i])) {
            *(bool *)field = i >= 3;
            return 0;
        }
    }
    return GW_ERR_INVALID;
}

static void print_bool(const struct option *row, const void *field, struct buf *out)
{
    (void)row;
    buf_text(out, *(const bool *)field ? "true" : "false");
}

static int read_number(const struct option *row, struct slice text, void *field)
{
    uint64_t value;
    if (size_parse_number(text, &value) < 0 || !in_range(row, value))
        return GW_ERR_INVALID;
    *(uint32_t *)field = (uint32_t)value;
    return 0;
}

static void print_number(const struct option *row, const void *field, struct buf *out)
{
    (void)row;
    buf_u64(out, *(const uint32_t *)field);
}

static int read_count(const struct option *row, struct slice text, void *field)
{
    uint64_t value;
    if (size_parse_number(text, &value) < 0 || !in_range(row, value))
        return GW_ERR_INVALID;
    *(uint64_t *)field = value;
    return 0;
}

static void print_large(const struct option *row, const void *field, struct buf *out)
{
    (void)row;
    buf_u64(out, *(const uint64_t *)field);
}

/* The digits of a fraction as thousandths. */
static int read_fraction(struct slice digits, uint64_t *thousandths)
{
    uint64_t unit = 100;
    *thousandths = 0;
    for (size_t i = 0; i < digits.len; i++, unit /= 10) {
        if (digits.data[i] < '0' || digits.data[i] > '9')
            return GW_ERR_INVALID;
        *thousandths += unit * (uint64_t)(digits.data[i] - '0');
    }
    return digits.len ? 0 : GW_ERR_INVALID;
}

static int read_factor(const struct option *row, struct slice text, void *field)
{
    const uint8_t *point = text.len ? memchr(text.data, '.', text.len) : NULL;
    size_t len = point ? (size_t)(point - text.data) : text.len;
    uint64_t whole, part = 0;
    if (size_parse_number(slice_make(text.data, len), &whole) < 0 || whole > UINT32_MAX)
        return GW_ERR_INVALID;
    if (point && read_fraction(slice_make(point + 1, text.len - len - 1), &part) < 0)
        return GW_ERR_INVALID;
    if (!in_range(row, whole * 1000 + part))
        return GW_ERR_INVALID;
    *(uint32_t *)field = (uint32_t)(whole * 1000 + part);
    return 0;
}

static void print_thousandths(uint64_t value, struct buf *out)
{
    buf_u64(out, value / 1000);
    if (value % 1000 == 0)
        return;
    char digits[4] = {(char)('0' + value / 100 % 10), (char)('0' + value / 10 % 10),
                      (char)('0' + value % 10), '\0'};
    for (size_t i = 2; digits[i] == '0'; i--)
        digits[i] = '\0';
    buf_byte(out, '.');
    buf_text(out, digits);
}

static void print_factor(const struct option *row, const void *field, struct buf *out)
{
    (void)row;
    print_thousandths(*(const uint32_t *)field, out);
}

static int read_no_list(const struct option *row, struct slice text, void *field)
{
    (void)row, (void)field;
    return slice_is(text, "[]") ? 0 : GW_ERR_INVALID;
}

static void print_no_list(const struct option *row, const void *field, struct buf *out)
{
    (void)row, (void)field;
    buf_text(out, "[]");
}

static int read_bytes(const struct option *row, struct slice text, void *field)
{
    uint64_t value;
    if (size_parse(text, &value) < 0 || !in_range(row, value))
        return GW_ERR_INVALID;
    *(uint64_t *)field = value;
    return 0;
}

static void print_bytes(const struct option *row, const void *field, struct buf *out)
{
    (void)row;
    size_print(*(const uint64_t *)field, out);
}

static int read_mib(const struct option *row, struct slice text, void *field)
{
    uint64_t value;
    if (size_parse_number(text, &value) < 0 || value > row->max / SIZE_MIB ||
        !in_range(row, value * SIZE_MIB))
        return GW_ERR_INVALID;
    *(uint64_t *)field = value * SIZE_MIB;
    return 0;
}

static void print_mib(const struct option *row, const void *field, struct buf *out)
{
    (void)row;
    buf_u64(out, *(const uint64_t *)field / SIZE_MIB);
}

static int read_duration(const struct option *row, struct slice text, void *field)
{
    int64_t ns;
    uint64_t number;
    if (row->bare_ns && size_parse_number(text, &number) == 0 && number <= INT64_MAX)
        ns = (int64_t)number;
    else if (duration_parse(text, &ns) < 0)
        return GW_ERR_INVALID;
    if (ns < 0 || !in_range(row, (uint64_t)ns))
        return GW_ERR_INVALID;
    *(uint64_t *)field = (uint64_t)ns;
    return 0;
}

static void print_duration(const struct option *row, const void *field, struct buf *out)
{
    (void)row;
    duration_print((int64_t)*(const uint64_t *)field, out);
}

static int read_endpoint(const struct option *row, struct slice text, void *field)
{
    (void)row;
    return endpoint_parse(text, field) < 0 ? GW_ERR_INVALID : 0;
}

static void print_endpoint(const struct option *row, const void *field, struct buf *out)
{
    (void)row;
    endpoint_print(field, out);
}

static int read_choice(const struct option *row, struct slice text, void *field)
{
    for (uint32_t i = 0; row->choices[i]; i++) {
        if (strlen(row->choices[i]) == text.len &&
            strncasecmp(row->choices[i], (const char *)text.data, text.len) == 0) {
            *(uint32_t *)field = i;
            return 0;
        }
    }
    return GW_ERR_INVALID;
}

static void print_choice(const struct option *row, const void *field, struct buf *out)
{
    buf_text(out, row->choices[*(const uint32_t *)field]);
}

static void print_count(uint64_t value, struct buf *out)
{
    buf_u64(out, value);
}

static void print_count_mib(uint64_t value, struct buf *out)
{
    buf_u64(out, value / SIZE_MIB);
}

static void print_ns(uint64_t value, struct buf *out)
{
    duration_print((int64_t)value, out);
}

struct type {
    const char *name; /* in the document */
    int (*read)(const struct option *row, struct slice text, void *field);
    void (*print)(const struct option *row, const void *field, struct buf *out);
    void (*print_limit)(uint64_t value, struct buf *out); /* NULL: has no range to show */
};

static const struct type types[] = {
    [OPTION_TEXT] = {"text", read_text, print_text, NULL},
    [OPTION_URL_PATH] = {"URL path", read_url_path, print_text, NULL},
    [OPTION_BOOL] = {"bool", read_bool, print_bool, NULL},
    [OPTION_NUMBER] = {"number", read_number, print_number, print_count},
    [OPTION_COUNT] = {"number", read_count, print_large, print_count},
    [OPTION_FACTOR] = {"factor", read_factor, print_factor, print_thousandths},
    [OPTION_BYTES] = {"size", read_bytes, print_bytes, size_print},
    [OPTION_MIB] = {"number of MiB", read_mib, print_mib, print_count_mib},
    [OPTION_DURATION] = {"duration", read_duration, print_duration, print_ns},
    [OPTION_ENDPOINT] = {"HOST:PORT", read_endpoint, print_endpoint, NULL},
    [OPTION_CHOICE] = {"choice", read_choice, print_choice, NULL},
    [OPTION_PRESENCE] = {"map", read_bool, print_bool, NULL},
    [OPTION_NO_LIST] = {"empty list", read_no_list, print_no_list, NULL},
    [OPTION_PAIRS] = {"map of texts", read_pairs, print_text, NULL},
};

/* ---- rows ---- */

int option_read(const struct option *row, struct slice text, void *target)
{
    return types[row->type].read(row, text, (char *)target + row->offset);
}

void option_print(const struct option *row, const void *target, struct buf *out)
{
    types[row->type].print(row, (const char *)target + row->offset, out);
}

void option_shown(const struct option *row, const void *target, struct buf *out)
{
    size_t before = out->len;
    option_print(row, target, out);
    if (!row->secret || out->len == before)
        return;
    explicit_bzero(out->data + before, out->len - before);
    out->len = before;
    buf_text(out, OPTION_REDACTED);
}

void option_quote(const struct option *row, struct slice text, struct buf *out)
{
    buf_text(out, row->secret || row->unquoted ? "a value" : report_quote(text).text);
}

static void print_choices(const struct option *row, struct buf *out)
{
    for (size_t i = 0; row->choices[i]; i++)
        buf_printf(out, "%s%s", i ? ", " : "", row->choices[i]);
}

/* "1 to 100", the choices, or nothing. */
static void print_range(const struct option *row, struct buf *out)
{
    if (row->type == OPTION_CHOICE) {
        print_choices(row, out);
    } else if (types[row->type].print_limit) {
        types[row->type].print_limit(row->min, out);
        buf_text(out, " to ");
        types[row->type].print_limit(row->max, out);
    }
}

void option_expected(const struct option *row, struct buf *out)
{
    switch (row->type) {
    case OPTION_TEXT:
        buf_printf(out, "a text of %u to %u bytes", (unsigned)row->min, (unsigned)row->max);
        break;
    case OPTION_URL_PATH:
        buf_printf(out, "a URL path such as /v1/logs, at most %u bytes", (unsigned)row->max);
        break;
    case OPTION_BOOL:
    case OPTION_PRESENCE:
        buf_text(out, "true or false");
        break;
    case OPTION_NUMBER:
    case OPTION_COUNT:
        buf_text(out, "a whole number from ");
        break;
    case OPTION_FACTOR:
        buf_text(out, "a number such as 1.5, from ");
        break;
    case OPTION_NO_LIST:
        buf_text(out, "an empty list; there is nothing that it could hold here");
        break;
    case OPTION_PAIRS:
        buf_text(out, "a map of names and values, without control characters, such as {max_threads: 4}");
        break;
    case OPTION_BYTES:
        buf_text(out, "a size in bytes or with KiB, MiB, GiB, from ");
        break;
    case OPTION_MIB:
        buf_text(out, "a whole number of MiB from ");
        break;
    case OPTION_DURATION:
        buf_text(out, "a duration such as 5s or 1m30s, from ");
        break;
    case OPTION_ENDPOINT:
        buf_text(out, "HOST:PORT such as 127.0.0.1:4317, without http://");
        break;
    case OPTION_CHOICE:
        buf_text(out, "one of: ");
        break;
    }
    print_range(row, out);
}

void option_document(const struct option *row, struct buf *out)
{
    buf_printf(out, "| `%s` | %s | %s%s%s | ", row->path, types[row->type].name,
               row->initial[0] ? "`" : "", row->initial, row->initial[0] ? "`" : "");
    print_range(row, out);
    buf_printf(out, " | %s |", row->help);
}

/* ---- sets ---- */

void options_default(const struct option *rows, size_t count, void *target)
{
    for (size_t i = 0; i < count; i++) {
        int rc = option_read(&rows[i], slice_of(rows[i].initial), target);
        assert(rc == 0); /* a table of ours is wrong; the tests read every default */
        (void)rc;
    }
}

const struct option *options_find(const struct option *rows, size_t count, struct slice path)
{
    for (size_t i = 0; i < count; i++)
        if (slice_is(path, rows[i].path))
            return &rows[i];
    return NULL;
}

const struct option *option_presence(const struct option *rows, size_t count,
                                     const struct option *row)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(rows[i].path);
        if (rows[i].type == OPTION_PRESENCE && strncmp(row->path, rows[i].path, len) == 0 &&
            strncmp(row->path + len, "::", 2) == 0)
            return &rows[i];
    }
    return NULL;
}

/* "formt: unknown option; did you mean format?" */
static void say_unknown(const struct option *rows, size_t count, const char *path, struct buf *why)
{
    struct names names = {.count = 0};
    for (size_t i = 0; i < count; i++)
        names_add(&names, slice_of(rows[i].path));
    struct slice meant = names_closest(&names, slice_of(path));
    buf_printf(why, "%s: unknown option", path);
    if (meant.len)
        buf_printf(why, "; did you mean %.*s?", (int)meant.len, (const char *)meant.data);
}

int options_apply(const struct option *rows, size_t count, const char *path, const char *text,
                  void *target, struct buf *why)
{
    const struct option *row = options_find(rows, count, slice_of(path));
    if (!row) {
        if (why)
            say_unknown(rows, count, path, why);
        return GW_ERR_NOT_FOUND;
    }
    int rc = option_read(row, slice_of(text), target);
    const struct option *map = option_presence(rows, count, row);
    if (rc == 0 && map)
        rc = option_read(map, slice_of("true"), target);
    if (rc < 0 && why) {
        buf_printf(why, "%s: got ", path);
        option_quote(row, slice_of(text), why);
        buf_text(why, ", expected ");
        option_expected(row, why);
    }
    return rc;
}
