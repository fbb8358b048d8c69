// SPDX-License-Identifier: Apache-2.0
#include "exporters/console/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exporters/console/pretty.h"
#include "exporters/console/writer.h"
#include "shared/otlp/json_out.h"

/* Text of one batch: no batch of the bus (256 MiB) becomes longer as JSON; a line of bytes in base64 or escapes might,
 * and is then not printed. */
#define TEXT_MAX_BYTES (1024u * 1024 * 1024)

/* A delivery of ours. */
struct job {
    struct job *next;
    struct delivery *delivery;
    bool read;    /* all batches are text by now */
    uint64_t end; /* read: the position in the writer's stream behind its last byte */
};

struct console {
    struct writer *writer;
    struct console_options options;
    struct match match;
    bool color;
    const struct console_events *events;
    void *ctx;
    struct job *jobs; /* oldest first */
    struct buf text;
    int error;        /* last told to the host */
    bool closed;
};

bool console_wants_color(enum console_color color, int fd)
{
    const char *no_color = getenv("NO_COLOR");
    if (color != CONSOLE_COLOR_AUTO)
        return color == CONSOLE_COLOR_ALWAYS;
    return isatty(fd) && !(no_color && no_color[0]);
}

/* Unlinks and frees the job; the delivery is returned. */
static struct delivery *job_take(struct job **at)
{
    struct job *job = *at;
    struct delivery *delivery = job->delivery;
    *at = job->next;
    free(job);
    return delivery;
}

static int batch_text(struct console *c, enum otlp_signal signal, const struct reader_batch *batch)
{
    if (c->options.format != CONSOLE_JSON)
        return pretty_batch(signal, batch->bytes, batch->received_ns, c->color,
                            match_wanted(&c->match) ? &c->match : NULL, &c->text);
    if (batch->bytes.len == 0)
        return 0;
    int rc = otlp_json_out(signal, batch->bytes, &c->text);
    if (rc == 0 && !buf_ok(&c->text))
        rc = GW_ERR_NOMEM;
    if (rc == 0 && !match_found(&c->match, buf_slice(&c->text)))
        buf_clear(&c->text);
    else
        buf_byte(&c->text, '\n');
    return rc == 0 && !buf_ok(&c->text) ? GW_ERR_NOMEM : rc;
}

/* Reads the job's next batch and queues its text. 1: goes on; 0: it was the last; else what went wrong. */
static int job_step(struct console *c, struct job *job)
{
    struct reader_batch batch;
    int rc = delivery_next(job->delivery, &batch);
    if (rc <= 0)
        return rc;
    enum otlp_signal signal = (enum otlp_signal)delivery_id(job->delivery)->signal;
    if (!otlp_signal_known((int)signal))
        return 1;
    buf_clear(&c->text);
    buf_reserve(&c->text, batch.bytes.len); /* text is seldom shorter */
    rc = batch_text(c, signal, &batch);
    if (rc == 0)
        rc = writer_put(c->writer, &c->text);
    return rc < 0 ? rc : 1;
}

/* Turns batches into text while there is room. */
static void fill(struct console *c)
{
    struct job **at = &c->jobs;
    while (*at && !c->closed) {
        struct job *job = *at;
        int rc = 1;
        while (!job->read && rc > 0 && writer_room(c->writer))
            rc = job_step(c, job);
        if (rc < 0) {
            delivery_unreadable(job_take(at), rc);
            continue;
        }
        if (rc == 0) {
            job->read = true;
            job->end = writer_queued(c->writer);
        }
        at = &job->next;
    }
}

/* Gives the verdict on what has been written. */
static void settle(struct console *c)
{
    uint64_t written = writer_written(c->writer);
    struct job **at = &c->jobs;
    while (*at) {
        if ((*at)->read && (*at)->end <= written)
            delivery_done(job_take(at));
        else
            at = &(*at)->next;
    }
}

static void tell_errors(struct console *c)
{
    int error = writer_errno(c->writer);
    if (error == c->error || c->closed)
        return;
    c->error = error;
    char why[128];
    snprintf(why, sizeof why, "writing to the console failed: %s", strerror(error));
    if (writer_is_final(error)) {
        c->closed = true;
        c->events->closed(c->ctx, why);
    } else {
        c->events->trouble(c->ctx, error ? why : NULL);
    }
}

/* loop_fn: the writer has news. */
static void on_progress(void *ctx)
{
    struct console *c = ctx;
    settle(c);
    fill(c);
    settle(c); /* deliveries without a line */
    tell_errors(c);
}

struct console *console_new(struct loop *loop, int fd, const struct console_options *options,
                            const struct console_events *events, void *ctx)
{
    struct console *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->options = *options;
    match_init(&c->match, options->match);
    c->color = console_wants_color((enum console_color)options->color, fd);
    c->events = events;
    c->ctx = ctx;
    c->text = buf_make(TEXT_MAX_BYTES);
    c->writer = writer_new(loop, fd, on_progress, c);
    if (!c->writer) {
        free(c);
        return NULL;
    }
    return c;
}

void console_free(struct console **console)
{
    struct console *c = *console;
    *console = NULL;
    if (!c)
        return;
    writer_free(&c->writer);
    while (c->jobs)
        job_take(&c->jobs);
    buf_free(&c->text);
    free(c);
}

void console_push(struct console *c, struct delivery *delivery)
{
    struct job *job = calloc(1, sizeof *job);
    if (!job) {
        delivery_unreadable(delivery, GW_ERR_NOMEM);
        return;
    }
    job->delivery = delivery;
    struct job **at = &c->jobs;
    while (*at)
        at = &(*at)->next;
    *at = job;
    on_progress(c);
}

void console_cancel(struct console *c, struct delivery *delivery)
{
    for (struct job **at = &c->jobs; *at; at = &(*at)->next) {
        if ((*at)->delivery == delivery) {
            job_take(at);
            return;
        }
    }
}
