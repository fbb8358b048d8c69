// SPDX-License-Identifier: Apache-2.0
#include "shared/http/http1.h"

/* A set of bytes, one bit each. */
#define BIT(c) ((uint64_t)1 << ((c) & 63))
#define DIGITS UINT64_C(0x03ff000000000000)  /* in word 0 */
#define LETTERS UINT64_C(0x07fffffe07fffffe) /* in word 1 */

typedef const uint64_t byte_set[4];

/* tchar, RFC 9110 section 5.6.2 */
static byte_set token_bytes = {
    DIGITS | BIT('!') | BIT('#') | BIT('$') | BIT('%') | BIT('&') | BIT('\'') | BIT('*') |
        BIT('+') | BIT('-') | BIT('.'),
    LETTERS | BIT('^') | BIT('_') | BIT('`') | BIT('|') | BIT('~'), 0, 0};

/* field-vchar, SP and HTAB, RFC 9110 section 5.5: no CR, LF, NUL or other control */
static byte_set value_bytes = {~UINT64_C(0) << 32 | BIT('\t'), ~BIT(127), ~UINT64_C(0),
                               ~UINT64_C(0)};

/* Printable ASCII without space; a fragment is never sent (RFC 9112 section 3.2). */
static byte_set target_bytes = {(~UINT64_C(0) << 33) & ~BIT('#'), ~BIT(127), 0, 0};

/* uri-host [":" port], RFC 3986 section 3.2: no userinfo, path or list */
static byte_set host_bytes = {DIGITS | BIT('!') | BIT('$') | BIT('%') | BIT('&') | BIT('\'') |
                                  BIT('(') | BIT(')') | BIT('*') | BIT('+') | BIT('-') |
                                  BIT('.') | BIT(';') | BIT('=') | BIT(':'),
                              LETTERS | BIT('_') | BIT('~') | BIT('[') | BIT(']'), 0, 0};

static bool in_set(byte_set set, uint8_t c)
{
    return set[c >> 6] >> (c & 63) & 1;
}

static bool all_in_set(byte_set set, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!in_set(set, s.data[i]))
            return false;
    }
    return true;
}

/* The bytes between `at` and `end` are unread. */
struct parser {
    const uint8_t *at;
    const uint8_t *end;
    struct http1_request *request;
    bool line_read; /* the request line is behind us */
    unsigned seen;  /* bit n: row n of known[] has come */
    bool close;     /* named in Connection */
    bool keep_alive;
};

static int refuse(struct parser *p, unsigned status, const char *why)
{
    p->request->status = status;
    p->request->why = why;
    bool large = status == 413 || status == 414 || status == 431;
    return large ? GW_ERR_TOO_LARGE : GW_ERR_MALFORMED;
}

static struct slice take_set(struct parser *p, byte_set set)
{
    const uint8_t *from = p->at;
    while (p->at < p->end && in_set(set, *p->at))
        p->at++;
    return slice_make(from, (size_t)(p->at - from));
}

static int expect_byte(struct parser *p, uint8_t byte, const char *why)
{
    if (p->at == p->end)
        return GW_ERR_INCOMPLETE;
    if (*p->at != byte)
        return refuse(p, 400, why);
    p->at++;
    return GW_OK;
}

static int expect_crlf(struct parser *p, const char *why)
{
    int err = expect_byte(p, '\r', why);
    return err ? err : expect_byte(p, '\n', "a CR without LF");
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

bool http1_same_text(struct slice a, const char *b)
{
    size_t i = 0;
    while (i < a.len && b[i] && lower(a.data[i]) == lower((uint8_t)b[i]))
        i++;
    return i == a.len && !b[i];
}

static struct slice trim(struct slice s)
{
    while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t'))
        s.len--;
    while (s.len && (*s.data == ' ' || *s.data == '\t')) {
        s.data++;
        s.len--;
    }
    return s;
}

/* ---- request line, RFC 9112 section 3 ------------------------------------------------------------------------- */

/* The length of "http://" or "https://" at the front, 0 without. */
static size_t scheme_length(struct slice target)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(schemes[i]);
        if (target.len > n && http1_same_text(slice_make(target.data, n), schemes[i]))
            return n;
    }
    return 0;
}

