// SPDX-License-Identifier: Apache-2.0
/* A durable exporter for loss tests: appends a line for every batch and the ids of its records to a file, and only
 * then says DONE. Started by hand: sink --router ENDPOINT --out FILE [--delay-ms N] [--fail-every N]
 * [--reject-every N] [--reject-ids N] [--reject-bytes 1] [--bytes 1].
 *
 *   <signal> <generation> <first> <last> <attempt> <digest> <batch> <records> <id> <id> ... [=<the batch in hex>]
 *
 * The last word is there with --bytes 1. A line that a kill has torn is cut off at the next start. A record's id is
 * its attribute "test.id", or a hash of its bytes ("#" and 16 digits) where it has none. With --fail-every N each Nth
 * delivery pushed is answered RETRY before anything is written; with --reject-every N each Nth is rejected with all its
 * records, and nothing of it is written; with --reject-ids N the records whose id begins with a multiple of N are
 * rejected, now and whenever they come again, and "!" stands before their id; with --reject-bytes 1 the bytes of those
 * that are log records are given along. With --retry-while FILE or
 * --reject-while FILE every delivery is, as long as FILE exists. --tries FILE takes a line for every delivery pushed,
 * whatever is said to it: the first five words.
 *
 * Under the name masques-exporter-file it stands in for the exporter `file` of a configuration, whose option `path`
 * then means --out PATH --retry-while PATH.retry --reject-while PATH.reject --tries PATH.tries. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "exporters/common/exporter.h"
#include "shared/otlp/value.h"
#include "shared/otlp/wire_out.h"

#define LINE_MAX_BYTES (64u * 1024 * 1024)
#define PATH_MAX_BYTES 4096u
#define FAIL_AFTER_MS 50u
#define STANDS_IN_FOR "masques-exporter-file"

struct sink_options {
    char out[PATH_MAX_BYTES];
    uint32_t delay_ms;
    uint32_t fail_every;
    uint32_t reject_every;
    uint32_t reject_ids;
    uint32_t reject_bytes;
    uint32_t bytes;
    char retry_while[PATH_MAX_BYTES], reject_while[PATH_MAX_BYTES], tries[PATH_MAX_BYTES];
};

/* Records of a delivery that are rejected, one entry each. */
struct rejects {
    struct delivery_reject *all;
    size_t count, cap;
    struct buf bytes; /* of all of them, one behind the other: they get their places at the end */
    uint64_t index; /* of the next record in the delivery */
    bool failed;    /* no memory */
};

/* A delivery that waits for its delay. */
struct waiting {
    struct waiting *next;
    struct sink *sink;
    struct delivery *delivery;
    struct loop_timer *timer;
};

struct sink {
    const struct sink_options *options;
    struct exporter_host *host;
    struct loop *loop;
    int fd;
    int tries; /* -1: not wanted */
    uint64_t pushed;
    struct buf line;
    struct waiting *waiting;
};

static int number(const char *text, uint32_t *out, struct buf *why)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || end == text || value > UINT32_MAX) {
        buf_printf(why, "\"%s\" is no number", text);
        return GW_ERR_INVALID;
    }
    *out = (uint32_t)value;
    return 0;
}

static int path_option(const char *text, const char *suffix, char out[PATH_MAX_BYTES], struct buf *why)
{
    int n = snprintf(out, PATH_MAX_BYTES, "%s%s", text, suffix);
    if (n >= 0 && n < (int)PATH_MAX_BYTES)
        return 0;
    buf_text(why, "the path is too long");
    return GW_ERR_INVALID;
}

/* An option of the exporter that it stands in for. */
static int foreign_option(struct sink_options *o, const char *path, const char *text, struct buf *why)
{
    if (strcmp(path, "path") != 0)
        return 0;
    int rc = path_option(text, "", o->out, why);
    if (rc == 0)
        rc = path_option(text, ".retry", o->retry_while, why);
    if (rc == 0)
        rc = path_option(text, ".reject", o->reject_while, why);
    return rc == 0 ? path_option(text, ".tries", o->tries, why) : rc;
}

