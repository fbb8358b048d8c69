// SPDX-License-Identifier: Apache-2.0
#include "shared/config/expand.h"

#include <stdbool.h>
#include <string.h>

#define NAME_BYTES 256u

struct expander {
    struct yaml_doc *doc;
    expand_lookup lookup;
    void *context;
    struct report *report;
    unsigned total; /* references replaced so far */
};

/* Where in a text "${" starts and behind which byte its "}" stands. */
struct span {
    size_t from;
    size_t to;
};

static size_t find_byte(struct slice text, size_t from, uint8_t byte)
{
    const uint8_t *at = from < text.len ? memchr(text.data + from, byte, text.len - from) : NULL;
    return at ? (size_t)(at - text.data) : text.len;
}

/* An odd number of "$" directly before "${" takes its meaning away: "$${x}" is the text "${x}". */
static bool is_escaped(struct slice text, size_t from, size_t open)
{
    size_t dollars = 0;
    while (open > from && text.data[open - 1] == '$') {
        dollars++;
        open--;
    }
    return dollars % 2 == 1;
}

/* The first reference to replace: of those, that close first, the innermost. */
static bool find_reference(struct slice text, struct span *found)
{
    size_t from = 0;
    for (size_t close = find_byte(text, 0, '}'); close < text.len;
         close = find_byte(text, from, '}')) {
        for (size_t at = close; at-- > from;) {
            if (text.data[at] != '$' || text.data[at + 1] != '{')
                continue;
            if (is_escaped(text, from, at))
                break;
            *found = (struct span){at, close + 1};
            return true;
        }
        from = close + 1;
    }
    return false;
}

static bool is_name(struct slice name)
{
    if (name.len == 0 || name.len >= NAME_BYTES || (name.data[0] >= '0' && name.data[0] <= '9'))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '_'))
            return false;
    }
    return true;
}

/* Takes "env:NAME:-default" or "NAME" apart. `fallback->data` is NULL where there is no default. */
static int split_reference(struct expander *x, const struct yaml_node *node, struct slice inside,
                           struct slice *name, struct slice *fallback)
{
    static const char env[] = "env";
    size_t colon = find_byte(inside, 0, ':');
    struct slice scheme = slice_make(inside.data, colon);
    struct report_quote quote = report_quote(inside);
    *name = inside;
    *fallback = slice_make(NULL, 0);
    if (find_byte(inside, 0, '$') < inside.len)
        return report_error(x->report, node->at, NULL, "${...} with %s: no \"$\" is allowed inside",
                            quote.text);
    if (colon < inside.len && !slice_is(scheme, env))
        return report_error(x->report, node->at, NULL,
                            "${...} with %s: only ${NAME}, ${env:NAME} and ${env:NAME:-default} "
                            "are supported",
                            quote.text);
    if (colon < inside.len)
        *name = slice_make(inside.data + colon + 1, inside.len - colon - 1);
    const uint8_t *dash = name->len ? memmem(name->data, name->len, ":-", 2) : NULL;
    if (dash) {
        size_t at = (size_t)(dash - name->data);
        *fallback = slice_make(dash + 2, name->len - at - 2);
        name->len = at;
    }
    if (!is_name(*name))
        return report_error(x->report, node->at, NULL,
                            "${...} with %s: the name of an environment variable consists of "
                            "letters, digits and \"_\", and does not start with a digit",
                            quote.text);
    return 0;
}

/* Appends what a reference stands for. `*unset`: nothing was found. */
static int resolve(struct expander *x, const struct yaml_node *node, struct slice inside,
                   struct buf *out, bool *unset)
{
    struct slice name, fallback;
    char plain[NAME_BYTES];
    int rc = split_reference(x, node, inside, &name, &fallback);
    if (rc < 0)
        return rc;
    memcpy(plain, name.data, name.len);
    plain[name.len] = '\0';
    const char *value = x->lookup(x->context, plain);
    *unset = !value && !fallback.data;
    if (value)
        buf_text(out, value);
    else if (fallback.data)
        buf_slice_append(out, fallback);
    else
        return report_warning(x->report, node->at, NULL,
                              "environment variable %s is not set, and nothing is put in its place",
                              plain);
    return 0;
}

