// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/target.h"

#include <limits.h>
#include <string.h>

#define SCRATCH_MAX_BYTES (4 * TARGET_PATH_BYTES)

/* The element at `*at`, which moves behind it and its "/". */
static struct slice next_element(struct slice path, size_t *at)
{
    size_t from = *at, to = from;
    while (to < path.len && path.data[to] != '/')
        to++;
    *at = to + 1;
    return slice_make(path.data + from, to - from);
}

/* Takes the last element off what was written behind `root`. */
static void drop_last(struct buf *out, size_t root)
{
    while (out->len > root && out->data[out->len - 1] != '/')
        out->len--;
    if (out->len > root)
        out->len--;
}

void target_clean(struct slice path, struct buf *out)
{
    bool absolute = path.len && path.data[0] == '/';
    size_t start = out->len;
    if (absolute)
        buf_byte(out, '/');
    size_t root = out->len;   /* elements begin here */
    size_t climbs = root;     /* and those that can be taken back, here */
    for (size_t at = 0; at < path.len && buf_ok(out);) {
        struct slice element = next_element(path, &at);
        if (element.len == 0 || slice_is(element, "."))
            continue;
        if (slice_is(element, "..")) {
            if (out->len > climbs)
                drop_last(out, climbs);
            else if (!absolute) {
                buf_text(out, out->len > root ? "/.." : "..");
                climbs = out->len;
            }
            continue;
        }
        if (out->len > root)
            buf_byte(out, '/');
        buf_slice_append(out, element);
    }
    if (out->len == start)
        buf_byte(out, '.');
}

/* What stands before the "*", cleaned; a "/" at its end stays. */
static void clean_prefix(struct slice prefix, struct buf *out)
{
    target_clean(prefix, out);
    if (prefix.len && prefix.data[prefix.len - 1] == '/' && out->data &&
        out->data[out->len - 1] != '/')
        buf_byte(out, '/');
}

static bool begins_with(const struct buf *text, const struct buf *prefix)
{
    return text->len >= prefix->len && memcmp(text->data, prefix->data, prefix->len) == 0;
}

/* Is every name in it short enough for a file system? */
static bool names_fit(struct slice path)
{
    for (size_t at = 0; at < path.len;)
        if (next_element(path, &at).len > NAME_MAX)
            return false;
    return path.len < TARGET_PATH_BYTES;
}

/* Copies the value as it will be used. */
static void put_value(struct slice value, struct buf *out)
{
    size_t skip = 0;
    if (value.len >= 2 && memcmp(value.data, "./", 2) == 0)
        skip = 1;
    else if (value.len >= 3 && memcmp(value.data, "../", 3) == 0)
        skip = 2;
    buf_append(out, value.data + skip, value.len - skip);
}

static void build(const char *pattern, struct slice value, struct buf *prefix, struct buf *scratch,
                  struct buf *path)
{
    const char *star = strchr(pattern, '*');
    clean_prefix(slice_make(pattern, (size_t)(star - pattern)), prefix);
    buf_slice_append(scratch, buf_slice(prefix));
    put_value(value, scratch);
    buf_text(scratch, star + 1);
    target_clean(buf_slice(scratch), path);
    if (begins_with(path, prefix))
        return;
    buf_clear(scratch);
    buf_clear(path);
    buf_byte(scratch, '/');
    put_value(value, scratch);
    buf_text(scratch, star + 1);
    target_clean(buf_slice(scratch), path); /* absolute: it cannot climb */
    buf_clear(scratch);
    buf_slice_append(scratch, buf_slice(prefix));
    buf_slice_append(scratch, buf_slice(path));
    buf_clear(path);
    target_clean(buf_slice(scratch), path);
}

/* Does the path end in a name that can be a file's? What stands before the "*" may be a directory. */
static bool names_a_file(const struct buf *path, const struct buf *prefix)
{
    struct slice p = buf_slice(path);
    bool directory = prefix->data[prefix->len - 1] == '/';
    if (slice_is(p, "/") || slice_is(p, ".") ||
        (p.len >= 2 && memcmp(p.data + p.len - 2, "..", 2) == 0 &&
         (p.len == 2 || p.data[p.len - 3] == '/')))
        return false;
    return !directory || p.len > prefix->len;
}

int target_path(const char *pattern, struct slice value, struct buf *out)
{
    if (value.len >= TARGET_PATH_BYTES)
        return GW_ERR_TOO_LARGE;
    if (value.len && memchr(value.data, '\0', value.len))
        return GW_ERR_INVALID;
    struct buf prefix = buf_make(SCRATCH_MAX_BYTES), scratch = prefix, path = prefix;
    build(pattern, value, &prefix, &scratch, &path);
    int rc = 0;
    if (!buf_ok(&prefix) || !buf_ok(&scratch) || !buf_ok(&path))
        rc = GW_ERR_NOMEM;
    else if (!names_a_file(&path, &prefix))
        rc = GW_ERR_INVALID;
    else if (!names_fit(buf_slice(&path)))
        rc = GW_ERR_TOO_LARGE;
    if (rc == 0) {
        size_t before = out->len;
        buf_slice_append(out, buf_slice(&path));
        buf_byte(out, '\0');
        if (!buf_ok(out)) {
            out->len = before;
            rc = GW_ERR_NOMEM;
        }
    }
    buf_free(&prefix);
    buf_free(&scratch);
    buf_free(&path);
    return rc;
}
