// SPDX-License-Identifier: Apache-2.0
/* HOST:PORT, where to listen. Only the text is judged here: names are resolved by whoever binds. */
#ifndef MASQUES_CONFIG_ENDPOINT_H
#define MASQUES_CONFIG_ENDPOINT_H

#include <stdint.h>

#include "shared/base/buf.h"

#define ENDPOINT_HOST_BYTES 254 /* a DNS name has at most 253 characters */

struct endpoint {
    /* An IPv4 or IPv6 address (no brackets, perhaps with %zone), a DNS name, or "": every address
     * of the host. */
    char host[ENDPOINT_HOST_BYTES];
    uint16_t port; /* 0: the kernel chooses */
};

/* Reads all of `text` (borrowed): "127.0.0.1:4317", "[::1]:4317", "localhost:4317", ":4317".
 * "localhost" becomes 127.0.0.1, so that one name never means two sockets. 0; GW_ERR_MALFORMED: not
 * of that form, `*e` untouched. */
int endpoint_parse(struct slice text, struct endpoint *e) GW_MUST_CHECK;

/* Appends the text that endpoint_parse reads back to the same endpoint. */
void endpoint_print(const struct endpoint *e, struct buf *out);

#endif
