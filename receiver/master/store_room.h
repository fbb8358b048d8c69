// SPDX-License-Identifier: Apache-2.0
/* How large a store may become. In memory it must neither fill its tmpfs nor the memory of its container, where the
 * kernel would kill us instead of refusing; on a disk it leaves something to the others. */
#ifndef MASQUES_MASTER_STORE_ROOM_H
#define MASQUES_MASTER_STORE_ROOM_H

#include <stdint.h>

#include "shared/base/slice.h"

/* The smallest of `wanted`, half of the file system that `directory` lies on, and a quarter of the memory that the
 * cgroup allows. Bytes. */
uint64_t store_room(const char *directory, uint64_t wanted);

/* The same on a disk: the smaller of `wanted` and nine tenths of the file system that `directory` lies on. Bytes. */
uint64_t store_room_disk(const char *directory, uint64_t wanted);

/* The limit that a cgroup's memory.max or memory.limit_in_bytes holds ("max\n", "268435456\n"); UINT64_MAX: none, or
 * no such text. */
uint64_t store_room_limit(struct slice text);

#endif
