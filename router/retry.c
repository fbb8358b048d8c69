// SPDX-License-Identifier: Apache-2.0
#include "router/retry.h"

#include <stdlib.h>

#define ALL_PERMILLE 1000u

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
    return value ? value : otherwise;
}

struct retry retry_from(const Masques__Control__Retry *said)
{
    if (!said)
        return (struct retry){.initial_ms = RETRY_INITIAL_MS,
                              .max_ms = RETRY_MAX_MS,
                              .multiplier_permille = RETRY_MULTIPLIER_PERMILLE,
                              .jitter_permille = RETRY_JITTER_PERMILLE};
    struct retry retry = {
        .disabled = said->disabled,
        .initial_ms = or_default(said->initial_ms, RETRY_INITIAL_MS),
        .max_ms = or_default(said->max_ms, RETRY_MAX_MS),
        .max_elapsed_ms = said->max_elapsed_ms,
        .multiplier_permille = or_default(said->multiplier_permille, RETRY_MULTIPLIER_PERMILLE),
        .jitter_permille = said->jitter_permille,
    };
    if (retry.multiplier_permille < ALL_PERMILLE)
        retry.multiplier_permille = ALL_PERMILLE;
    if (retry.jitter_permille > ALL_PERMILLE)
        retry.jitter_permille = ALL_PERMILLE;
    return retry;
}

uint64_t retry_wait_ms(const struct retry *retry, uint32_t attempt, uint32_t after_ms,
                       uint64_t random)
{
    uint64_t wait = retry->initial_ms;
    uint64_t grown = wait;
    for (uint32_t i = 1; i < attempt && wait < retry->max_ms; i++, wait = grown) {
        grown = wait * retry->multiplier_permille / ALL_PERMILLE;
        if (grown == wait) /* it never will */
            break;
    }
    if (wait > retry->max_ms)
        wait = retry->max_ms;
    uint64_t jitter = wait * retry->jitter_permille / ALL_PERMILLE;
    wait = wait - jitter + random % (2 * jitter + 1);
    uint64_t least = after_ms < RETRY_AFTER_MAX_MS ? after_ms : RETRY_AFTER_MAX_MS;
    return wait > least ? wait : least;
}

void retry_since_fini(struct retry_since *since)
{
    free(since->list);
    *since = (struct retry_since){0};
}

uint64_t retry_since_ms(struct retry_since *since, uint64_t first, uint64_t sent_ms)
{
    for (size_t i = 0; i < since->count; i++)
        if (since->list[i].first == first)
            return since->list[i].since_ms;
    if (since->count == since->cap) {
        size_t cap = since->cap ? since->cap * 2 : 4;
        struct retry_try *list = realloc(since->list, cap * sizeof *list);
        if (!list)
            return sent_ms;
        since->list = list;
        since->cap = cap;
    }
    since->list[since->count++] = (struct retry_try){first, sent_ms};
    return sent_ms;
}

void retry_since_forget(struct retry_since *since, uint64_t first)
{
    for (size_t i = 0; i < since->count; i++) {
        if (since->list[i].first != first)
            continue;
        since->list[i] = since->list[--since->count];
        return;
    }
}

bool retry_gives_up(const struct retry *retry, uint64_t since_ms, uint64_t now_ms, uint64_t wait_ms)
{
    if (retry->disabled)
        return true;
    uint64_t elapsed = now_ms > since_ms ? now_ms - since_ms : 0;
    return retry->max_elapsed_ms && elapsed + wait_ms > retry->max_elapsed_ms;
}
