// SPDX-License-Identifier: Apache-2.0
/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef MASQUES_BASE_UTF8_H
#define MASQUES_BASE_UTF8_H

#include "shared/base/slice.h"

/* How many bytes from the front are valid UTF-8; text.len when all of them are. */
size_t utf8_valid_prefix(struct slice text);

/* The length (1..4) of the valid sequence at the front of `text` (len > 0), or 0 when there is none. */
size_t utf8_sequence(struct slice text);

#endif
