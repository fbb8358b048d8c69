// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "exporters/clickhouse/ddl.h"
#include "exporters/clickhouse/statement.h"

#define TEXT_MAX_BYTES (1024u * 1024)
#define CODE_UNKNOWN_DATABASE 81

/* The steps of a look, in their order. */
enum step {
    STEP_COLUMNS,
    STEP_VERSION,  /* this and the next two: when the table is missing */
    STEP_DATABASE, /* when the database is */
    STEP_CREATE,   /* then STEP_COLUMNS again */
    STEP_ENGINE,
    STEP_EMPTY,    /* only when it is asked for */
};

struct entry {
    struct catalog *catalog;
    size_t host;
    enum table_kind kind;
    struct table table;
    bool known;
    uint64_t known_ms;
    bool said;      /* `said_mask` is what the log has of it */
    uint64_t said_mask;
    /* The look: */
    struct catalog_wait *waits;
    struct client_call *call;
    enum step step;
    bool empty;     /* STEP_EMPTY is wanted */
    bool created;   /* in this look */
    bool unfinished; /* the table is there, but not all that belongs to it: also for the next look */
    bool denied;    /* not all may be asked of the engine */
    bool database_missing;
    uint32_t version;
    size_t statement;
    struct buf columns; /* the answer of STEP_COLUMNS */
};

struct catalog {
    struct loop *loop;
    struct client *client;
    const struct hosts *hosts;
    const struct clickhouse_options *options;
    const struct log *log;
    struct entry entries[]; /* hosts x kinds */
};

static struct entry *entry_of(struct catalog *c, size_t host, enum table_kind kind)
{
    return &c->entries[host * TABLE_KINDS + kind];
}

/* ---- who waits ---- */

static void wait_link(struct entry *e, struct catalog_wait *w)
{
    w->next = e->waits;
    w->at = &e->waits;
    if (w->next)
        w->next->at = &w->next;
    e->waits = w;
}

void catalog_forget(struct catalog_wait *w)
{
    if (!w->at)
        return;
    *w->at = w->next;
    if (w->next)
        w->next->at = w->at;
    w->at = NULL;
}

/* The look is over. Those who wait may begin another one. */
static void look_end(struct entry *e, const struct answer *answer)
{
    struct catalog_wait *list = e->waits;
    e->waits = NULL;
    if (list)
        list->at = &list;
    buf_clear(&e->columns);
    while (list) {
        struct catalog_wait *w = list;
        catalog_forget(w);
        w->done(w->ctx, answer->class == ANSWER_DONE ? &e->table : NULL, answer);
    }
}

/* ---- steps ---- */

static void step_begin(struct entry *e, enum step step);

static bool step_text(struct entry *e, struct buf *text)
{
    const struct catalog *c = e->catalog;
    struct buf name = buf_make(TEXT_MAX_BYTES);
    bool any = true;
    switch (e->step) {
    case STEP_COLUMNS:
        ddl_qualified(&name, c->options, e->kind, "");
        buf_byte(&name, '\0');
        if (buf_ok(&name))
            table_ask_columns((const char *)name.data, text);
        break;
    case STEP_VERSION:
        buf_text(text, "SELECT version() FORMAT TabSeparated");
        break;
    case STEP_DATABASE:
        any = e->database_missing && ddl_database(text, c->options);
        break;
    case STEP_CREATE:
        ddl_create(text, c->options, e->kind, e->statement, e->version);
        break;
    case STEP_ENGINE:
        table_ask_engine(c->options->database, ddl_table(c->options, e->kind), !e->denied, text);
        break;
    case STEP_EMPTY:
        table_empty_block(e->kind, e->table.mask, buf_slice(&e->columns), text);
        break;
    }
    buf_free(&name);
    return any;
}

/* The table cannot be used as it is. */
static void hold(struct entry *e, struct answer *answer, const char *why)
{
    *answer = (struct answer){.class = ANSWER_HOLD, .code = -1, .after_ms = ANSWER_HOLD_MS};
    answer_say(answer, "%s.%s: %s", e->catalog->options->database,
               ddl_table(e->catalog->options, e->kind), why);
    look_end(e, answer);
}

