// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "exporters/file/desk.h"
#include "exporters/file/work.h"
#include "shared/base/clock.h"
#include "shared/base/entropy.h"

#define ROUND_MAX 32u /* deliveries */

/* A delivery of ours. */
struct job {
    struct job *next;
    struct delivery *delivery; /* NULL: cancelled while the thread had it */
    struct work work;
    bool noting; /* its note is on its way to the router's journal */
};

enum stage {
    STAGE_IDLE,
    STAGE_PLAN,  /* the thread plans */
    STAGE_NOTE,  /* notes are on their way */
    STAGE_WRITE, /* the thread writes */
};

struct file {
    const struct file_options *options;
    const struct log *log;
    const struct file_events *events;
    void *ctx;
    struct desk *desk;
    struct encoding *encoding;
    struct outputs *outputs; /* the thread's while it runs */
    struct output_rules rules;
    bool reopen;    /* asked for, by the loop */
    bool reopening; /* in this round */
    bool troubled; /* last told to the host */
    struct job *jobs; /* oldest first, those of the round too */
    /* The round. */
    enum stage stage;
    struct job *round[ROUND_MAX];
    struct work *works[ROUND_MAX];
    size_t count;
    size_t noting;
    int64_t now_ms;
};

/* ---- jobs ---- */

static struct load_rules load_rules(const struct file *f)
{
    return (struct load_rules){.options = f->options, .encoding = f->encoding};
}

/* Unlinks and frees the job; the delivery is the caller's. */
static void job_free(struct file *f, struct job *job)
{
    struct job **at = &f->jobs;
    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    load_free(&job->work.load);
    free(job);
}

static struct job *job_of(struct file *f, const struct delivery *delivery)
{
    for (struct job *job = f->jobs; job; job = job->next)
        if (job->delivery == delivery)
            return job;
    return NULL;
}

static void tell(struct file *f, const char *error, bool degraded)
{
    if (!error && !f->troubled)
        return;
    f->troubled = error != NULL;
    f->events->trouble(f->ctx, error, degraded);
}

/* ---- verdicts ---- */

static void finish_done(struct file *f, struct job *job)
{
    const struct load *load = &job->work.load;
    struct delivery_reject *rejects = calloc(load->reject_count + 1, sizeof *rejects);
    struct delivery *delivery = job->delivery;
    if (!rejects) {
        delivery_unreadable(delivery, GW_ERR_NOMEM);
        job_free(f, job);
        return;
    }
    for (size_t i = 0; i < load->reject_count; i++)
        rejects[i] = (struct delivery_reject){.first = load->rejects[i].first,
                                              .count = load->rejects[i].count,
                                              .reason = load->rejects[i].reason,
                                              .bytes = buf_slice(&load->rejects[i].bytes)};
    job->delivery = NULL;
    delivery_finish(delivery, &(struct delivery_verdict){.outcome = MASQUES__BUS__OUTCOME__DONE,
                                                         .rejected = rejects,
                                                         .rejected_count = load->reject_count});
    free(rejects);
    job_free(f, job);
}

/* Gives the job's note to the router. 0, or an error of delivery_progress(). */
static int say_note(struct job *job)
{
    struct buf text = buf_make(DELIVERY_NOTE_MAX_BYTES);
    note_write(&job->work.note, &text);
    int rc = buf_ok(&text) ? delivery_progress(job->delivery, buf_slice(&text)) : GW_ERR_NOMEM;
    buf_free(&text);
    return rc;
}

static void finish_retry(struct file *f, struct job *job, const struct trouble *t)
{
    struct delivery *delivery = job->delivery;
    work_give_up(&job->work);
    /* What this attempt has written already is not to be written again. */
    if (work_note_is_old(&job->work) && work_note(&job->work) && say_note(job) < 0)
        log_warn(f->log, "no memory for a note: parts of a delivery may be written twice");
    tell(f, t->text, t->degraded);
    job->delivery = NULL;
    delivery_finish(delivery, &(struct delivery_verdict){.outcome = MASQUES__BUS__OUTCOME__RETRY,
                                                         .after_ms = trouble_after_ms(t),
                                                         .degraded = t->degraded,
                                                         .error = t->text});
    job_free(f, job);
}

