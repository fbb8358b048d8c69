// SPDX-License-Identifier: Apache-2.0
/* From the nodes of a document to the fields of structs, by option tables; whatever the tables do
 * not know is an error. The sections of a configuration are read with these. */
#ifndef MASQUES_CONFIG_READ_H
#define MASQUES_CONFIG_READ_H

#include "shared/config/names.h"
#include "shared/config/option.h"
#include "shared/config/yaml.h"

struct reader {
    struct report *report; /* borrowed */
    struct trail trail;    /* of what is being read */
    const char *aside;     /* a path below the component that is read by other means; or NULL */
};

/* Options of one component, and the struct that they belong to. */
struct read_part {
    const struct option_set *set;
    void *target; /* holds the defaults */
};

/* An error at a node, under the reader's trail. Returns GW_ERR_INVALID. */
#define read_error(r, node, ...) report_error((r)->report, (node)->at, (r)->trail.text, __VA_ARGS__)

/* Reads a component's map by its options into `target`, which holds the defaults; a null map
 * changes nothing. The trail already names the component. 0; GW_ERR_INVALID: said; GW_ERR_NOMEM. */
int read_options(struct reader *r, const struct yaml_node *map, const struct option_set *set,
                 void *target) GW_MUST_CHECK;

/* The same for a component whose options come from several tables. */
int read_parts(struct reader *r, const struct yaml_node *map, const struct read_part *parts,
               size_t count) GW_MUST_CHECK;

/* Is the node a map (null counts as an empty one)? 0, or GW_ERR_INVALID: said, under the trail. */
int read_is_map(struct reader *r, const struct yaml_node *node) GW_MUST_CHECK;

/* Is the node a list of texts (null counts as an empty one)? 0, or GW_ERR_INVALID: said, under the
 * trail. */
int read_is_list(struct reader *r, const struct yaml_node *node) GW_MUST_CHECK;

/* Is every key of the map one of `known`? 0, or GW_ERR_INVALID: said, under the trail and
 * the key. */
int read_only_keys(struct reader *r, const struct yaml_node *map,
                   const struct names *known) GW_MUST_CHECK;

#endif
