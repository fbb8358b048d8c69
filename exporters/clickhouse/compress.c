// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/compress.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define ZSTD_LEVEL 1
#define GZIP_LEVEL 1
#define GZIP_WINDOW (15 + 16) /* zlib: a header of gzip instead of its own */
#define STEP_BYTES (64u * 1024)

/* What each coding does; bytes.len 0 with `end`: the stream's end. */
struct coding {
    const char *name;
    int (*open)(struct compress *c);
    void (*close)(struct compress *c);
    int (*begin)(struct compress *c);
    int (*run)(struct compress *c, struct slice bytes, bool end, struct buf *out);
};

struct compress {
    const struct coding *coding;
    union {
        ZSTD_CCtx *zstd;
        z_stream gzip;
        struct {
            LZ4F_cctx *ctx;
            bool begun; /* the frame's header is written */
        } lz4;
    } is;
};

/* ---- none ---- */

static int none_begin(struct compress *c)
{
    (void)c;
    return 0;
}

static void none_close(struct compress *c)
{
    (void)c;
}

static int none_run(struct compress *c, struct slice bytes, bool end, struct buf *out)
{
    (void)c;
    (void)end;
    buf_slice_append(out, bytes);
    return buf_ok(out) ? 0 : GW_ERR_NOMEM;
}

/* ---- zstd ---- */

static int zstd_open(struct compress *c)
{
    c->is.zstd = ZSTD_createCCtx();
    return c->is.zstd &&
                   !ZSTD_isError(ZSTD_CCtx_setParameter(c->is.zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL))
               ? 0
               : GW_ERR_NOMEM;
}

static void zstd_close(struct compress *c)
{
    ZSTD_freeCCtx(c->is.zstd);
}

static int zstd_begin(struct compress *c)
{
    return ZSTD_isError(ZSTD_CCtx_reset(c->is.zstd, ZSTD_reset_session_only)) ? GW_ERR_NOMEM : 0;
}

static int zstd_run(struct compress *c, struct slice bytes, bool end, struct buf *out)
{
    ZSTD_inBuffer in = {bytes.data, bytes.len, 0};
    size_t left;
    do {
        uint8_t *at = buf_reserve(out, STEP_BYTES);
        if (!at)
            return GW_ERR_NOMEM;
        ZSTD_outBuffer to = {at, STEP_BYTES, 0};
        left = ZSTD_compressStream2(c->is.zstd, &to, &in, end ? ZSTD_e_end : ZSTD_e_continue);
        if (ZSTD_isError(left))
            return GW_ERR_NOMEM;
        out->len += to.pos;
    } while (end ? left > 0 : in.pos < in.size);
    return 0;
}

/* ---- gzip ---- */

static int gzip_open(struct compress *c)
{
    return deflateInit2(&c->is.gzip, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) == Z_OK
               ? 0
               : GW_ERR_NOMEM;
}

static void gzip_close(struct compress *c)
{
    deflateEnd(&c->is.gzip);
}

static int gzip_begin(struct compress *c)
{
    return deflateReset(&c->is.gzip) == Z_OK ? 0 : GW_ERR_NOMEM;
}

/* At most as many bytes as zlib counts with. */
static int gzip_step(z_stream *z, bool end, struct buf *out)
{
    int rc;
    do {
        uint8_t *at = buf_reserve(out, STEP_BYTES);
        if (!at)
            return GW_ERR_NOMEM;
        z->next_out = at;
        z->avail_out = STEP_BYTES;
        rc = deflate(z, end ? Z_FINISH : Z_NO_FLUSH);
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR)
            return GW_ERR_NOMEM;
        out->len += STEP_BYTES - z->avail_out;
    } while (z->avail_out == 0);
    return 0;
}

