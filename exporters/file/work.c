// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/work.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "exporters/file/tail.h"

/* ---- what an earlier attempt has left ---- */

/* A file that was noted, wherever it is now. */
struct trace {
    int fd;
    bool own;      /* it is not the path's file any more: `fd` is closed afterwards */
    uint64_t size;
    uint64_t found; /* bytes that this process did not write */
    bool unmarked;  /* that is not known */
};

/* By the mark of a file that has another name now; only an attribute moves along with it. */
static void found_elsewhere(struct trace *t, const char *path, const struct stat *st,
                            const struct output_rules *rules)
{
    struct mark mark;
    t->unmarked = mark_read(t->fd, path, st, &mark) < 0;
    t->found = t->unmarked ? 0 : mark.writer == rules->writer ? mark.found : (uint64_t)st->st_size;
}

static bool trace_open(struct trace *t, int directory, const char *name, const struct note_file *noted,
                       const struct output_rules *rules)
{
    struct stat st;
    t->fd = openat(directory, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (t->fd < 0)
        return false;
    if (fstat(t->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_dev == (dev_t)noted->device &&
        st.st_ino == (ino_t)noted->inode) {
        t->own = true;
        t->size = (uint64_t)st.st_size;
        found_elsewhere(t, name, &st, rules);
        return true;
    }
    close(t->fd);
    return false;
}

/* Looks for the noted file in the directory of `path`: rotated, or renamed by somebody else. */
static bool trace_search(struct trace *t, const char *path, const struct note_file *noted,
                         const struct output_rules *rules)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(directory, sizeof directory, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    DIR *all = opendir(directory);
    bool found = false;
    for (struct dirent *entry; all && !found && (entry = readdir(all));)
        if (entry->d_ino == (ino_t)noted->inode)
            found = trace_open(t, dirfd(all), entry->d_name, noted, rules);
    if (all)
        closedir(all);
    return found;
}

static bool trace_find(struct trace *t, const struct output *o, const struct note_file *noted,
                       const struct output_rules *rules)
{
    if (o->regular && o->device == (dev_t)noted->device && o->inode == (ino_t)noted->inode) {
        *t = (struct trace){.fd = o->fd, .size = o->whole, .found = output_found(o), .unmarked = !o->marked};
        return true;
    }
    return trace_search(t, o->path, noted, rules);
}

/* The messages of one file that a note speaks of: a run of its bytes. */
struct run {
    uint32_t file;
    size_t at;
    size_t len;
};

static void set_written(struct work *w, uint32_t file, uint64_t bytes)
{
    for (size_t i = w->note.from; i < w->note.to; i++) {
        struct load_message *m = &w->load.messages[i];
        if (m->file != file || m->written)
            continue;
        if (m->len > bytes)
            return;
        bytes -= m->len;
        m->written = true;
        note_set_written(&w->note, (uint32_t)i);
        w->news = true;
    }
}

/* Bytes of the whole messages among the first `matched` of the run. */
static uint64_t whole_of(const struct work *w, const struct run *run, uint64_t matched)
{
    uint64_t whole = 0;
    for (size_t i = w->note.from; i < w->note.to; i++) {
        const struct load_message *m = &w->load.messages[i];
        if (m->file != run->file || m->written)
            continue;
        if (whole + m->len > matched)
            break;
        whole += m->len;
    }
    return whole;
}

/* Gives up what was found from `offset` on: it is cut off if nothing else stands behind it. False: it stays there. */
static bool cut_found(struct output *o, const struct trace *t, uint64_t offset, bool at_end,
                      const struct output_rules *rules)
{
    if (at_end && t->own)
        return ftruncate(t->fd, (off_t)offset) == 0;
    if (at_end)
        output_cut(o, rules, offset);
    return at_end;
}

/* What a process that was killed had written may not be on the disk yet, and nobody else will see to it. When it cannot
 * be synced it does not count and is written anew, since a second sync would say that all is well. True: it counts. */
static bool sync_found(struct work *w, struct output *o, const struct trace *t, uint64_t offset, bool at_end,
                       const struct output_rules *rules)
{
    if (fdatasync(t->fd) == 0)
        return output_sync(o, rules, &w->trouble) == 0; /* its name */
    int error = errno;
    if (cut_found(o, t, offset, at_end, rules))
        trouble_note(&w->trouble, "syncing", o->path, error);
    else
        log_warn(rules->log, "%s: what a delivery had written at %" PRIu64 " cannot be synced (%s): it may be there twice",
                 o->path, offset, strerror(error));
    return false;
}

/* Cuts off a message that was begun at the end of the file, behind the `whole` ones. */
static void cut_begun(struct work *w, struct output *o, const struct trace *t, uint64_t end,
                      const struct output_rules *rules)
{
    if (!t->own)
        output_cut(o, rules, end);
    else if (ftruncate(t->fd, (off_t)end) < 0)
        trouble_note(&w->trouble, "cutting off an unfinished write of", o->path, errno);
}

/* How many of the run's bytes stand in the file; holes that a power cut has left among its whole messages are filled. */
static int match(const struct work *w, const struct output *o, const struct trace *t, const struct run *run,
                 const struct note_file *noted, const struct output_rules *rules, uint64_t *matched)
{
    struct slice bytes = slice_make(w->load.files[run->file].bytes.data + run->at, run->len);
    uint64_t limit = t->found < t->size ? t->found : t->size;
    if (t->unmarked && noted->offset < t->size)
        log_warn(rules->log, "%s: nothing says who wrote its end: a delivery may be there twice", o->path);
    int rc = tail_match(t->fd, noted->offset, limit, bytes, matched);
    if (rc < 0 && errno == EBADF) { /* it may not be read, and nothing can be told */
        *matched = 0;
        return 0;
    }
    if (rc < 0 || noted->offset + *matched >= limit || *matched == run->len)
        return rc;
    uint64_t there = whole_of(w, run, limit - noted->offset);
    rc = *matched < there ? tail_fill(t->fd, noted->offset, slice_make(bytes.data, (size_t)there)) : GW_ERR_NOT_FOUND;
    if (rc == 0) {
        log_info(rules->log, "%s: what was not yet on the disk of %" PRIu64 " bytes at %" PRIu64 " is written again",
                 o->path, there, noted->offset);
        *matched = there;
    } else if (rc == GW_ERR_NOT_FOUND) {
        rc = 0;
        if (*matched == whole_of(w, run, *matched))
            return rc;
        log_warn(rules->log, "%s: at %" PRIu64 " stand other bytes than a delivery had begun to write there; "
                 "what follows may be there twice", o->path, noted->offset + *matched);
    }
    return rc;
}

/* Holds the run against the file in which it was to be written. */
static int look_at(struct work *w, struct output *o, const struct run *run,
                   const struct note_file *noted, const struct output_rules *rules)
{
    struct trace t;
    uint64_t matched;
    if (!trace_find(&t, o, noted, rules))
        return 0; /* it is gone, and what was in it with it */
    int rc = match(w, o, &t, run, noted, rules, &matched);
    uint64_t whole = rc == 0 ? whole_of(w, run, matched) : 0;
    bool at_end = noted->offset + matched == t.size;
    if (rc < 0)
        trouble_note(&w->trouble, "reading", o->path, errno);
    else if (matched > whole && at_end)
        cut_begun(w, o, &t, noted->offset + whole, rules);
    if (whole && rules->synced && !w->trouble.error && !sync_found(w, o, &t, noted->offset, at_end, rules))
        whole = 0;
    if (t.own)
        close(t.fd);
    if (w->trouble.error)
        return GW_ERR_IO;
    set_written(w, run->file, whole);
    return 0;
}

/* The runs of the noted stage, in the note's order of files. Their number; more than `room` only if the note is not
 * of this load. */
static size_t runs_of(const struct work *w, struct run *runs, size_t room)
{
    size_t count = 0;
    for (size_t i = w->note.from; i < w->note.to; i++) {
        const struct load_message *m = &w->load.messages[i];
        size_t k = 0;
        if (m->written)
            continue;
        while (k < count && runs[k].file != m->file)
            k++;
        if (k == room)
            return room + 1;
        if (k == count)
            runs[count++] = (struct run){.file = m->file, .at = m->at};
        runs[k].len += m->len;
    }
    return count;
}

static int look(struct work *w, struct outputs *outputs, const struct output_rules *rules)
{
    struct run runs[NOTE_FILES_MAX];
    w->look = false;
    if (w->note.count != w->load.count) {
        log_warn(rules->log, "a delivery was begun with other options: parts of it may be there twice");
        w->note.count = 0;
        return 0;
    }
    for (size_t i = 0; i < w->load.count; i++)
        w->load.messages[i].written |= note_is_written(&w->note, (uint32_t)i);
    size_t count = runs_of(w, runs, NOTE_FILES_MAX);
    if (count > w->note.file_count) {
        log_warn(rules->log, "a delivery's note does not fit to it: parts of it may be there twice");
        return 0;
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct output *o;
        w->blamed = runs[i].file;
        rc = outputs_get(outputs, w->load.files[runs[i].file].path, rules, &o, &w->trouble);
        if (rc == 0)
            rc = look_at(w, o, &runs[i], &w->note.files[i], rules);
    }
    if (rc < 0) { /* the note stands as it is, and all of it is looked at again */
        w->look = true;
        w->news = false;
    }
    return rc;
}

/* ---- plan ---- */

static struct work_piece *piece_of(struct work *w, uint32_t file)
{
    for (size_t i = 0; i < w->piece_count; i++)
        if (w->pieces[i].file == file)
            return &w->pieces[i];
    return NULL;
}

/* Begins a piece for a message, which may rotate its file first. 0; GW_ERR_FULL: not in this round; otherwise
 * `trouble` is set. */
static int piece_begin(struct work *w, const struct load_message *m, struct outputs *outputs,
                       const struct output_rules *rules, int64_t now_ms)
{
    struct output *o;
    w->blamed = m->file;
    if (w->piece_count == NOTE_FILES_MAX)
        return GW_ERR_FULL;
    int rc = outputs_get(outputs, w->load.files[m->file].path, rules, &o, &w->trouble);
    if (rc < 0)
        return rc;
    if (output_is_due(o, rules, m->len, now_ms)) {
        if (o->in_round)
            return GW_ERR_FULL;
        rc = output_rotate(o, rules, now_ms, &w->trouble);
        if (rc < 0)
            return rc;
    }
    if (!o->in_round) {
        o->in_round = true;
        o->round = o->planned = o->whole;
    }
    w->pieces[w->piece_count++] =
        (struct work_piece){.file = m->file, .output = o, .offset = o->planned, .at = m->at};
    return 0;
}

/* Takes one more message into the stage. As piece_begin(). */
static int stage_add(struct work *w, const struct load_message *m, struct outputs *outputs,
                     const struct output_rules *rules, int64_t now_ms)
{
    struct work_piece *piece = piece_of(w, m->file);
    if (!piece) {
        int rc = piece_begin(w, m, outputs, rules, now_ms);
        if (rc < 0)
            return rc;
        piece = &w->pieces[w->piece_count - 1];
    } else if (output_is_due(piece->output, rules, m->len, now_ms)) {
        return GW_ERR_FULL;
    }
    piece->len += m->len;
    piece->output->planned += m->len;
    return 0;
}

static void stage_clear(struct work *w)
{
    w->to = w->from;
    w->piece_count = 0;
}

/* Takes a stage back that cannot be written because of a later message of it. Nothing is planned behind it yet. */
static void stage_undo(struct work *w)
{
    for (size_t i = 0; i < w->piece_count; i++)
        w->pieces[i].output->planned = w->pieces[i].offset;
    stage_clear(w);
}

static void stage_plan(struct work *w, struct outputs *outputs, const struct output_rules *rules,
                       int64_t now_ms)
{
    w->from = w->to = load_first_unwritten(&w->load);
    w->piece_count = 0;
    int rc = 0;
    while (rc == 0 && w->to < w->load.count && !w->load.messages[w->to].written) {
        rc = stage_add(w, &w->load.messages[w->to], outputs, rules, now_ms);
        if (rc == 0)
            w->to++;
    }
    if (w->trouble.error)
        stage_undo(w);
}

void work_plan(struct work *const *works, size_t count, struct outputs *outputs,
               const struct output_rules *rules, int64_t now_ms)
{
    size_t files;
    struct output *const *all = outputs_all(outputs, &files);
    for (size_t i = 0; i < files; i++) /* a round without a stage was not written */
        output_settle(all[i]);
    /* First everybody looks for what is theirs: afterwards new bytes stand at the ends of files. */
    for (size_t i = 0; i < count; i++) {
        stage_clear(works[i]);
        if (works[i]->look && !works[i]->trouble.error) {
            int rc = look(works[i], outputs, rules);
            if (rc < 0 && !works[i]->trouble.error)
                trouble_note(&works[i]->trouble, "opening", works[i]->load.files[works[i]->blamed].path,
                             ENOMEM);
        }
    }
    for (size_t i = 0; i < count; i++)
        if (!works[i]->trouble.error)
            stage_plan(works[i], outputs, rules, now_ms);
}

void work_give_up(struct work *w)
{
    stage_clear(w);
}

bool work_note_is_old(const struct work *w)
{
    return w->news || (w->note.to > w->note.from && !w->look && !w->left);
}

bool work_note(struct work *w)
{
    if (w->load.count > NOTE_MESSAGES_MAX)
        return false;
    w->note = (struct note){.count = (uint32_t)w->load.count,
                            .from = (uint32_t)w->from,
                            .to = (uint32_t)w->to,
                            .file_count = (uint32_t)w->piece_count};
    for (size_t i = 0; i < w->piece_count; i++)
        w->note.files[i] = (struct note_file){.device = (uint64_t)w->pieces[i].output->device,
                                              .inode = (uint64_t)w->pieces[i].output->inode,
                                              .offset = w->pieces[i].offset};
    for (size_t i = 0; i < w->load.count; i++)
        if (w->load.messages[i].written)
            note_set_written(&w->note, (uint32_t)i);
    w->news = false;
    return true;
}

/* ---- write ---- */

/* Are its pieces still where the note says they will be? Not if something before them failed. */
static bool stage_holds(const struct work *w)
{
    for (size_t i = 0; i < w->piece_count; i++)
        if (w->pieces[i].output->whole != w->pieces[i].offset)
            return false;
    return true;
}

static void stage_write(struct work *w, const struct output_rules *rules)
{
    size_t done = 0;
    for (; done < w->piece_count; done++) {
        const struct work_piece *p = &w->pieces[done];
        struct slice bytes = slice_make(w->load.files[p->file].bytes.data + p->at, p->len);
        w->blamed = p->file;
        if (output_write(p->output, rules, bytes, &w->trouble) < 0)
            break;
    }
    if (done == w->piece_count)
        return;
    w->left = w->pieces[done].output->torn;
    while (done-- > 0) {
        if (w->pieces[done].output->regular)
            output_cut(w->pieces[done].output, rules, w->pieces[done].offset);
        w->left |= w->pieces[done].output->torn;
    }
    stage_clear(w);
}

/* Syncs what the round has touched. 0; GW_ERR_IO with `trouble`. */
static int round_sync(struct outputs *outputs, const struct output_rules *rules, struct trouble *trouble)
{
    size_t count;
    struct output *const *all = outputs_all(outputs, &count);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (all[i]->in_round)
            rc = output_sync(all[i], rules, trouble);
    return rc;
}

/* Takes back what the round has written. */
static void round_undo(struct work *const *works, size_t count, struct outputs *outputs,
                       const struct output_rules *rules, const struct trouble *trouble)
{
    size_t files;
    struct output *const *all = outputs_all(outputs, &files);
    for (size_t i = 0; i < files; i++)
        if (all[i]->in_round && all[i]->regular && all[i]->whole != all[i]->round)
            output_cut(all[i], rules, all[i]->round);
    for (size_t i = 0; i < count; i++) {
        if (works[i]->to > works[i]->from && !works[i]->trouble.error)
            works[i]->trouble = *trouble;
        for (size_t k = 0; k < works[i]->piece_count; k++)
            works[i]->left |= works[i]->pieces[k].output->torn;
        stage_clear(works[i]);
    }
}

static void stage_settle(struct work *w)
{
    for (size_t i = w->from; i < w->to; i++)
        w->load.messages[i].written = true;
    w->news |= w->to > w->from;
    stage_clear(w);
}

void work_write(struct work *const *works, size_t count, struct outputs *outputs,
                const struct output_rules *rules)
{
    struct trouble trouble = {.error = 0};
    for (size_t i = 0; i < count; i++) {
        struct work *w = works[i];
        if (w->to > w->from && stage_holds(w))
            stage_write(w, rules);
        else
            stage_clear(w);
    }
    if (rules->synced && round_sync(outputs, rules, &trouble) < 0)
        round_undo(works, count, outputs, rules, &trouble);
    size_t files;
    struct output *const *all = outputs_all(outputs, &files);
    for (size_t i = 0; i < files; i++)
        output_settle(all[i]);
    for (size_t i = 0; i < count; i++)
        stage_settle(works[i]);
}