static void say_missing(struct entry *e)
{
    const struct catalog *c = e->catalog;
    struct buf names = buf_make(TEXT_MAX_BYTES);
    if (e->said && e->said_mask == e->table.mask)
        return;
    e->said = true;
    e->said_mask = e->table.mask;
    table_name_missing(e->kind, e->table.mask, &names);
    if (names.len)
        log_warn(c->log, "%s: %s.%s does not have all columns; not written: %.*s",
                 c->hosts->items[e->host].url, c->options->database, ddl_table(c->options, e->kind),
                 (int)names.len, (const char *)names.data);
    buf_free(&names);
}

/* All is known. */
static void known(struct entry *e, const struct answer *answer)
{
    e->known = true;
    e->known_ms = loop_now_ms(e->catalog->loop);
    say_missing(e);
    look_end(e, answer);
}

static void after_columns(struct entry *e, const struct client_reply *reply, struct answer *answer)
{
    bool missing = answer->class == ANSWER_STALE || (answer->class == ANSWER_DONE && e->unfinished);
    if (missing && e->catalog->options->create_schema && !e->created) {
        e->database_missing = answer->code == CODE_UNKNOWN_DATABASE;
        e->statement = 0;
        step_begin(e, STEP_VERSION);
        return;
    }
    if (answer->class != ANSWER_DONE) {
        look_end(e, answer);
        return;
    }
    buf_clear(&e->columns);
    buf_slice_append(&e->columns, reply->text);
    e->table.mask = table_read_columns(e->kind, reply->text);
    if (!buf_ok(&e->columns) || !e->table.mask)
        hold(e, answer, "the table has no column that could be written");
    else
        step_begin(e, STEP_ENGINE);
}

static void after_create(struct entry *e)
{
    const struct catalog *c = e->catalog;
    if (++e->statement < ddl_count(e->kind)) {
        step_begin(e, STEP_CREATE);
        return;
    }
    log_info(c->log, "%s: %s.%s was missing and is created", c->hosts->items[e->host].url,
             c->options->database, ddl_table(c->options, e->kind));
    e->created = true;
    e->unfinished = false;
    step_begin(e, STEP_COLUMNS);
}

/* Rows do not wait for what only belongs to their table (the times of each trace); it is tried again with the next
 * look. */
static void after_failed_create(struct entry *e, struct answer *answer)
{
    const struct catalog *c = e->catalog;
    bool said = e->unfinished;
    e->unfinished = e->statement > 0;
    if (!e->unfinished || answer->code <= 0) {
        look_end(e, answer);
        return;
    }
    if (!said)
        log_warn(c->log, "%s: what belongs to %s.%s cannot be created: %s", c->hosts->items[e->host].url,
                 c->options->database, ddl_table(c->options, e->kind), answer->text);
    e->created = true;
    step_begin(e, STEP_COLUMNS);
}

/* What the server says of the engine may be denied to us: then less is asked, and if that is denied, too, nothing is
 * claimed. */
static void after_engine(struct entry *e, const struct client_reply *reply, struct answer *answer)
{
    bool denied = answer->class != ANSWER_DONE && answer->code > 0;
    if (answer->class != ANSWER_DONE && !denied) {
        look_end(e, answer);
        return;
    }
    if (denied && !e->denied) {
        e->denied = true;
        step_begin(e, STEP_ENGINE);
        return;
    }
    table_read_engine(denied ? slice_make(NULL, 0) : reply->text,
                      e->catalog->hosts->items[e->host].id, &e->table);
    *answer = (struct answer){.class = ANSWER_DONE};
    if (e->empty)
        step_begin(e, STEP_EMPTY);
    else
        known(e, answer);
}

/* The columns are refused, without a row. Anything else is for the rows to find out. */
static void after_empty(struct entry *e, struct answer *answer)
{
    if (answer->class == ANSWER_BAD) {
        char why[ANSWER_TEXT_BYTES];
        memcpy(why, answer->text, sizeof why);
        hold(e, answer, why);
        return;
    }
    *answer = (struct answer){.class = ANSWER_DONE};
    known(e, answer);
}

