// SPDX-License-Identifier: Apache-2.0
/* An endpoint that tells: GET and HEAD of a few pages, in HTTP/1.1. Small and bounded: a request and its answer have a
 * limit of time in all, one request of a connection is answered at a time, and the oldest of 64 connections makes room
 * for the 65th, so that nobody can keep a probe from being answered. */
#ifndef MASQUES_MASTER_HEALTH_SERVER_H
#define MASQUES_MASTER_HEALTH_SERVER_H

#include "shared/base/buf.h"
#include "shared/base/loop.h"

#define HEALTH_SERVER_REQUEST_MS 10000u

struct health_server;

/* Appends the body; returns true for 200, false for 503. */
typedef bool (*health_server_fn)(void *ctx, struct buf *body);

struct health_page {
    const char *path; /* "/health"; of two with the same path the first counts */
    const char *content_type;
    health_server_fn body;
};

/* Answers on the listening socket `fd` (borrowed, non-blocking). `pages` is borrowed, as is what it points at.
 * `request_ms`: from the first wait for a request to the end of its answer. Returns owned; NULL: no memory. */
struct health_server *health_server_new(struct loop *loop, int fd, const struct health_page *pages,
                                        size_t page_count, uint32_t request_ms, void *ctx);
void health_server_free(struct health_server **server);

#endif
