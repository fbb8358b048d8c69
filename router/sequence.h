// SPDX-License-Identifier: Apache-2.0
/* The numbers of one session: which of them were never seen, told from digests (lowest, highest,
 * how many) that come in any order and more than once. Pure: times are passed in.
 *
 * What is counted on: a process numbers its events 0, 1, 2, … without leaving one out, and a batch
 * is of one process (Claude Code's event.sequence). What is not known is which process: one that
 * resumes a session begins at 0 again under the same name, and several may do so at a time.
 * So a session is a few *tracks*, each of them what one process seems to have sent: spans of numbers
 * with gaps between them. A digest goes to
 *
 *   1. a track that it continues: it touches what is there and repeats none of it; else
 *   2. a track that has all of it: it is a repetition and changes nothing; else
 *   3. the track that it leaves the smallest gap in, if that is at most SEQUENCE_JUMP_MAX; else
 *   4. a new track. Nothing is lost below the first number of a track: it began before we listened.
 *
 * A digest that begins at 0 begins a new track, unless it repeats the first batch of one (the same
 * numbers, within SEQUENCE_REPEAT_MS) or ends where a track begins. Where one track ends and another
 * one, or what lies above a gap of it, begins, the two become one: batches overtook each other.
 *
 * A number in a gap is *lost* once the gap has been open for SEQUENCE_GRACE_MS, or the track has
 * gone on for SEQUENCE_SLACK numbers; it is taken back when it comes after all. A digest with fewer
 * records than numbers has holes of which only the number is known: the difference is lost in the
 * same way, and a batch without holes that falls into it fills as many as it has records.
 *
 * Every doubt is decided for "not lost": what is told is at most what was lost. Three things can
 * make it more: a process that leaves a session and comes back to it with a later number, a gateway
 * that has just started and meets several processes of one session at different numbers, and batches
 * that overtake the first one of a process that resumes a session while others of them are lost. */
#ifndef MASQUES_ROUTER_SEQUENCE_H
#define MASQUES_ROUTER_SEQUENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEQUENCE_TRACKS 4u
#define SEQUENCE_SPANS 16u        /* a track; beyond, the lowest two become one with holes */
#define SEQUENCE_JUMP_MAX 65536u  /* a wider gap is no loss but another process */
#define SEQUENCE_GRACE_MS 30000u  /* clients try again for 10 s */
#define SEQUENCE_SLACK 2048u      /* what a client queues */
#define SEQUENCE_REPEAT_MS 300000u /* a collector on the way tries again for 5 min */

struct sequence_span {
    int64_t low, high; /* both inclusive */
    uint64_t holes;    /* numbers between them that did not come */
    uint64_t gap_ms;   /* when the gap below opened, ms */
    uint64_t holes_ms; /* when the oldest hole did */
};

struct sequence_track {
    uint64_t heard; /* the turn of the last digest; 0: not in use */
    uint64_t first_ms;
    int64_t first_high; /* of its first batch, if that began at 0; otherwise -1 */
    uint64_t first_records;
    size_t count;
    struct sequence_span spans[SEQUENCE_SPANS]; /* rising, apart from each other */
};

/* Embedded; all zero is a session of which nothing was seen. */
struct sequence {
    uint64_t turn;      /* digests so far */
    uint64_t past_lost; /* of tracks that made room for others */
    struct sequence_track tracks[SEQUENCE_TRACKS];
};

/* `records` were seen, numbered `lowest` to `highest`. `now_ms`: monotonic. A digest that cannot be
 * one of such a process (negative numbers, a range far wider than its records) is passed over. */
void sequence_add(struct sequence *sequence, int64_t lowest, int64_t highest, uint64_t records,
                  uint64_t now_ms);

/* How many numbers are lost at this time. */
uint64_t sequence_lost(const struct sequence *sequence, uint64_t now_ms);

#endif
