// SPDX-License-Identifier: Apache-2.0
#include "router/store/segment_format.h"

#include <string.h>
#include <xxhash.h>

#include "router/store/le.h"

static const uint8_t header_magic[8] = "masq-seg";
static const uint8_t footer_magic[8] = "masq-ftr";

#define HEADER_SUM_AT 120u
#define RECORD_SUM_AT 104u
#define TRAILER_SUM_AT 48u
#define FOOTER_SUM_AT 88u

/* An odd number with well mixed bits: offsets that differ give seeds that differ in many bits. */
#define OFFSET_MIX 0x9e3779b97f4a7c15u

static uint64_t block_seed(uint64_t key, uint64_t offset)
{
    return key ^ (offset + 1) * OFFSET_MIX;
}

static void put_position(uint8_t *at, struct position p)
{
    le_put_u64(at, p.sequence);
    le_put_u64(at + 8, p.records);
    le_put_u64(at + 16, p.bytes);
}

static struct position get_position(const uint8_t *at)
{
    return (struct position){le_get_u64(at), le_get_u64(at + 8), le_get_u64(at + 16)};
}

uint64_t segment_key(const struct segment_header *header)
{
    uint8_t id[25];
    memcpy(id, header->uuid, 16);
    le_put_u64(id + 16, header->number);
    id[24] = header->signal;
    return XXH3_64bits_withSeed(id, sizeof id, header->seed);
}

void segment_header_put(const struct segment_header *header, uint8_t *at)
{
    memset(at, 0, SEGMENT_HEADER_BYTES);
    memcpy(at, header_magic, 8);
    le_put_u16(at + 8, SEGMENT_VERSION);
    le_put_u16(at + 10, SEGMENT_OLDEST_READER);
    le_put_u32(at + 12, header->header_bytes);
    memcpy(at + 16, header->uuid, 16);
    le_put_u64(at + 32, header->number);
    le_put_u64(at + 40, header->generation);
    put_position(at + 48, header->base);
    le_put_u64(at + 72, header->seed);
    le_put_u64(at + 80, header->created_ns);
    le_put_u32(at + 88, header->snapshot_bytes);
    at[92] = header->signal;
    le_put_u64(at + 96, header->snapshot_checksum);
    le_put_u64(at + HEADER_SUM_AT, XXH3_64bits(at, HEADER_SUM_AT));
}

int segment_header_get(const uint8_t *at, struct segment_header *out)
{
    if (memcmp(at, header_magic, 8) != 0)
        return GW_ERR_CORRUPT;
    /* Of a newer version nothing but magic and version is known to stand where it stands here. */
    if (le_get_u16(at + 8) > SEGMENT_VERSION && le_get_u16(at + 10) > SEGMENT_VERSION)
        return GW_ERR_UNSUPPORTED;
    if (le_get_u64(at + HEADER_SUM_AT) != XXH3_64bits(at, HEADER_SUM_AT))
        return GW_ERR_CORRUPT;
    out->header_bytes = le_get_u32(at + 12);
    memcpy(out->uuid, at + 16, 16);
    out->number = le_get_u64(at + 32);
    out->generation = le_get_u64(at + 40);
    out->base = get_position(at + 48);
    out->seed = le_get_u64(at + 72);
    out->created_ns = le_get_u64(at + 80);
    out->snapshot_bytes = le_get_u32(at + 88);
    out->signal = at[92];
    out->snapshot_checksum = le_get_u64(at + 96);
    bool fits = out->header_bytes % SEGMENT_ALIGN == 0 &&
                out->header_bytes >= SEGMENT_SNAPSHOT_OFFSET &&
                out->snapshot_bytes <= out->header_bytes - SEGMENT_SNAPSHOT_OFFSET;
    return fits ? 0 : GW_ERR_CORRUPT;
}

uint64_t segment_payload_checksum(uint64_t seed, struct slice payload)
{
    return XXH3_64bits_withSeed(payload.data, payload.len, seed);
}

static uint64_t record_checksum(const uint8_t *header, struct slice sources, uint64_t key,
                                uint64_t offset)
{
    uint64_t sum = XXH3_64bits_withSeed(header, RECORD_SUM_AT, block_seed(key, offset));
    return sources.len ? XXH3_64bits_withSeed(sources.data, sources.len, sum) : sum;
}

void segment_record_put(const struct segment_record *record, struct slice sources, uint64_t key,
                        uint64_t offset, uint8_t *at)
{
    le_put_u32(at, SEGMENT_RECORD_MAGIC);
    le_put_u16(at + 4, SEGMENT_RECORD_BYTES);
    le_put_u16(at + 6, 0);
    le_put_u32(at + 8, record->payload_bytes);
    le_put_u32(at + 12, record->sources_bytes);
    le_put_u64(at + 16, record->at.sequence);
    memcpy(at + 24, record->incarnation, 16);
    le_put_u64(at + 40, record->number);
    le_put_u64(at + 48, record->lowest_open);
    le_put_u64(at + 56, record->received_ns);
    le_put_u64(at + 64, record->at.records);
    le_put_u64(at + 72, record->at.bytes);
    le_put_u32(at + 80, record->records);
    le_put_u32(at + 84, record->stream);
    le_put_u64(at + 88, record->payload_checksum);
    le_put_u64(at + 96, 0);
    le_put_u64(at + RECORD_SUM_AT, record_checksum(at, sources, key, offset));
}

