// SPDX-License-Identifier: Apache-2.0
/* From the names that OTLP/JSON uses to the numbers of the schema. */
#ifndef MASQUES_OTLP_NAME_H
#define MASQUES_OTLP_NAME_H

#include "shared/base/slice.h"
#include "shared/otlp/schema.h"

/* The number of the field that a JSON key names: in lowerCamelCase (OTLP specification, "JSON
 * Protobuf Encoding"), or as in the .proto files, which the OpenTelemetry Collector takes too.
 * 0: `message` has no such field. */
uint32_t otlp_name_field(enum otlp_message message, struct slice key);

/* The number of a name of an enum, as in the .proto files: "SPAN_KIND_SERVER". -1: it has no such
 * name. */
int32_t otlp_name_enum(enum otlp_enum names, struct slice name);

#endif
