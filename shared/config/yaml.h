// SPDX-License-Identifier: Apache-2.0
/* A YAML document as a tree of nodes that know where they stand. Scalars stay text: what they mean
 * is decided by the option they are given to. Built iteratively from libfyaml's events, within
 * limits. */
#ifndef MASQUES_CONFIG_YAML_H
#define MASQUES_CONFIG_YAML_H

#include "shared/config/report.h"

#define YAML_BYTES_MAX (1u << 20) /* of a file */
#define YAML_DEPTH_MAX 32u        /* maps and lists within each other */
#define YAML_NODES_MAX 20000u     /* also bounds the time that looking for duplicate keys takes */

enum yaml_kind {
    YAML_NULL,   /* nothing, "~", "null": as if it were not written */
    YAML_SCALAR, /* text */
    YAML_MAP,
    YAML_LIST,
};

struct yaml_node;

struct yaml_entry {
    struct yaml_node *key; /* a scalar; NULL in a list */
    struct yaml_node *value;
};

/* Nodes belong to their document. An alias makes two entries share one node; there are no
 * cycles. */
struct yaml_node {
    enum yaml_kind kind;
    bool plain;        /* YAML_SCALAR: not quoted, so it may be meant as a number or a bool */
    bool is_key;
    struct place at;
    struct slice text; /* YAML_SCALAR: its value, followed by a NUL that is not counted */
    struct slice written; /* what the environment gave, before YAML read it; else empty */
    struct yaml_entry *entries; /* YAML_MAP, YAML_LIST */
    size_t count;
    struct yaml_node *next; /* in the document, in the order of making */
};

struct yaml_doc {
    struct yaml_node *root;
    struct yaml_node *first;
    struct yaml_node *last;
    size_t nodes;
};

/* Reads the one document of `text` (borrowed) into `doc`, which is to be freed whatever comes back.
 * An empty text gives a root of YAML_NULL. Anchors, aliases and merge keys ("<<") are resolved;
 * duplicate keys, tags, keys that are no text, and a second document are errors. 0; GW_ERR_INVALID:
 * said in `report`; GW_ERR_NOMEM. */
int yaml_read(struct yaml_doc *doc, struct slice text, struct report *report) GW_MUST_CHECK;

/* Reads `text` as YAML and puts the outcome in the place of a node's value: kind, text, entries.
 * Everything new stands where `node` stands. 0; GW_ERR_MALFORMED: `text` is no YAML, or more of it
 * than the document may hold; `node` is untouched; GW_ERR_NOMEM. */
int yaml_graft(struct yaml_doc *doc, struct yaml_node *node, struct slice text) GW_MUST_CHECK;

/* Gives a node the text (copied) as its value: a scalar. 0; GW_ERR_NOMEM. */
int yaml_set_text(struct yaml_node *node, struct slice text, bool plain) GW_MUST_CHECK;

/* Notes what was written before YAML read it (copied). 0; GW_ERR_NOMEM. */
int yaml_set_written(struct yaml_node *node, struct slice text) GW_MUST_CHECK;

void yaml_free(struct yaml_doc *doc);

/* The value under a key, or NULL: no map, or no such key. */
const struct yaml_node *yaml_find(const struct yaml_node *map, const char *key);

#endif
