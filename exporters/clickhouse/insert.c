// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/insert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/clickhouse/ddl.h"
#include "exporters/clickhouse/work.h"
#include "shared/base/clock.h"

#define CODE_WRONG_PASSWORD 193
#define CODE_AUTHENTICATION_FAILED 516
#define WHY_BYTES 512u
#define LOG_EVERY_MS 10000u /* other words for what is wrong */

/* What is wrong with writing to a table. */
struct trouble {
    bool set, degraded;
    char text[ANSWER_TEXT_BYTES];
};

struct item {
    struct item *next;
    struct work *work;
};

struct insert {
    struct loop *loop;
    const struct clickhouse_options *options;
    const struct log *log;
    insert_trouble_fn trouble;
    void *ctx;
    struct client *client;
    struct catalog *catalog;
    struct buf user, password;
    struct client_rules client_rules;
    struct work_rules work_rules;
    struct hosts hosts;
    struct trouble troubles[TABLE_KINDS];
    struct item *items;
    char told[ANSWER_TEXT_BYTES];
    bool failing; /* as the log has it */
    struct log_gate gate;
    char why[WHY_BYTES];
};

/* ---- what the host is told ---- */

static const struct trouble *worst(const struct insert *s)
{
    const struct trouble *found = NULL;
    for (size_t i = 0; i < TABLE_KINDS; i++)
        if (s->troubles[i].set && (!found || (s->troubles[i].degraded && !found->degraded)))
            found = &s->troubles[i];
    return found;
}

/* The log has every change from good to bad and back, but not every other word for the same trouble. */
static void log_change(struct insert *s, const struct trouble *t)
{
    uint64_t now = loop_now_ms(s->loop);
    bool failing = t != NULL;
    if (failing && (!s->failing || log_gate_pass(&s->gate, now, LOG_EVERY_MS)))
        log_warn(s->log, "%s", s->told);
    else if (!failing)
        log_info(s->log, "%s", s->told[0] ? s->told : "inserts work again");
    s->failing = failing;
}

/* Told when it changes. */
static void tell(struct insert *s)
{
    const struct trouble *t = worst(s);
    char text[ANSWER_TEXT_BYTES] = "";
    enum table_kind forgetful = catalog_forgetful(s->catalog);
    if (t)
        snprintf(text, sizeof text, "%s", t->text);
    else if (forgetful != TABLE_KINDS)
        snprintf(text, sizeof text, "dedup: off: %.90s.%.90s remembers no inserts", s->options->database,
                 ddl_table(s->options, forgetful));
    if (strcmp(text, s->told) == 0)
        return;
    memcpy(s->told, text, sizeof text);
    s->trouble(s->ctx, text[0] ? text : NULL, t && t->degraded);
    log_change(s, t);
}

static void on_worked(void *ctx, enum table_kind kind)
{
    struct insert *s = ctx;
    s->troubles[kind].set = false;
    tell(s);
}

/* ---- secrets ---- */

static const char *text_of(struct buf *b)
{
    buf_byte(b, '\0');
    return buf_ok(b) ? (const char *)b->data : "";
}

/* User and password, from wherever the options say. 0, or an error with a sentence in `why`. */
static int read_secrets(struct insert *s, struct buf *why)
{
    struct buf user = buf_make(CLICKHOUSE_SECRET_BYTES), password = buf_make(CLICKHOUSE_SECRET_BYTES);
    int rc = clickhouse_credentials(s->options, &user, &password, why);
    if (rc < 0) {
        buf_free(&user);
        buf_free(&password);
        return rc;
    }
    buf_free(&s->user);
    buf_free(&s->password);
    s->user = user;
    s->password = password;
    s->client_rules.username = text_of(&s->user);
    s->client_rules.password = text_of(&s->password);
    return 0;
}

static void on_failed(void *ctx, enum table_kind kind, const struct answer *answer)
{
    struct insert *s = ctx;
    struct trouble *t = &s->troubles[kind];
    t->set = true;
    t->degraded = answer->class != ANSWER_RETRY && answer->class != ANSWER_LARGE;
    memcpy(t->text, answer->text, sizeof t->text);
    if (answer->code == CODE_AUTHENTICATION_FAILED || answer->code == CODE_WRONG_PASSWORD) {
        struct buf why = buf_make(WHY_BYTES);
        if (read_secrets(s, &why) < 0) /* a file may have been changed */
            log_warn(s->log, "%.*s", (int)why.len, (const char *)why.data);
        buf_free(&why);
    }
    tell(s);
}

