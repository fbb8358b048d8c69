// SPDX-License-Identifier: Apache-2.0
#include "shared/http/http1_chunked.h"

enum state {
    SIZE_FIRST,    /* the first hex digit of a size */
    SIZE,          /* further digits */
    EXT_BLANK,     /* blanks between size and extension */
    EXT,           /* behind the ';' */
    SIZE_LF,       /* CR seen at the end of the size line */
    CONTENT,       /* `left` bytes of the chunk to come */
    CONTENT_CR,
    CONTENT_LF,
    TRAILER_START, /* behind the last chunk or a trailer line */
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    END_LF,        /* CR of the final empty line seen */
    DONE,
    FAILED,
};

void http1_chunked_init(struct http1_chunked *c, uint64_t max_bytes)
{
    *c = (struct http1_chunked){.max_bytes = max_bytes, .state = SIZE_FIRST};
}

bool http1_chunked_done(const struct http1_chunked *c)
{
    return c->state == DONE;
}

static int fail(struct http1_chunked *c, int error, const char *why)
{
    c->state = FAILED;
    c->error = error;
    c->why = why;
    return error;
}

static int malformed(struct http1_chunked *c, const char *why)
{
    return fail(c, GW_ERR_MALFORMED, why);
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What may stand in an extension or a trailer's value: no control byte but HTAB. */
static bool is_text(uint8_t c)
{
    return c == '\t' || (c >= ' ' && c != 0x7f);
}

static bool is_token(uint8_t c)
{
    return c > ' ' && c < 0x7f && !strchr("\"(),/:;<=>?@[\\]{}", c);
}

static int on_size_line(struct http1_chunked *c)
{
    if (c->left > c->max_bytes - c->announced)
        return fail(c, GW_ERR_TOO_LARGE, "the chunks announce more than the limit");
    c->announced += c->left;
    c->state = c->left ? CONTENT : TRAILER_START;
    c->count = 0;
    return GW_OK;
}

static int on_size_byte(struct http1_chunked *c, uint8_t byte)
{
    int digit = hex_value(byte);
    if (digit >= 0) {
        if (c->count++ == HTTP1_CHUNK_SIZE_DIGITS)
            return malformed(c, "a chunk size has too many digits");
        c->left = c->left << 4 | (uint64_t)digit;
        c->state = SIZE;
        return GW_OK;
    }
    if (c->state == SIZE_FIRST)
        return malformed(c, "a chunk size is no hex number");
    c->count = 0;
    if (byte == '\r')
        c->state = SIZE_LF;
    else if (byte == ';')
        c->state = EXT;
    else if (byte == ' ' || byte == '\t')
        c->state = EXT_BLANK;
    else
        return malformed(c, "a chunk size is no hex number");
    return GW_OK;
}

static int on_ext_byte(struct http1_chunked *c, uint8_t byte)
{
    if (byte == '\r' && c->state == EXT) {
        c->state = SIZE_LF;
        return GW_OK;
    }
    if (++c->count > HTTP1_CHUNK_EXT_BYTES || ++c->ext_total > HTTP1_CHUNK_EXT_TOTAL_BYTES)
        return malformed(c, "the chunk extensions are too long");
    if (c->state == EXT_BLANK) {
        if (byte == ';')
            c->state = EXT;
        else if (byte != ' ' && byte != '\t')
            return malformed(c, "a chunk size is followed by a blank");
    } else if (!is_text(byte)) {
        return malformed(c, "a chunk extension holds a control byte");
    }
    return GW_OK;
}

static int on_trailer_byte(struct http1_chunked *c, uint8_t byte)
{
    if (c->state == TRAILER_START && byte == '\r') {
        c->state = END_LF;
        return GW_OK;
    }
    if (++c->count > HTTP1_TRAILERS_BYTES)
        return malformed(c, "the trailers are too long");
    if (c->state == TRAILER_VALUE) {
        if (byte == '\r')
            c->state = TRAILER_LF;
        else if (!is_text(byte))
            return malformed(c, "a trailer holds a control byte");
        return GW_OK;
    }
    if (byte == ':' && c->state == TRAILER_NAME)
        c->state = TRAILER_VALUE;
    else if (is_token(byte))
        c->state = TRAILER_NAME;
    else
        return malformed(c, "a trailer's name is no token");
    return GW_OK;
}

/* The bytes that may be nothing else: `want`, and the state behind it. */
static int on_fixed_byte(struct http1_chunked *c, uint8_t byte, uint8_t want, enum state next)
{
    if (byte != want)
        return malformed(c, want == '\r' ? "a chunk's content is not followed by CRLF"
                                         : "a CR without LF in the framing of chunks");
    c->state = next;
    return GW_OK;
}

static int on_byte(struct http1_chunked *c, uint8_t byte)
{
    int err;
    switch ((enum state)c->state) {
    case SIZE_FIRST:
    case SIZE:
        return on_size_byte(c, byte);
    case EXT_BLANK:
    case EXT:
        return on_ext_byte(c, byte);
    case SIZE_LF:
        err = on_fixed_byte(c, byte, '\n', CONTENT);
        return err ? err : on_size_line(c);
    case CONTENT_CR:
        return on_fixed_byte(c, byte, '\r', CONTENT_LF);
    case CONTENT_LF:
        return on_fixed_byte(c, byte, '\n', SIZE_FIRST);
    case TRAILER_START:
    case TRAILER_NAME:
    case TRAILER_VALUE:
        return on_trailer_byte(c, byte);
    case TRAILER_LF:
        return on_fixed_byte(c, byte, '\n', TRAILER_START);
    case END_LF:
        return on_fixed_byte(c, byte, '\n', DONE);
    case CONTENT:
    case DONE:
    case FAILED:
        break;
    }
    return c->error;
}

static size_t take_content(struct http1_chunked *c, struct slice rest, struct slice *content)
{
    size_t n = rest.len < c->left ? rest.len : (size_t)c->left;
    *content = slice_make(rest.data, n);
    c->left -= n;
    if (c->left == 0)
        c->state = CONTENT_CR;
    return n;
}

int64_t http1_chunked_feed(struct http1_chunked *c, struct slice in, struct slice *content)
{
    *content = slice_make(NULL, 0);
    if (c->state == FAILED)
        return c->error;
    size_t at = 0;
    while (at < in.len && c->state != DONE) {
        if (c->state == CONTENT) {
            struct slice rest = slice_make(in.data + at, in.len - at);
            return (int64_t)(at + take_content(c, rest, content));
        }
        int err = on_byte(c, in.data[at++]);
        if (err)
            return err;
    }
    return (int64_t)at;
}