static int sink_option(void *options, const char *path, const char *text, struct buf *why)
{
    struct sink_options *o = options;
    if (strcmp(program_invocation_short_name, STANDS_IN_FOR) == 0)
        return foreign_option(o, path, text, why);
    if (strcmp(path, "delay_ms") == 0)
        return number(text, &o->delay_ms, why);
    if (strcmp(path, "fail_every") == 0)
        return number(text, &o->fail_every, why);
    if (strcmp(path, "reject_every") == 0)
        return number(text, &o->reject_every, why);
    if (strcmp(path, "reject_ids") == 0)
        return number(text, &o->reject_ids, why);
    if (strcmp(path, "reject_bytes") == 0)
        return number(text, &o->reject_bytes, why);
    if (strcmp(path, "bytes") == 0)
        return number(text, &o->bytes, why);
    if (strcmp(path, "out") == 0)
        return path_option(text, "", o->out, why);
    if (strcmp(path, "retry_while") == 0)
        return path_option(text, "", o->retry_while, why);
    if (strcmp(path, "reject_while") == 0)
        return path_option(text, "", o->reject_while, why);
    if (strcmp(path, "tries") == 0)
        return path_option(text, "", o->tries, why);
    buf_printf(why, "%s: unknown option", path);
    return GW_ERR_INVALID;
}

/* Cuts the file behind its last whole line. */
static int cut_torn_line(int fd)
{
    off_t end = lseek(fd, 0, SEEK_END);
    char byte = '\n';
    while (end > 0 && pread(fd, &byte, 1, end - 1) == 1 && byte != '\n')
        end--;
    return ftruncate(fd, end);
}

static void *sink_open(struct exporter_host *host, const void *options, const char **why)
{
    const struct sink_options *o = options;
    struct sink *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->options = o;
    s->host = host;
    s->loop = exporter_loop(host);
    s->line = buf_make(LINE_MAX_BYTES);
    s->fd = open(o->out, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    s->tries = o->tries[0] ? open(o->tries, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (s->fd < 0 || cut_torn_line(s->fd) != 0) {
        *why = "--out FILE is missing or cannot be opened";
        free(s);
        return NULL;
    }
    return s;
}

static uint32_t attributes_of(enum otlp_message record)
{
    switch (record) {
    case OTLP_LOG_RECORD:
        return 6;
    case OTLP_EXPONENTIAL_HISTOGRAM_POINT:
        return 1;
    case OTLP_NUMBER_POINT:
    case OTLP_SUMMARY_POINT:
        return 7;
    default: /* spans, histogram points */
        return 9;
    }
}

/* A field that is a message. */
static void put_message(struct wire_out *out, uint32_t number, struct slice bytes)
{
    if (wire_out_open(out, number, 4) != GW_OK)
        return;
    uint8_t *at = wire_out_room(out, bytes.len);
    if (at && bytes.len) {
        memcpy(at, bytes.data, bytes.len);
        wire_out_wrote(out, at + bytes.len);
    }
    wire_out_close(out);
}

/* The log record as a request of its own. Returns its length; 0: no memory. */
static size_t put_request(struct buf *bytes, const struct otlp_record *r)
{
    struct wire_out out;
    size_t before = bytes->len;
    wire_out_init(&out, bytes, 0);
    if (wire_out_open(&out, 1, 4) == GW_OK) {
        put_message(&out, 1, r->resource.holder);
        if (wire_out_open(&out, 2, 4) == GW_OK) {
            put_message(&out, 1, r->scope.holder);
            put_message(&out, 2, r->bytes);
            wire_out_close(&out);
        }
        wire_out_close(&out);
    }
    return out.err == GW_OK ? bytes->len - before : 0;
}

static void reject_one(struct rejects *r, const struct otlp_record *record, bool with_bytes)
{
    if (r->count == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16;
        struct delivery_reject *all = realloc(r->all, cap * sizeof *all);
        if (!all) {
            r->failed = true;
            return;
        }
        r->all = all;
        r->cap = cap;
    }
    struct delivery_reject *mine = &r->all[r->count++];
    *mine = (struct delivery_reject){.first = r->index, .count = 1, .reason = "asked to reject"};
    if (!with_bytes)
        return;
    mine->bytes.len = put_request(&r->bytes, record);
    r->failed |= mine->bytes.len == 0;
}

/* The bytes do not move any more. */
static void place_bytes(struct rejects *r)
{
    size_t at = 0;
    for (size_t i = 0; i < r->count && r->bytes.len; i++) {
        size_t len = r->all[i].bytes.len;
        r->all[i].bytes = slice_make(r->bytes.data + at, len);
        at += len;
    }
}

/* Whether the id is a number, up to anything else, that `every` divides. */
static bool is_multiple(struct slice id, uint32_t every)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < id.len && i < 18 && id.data[i] >= '0' && id.data[i] <= '9'; i++)
        value = value * 10 + (uint64_t)(id.data[i] - '0');
    return i && every && value % every == 0;
}