/* With group_by a value may name a file that cannot be, which must not hold up the others: what belongs into it is
 * rejected. False: the job has ended. */
static bool refuse_file(struct file *f, struct job *job)
{
    struct work *w = &job->work;
    struct load load;
    struct load_rules rules = load_rules(f);
    log_warn(f->log, "%s; its records are rejected", w->trouble.text);
    w->load.files[w->blamed].refuse = "the value of group_by's attribute names no file that can be written";
    int rc = load_read(&load, &rules, job->delivery, &w->load);
    if (rc < 0) {
        struct delivery *delivery = job->delivery;
        job->delivery = NULL;
        delivery_unreadable(delivery, rc);
        job_free(f, job);
        return false;
    }
    for (size_t i = 0; i < load.count && i < w->load.count; i++)
        load.messages[i].written |= w->load.messages[i].written;
    load_free(&w->load);
    w->load = load;
    w->trouble = (struct trouble){.error = 0};
    return true;
}

/* After either half of the round. True: the job still has something to write. */
static bool job_goes_on(struct file *f, struct job *job)
{
    struct work *w = &job->work;
    if (!job->delivery) {
        job_free(f, job);
        return false;
    }
    if (w->trouble.error && f->options->group_by && trouble_is_of_name(&w->trouble)) {
        if (!refuse_file(f, job))
            return false;
    } else if (w->trouble.error) {
        struct trouble t = w->trouble;
        finish_retry(f, job, &t);
        return false;
    }
    if (load_first_unwritten(&w->load) < w->load.count)
        return true;
    tell(f, NULL, false);
    finish_done(f, job);
    return false;
}

/* ---- rounds ---- */

static void round_begin(struct file *f);

static void run_plan(void *ctx)
{
    struct file *f = ctx;
    if (f->reopening)
        outputs_close(f->outputs);
    work_plan(f->works, f->count, f->outputs, &f->rules, f->now_ms);
}

static void run_write(void *ctx)
{
    struct file *f = ctx;
    work_write(f->works, f->count, f->outputs, &f->rules);
}

/* loop_fn: a round is over. */
static void on_written(void *ctx)
{
    struct file *f = ctx;
    f->stage = STAGE_IDLE;
    for (size_t i = 0; i < f->count; i++)
        job_goes_on(f, f->round[i]);
    f->count = 0;
    round_begin(f);
}

/* Writes when every note is in the journal. */
static void round_write(struct file *f)
{
    if (f->stage != STAGE_NOTE || f->noting)
        return;
    f->stage = STAGE_WRITE;
    desk_run(f->desk, run_write, on_written, f);
}

/* Only what is written to regular files can be told of by a note. */
static bool wants_note(const struct work *w)
{
    for (size_t i = 0; i < w->piece_count; i++)
        if (w->pieces[i].output->regular)
            return true;
    return false;
}

/* Notes the job's stage. False: that failed and the job has ended. */
static bool job_note(struct file *f, struct job *job)
{
    struct work *w = &job->work;
    if (w->to == w->from || !wants_note(w) || !work_note(w))
        return true;
    if (say_note(job) == 0) {
        job->noting = true;
        f->noting++;
        return true;
    }
    trouble_note(&w->trouble, "noting what goes to", w->load.files[w->pieces[0].file].path, ENOMEM);
    struct trouble t = w->trouble;
    finish_retry(f, job, &t);
    return false;
}

/* loop_fn: the thread has planned. */
static void on_planned(void *ctx)
{
    struct file *f = ctx;
    size_t left = 0;
    f->stage = STAGE_NOTE;
    f->noting = 1; /* ours, until all are said */
    for (size_t i = 0; i < f->count; i++) {
        struct job *job = f->round[i];
        if (!job_goes_on(f, job) || !job_note(f, job))
            continue;
        f->round[left] = job;
        f->works[left++] = &job->work;
    }
    f->count = left;
    f->noting--;
    round_write(f);
}