int segment_record_get(struct slice bytes, uint64_t key, uint64_t offset,
                       struct segment_record *out)
{
    const uint8_t *at = bytes.data;
    if (bytes.len < SEGMENT_RECORD_BYTES || le_get_u32(at) != SEGMENT_RECORD_MAGIC ||
        le_get_u16(at + 4) != SEGMENT_RECORD_BYTES)
        return GW_ERR_CORRUPT;
    out->payload_bytes = le_get_u32(at + 8);
    out->sources_bytes = le_get_u32(at + 12);
    if (segment_record_size(out->sources_bytes, out->payload_bytes) > bytes.len)
        return GW_ERR_CORRUPT;
    struct slice sources = {at + SEGMENT_RECORD_BYTES, out->sources_bytes};
    if (le_get_u64(at + RECORD_SUM_AT) != record_checksum(at, sources, key, offset))
        return GW_ERR_CORRUPT;
    out->at.sequence = le_get_u64(at + 16);
    memcpy(out->incarnation, at + 24, 16);
    out->number = le_get_u64(at + 40);
    out->lowest_open = le_get_u64(at + 48);
    out->received_ns = le_get_u64(at + 56);
    out->at.records = le_get_u64(at + 64);
    out->at.bytes = le_get_u64(at + 72);
    out->records = le_get_u32(at + 80);
    out->stream = le_get_u32(at + 84);
    out->payload_checksum = le_get_u64(at + 88);
    return 0;
}

void segment_trailer_put(const struct segment_trailer *trailer, uint64_t key, uint64_t offset,
                         uint8_t *at)
{
    le_put_u32(at, SEGMENT_TRAILER_MAGIC);
    le_put_u16(at + 4, SEGMENT_TRAILER_BYTES);
    le_put_u16(at + 6, 0);
    le_put_u64(at + 8, trailer->start);
    put_position(at + 16, trailer->next);
    le_put_u32(at + 40, trailer->count);
    le_put_u32(at + 44, 0);
    le_put_u64(at + TRAILER_SUM_AT,
               XXH3_64bits_withSeed(at, TRAILER_SUM_AT, block_seed(key, offset)));
}

int segment_trailer_get(struct slice bytes, uint64_t key, uint64_t offset,
                        struct segment_trailer *out)
{
    const uint8_t *at = bytes.data;
    if (bytes.len < SEGMENT_TRAILER_BYTES || le_get_u32(at) != SEGMENT_TRAILER_MAGIC ||
        le_get_u64(at + TRAILER_SUM_AT) !=
            XXH3_64bits_withSeed(at, TRAILER_SUM_AT, block_seed(key, offset)))
        return GW_ERR_CORRUPT;
    out->start = le_get_u64(at + 8);
    out->next = get_position(at + 16);
    out->count = le_get_u32(at + 40);
    return 0;
}

void segment_entry_put(const struct segment_entry *entry, uint8_t *at)
{
    le_put_u64(at, entry->offset);
    le_put_u64(at + 8, entry->checksum);
    le_put_u64(at + 16, entry->received_ns);
    le_put_u32(at + 24, entry->length);
    le_put_u32(at + 28, entry->records);
    le_put_u32(at + 32, entry->stream);
    le_put_u32(at + 36, entry->flags);
}

void segment_entry_get(const uint8_t *at, struct segment_entry *out)
{
    out->offset = le_get_u64(at);
    out->checksum = le_get_u64(at + 8);
    out->received_ns = le_get_u64(at + 16);
    out->length = le_get_u32(at + 24);
    out->records = le_get_u32(at + 28);
    out->stream = le_get_u32(at + 32);
    out->flags = le_get_u32(at + 36);
}

uint64_t segment_index_checksum(struct slice index_bytes, uint64_t key, uint64_t offset)
{
    return XXH3_64bits_withSeed(index_bytes.data, index_bytes.len, block_seed(key, offset));
}

void segment_footer_put(const struct segment_footer *footer, uint64_t key, uint64_t offset,
                        uint8_t *at)
{
    memcpy(at, footer_magic, 8);
    le_put_u64(at + 8, footer->number);
    le_put_u64(at + 16, footer->index_offset);
    put_position(at + 24, footer->base);
    put_position(at + 48, footer->next);
    le_put_u64(at + 72, footer->index_checksum);
    le_put_u32(at + 80, footer->count);
    le_put_u32(at + 84, 0);
    le_put_u64(at + FOOTER_SUM_AT,
               XXH3_64bits_withSeed(at, FOOTER_SUM_AT, block_seed(key, offset)));
}

int segment_footer_get(const uint8_t *at, uint64_t key, uint64_t offset, struct segment_footer *out)
{
    if (memcmp(at, footer_magic, 8) != 0 ||
        le_get_u64(at + FOOTER_SUM_AT) !=
            XXH3_64bits_withSeed(at, FOOTER_SUM_AT, block_seed(key, offset)))
        return GW_ERR_CORRUPT;
    out->number = le_get_u64(at + 8);
    out->index_offset = le_get_u64(at + 16);
    out->base = get_position(at + 24);
    out->next = get_position(at + 48);
    out->index_checksum = le_get_u64(at + 72);
    out->count = le_get_u32(at + 80);
    bool fits = out->index_offset <= offset &&
                offset - out->index_offset == (uint64_t)out->count * SEGMENT_ENTRY_BYTES &&
                out->next.sequence - out->base.sequence == out->count;
    return fits ? 0 : GW_ERR_CORRUPT;
}