/* ---- works ---- */

static struct item **item_of(struct insert *s, const struct delivery *delivery)
{
    struct item **at = &s->items;
    while (*at && work_delivery((*at)->work) != delivery)
        at = &(*at)->next;
    return at;
}

static void item_free(struct item **at)
{
    struct item *item = *at;
    *at = item->next;
    work_free(&item->work);
    free(item);
}

static void on_ended(void *ctx, struct work *work)
{
    struct insert *s = ctx;
    struct item **at = &s->items;
    while (*at && (*at)->work != work)
        at = &(*at)->next;
    if (*at)
        item_free(at);
}

void insert_push(struct insert *s, struct delivery *delivery)
{
    struct item *item = calloc(1, sizeof *item);
    if (item)
        item->work = work_new(&s->work_rules, delivery);
    if (!item || !item->work) {
        free(item);
        delivery_unreadable(delivery, GW_ERR_NOMEM);
        return;
    }
    item->next = s->items;
    s->items = item;
    work_begin(item->work);
}

void insert_cancel(struct insert *s, struct delivery *delivery)
{
    struct item **at = item_of(s, delivery);
    if (*at)
        item_free(at);
}

void insert_progressed(struct insert *s, struct delivery *delivery)
{
    struct item **at = item_of(s, delivery);
    if (*at)
        work_progressed((*at)->work);
}

/* ---- the exporter ---- */

static void set_rules(struct insert *s, struct loop *loop)
{
    const struct clickhouse_options *o = s->options;
    s->client_rules.ca_file = o->ca_file;
    s->client_rules.cert_file = o->cert_file;
    s->client_rules.key_file = o->key_file;
    s->client_rules.insecure_skip_verify = o->insecure_skip_verify;
    s->client_rules.timeout_ms = o->timeout_ns / CLOCK_NS_PER_MS;
    s->work_rules = (struct work_rules){.loop = loop,
                                        .log = s->log,
                                        .options = o,
                                        .hosts = &s->hosts,
                                        .worked = on_worked,
                                        .failed = on_failed,
                                        .ended = on_ended,
                                        .ctx = s};
}

static bool build(struct insert *s, struct loop *loop)
{
    set_rules(s, loop);
    s->client = client_new(loop, &s->client_rules);
    if (s->client)
        s->catalog = catalog_new(loop, s->client, &s->hosts, s->options, s->log);
    s->work_rules.client = s->client;
    s->work_rules.catalog = s->catalog;
    return s->catalog != NULL;
}

struct insert *insert_new(struct loop *loop, const struct clickhouse_options *options,
                          const struct log *log, insert_trouble_fn trouble, void *ctx, const char **why)
{
    struct insert *s = calloc(1, sizeof *s);
    struct buf text = buf_make(WHY_BYTES);
    *why = "no memory";
    if (!s)
        return NULL;
    s->loop = loop;
    s->options = options;
    s->log = log;
    s->trouble = trouble;
    s->ctx = ctx;
    s->client_rules.username = s->client_rules.password = "";
    if (hosts_read(&s->hosts, options->endpoint, &text) < 0 || read_secrets(s, &text) < 0) {
        log_error(log, "%.*s", (int)text.len, (const char *)text.data);
        *why = "endpoint or credentials cannot be used";
        insert_free(&s);
    } else if (!build(s, loop)) {
        insert_free(&s);
    }
    buf_free(&text);
    return s;
}

static void forget(struct buf *secret)
{
    if (secret->data)
        explicit_bzero(secret->data, secret->cap);
    buf_free(secret);
}

void insert_free(struct insert **insert)
{
    struct insert *s = *insert;
    *insert = NULL;
    if (!s)
        return;
    while (s->items)
        item_free(&s->items);
    catalog_free(&s->catalog);
    client_free(&s->client);
    forget(&s->user);
    forget(&s->password);
    free(s);
}
