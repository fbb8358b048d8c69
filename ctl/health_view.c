// SPDX-License-Identifier: Apache-2.0
#include "ctl/health_view.h"

#include <string.h>

#include "ctl/table.h"
#include "shared/base/printable.h"
#include "shared/otlp/json_scan.h"

#define WORD_BYTES 160u
#define ERROR_BYTES 1024u

struct word {
    char text[WORD_BYTES];
};

/* What is shown of a child. */
struct child {
    struct word name, kind, state;
    char error[ERROR_BYTES];
    uint64_t pid, restarts, records, bytes, oldest_ms;
};

struct answer {
    struct word status, up_since, uptime;
    struct table children;
};

/* The last error stands under its child; what kind of process it is shows in its name. */
static const struct table_column columns[] = {
    {"NAME", false, 0},   {"PID", true, 0},   {"STATE", false, 40}, {"RESTARTS", true, 0},
    {"WAITING", true, 0}, {"BYTES", true, 0}, {"OLDEST", true, 0},
};

/* ---- values ----------------------------------------------------------------------------------------------------- */

/* The value, if it is a string; any other is passed over. What does not fit is left empty. */
static int read_text(struct json_scan *s, char *to, size_t room)
{
    struct json_string string;
    if (json_scan_type(s) != JSON_STRING)
        return json_scan_skip(s);
    int err = json_scan_string(s, &string);
    if (err == GW_OK && string.len < room) {
        json_string_put_utf8(&string, (uint8_t *)to);
        to[string.len] = '\0';
    }
    return err;
}

static int read_word(struct json_scan *s, struct word *word)
{
    return read_text(s, word->text, sizeof word->text);
}

static int read_number(struct json_scan *s, uint64_t *to)
{
    struct json_number number;
    if (json_scan_type(s) != JSON_NUMBER)
        return json_scan_skip(s);
    int err = json_scan_number(s, &number);
    if (err == GW_OK)
        json_number_unsigned(&number, UINT64_MAX, to);
    return err;
}

/* ---- objects ---------------------------------------------------------------------------------------------------- */

/* Reads the value of a member. */
typedef int (*member_fn)(struct json_scan *s, struct slice key, void *target);

static int read_object(struct json_scan *s, member_fn member, void *target)
{
    bool first = true;
    if (json_scan_type(s) != JSON_OBJECT)
        return GW_ERR_MALFORMED;
    s->at++;
    while (true) {
        int more = json_scan_more(s, '}', &first);
        if (more <= 0)
            return more;
        struct json_string key;
        uint8_t spare[32];
        int err = json_scan_key(s, &key);
        if (err == GW_OK)
            err = member(s, json_string_text(&key, spare, sizeof spare), target);
        if (err != GW_OK)
            return err;
    }
}

static int queue_member(struct json_scan *s, struct slice key, void *target)
{
    struct child *child = target;
    if (slice_is(key, "records"))
        return read_number(s, &child->records);
    if (slice_is(key, "bytes"))
        return read_number(s, &child->bytes);
    if (slice_is(key, "oldestMs"))
        return read_number(s, &child->oldest_ms);
    return json_scan_skip(s);
}

static int child_member(struct json_scan *s, struct slice key, void *target)
{
    struct child *child = target;
    if (slice_is(key, "name"))
        return read_word(s, &child->name);
    if (slice_is(key, "kind"))
        return read_word(s, &child->kind);
    if (slice_is(key, "state"))
        return read_word(s, &child->state);
    if (slice_is(key, "lastError"))
        return read_text(s, child->error, sizeof child->error);
    if (slice_is(key, "pid"))
        return read_number(s, &child->pid);
    if (slice_is(key, "restarts"))
        return read_number(s, &child->restarts);
    if (slice_is(key, "queue") && json_scan_type(s) == JSON_OBJECT)
        return read_object(s, queue_member, child);
    return json_scan_skip(s);
}

static void put_child(struct table *t, const struct child *child)
{
    table_word(t, child->name.text);
    if (child->pid)
        table_number(t, child->pid);
    else
        table_word(t, "-");
    table_word(t, child->state.text);
    table_number(t, child->restarts);
    if (strcmp(child->kind.text, "worker") == 0) { /* a worker keeps nothing */
        table_word(t, "-");
        table_word(t, "-");
        table_word(t, "-");
    } else {
        table_number(t, child->records);
        table_bytes(t, child->bytes);
        table_age(t, child->oldest_ms);
    }
    table_note(t, "last error: ", slice_of(child->error));
}

static int read_children(struct json_scan *s, struct table *table)
{
    bool first = true;
    if (json_scan_type(s) != JSON_ARRAY)
        return GW_ERR_MALFORMED;
    s->at++;
    while (true) {
        int more = json_scan_more(s, ']', &first);
        if (more <= 0)
            return more;
        if (table->rows == HEALTH_VIEW_CHILDREN_MAX)
            return GW_ERR_TOO_LARGE;
        struct child child = {0};
        int err = read_object(s, child_member, &child);
        if (err != GW_OK)
            return err;
        put_child(table, &child);
    }
}

static int answer_member(struct json_scan *s, struct slice key, void *target)
{
    struct answer *answer = target;
    if (slice_is(key, "status"))
        return read_word(s, &answer->status);
    if (slice_is(key, "upSince"))
        return read_word(s, &answer->up_since);
    if (slice_is(key, "uptime"))
        return read_word(s, &answer->uptime);
    if (slice_is(key, "children"))
        return read_children(s, &answer->children);
    return json_scan_skip(s);
}

static void put_answer(const struct answer *answer, struct buf *out)
{
    printable_text(out, slice_of(answer->status.text), WORD_BYTES);
    if (answer->uptime.text[0]) {
        buf_text(out, ", up for ");
        printable_text(out, slice_of(answer->uptime.text), WORD_BYTES);
        buf_text(out, " since ");
        printable_text(out, slice_of(answer->up_since.text), WORD_BYTES);
    }
    buf_text(out, "\n\n");
    table_print(&answer->children, out);
}

int health_view(struct slice json, struct buf *out)
{
    struct answer answer = {0};
    struct json_scan scan = json_scan_of(json);
    table_init(&answer.children, columns, sizeof columns / sizeof columns[0]);
    int err = read_object(&scan, answer_member, &answer);
    if (err == GW_OK)
        put_answer(&answer, out);
    table_fini(&answer.children);
    return err;
}