static void on_done(void *ctx, const struct client_reply *reply)
{
    struct entry *e = ctx;
    struct answer answer;
    e->call = NULL;
    if (e->step == STEP_EMPTY)
        answer_of_insert(reply, 0, &answer);
    else
        answer_of_query(reply, &answer);
    bool failed = answer.class != ANSWER_DONE;
    if (e->step == STEP_COLUMNS)
        after_columns(e, reply, &answer);
    else if (e->step == STEP_ENGINE)
        after_engine(e, reply, &answer);
    else if (e->step == STEP_EMPTY)
        after_empty(e, &answer);
    else if (failed && e->step == STEP_CREATE)
        after_failed_create(e, &answer);
    else if (failed)
        look_end(e, &answer);
    else if (e->step == STEP_CREATE)
        after_create(e);
    else {
        if (e->step == STEP_VERSION)
            e->version = ddl_version(reply->text);
        step_begin(e, e->step + 1);
    }
}

static int step_send(struct entry *e)
{
    const struct catalog *c = e->catalog;
    struct buf url = buf_make(STATEMENT_MAX_BYTES), text = buf_make(TEXT_MAX_BYTES);
    const char *host = c->hosts->items[e->host].url;
    if (!step_text(e, &text)) { /* nothing to do */
        e->step++;
        step_text(e, &text);
    }
    if (e->step == STEP_EMPTY)
        statement_insert(host, c->options, e->kind, slice_make(NULL, 0), &url);
    else
        statement_query(host, c->options, &url);
    if (buf_ok(&url) && buf_ok(&text))
        e->call = client_start(c->client, &(struct client_request){.url = (const char *)url.data,
                                                                   .text = buf_slice(&text),
                                                                   .done = on_done,
                                                                   .ctx = e});
    buf_free(&url);
    buf_free(&text);
    return e->call ? 0 : GW_ERR_NOMEM;
}

static void step_begin(struct entry *e, enum step step)
{
    struct answer answer = {.class = ANSWER_RETRY, .code = -1, .text = "no memory"};
    e->step = step;
    if (step_send(e) < 0)
        look_end(e, &answer);
}

/* ---- the catalog ---- */

int catalog_look(struct catalog *c, size_t host, enum table_kind kind, bool columns,
                 struct catalog_wait *wait)
{
    struct entry *e = entry_of(c, host, kind);
    e->empty |= columns;
    if (!e->call) {
        e->step = STEP_COLUMNS;
        e->empty = columns;
        e->created = false;
        e->denied = false;
        if (step_send(e) < 0)
            return GW_ERR_NOMEM;
    }
    wait_link(e, wait);
    return 0;
}

const struct table *catalog_get(struct catalog *c, size_t host, enum table_kind kind)
{
    struct entry *e = entry_of(c, host, kind);
    bool fresh = e->known && loop_now_ms(c->loop) - e->known_ms < CATALOG_FRESH_MS;
    return fresh && !e->call ? &e->table : NULL;
}

void catalog_doubt(struct catalog *c, size_t host, enum table_kind kind)
{
    entry_of(c, host, kind)->known = false;
}

enum table_kind catalog_forgetful(const struct catalog *c)
{
    for (size_t i = 0; i < c->hosts->count * TABLE_KINDS; i++)
        if (c->entries[i].known && !c->entries[i].table.dedup)
            return c->entries[i].kind;
    return TABLE_KINDS;
}

struct catalog *catalog_new(struct loop *loop, struct client *client, const struct hosts *hosts,
                            const struct clickhouse_options *options, const struct log *log)
{
    size_t count = hosts->count * TABLE_KINDS;
    struct catalog *c = calloc(1, sizeof *c + count * sizeof c->entries[0]);
    if (!c)
        return NULL;
    c->loop = loop;
    c->client = client;
    c->hosts = hosts;
    c->options = options;
    c->log = log;
    for (size_t i = 0; i < count; i++)
        c->entries[i] = (struct entry){.catalog = c,
                                       .host = i / TABLE_KINDS,
                                       .kind = (enum table_kind)(i % TABLE_KINDS),
                                       .columns = buf_make(TEXT_MAX_BYTES)};
    return c;
}

void catalog_free(struct catalog **catalog)
{
    struct catalog *c = *catalog;
    *catalog = NULL;
    if (!c)
        return;
    for (size_t i = 0; i < c->hosts->count * TABLE_KINDS; i++) {
        struct entry *e = &c->entries[i];
        while (e->waits)
            catalog_forget(e->waits);
        client_cancel(&e->call);
        buf_free(&e->columns);
    }
    free(c);
}
