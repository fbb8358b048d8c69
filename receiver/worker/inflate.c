// SPDX-License-Identifier: Apache-2.0
#include "receiver/worker/inflate.h"

#include <libdeflate.h>
#include <stdlib.h>

#define FIRST_ROOM_BYTES 4096u
#define MEMBER_TAIL_BYTES 4u /* ISIZE, the last field of a member (RFC 1952 section 2.3.1) */

struct inflate {
    struct libdeflate_decompressor *decompressor;
};

struct inflate *inflate_new(void)
{
    struct inflate *inflate = malloc(sizeof *inflate);
    if (!inflate)
        return NULL;
    inflate->decompressor = libdeflate_alloc_decompressor();
    if (!inflate->decompressor) {
        free(inflate);
        return NULL;
    }
    return inflate;
}

void inflate_free(struct inflate **inflate)
{
    if (*inflate)
        libdeflate_free_decompressor((*inflate)->decompressor);
    free(*inflate);
    *inflate = NULL;
}

/* One body on its way. */
struct job {
    struct libdeflate_decompressor *decompressor;
    const struct inflate_limits *limits;
    struct slice rest; /* members not yet inflated */
    size_t bound;      /* bytes: the cap or the ratio, whichever comes first */
    struct blob *out;
    const char *why;
};

static int fail(struct job *job, int err, const char *why)
{
    job->why = why;
    return err;
}

static size_t output_bound(size_t in_bytes, const struct inflate_limits *limits)
{
    size_t ratio = limits->ratio ? limits->ratio : INFLATE_RATIO;
    size_t bound = in_bytes > SIZE_MAX / ratio ? SIZE_MAX : in_bytes * ratio;
    if (bound < INFLATE_RATIO_FREE_BYTES)
        bound = INFLATE_RATIO_FREE_BYTES;
    return bound < limits->max_bytes ? bound : limits->max_bytes;
}

static int make_room(struct job *job, size_t cap)
{
    const struct inflate_limits *limits = job->limits;
    size_t had = job->out ? job->out->cap : 0;
    if (limits->grant && !limits->grant(limits->ctx, cap - had))
        return fail(job, GW_ERR_FULL, "no memory is left for inflating the body");
    if (job->out ? blob_grow(&job->out, cap) : !(job->out = blob_new(cap)))
        return fail(job, GW_ERR_NOMEM, "no memory");
    return GW_OK;
}

/* ISIZE is right for honest senders of one member; it is believed only as far as the bound. */
static int first_room(struct job *job)
{
    struct slice in = job->rest;
    size_t guess = FIRST_ROOM_BYTES;
    if (in.len >= MEMBER_TAIL_BYTES) {
        const uint8_t *tail = in.data + in.len - MEMBER_TAIL_BYTES;
        guess = (size_t)tail[0] | (size_t)tail[1] << 8 | (size_t)tail[2] << 16 |
                (size_t)tail[3] << 24;
    }
    return make_room(job, guess < job->bound ? guess : job->bound);
}

/* Doubles, so that an ISIZE that lies costs no more than inflating twice. */
static int more_room(struct job *job)
{
    size_t cap = job->out->cap;
    if (cap >= job->bound) {
        if (job->bound == job->limits->max_bytes)
            return fail(job, GW_ERR_TOO_LARGE, "the inflated body is over the limit");
        return fail(job, GW_ERR_INVALID, "the body inflates to a larger multiple of its size than is allowed");
    }
    cap = cap > job->bound / 2 ? job->bound : cap * 2;
    if (cap < FIRST_ROOM_BYTES)
        cap = FIRST_ROOM_BYTES;
    return make_room(job, cap < job->bound ? cap : job->bound);
}

static int inflate_member(struct job *job)
{
    for (;;) {
        size_t used = 0;
        size_t made = 0;
        struct blob *out = job->out;
        enum libdeflate_result result = libdeflate_gzip_decompress_ex(
            job->decompressor, job->rest.data, job->rest.len, out->data + out->len,
            out->cap - out->len, &used, &made);
        if (result == LIBDEFLATE_SUCCESS) {
            out->len += made;
            job->rest = slice_make(job->rest.data + used, job->rest.len - used);
            return GW_OK;
        }
        if (result != LIBDEFLATE_INSUFFICIENT_SPACE)
            return fail(job, GW_ERR_CORRUPT, "the gzip data is damaged or cut short");
        int err = more_room(job);
        if (err)
            return err;
    }
}

static int check_member(struct job *job, unsigned members)
{
    if (job->rest.len < 2 || job->rest.data[0] != 0x1f || job->rest.data[1] != 0x8b)
        return fail(job, GW_ERR_CORRUPT,
                    members ? "the gzip data is followed by other bytes" : "this is no gzip");
    if (members == INFLATE_MAX_MEMBERS)
        return fail(job, GW_ERR_CORRUPT, "the body has too many gzip members");
    return GW_OK;
}

static int inflate_members(struct job *job)
{
    unsigned members = 0;
    do {
        int err = check_member(job, members);
        if (!err && members == 0)
            err = first_room(job);
        if (!err)
            err = inflate_member(job);
        if (err)
            return err;
        members++;
    } while (job->rest.len);
    return GW_OK;
}

int inflate_gzip(struct inflate *inflate, struct slice in, const struct inflate_limits *limits,
                 struct blob **out, const char **why)
{
    struct job job = {.decompressor = inflate->decompressor,
                      .limits = limits,
                      .rest = in,
                      .bound = output_bound(in.len, limits)};
    int err = inflate_members(&job);
    if (err) {
        blob_drop(job.out);
        *why = job.why;
        return err;
    }
    *out = job.out;
    return GW_OK;
}
