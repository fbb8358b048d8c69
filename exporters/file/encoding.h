// SPDX-License-Identifier: Apache-2.0
/* A batch as one message of a file, as the collector's file exporter writes it (docs/file-format.md):
 *
 *   json                 one object of OTLP JSON and "\n"
 *   proto                length, 4 bytes, the highest first | the protobuf bytes of the batch
 *   either with zstd     length, 4 bytes, the highest first | one zstd frame of the JSON or the protobuf bytes
 *
 * The same batch always gives the same bytes, so that a file can be held against them. */
#ifndef MASQUES_EXPORTERS_FILE_ENCODING_H
#define MASQUES_EXPORTERS_FILE_ENCODING_H

#include "shared/base/buf.h"
#include "shared/config/exporter_options.h"
#include "shared/otlp/signal.h"

#define ENCODING_LENGTH_BYTES 4u

struct encoding;

/* Returns owned; NULL: no memory. */
struct encoding *encoding_new(enum file_format format, enum file_compression compression);
void encoding_free(struct encoding **encoding);

/* Are messages told apart by their lengths (true) or by ends of lines? */
bool encoding_is_framed(enum file_format format, enum file_compression compression);

/* Appends the message of `batch`, a request of `signal`, borrowed. 0; or as otlp_json_out(), GW_ERR_TOO_LARGE: longer
 * than a length can say; `out` is then as long as before. */
int encoding_append(struct encoding *encoding, enum otlp_signal signal, struct slice batch,
                    struct buf *out) GW_MUST_CHECK;

#endif
