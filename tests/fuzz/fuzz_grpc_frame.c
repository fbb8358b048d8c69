// SPDX-License-Identifier: Apache-2.0
/* The DATA of one gRPC stream: first byte = size of the pieces and whether a coding was named, then the bytes. Any
 * split comes to the same end, and a message that is taken is the bytes behind its prefix. */
#include <stdlib.h>

#include "receiver/worker/grpc_frame.h"

#define MAX_BYTES 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool right)
{
    if (!right)
        abort();
}

static int64_t feed_all(struct grpc_frame *f, struct slice in, size_t step, uint8_t **room)
{
    size_t at = 0;
    while (at < in.len) {
        size_t n = in.len - at < step ? in.len - at : step;
        int64_t used = grpc_frame_feed(f, slice_make(in.data + at, n));
        if (used < 0)
            return used;
        require((size_t)used <= n && ((size_t)used == n || grpc_frame_wants_room(f)));
        at += (size_t)used;
        if (!grpc_frame_wants_room(f))
            continue;
        require(f->length <= MAX_BYTES);
        *room = malloc(f->length);
        require(*room != NULL);
        grpc_frame_give_room(f, *room);
    }
    return grpc_frame_end(f);
}

static int64_t play(struct slice in, size_t step, bool coded, enum otlp_cause *cause)
{
    struct grpc_frame f;
    uint8_t *room = NULL;
    grpc_frame_init(&f, MAX_BYTES, coded);
    int64_t err = feed_all(&f, in, step, &room);
    *cause = f.cause;
    require((err == GW_OK) == (f.cause == OTLP_ACCEPTED));
    if (err == GW_OK && f.length)
        require(in.len == GRPC_PREFIX_BYTES + f.length &&
                memcmp(room, in.data + GRPC_PREFIX_BYTES, f.length) == 0);
    free(room);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice in = slice_make(data + 1, size - 1);
    bool coded = data[0] & 1;
    enum otlp_cause whole_cause;
    enum otlp_cause split_cause;
    int64_t whole = play(in, SIZE_MAX, coded, &whole_cause);
    int64_t split = play(in, 1 + (data[0] >> 1), coded, &split_cause);
    require(whole == split && whole_cause == split_cause);

    uint64_t ms = 0;
    require(grpc_timeout_parse(in, &ms) == GW_OK || ms == 0);
    struct buf text = buf_make(1 << 20);
    grpc_message_encode(&text, in);
    for (size_t i = 0; i < text.len; i++)
        require(text.data[i] >= 0x20 && text.data[i] <= 0x7e);
    buf_free(&text);
    return 0;
}
