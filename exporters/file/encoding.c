// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/encoding.h"

#include <stdlib.h>
#include <zstd.h>

#include "shared/otlp/json_out.h"

#define LEVEL 3 /* the collector's: zstd's own default */
#define TEXT_MAX_BYTES (1024u * 1024 * 1024)
#define SCRATCH_KEEP_BYTES (4u * 1024 * 1024) /* more than this is given back after use */

struct encoding {
    enum file_format format;
    ZSTD_CCtx *zstd;    /* NULL: not compressed */
    struct buf scratch; /* JSON that will be compressed */
};

struct encoding *encoding_new(enum file_format format, enum file_compression compression)
{
    struct encoding *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->format = format;
    e->scratch = buf_make(TEXT_MAX_BYTES);
    if (compression == FILE_ZSTD) {
        e->zstd = ZSTD_createCCtx();
        if (!e->zstd || ZSTD_isError(ZSTD_CCtx_setParameter(e->zstd, ZSTD_c_compressionLevel, LEVEL)))
            encoding_free(&e);
    }
    return e;
}

void encoding_free(struct encoding **encoding)
{
    struct encoding *e = *encoding;
    *encoding = NULL;
    if (!e)
        return;
    ZSTD_freeCCtx(e->zstd);
    buf_free(&e->scratch);
    free(e);
}

bool encoding_is_framed(enum file_format format, enum file_compression compression)
{
    return format == FILE_PROTO || compression == FILE_ZSTD;
}

static int append_line(enum otlp_signal signal, struct slice batch, struct buf *out)
{
    buf_reserve(out, batch.len + batch.len / 2); /* text is longer than protobuf */
    int rc = otlp_json_out(signal, batch, out);
    buf_byte(out, '\n');
    return rc == 0 && !buf_ok(out) ? GW_ERR_NOMEM : rc;
}

/* Writes the length in front of the `len` bytes that begin at `at`. */
static int put_length(struct buf *out, size_t at, size_t len)
{
    if (len > UINT32_MAX)
        return GW_ERR_TOO_LARGE;
    for (unsigned i = 0; i < ENCODING_LENGTH_BYTES; i++)
        out->data[at + i] = (uint8_t)(len >> (8 * (ENCODING_LENGTH_BYTES - 1 - i)));
    return 0;
}

static int append_compressed(struct encoding *e, struct slice bytes, struct buf *out)
{
    size_t bound = ZSTD_compressBound(bytes.len);
    uint8_t *to = ZSTD_isError(bound) ? NULL : buf_reserve(out, ENCODING_LENGTH_BYTES + bound);
    if (!to)
        return GW_ERR_NOMEM;
    size_t n = ZSTD_compress2(e->zstd, to + ENCODING_LENGTH_BYTES, bound, bytes.data, bytes.len);
    if (ZSTD_isError(n))
        return GW_ERR_NOMEM;
    int rc = put_length(out, out->len, n);
    if (rc == 0)
        out->len += ENCODING_LENGTH_BYTES + n;
    return rc;
}

static int append_framed(struct slice bytes, struct buf *out)
{
    size_t at = out->len;
    if (!buf_reserve(out, ENCODING_LENGTH_BYTES + bytes.len))
        return GW_ERR_NOMEM;
    int rc = put_length(out, at, bytes.len);
    if (rc < 0)
        return rc;
    out->len += ENCODING_LENGTH_BYTES;
    buf_slice_append(out, bytes);
    return 0;
}

static int append(struct encoding *e, enum otlp_signal signal, struct slice batch, struct buf *out)
{
    if (e->format == FILE_JSON && !e->zstd)
        return append_line(signal, batch, out);
    if (!e->zstd)
        return append_framed(batch, out);
    if (e->format == FILE_PROTO)
        return append_compressed(e, batch, out);
    buf_clear(&e->scratch);
    int rc = otlp_json_out(signal, batch, &e->scratch);
    if (rc == 0)
        rc = append_compressed(e, buf_slice(&e->scratch), out);
    if (e->scratch.cap > SCRATCH_KEEP_BYTES)
        buf_free(&e->scratch);
    return rc;
}

int encoding_append(struct encoding *e, enum otlp_signal signal, struct slice batch, struct buf *out)
{
    size_t before = out->len;
    int rc = append(e, signal, batch, out);
    if (rc < 0) {
        out->len = before;
        out->failed = false;
    }
    return rc;
}