static void round_begin(struct file *f)
{
    if (f->stage != STAGE_IDLE || !f->jobs)
        return;
    f->count = 0;
    for (struct job *job = f->jobs; job && f->count < ROUND_MAX; job = job->next) {
        f->round[f->count] = job;
        f->works[f->count++] = &job->work;
    }
    f->rules.synced = f->events->synced(f->ctx);
    f->now_ms = (int64_t)(clock_wall_ns() / CLOCK_NS_PER_MS);
    f->reopening = f->reopen;
    f->reopen = false;
    f->stage = STAGE_PLAN;
    desk_run(f->desk, run_plan, on_planned, f);
}

/* ---- the exporter ---- */

struct file *file_new(struct loop *loop, const struct file_options *options, const struct log *log,
                      const struct file_events *events, void *ctx)
{
    struct file *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    f->options = options;
    f->log = log;
    f->events = events;
    f->ctx = ctx;
    f->rules = (struct output_rules){.options = options, .log = log};
    f->encoding = encoding_new((enum file_format)options->format,
                               (enum file_compression)options->compression);
    f->outputs = outputs_new(options->group_by ? options->max_open_files : 1);
    f->desk = desk_new(loop);
    f->rules.writer = entropy_u64();
    if (!f->encoding || !f->outputs || !f->desk)
        file_free(&f);
    return f;
}

void file_free(struct file **file)
{
    struct file *f = *file;
    *file = NULL;
    if (!f)
        return;
    desk_free(&f->desk);
    outputs_free(&f->outputs);
    encoding_free(&f->encoding);
    while (f->jobs)
        job_free(f, f->jobs);
    free(f);
}

static void job_add(struct file *f, struct job *job)
{
    struct job **at = &f->jobs;
    while (*at)
        at = &(*at)->next;
    *at = job;
}

void file_push(struct file *f, struct delivery *delivery)
{
    struct load_rules rules = load_rules(f);
    struct job *job = calloc(1, sizeof *job);
    int rc = job ? load_read(&job->work.load, &rules, delivery, NULL) : GW_ERR_NOMEM;
    if (rc < 0) {
        free(job);
        delivery_unreadable(delivery, rc);
        return;
    }
    job->delivery = delivery;
    job_add(f, job);
    if (f->rules.run == 0)
        f->rules.run = f->events->run(f->ctx);
    struct slice note = delivery_note(delivery);
    if (note.len)
        job->work.look = note_read(note, &job->work.note) == 0;
    if (note.len && !job->work.look)
        log_warn(f->log, "a delivery's note cannot be read: parts of it may be written twice");
    if (delivery_attempt(delivery) > 1 && job->work.load.count > NOTE_MESSAGES_MAX)
        log_warn(f->log, "a delivery of %zu messages comes again: parts of it may be written twice", job->work.load.count);
    if (load_first_unwritten(&job->work.load) == job->work.load.count)
        finish_done(f, job); /* nothing that any file would have */
    else
        round_begin(f);
}

void file_cancel(struct file *f, struct delivery *delivery)
{
    struct job *job = job_of(f, delivery);
    if (!job)
        return;
    bool in_round = false;
    for (size_t i = 0; i < f->count; i++)
        in_round |= f->round[i] == job;
    job->delivery = NULL;
    if (!in_round) {
        job_free(f, job);
        return;
    }
    if (f->stage == STAGE_NOTE) /* the thread waits: its stage can be given up */
        job->work.to = job->work.from;
    if (job->noting) {
        job->noting = false;
        f->noting--;
        round_write(f);
    }
}

void file_progressed(struct file *f, struct delivery *delivery)
{
    struct job *job = job_of(f, delivery);
    if (!job || !job->noting)
        return;
    job->noting = false;
    f->noting--;
    round_write(f);
}

void file_reopen(struct file *f)
{
    f->reopen = true;
}
