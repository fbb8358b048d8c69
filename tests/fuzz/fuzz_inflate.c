// SPDX-License-Identifier: Apache-2.0
/* Bodies that call themselves gzip: the guards hold, and what is taken is what zlib makes of it. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "receiver/worker/inflate.h"

#define MAX_BYTES (1u << 18)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct inflate *shared;

static void require(bool right)
{
    if (!right)
        abort();
}

static bool count_granted(void *ctx, size_t bytes)
{
    size_t *granted = ctx;
    *granted += bytes;
    return *granted <= MAX_BYTES;
}

/* zlib's reading of the same members, compared byte for byte. zlib also checks the optional CRC of a header, which
 * guards nothing that we use. */
static void compare(struct slice in, const struct blob *out)
{
    uint8_t *again = malloc(out->len + 1);
    require(again != NULL);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.data, .avail_in = (uInt)in.len};
    z.next_out = again;
    z.avail_out = (uInt)out->len + 1;
    require(inflateInit2(&z, 15 + 16) == Z_OK);
    int result;
    do {
        result = inflate(&z, Z_FINISH);
        require(z.avail_in == 0 || result != Z_STREAM_END || inflateReset(&z) == Z_OK);
    } while (z.avail_in && result == Z_STREAM_END);
    bool header = z.msg && strcmp(z.msg, "header crc mismatch") == 0;
    require(header || result == Z_STREAM_END);
    size_t made = (size_t)(z.next_out - again);
    require((header || made == out->len) && memcmp(again, out->data, made) == 0);
    inflateEnd(&z);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!shared)
        shared = inflate_new();
    require(shared != NULL);
    size_t granted = 0;
    struct inflate_limits limits = {
        .max_bytes = MAX_BYTES, .grant = count_granted, .ctx = &granted};
    struct blob *out = NULL;
    const char *why = NULL;
    int err = inflate_gzip(shared, slice_make(data, size), &limits, &out, &why);
    require(granted <= MAX_BYTES);
    if (err) {
        require(!out && why && err != GW_ERR_FULL);
        return 0;
    }
    require(out->len <= out->cap && out->cap == granted);
    compare(slice_make(data, size), out);
    blob_drop(out);
    return 0;
}