static void write_ids(struct buf *line, enum otlp_signal signal, struct slice batch,
                      const struct sink_options *options, struct rejects *rejects)
{
    bool with_bytes = options->reject_bytes && signal == OTLP_LOGS;
    struct otlp_reader reader;
    struct otlp_value value;
    struct buf id = buf_make(LINE_MAX_BYTES);
    otlp_reader_init(&reader, signal, batch);
    for (; otlp_reader_next(&reader); rejects->index++) {
        const struct otlp_record *r = &reader.now;
        buf_clear(&id);
        if (otlp_attribute_find(&r->record, attributes_of(r->record_message), "test.id", &value))
            otlp_value_text(&value, &id);
        else
            buf_printf(&id, "#%016" PRIx64, (uint64_t)XXH3_64bits(r->bytes.data, r->bytes.len));
        bool rejected = is_multiple(buf_slice(&id), options->reject_ids);
        if (rejected)
            reject_one(rejects, r, with_bytes);
        buf_printf(line, rejected ? " !" : " ");
        buf_slice_append(line, buf_slice(&id));
    }
    rejects->failed |= !buf_ok(&id);
    buf_free(&id);
}

static void write_bytes(struct buf *line, struct slice batch)
{
    static const char digits[] = "0123456789abcdef";
    buf_slice_append(line, slice_of(" ="));
    for (size_t i = 0; i < batch.len; i++) {
        buf_byte(line, (uint8_t)digits[batch.data[i] >> 4]);
        buf_byte(line, (uint8_t)digits[batch.data[i] & 15]);
    }
}

static uint64_t count_records(enum otlp_signal signal, struct slice batch)
{
    struct otlp_reader reader;
    uint64_t records = 0;
    otlp_reader_init(&reader, signal, batch);
    while (otlp_reader_next(&reader))
        records++;
    return records;
}