/* What became of a value's text. */
struct outcome {
    bool changed;
    bool whole; /* the last reference was all there was: the text is to be read as YAML */
    bool unset; /* and its variable is not set */
};

/* One round: `text` with its first reference replaced goes to `out`. */
static int replace(struct expander *x, const struct yaml_node *node, struct slice text,
                   struct span at, struct buf *out, struct outcome *outcome)
{
    bool unset;
    buf_clear(out);
    buf_append(out, text.data, at.from);
    struct slice inside = slice_make(text.data + at.from + 2, at.to - at.from - 3);
    int rc = resolve(x, node, inside, out, &unset);
    if (rc < 0)
        return rc;
    buf_append(out, text.data + at.to, text.len - at.to);
    outcome->changed = true;
    outcome->whole = at.from == 0 && at.to == text.len;
    outcome->unset = outcome->whole && unset;
    if (!buf_ok(out))
        return report_error(x->report, node->at, NULL,
                            "a value grows over %u bytes by what its ${...} stand for",
                            EXPAND_BYTES_MAX);
    return 0;
}

/* Replaces references until none is left. The text ends up in `a`; `b` is room to work in. */
static int replace_all(struct expander *x, const struct yaml_node *node, struct buf *a,
                       struct buf *b, struct outcome *outcome)
{
    struct span at;
    for (unsigned round = 0; find_reference(buf_slice(a), &at); round++) {
        if (round == EXPAND_ROUNDS_MAX || x->total++ == EXPAND_TOTAL_MAX)
            return report_error(x->report, node->at, NULL,
                                "more ${...} than can be meant, or ${...} that stand for each "
                                "other");
        int rc = replace(x, node, buf_slice(a), at, b, outcome);
        if (rc < 0)
            return rc;
        struct buf swap = *a;
        *a = *b;
        *b = swap;
    }
    return 0;
}

/* "$$" to "$", in place. */
static void unescape(struct slice *text)
{
    uint8_t *bytes = (uint8_t *)text->data;
    size_t n = 0;
    for (size_t i = 0; i < text->len; i++) {
        bytes[n++] = bytes[i];
        if (bytes[i] == '$' && i + 1 < text->len && bytes[i + 1] == '$')
            i++;
    }
    if (n < text->len)
        bytes[n] = '\0';
    text->len = n;
}

/* A value that was one reference and nothing else: null, or whatever YAML makes of the text; else
 * the text. */
static int become_yaml(struct expander *x, struct yaml_node *node, struct slice text, bool unset)
{
    if (unset) {
        node->kind = YAML_NULL;
        return 0;
    }
    int rc = yaml_set_written(node, text);
    if (rc < 0)
        return rc;
    unescape(&node->written);
    if (text.len == 0)
        return yaml_set_text(node, text, false);
    rc = yaml_graft(x->doc, node, text);
    return rc == GW_ERR_MALFORMED ? yaml_set_text(node, text, false) : rc;
}

static int expand_node(struct expander *x, struct yaml_node *node)
{
    struct outcome outcome = {0};
    struct buf a = buf_make(EXPAND_BYTES_MAX), b = buf_make(EXPAND_BYTES_MAX);
    struct span at;
    int rc = 0;
    if (find_reference(node->text, &at)) {
        buf_slice_append(&a, node->text);
        rc = buf_ok(&a) ? replace_all(x, node, &a, &b, &outcome)
                        : report_error(x->report, node->at, NULL, "${...} in a value over %u bytes",
                                       EXPAND_BYTES_MAX);
        if (rc == 0 && outcome.whole)
            rc = become_yaml(x, node, buf_slice(&a), outcome.unset);
        else if (rc == 0)
            rc = yaml_set_text(node, buf_slice(&a), false);
    }
    if (rc == 0 && node->kind == YAML_SCALAR)
        unescape(&node->text);
    buf_free(&a);
    buf_free(&b);
    return rc;
}

int expand_document(struct yaml_doc *doc, expand_lookup lookup, void *context,
                    struct report *report)
{
    struct expander x = {doc, lookup, context, report, 0};
    /* Nodes that a value brings along are appended, and come by here in their turn. */
    for (struct yaml_node *node = doc->first; node; node = node->next) {
        int rc = node->kind == YAML_SCALAR && !node->is_key ? expand_node(&x, node) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}