/* Splits origin-form, absolute-form (which a server must take) and "*" into path and query. */
static int split_target(struct parser *p)
{
    struct slice rest = p->request->target;
    if (slice_is(rest, "*")) {
        p->request->path = rest;
        return GW_OK;
    }
    size_t at = scheme_length(rest);
    size_t host = at;
    if (at) {
        while (at < rest.len && in_set(host_bytes, rest.data[at]))
            at++;
    }
    bool whole = at > 0 && at == rest.len;
    if ((at > 0 && at == host) || (!whole && rest.data[at] != '/' && rest.data[at] != '?') ||
        (at == 0 && rest.data[0] == '?'))
        return refuse(p, 400, "the request target is neither a path nor an http:// address");
    rest = slice_make(rest.data + at, rest.len - at);
    const uint8_t *mark = rest.len ? memchr(rest.data, '?', rest.len) : NULL;
    size_t path = mark ? (size_t)(mark - rest.data) : rest.len;
    p->request->path = path ? slice_make(rest.data, path) : slice_of("/");
    if (mark)
        p->request->query = slice_make(mark + 1, rest.len - path - 1);
    return GW_OK;
}

static int parse_version(struct parser *p)
{
    static const char name[] = "HTTP/";
    const size_t name_len = sizeof name - 1;
    const size_t len = name_len + 3;
    size_t avail = (size_t)(p->end - p->at);
    if (memcmp(p->at, name, avail < name_len ? avail : name_len) != 0)
        return refuse(p, 400, "the request line does not end in an HTTP version");
    if (avail < len)
        return GW_ERR_INCOMPLETE;
    const uint8_t *digits = p->at + name_len;
    if (digits[0] < '0' || digits[0] > '9' || digits[1] != '.' || digits[2] < '0' ||
        digits[2] > '9')
        return refuse(p, 400, "the HTTP version is malformed");
    if (digits[0] != '1' || digits[2] > '1')
        return refuse(p, 505, "only HTTP/1.1, HTTP/1.0 and HTTP/2 are spoken here");
    p->request->minor = (unsigned)(digits[2] - '0');
    p->at += len;
    return GW_OK;
}

static int parse_request_line(struct parser *p)
{
    struct http1_request *r = p->request;
    r->method = take_set(p, token_bytes);
    int err = expect_byte(p, ' ', "the method is not followed by one space");
    if (err)
        return err;
    if (r->method.len == 0)
        return refuse(p, 400, "the method is missing");
    r->target = take_set(p, target_bytes);
    err = expect_byte(p, ' ', "the request target is not followed by one space");
    if (err)
        return err;
    if (r->target.len == 0)
        return refuse(p, 400, "the request target is missing");
    err = split_target(p);
    if (!err)
        err = parse_version(p);
    return err ? err : expect_crlf(p, "the request line does not end in CRLF");
}

/* ---- header lines, RFC 9112 section 5 ------------------------------------------------------------------------- */

static int take_host(struct parser *p, struct slice value)
{
    p->request->host = value;
    if (!all_in_set(host_bytes, value))
        return refuse(p, 400, "Host is no host name");
    return GW_OK;
}

static int take_content_length(struct parser *p, struct slice value)
{
    uint64_t length = 0;
    if (value.len == 0)
        return refuse(p, 400, "Content-Length is no number");
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9')
            return refuse(p, 400, "Content-Length is no number");
        uint64_t digit = value.data[i] - (uint64_t)'0';
        if (length > (INT64_MAX - digit) / 10)
            return refuse(p, 413, "Content-Length is beyond every limit");
        length = length * 10 + digit;
    }
    p->request->content_length = length;
    p->request->has_length = true;
    return GW_OK;
}

static int take_transfer_encoding(struct parser *p, struct slice value)
{
    /* RFC 9112 section 6.1: 501 for a coding that is not understood. */
    if (!http1_same_text(value, "chunked"))
        return refuse(p, 501, "the only Transfer-Encoding spoken here is chunked");
    if (p->request->minor == 0)
        return refuse(p, 400, "Transfer-Encoding in an HTTP/1.0 request");
    p->request->chunked = true;
    return GW_OK;
}

static int take_expect(struct parser *p, struct slice value)
{
    /* RFC 9110 section 10.1.1: ignored on 1.0. */
    if (p->request->minor == 0)
        return GW_OK;
    if (!http1_same_text(value, "100-continue"))
        return refuse(p, 417, "the only Expect understood here is 100-continue");
    p->request->expect_continue = true;
    return GW_OK;
}

static int take_connection(struct parser *p, struct slice value)
{
    while (value.len) {
        const uint8_t *comma = memchr(value.data, ',', value.len);
        size_t n = comma ? (size_t)(comma - value.data) : value.len;
        struct slice option = trim(slice_make(value.data, n));
        p->close |= http1_same_text(option, "close");
        p->keep_alive |= http1_same_text(option, "keep-alive");
        n += comma != NULL;
        value = slice_make(value.data + n, value.len - n);
    }
    return GW_OK;
}

static int take_content_type(struct parser *p, struct slice value)
{
    p->request->content_type = value;
    return GW_OK;
}

