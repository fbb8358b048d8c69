// SPDX-License-Identifier: Apache-2.0
#include "shared/http/http1_response.h"

static const struct reason {
    unsigned status;
    const char *phrase;
} reasons[] = {
    {200, "OK"},
    {400, "Bad Request"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *http1_reason(unsigned status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].status == status)
            return reasons[i].phrase;
    }
    return "Unknown";
}

static void text_field(struct buf *out, const char *name, const char *value)
{
    if (!value)
        return;
    buf_text(out, name);
    buf_text(out, value);
    buf_text(out, "\r\n");
}

static void number_field(struct buf *out, const char *name, uint64_t value)
{
    buf_text(out, name);
    buf_u64(out, value);
    buf_text(out, "\r\n");
}

void http1_response_head(struct buf *out, const struct http1_response *response)
{
    buf_text(out, "HTTP/1.1 ");
    buf_u64(out, response->status);
    buf_byte(out, ' ');
    text_field(out, http1_reason(response->status), "");
    text_field(out, "Content-Type: ", response->content_type);
    number_field(out, "Content-Length: ", response->content_length);
    text_field(out, "Allow: ", response->allow);
    text_field(out, "Accept-Encoding: ", response->accept_encoding);
    if (response->retry_after_s)
        number_field(out, "Retry-After: ", response->retry_after_s);
    text_field(out, "Connection: ", response->close ? "close" : "keep-alive");
    buf_text(out, "\r\n");
}
