// SPDX-License-Identifier: Apache-2.0
/* Bytes of a connection: heads one after the other as http1.h parses them, each body as its head announces. Checks
 * that every view lies inside the input, and that cutting the input changes nothing but "incomplete". */
#include <stdlib.h>

#include "shared/http/http1.h"
#include "shared/http/http1_chunked.h"

#define HEAD_MAX_BYTES 512u
#define BODY_MAX_BYTES 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool right)
{
    if (!right)
        abort();
}

static void check_inside(struct slice part, struct slice whole)
{
    require(part.len == 0 || (part.data >= whole.data && part.len <= whole.len &&
                              (size_t)(part.data - whole.data) <= whole.len - part.len));
}

static void check_request(const struct http1_request *r, struct slice head)
{
    check_inside(r->method, head);
    check_inside(r->target, head);
    check_inside(r->query, head);
    check_inside(r->fields, head);
    check_inside(r->host, head);
    check_inside(r->content_type, head);
    check_inside(r->content_encoding, head);
    require(r->method.len > 0 && r->target.len > 0 && r->path.len > 0);
    require(!(r->has_length && r->chunked));
    require(!(r->chunked && r->minor == 0));
    require(r->fields.len == 0 || !memchr(r->fields.data, '\0', r->fields.len));
    struct slice host = http1_request_header(r, "HOST");
    require(host.data ? slice_eq(host, r->host) : r->minor == 0);
}

static void check_cut(struct slice in, size_t cut, int64_t want)
{
    struct http1_request r;
    int64_t got = http1_request_parse(slice_make(in.data, cut), HEAD_MAX_BYTES, &r);
    require(got == want || got == GW_ERR_INCOMPLETE);
    require(want < 0 || cut < (size_t)want || got == want);
}

/* Decodes in pieces of `step`; returns the bytes consumed or the error, and the sum of the content. */
static int64_t decode(struct slice in, size_t step, uint64_t *sum, bool *done)
{
    struct http1_chunked c;
    http1_chunked_init(&c, BODY_MAX_BYTES);
    size_t at = 0;
    *sum = 0;
    while (at < in.len && !http1_chunked_done(&c)) {
        struct slice piece = slice_make(in.data + at, in.len - at < step ? in.len - at : step);
        struct slice content;
        int64_t used = http1_chunked_feed(&c, piece, &content);
        if (used < 0)
            return used;
        require(used > 0 && (size_t)used <= piece.len);
        check_inside(content, piece);
        for (size_t i = 0; i < content.len; i++)
            *sum = *sum * 31 + content.data[i] + 1;
        at += (size_t)used;
        require(c.announced <= BODY_MAX_BYTES);
    }
    *done = http1_chunked_done(&c);
    return (int64_t)at;
}

static int64_t check_chunks(struct slice in)
{
    uint64_t sum[2];
    bool done[2] = {false, false};
    int64_t whole = decode(in, SIZE_MAX, &sum[0], &done[0]);
    int64_t bytes = decode(in, 1, &sum[1], &done[1]);
    require(whole == bytes && done[0] == done[1] && sum[0] == sum[1]);
    return done[0] ? whole : GW_ERR_INCOMPLETE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_make(data, size);
    for (;;) {
        struct http1_request r;
        int64_t used = http1_request_parse(in, HEAD_MAX_BYTES, &r);
        if (in.len)
            check_cut(in, in.data[0] % in.len, used);
        if (used <= 0) {
            require(used == GW_ERR_INCOMPLETE || (r.status >= 400 && r.why));
            return 0;
        }
        check_request(&r, slice_make(in.data, (size_t)used));
        in = slice_make(in.data + used, in.len - (size_t)used);
        int64_t body = r.chunked ? check_chunks(in) : (int64_t)r.content_length;
        if (body < 0 || (uint64_t)body > in.len)
            return 0;
        in = slice_make(in.data + body, in.len - (size_t)body);
    }
}