static int take_content_encoding(struct parser *p, struct slice value)
{
    p->request->content_encoding = value;
    return GW_OK;
}

/* The headers that we act upon; `twice` is the refusal of a second one, NULL where lists may be split. */
static const struct known {
    const char *name;
    const char *twice;
    int (*take)(struct parser *p, struct slice value);
} known[] = {
    {"host", "Host is given twice", take_host},
    {"content-length", "Content-Length is given twice", take_content_length},
    {"transfer-encoding", "Transfer-Encoding is given twice", take_transfer_encoding},
    {"content-type", "Content-Type is given twice", take_content_type},
    {"content-encoding", "Content-Encoding is given twice", take_content_encoding},
    {"expect", NULL, take_expect},
    {"connection", NULL, take_connection},
};
enum { HOST, CONTENT_LENGTH, TRANSFER_ENCODING, KNOWN = sizeof known / sizeof known[0] };

static int take_field(struct parser *p, struct slice name, struct slice value)
{
    for (unsigned i = 0; i < KNOWN; i++) {
        if (!http1_same_text(name, known[i].name))
            continue;
        if (known[i].twice && p->seen & 1u << i)
            return refuse(p, 400, known[i].twice);
        p->seen |= 1u << i;
        return known[i].take(p, value);
    }
    return GW_OK;
}

static int parse_field_line(struct parser *p)
{
    struct slice name = take_set(p, token_bytes);
    if (p->at == p->end)
        return GW_ERR_INCOMPLETE;
    if (name.len == 0 && (*p->at == ' ' || *p->at == '\t'))
        return refuse(p, 400, "a header line is folded");
    int err = expect_byte(p, ':', "a header name is no token directly followed by a colon");
    if (err)
        return err;
    if (name.len == 0)
        return refuse(p, 400, "a header has no name");
    struct slice value = take_set(p, value_bytes);
    err = expect_crlf(p, "a header value holds a control byte");
    return err ? err : take_field(p, name, trim(value));
}

static int parse_fields(struct parser *p)
{
    const uint8_t *from = p->at;
    p->line_read = true;
    while (p->at < p->end && *p->at != '\r') {
        int err = parse_field_line(p);
        if (err)
            return err;
    }
    p->request->fields = slice_make(from, (size_t)(p->at - from));
    return expect_crlf(p, "a line is no header");
}

/* What only the whole head can tell. */
static int check_head(struct parser *p)
{
    struct http1_request *r = p->request;
    if (r->minor >= 1 && !(p->seen & 1u << HOST))
        return refuse(p, 400, "Host is missing");
    if (p->seen & 1u << CONTENT_LENGTH && p->seen & 1u << TRANSFER_ENCODING)
        return refuse(p, 400, "both Content-Length and Transfer-Encoding are given");
    r->keep_alive = !p->close && (r->minor >= 1 || p->keep_alive);
    return GW_OK;
}

static int parse_head(struct parser *p)
{
    /* RFC 9112 section 2.2: an empty line before the request is skipped; one is enough. */
    if (p->at < p->end && *p->at == '\r') {
        int err = expect_crlf(p, "");
        if (err)
            return err;
    }
    int err = parse_request_line(p);
    if (!err)
        err = parse_fields(p);
    return err ? err : check_head(p);
}

int64_t http1_request_parse(struct slice bytes, size_t max_bytes, struct http1_request *out)
{
    *out = (struct http1_request){0};
    size_t len = bytes.len < max_bytes ? bytes.len : max_bytes;
    if (len == 0)
        return GW_ERR_INCOMPLETE;
    struct parser p = {.at = bytes.data, .end = bytes.data + len, .request = out};
    int err = parse_head(&p);
    if (err == GW_ERR_INCOMPLETE && len == max_bytes)
        return p.line_read ? refuse(&p, 431, "the headers are too large")
                           : refuse(&p, 414, "the request line is too long");
    return err ? err : p.at - bytes.data;
}

struct slice http1_request_header(const struct http1_request *request, const char *name)
{
    struct slice rest = request->fields;
    while (rest.len) {
        /* Every line of a parsed head has a colon and ends in CRLF. */
        const uint8_t *colon = memchr(rest.data, ':', rest.len);
        const uint8_t *end = memchr(rest.data, '\n', rest.len);
        if (!colon || !end || end < colon)
            break;
        if (http1_same_text(slice_make(rest.data, (size_t)(colon - rest.data)), name))
            return trim(slice_make(colon + 1, (size_t)(end - colon) - 2));
        size_t line = (size_t)(end - rest.data) + 1;
        rest = slice_make(rest.data + line, rest.len - line);
    }
    return slice_make(NULL, 0);
}
