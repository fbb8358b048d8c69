// SPDX-License-Identifier: Apache-2.0
#include "shared/otlp/name.h"

uint32_t otlp_name_field(enum otlp_message message, struct slice key)
{
    const struct otlp_schema *schema = &otlp_schemas[message];
    for (uint32_t i = 0; i < schema->count; i++) {
        const struct otlp_field *field = &schema->fields[schema->order[i]];
        size_t len;
        const char *json = otlp_schema_json_name(field, &len);
        if (slice_eq(key, slice_make(json, len)) ||
            slice_eq(key, slice_make(field->name, field->name_len)))
            return schema->order[i];
    }
    return 0;
}

/* ---- enums ----------------------------------------------------------------------------------- */

/* The names of an enum behind their common prefix; the number is the place. */
struct names {
    const char *prefix;
    const char *const *list;
    int32_t count;
};

static const char *const severities[] = {
    "UNSPECIFIED", "TRACE", "TRACE2", "TRACE3", "TRACE4", "DEBUG", "DEBUG2", "DEBUG3", "DEBUG4",
    "INFO",        "INFO2", "INFO3",  "INFO4",  "WARN",   "WARN2", "WARN3",  "WARN4",  "ERROR",
    "ERROR2",      "ERROR3", "ERROR4", "FATAL", "FATAL2", "FATAL3", "FATAL4",
};
static const char *const span_kinds[] = {
    "UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER",
};
static const char *const status_codes[] = {"UNSET", "OK", "ERROR"};
static const char *const temporalities[] = {"UNSPECIFIED", "DELTA", "CUMULATIVE"};

#define NAMES(text, names) {text, names, sizeof names / sizeof names[0]}

static const struct names enums[OTLP_ENUMS] = {
    [OTLP_NO_ENUM] = {"", NULL, 0},
    [OTLP_SEVERITY_NUMBER] = NAMES("SEVERITY_NUMBER_", severities),
    [OTLP_SPAN_KIND] = NAMES("SPAN_KIND_", span_kinds),
    [OTLP_STATUS_CODE] = NAMES("STATUS_CODE_", status_codes),
    [OTLP_TEMPORALITY] = NAMES("AGGREGATION_TEMPORALITY_", temporalities),
};

int32_t otlp_name_enum(enum otlp_enum names, struct slice name)
{
    const struct names *known = &enums[names];
    size_t skip = strlen(known->prefix);
    if (name.len < skip || memcmp(name.data, known->prefix, skip) != 0)
        return -1;
    struct slice rest = slice_make(name.data + skip, name.len - skip);
    for (int32_t i = 0; i < known->count; i++)
        if (slice_is(rest, known->list[i]))
            return i;
    return -1;
}
