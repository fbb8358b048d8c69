// SPDX-License-Identifier: Apache-2.0
/* Little-endian numbers in byte arrays, at any alignment: how everything in the store's files is
 * written. */
#ifndef MASQUES_ROUTER_STORE_LE_H
#define MASQUES_ROUTER_STORE_LE_H

#include <stdint.h>

static inline void le_put_u16(uint8_t *at, uint16_t v)
{
    at[0] = (uint8_t)v;
    at[1] = (uint8_t)(v >> 8);
}

static inline void le_put_u32(uint8_t *at, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

static inline void le_put_u64(uint8_t *at, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

static inline uint16_t le_get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t le_get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t le_get_u64(const uint8_t *at)
{
    return (uint64_t)le_get_u32(at) | (uint64_t)le_get_u32(at + 4) << 32;
}

#endif