static int write_line(const struct sink *s, int fd)
{
    size_t done = 0;
    while (done < s->line.len) {
        ssize_t n = write(fd, s->line.data + done, s->line.len - done);
        if (n < 0 && errno != EINTR)
            return GW_ERR_IO;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* The line of every batch into s->line. 0, or an error of the delivery. */
static int put_lines(struct sink *s, struct delivery *d, struct rejects *rejects)
{
    const Masques__Bus__DeliveryId *id = delivery_id(d);
    enum otlp_signal signal = (enum otlp_signal)id->signal;
    struct reader_batch batch;
    unsigned index = 0;
    int rc;
    buf_clear(&s->line);
    while ((rc = delivery_next(d, &batch)) == 1) {
        buf_printf(&s->line, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %u %016" PRIx64 " %u %" PRIu64,
                   otlp_signal_name(signal), id->generation, id->first, id->last,
                   delivery_attempt(d), delivery_digest(d), index++,
                   count_records(signal, batch.bytes));
        write_ids(&s->line, signal, batch.bytes, s->options, rejects);
        if (s->options->bytes)
            write_bytes(&s->line, batch.bytes);
        buf_byte(&s->line, '\n');
    }
    return rc == 0 && (rejects->failed || !buf_ok(&s->line)) ? GW_ERR_NOMEM : rc;
}

static void record(struct sink *s, struct delivery *d)
{
    struct rejects rejects = {.bytes = buf_make(LINE_MAX_BYTES)};
    int rc = put_lines(s, d, &rejects);
    place_bytes(&rejects);
    if (rc == 0)
        rc = write_line(s, s->fd);
    if (rc == 0)
        delivery_finish(d, &(struct delivery_verdict){.outcome = MASQUES__BUS__OUTCOME__DONE,
                                                      .rejected = rejects.all,
                                                      .rejected_count = rejects.count});
    else
        delivery_unreadable(d, rc);
    free(rejects.all);
    buf_free(&rejects.bytes);
}

static void note_try(struct sink *s, const struct delivery *d)
{
    const Masques__Bus__DeliveryId *id = delivery_id(d);
    buf_clear(&s->line);
    buf_printf(&s->line, "%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %u\n",
               otlp_signal_name((enum otlp_signal)id->signal), id->generation, id->first, id->last,
               delivery_attempt(d));
    if (write_line(s, s->tries) != 0)
        log_warn(exporter_log(s->host), "a try is not noted");
}

static struct delivery *waiting_take(struct waiting **at)
{
    struct waiting *w = *at;
    struct delivery *d = w->delivery;
    *at = w->next;
    loop_timer_free(&w->timer);
    free(w);
    return d;
}

static struct waiting **waiting_find(struct sink *s, const struct delivery *d)
{
    struct waiting **at = &s->waiting;
    while (*at && (*at)->delivery != d)
        at = &(*at)->next;
    return at;
}

static void on_delay_over(void *ctx)
{
    struct waiting *w = ctx;
    struct sink *s = w->sink;
    record(s, waiting_take(waiting_find(s, w->delivery)));
}

/* With its bytes, so that they can be replayed. */
static void reject(struct sink *s, struct delivery *d)
{
    struct reader_batch batch;
    int rc;
    buf_clear(&s->line);
    while ((rc = delivery_next(d, &batch)) == 1)
        buf_slice_append(&s->line, batch.bytes);
    if (rc == 0 && !buf_ok(&s->line))
        rc = GW_ERR_NOMEM;
    if (rc != 0) {
        delivery_unreadable(d, rc);
        return;
    }
    const struct delivery_reject all = {
        .count = delivery_records(d), .reason = "asked to reject", .bytes = buf_slice(&s->line)};
    const struct delivery_verdict verdict = {
        .outcome = MASQUES__BUS__OUTCOME__DONE, .rejected = &all, .rejected_count = 1};
    delivery_finish(d, &verdict);
}

/* The delivery that has just come is one of those that `every` and `condition`, a file, are about. */
static bool is_meant(const struct sink *s, uint32_t every, const char *condition)
{
    return (every && s->pushed % every == 0) || (condition[0] && access(condition, F_OK) == 0);
}

static void sink_push(void *exporter, struct delivery *d)
{
    struct sink *s = exporter;
    const struct sink_options *o = s->options;
    s->pushed++;
    if (s->tries >= 0)
        note_try(s, d);
    if (is_meant(s, o->fail_every, o->retry_while)) {
        delivery_retry(d, FAIL_AFTER_MS, "asked to fail");
        return;
    }
    if (is_meant(s, o->reject_every, o->reject_while)) {
        reject(s, d);
        return;
    }
    struct waiting *w = s->options->delay_ms ? calloc(1, sizeof *w) : NULL;
    if (!w) {
        record(s, d);
        return;
    }
    *w = (struct waiting){s->waiting, s, d, loop_timer_new(s->loop, on_delay_over, w)};
    s->waiting = w;
    loop_timer_set(w->timer, s->options->delay_ms);
}

static void sink_cancel(void *exporter, struct delivery *d)
{
    struct sink *s = exporter;
    struct waiting **at = waiting_find(s, d);
    if (*at)
        waiting_take(at);
}

static void sink_close(void *exporter)
{
    struct sink *s = exporter;
    while (s->waiting)
        waiting_take(&s->waiting);
    buf_free(&s->line);
    close(s->fd);
    if (s->tries >= 0)
        close(s->tries);
    free(s);
}

int main(int argc, char **argv)
{
    static const struct exporter_ops ops = {
        .type = "sink",
        .summary = "writes the ids of all records to a file, for loss tests",
        .flags = "  --out FILE          where the ids go; appended\n"
                 "  --delay-ms N        how long every delivery takes\n"
                 "  --fail-every N      answer each Nth delivery with RETRY\n"
                 "  --reject-every N    reject all records of each Nth delivery\n"
                 "  --reject-ids N      reject the records whose id is a multiple of N\n"
                 "  --retry-while FILE, --reject-while FILE\n"
                 "                      answer every delivery so as long as FILE exists\n"
                 "  --tries FILE        a line for every delivery pushed\n"
                 "  --reject-bytes 1    give the bytes of what --reject-ids rejects, of log records\n"
                 "  --bytes 1           write the bytes of every batch, too\n",
        .mode = MASQUES__BUS__MODE__DURABLE,
        .options_bytes = sizeof(struct sink_options),
        .option = sink_option,
        .open = sink_open,
        .push = sink_push,
        .cancel = sink_cancel,
        .close = sink_close,
    };
    return exporter_main(argc, argv, &ops);
}
