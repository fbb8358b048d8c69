// SPDX-License-Identifier: Apache-2.0
#include "ctl/gateway.h"

#include <stdio.h>
#include <string.h>

#include "ctl/master.h"

static int copy(char to[GATEWAY_TEXT_BYTES], const char *from, struct buf *why)
{
    if (strlen(from) >= GATEWAY_TEXT_BYTES) {
        buf_printf(why, "the gateway names an address that is too long: %.64s...", from);
        return GW_ERR_TOO_LARGE;
    }
    snprintf(to, GATEWAY_TEXT_BYTES, "%s", from);
    return GW_OK;
}

static int where(const struct arguments *a, Masques__Control__MasterAnswer **answer, struct buf *why)
{
    Masques__Control__MasterRequest request = MASQUES__CONTROL__MASTER_REQUEST__INIT;
    Masques__Control__Where asked = MASQUES__CONTROL__WHERE__INIT;
    request.what_case = MASQUES__CONTROL__MASTER_REQUEST__WHAT_WHERE;
    request.where = &asked;
    int err = master_ask(a->runtime, &request, a->timeout_ms, answer, why);
    if (err != GW_OK || !(*answer)->error[0])
        return err;
    buf_text(why, (*answer)->error);
    masques__control__master_answer__free_unpacked(*answer, NULL);
    return GW_ERR_INVALID;
}

int gateway_bus(const struct arguments *a, char endpoint[GATEWAY_TEXT_BYTES], struct buf *why)
{
    Masques__Control__MasterAnswer *answer = NULL;
    if (a->router)
        return copy(endpoint, a->router, why);
    int err = where(a, &answer, why);
    if (err != GW_OK)
        return err;
    if (answer->bus[0]) {
        err = copy(endpoint, answer->bus, why);
    } else {
        buf_text(why, "the gateway does not say where its router is");
        err = GW_ERR_NOT_FOUND;
    }
    masques__control__master_answer__free_unpacked(answer, NULL);
    return err;
}

int gateway_health(const struct arguments *a, char address[GATEWAY_TEXT_BYTES], char path[GATEWAY_TEXT_BYTES],
                   struct buf *why)
{
    Masques__Control__MasterAnswer *answer = NULL;
    int err = where(a, &answer, why);
    if (err != GW_OK)
        return err;
    if (answer->health[0]) {
        err = copy(address, answer->health, why);
        if (err == GW_OK)
            err = copy(path, answer->health_path, why);
    } else {
        buf_text(why, "the gateway has no health endpoint: its configuration has no extension health_check");
        err = GW_ERR_NOT_FOUND;
    }
    masques__control__master_answer__free_unpacked(answer, NULL);
    return err;
}