static int gzip_run(struct compress *c, struct slice bytes, bool end, struct buf *out)
{
    z_stream *z = &c->is.gzip;
    int rc = 0;
    do {
        size_t n = bytes.len < UINT32_MAX ? bytes.len : UINT32_MAX;
        z->next_in = (uint8_t *)(uintptr_t)bytes.data; /* zlib only reads it */
        z->avail_in = (uInt)n;
        if (n)
            bytes = slice_make(bytes.data + n, bytes.len - n);
        rc = gzip_step(z, end && !bytes.len, out);
    } while (rc == 0 && bytes.len);
    return rc;
}

/* ---- lz4 ---- */

static int lz4_open(struct compress *c)
{
    return LZ4F_isError(LZ4F_createCompressionContext(&c->is.lz4.ctx, LZ4F_VERSION)) ? GW_ERR_NOMEM : 0;
}

static void lz4_close(struct compress *c)
{
    LZ4F_freeCompressionContext(c->is.lz4.ctx);
}

static int lz4_begin(struct compress *c)
{
    c->is.lz4.begun = false;
    return 0;
}

/* Blocks of their own size, each with its checksum: a frame that is cut off has no end mark. */
static const LZ4F_preferences_t lz4_preferences = {
    .frameInfo = {.blockSizeID = LZ4F_max256KB, .contentChecksumFlag = LZ4F_contentChecksumEnabled}};

static int lz4_took(size_t n, struct buf *out)
{
    if (LZ4F_isError(n))
        return GW_ERR_NOMEM;
    out->len += n;
    return 0;
}

static int lz4_run(struct compress *c, struct slice bytes, bool end, struct buf *out)
{
    size_t bound = LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(bytes.len, &lz4_preferences);
    uint8_t *at = buf_reserve(out, bound);
    int rc = at ? 0 : GW_ERR_NOMEM;
    if (rc == 0 && !c->is.lz4.begun) {
        rc = lz4_took(LZ4F_compressBegin(c->is.lz4.ctx, at, bound, &lz4_preferences), out);
        c->is.lz4.begun = rc == 0;
    }
    if (rc == 0 && bytes.len)
        rc = lz4_took(LZ4F_compressUpdate(c->is.lz4.ctx, out->data + out->len, out->cap - out->len,
                                          bytes.data, bytes.len, NULL),
                      out);
    if (rc == 0 && end && (at = buf_reserve(out, LZ4F_compressBound(0, &lz4_preferences))))
        return lz4_took(LZ4F_compressEnd(c->is.lz4.ctx, at, out->cap - out->len, NULL), out);
    return end && rc == 0 ? GW_ERR_NOMEM : rc;
}

/* ---- the stream ---- */

static const struct coding codings[] = {
    [CLICKHOUSE_PLAIN] = {NULL, none_begin, none_close, none_begin, none_run},
    [CLICKHOUSE_ZSTD] = {"zstd", zstd_open, zstd_close, zstd_begin, zstd_run},
    [CLICKHOUSE_LZ4] = {"lz4", lz4_open, lz4_close, lz4_begin, lz4_run},
    [CLICKHOUSE_GZIP] = {"gzip", gzip_open, gzip_close, gzip_begin, gzip_run},
};

const char *compress_name(enum clickhouse_compress kind)
{
    return codings[kind].name;
}

struct compress *compress_new(enum clickhouse_compress kind)
{
    struct compress *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->coding = &codings[kind];
    if (c->coding->open(c) < 0) {
        free(c);
        return NULL;
    }
    return c;
}

void compress_free(struct compress **compress)
{
    if (*compress) {
        (*compress)->coding->close(*compress);
        free(*compress);
    }
    *compress = NULL;
}

int compress_begin(struct compress *c)
{
    return c->coding->begin(c);
}

int compress_add(struct compress *c, struct slice bytes, struct buf *out)
{
    return bytes.len ? c->coding->run(c, bytes, false, out) : 0;
}

int compress_end(struct compress *c, struct buf *out)
{
    return c->coding->run(c, slice_make(NULL, 0), true, out);
}
