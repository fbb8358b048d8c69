// SPDX-License-Identifier: Apache-2.0
#include "router/confirm.h"

#include <stdlib.h>

#include "router/deliver.h"

void confirms_fini(struct confirms *c)
{
    free(c->list);
    *c = (struct confirms){0};
}

int confirms_add(struct confirms *c, struct subscriber *sub, enum confirm_kind kind,
                 const Masques__Bus__DeliveryId *id, uint64_t ticket)
{
    if (c->count == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 16;
        struct confirm *list = realloc(c->list, cap * sizeof *list);
        if (!list)
            return GW_ERR_NOMEM;
        c->list = list;
        c->cap = cap;
    }
    c->list[c->count++] = (struct confirm){.sub = sub,
                                           .kind = kind,
                                           .signal = (unsigned)id->signal,
                                           .generation = id->generation,
                                           .first = id->first,
                                           .last = id->last,
                                           .ticket = ticket};
    return GW_OK;
}

void confirms_drop(struct confirms *c, const struct subscriber *sub)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++)
        if (c->list[i].sub != sub)
            c->list[kept++] = c->list[i];
    c->count = kept;
}

int confirm_send(struct sessions *sessions, struct session *session, enum confirm_kind kind,
                 Masques__Bus__DeliveryId *id)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__VerdictOk verdict_ok = MASQUES__BUS__VERDICT_OK__INIT;
    Masques__Bus__ProgressOk progress_ok = MASQUES__BUS__PROGRESS_OK__INIT;
    if (kind == CONFIRM_VERDICT) {
        verdict_ok.id = id;
        frame.body_case = MASQUES__BUS__FRAME__BODY_VERDICT_OK;
        frame.verdict_ok = &verdict_ok;
    } else {
        progress_ok.id = id;
        frame.body_case = MASQUES__BUS__FRAME__BODY_PROGRESS_OK;
        frame.progress_ok = &progress_ok;
    }
    return sessions_send(sessions, session, &frame, NULL, 0);
}

void confirms_send(struct confirms *c, const struct store *store, struct sessions *sessions)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct confirm *confirm = &c->list[i];
        Masques__Bus__DeliveryId id;
        if (!store_is_written(store, confirm->ticket)) {
            c->list[kept++] = *confirm;
            continue;
        }
        deliver_id(&id, store, confirm->sub, confirm->signal, confirm->generation, confirm->first,
                   confirm->last);
        int err = confirm_send(sessions, confirm->sub->session, confirm->kind, &id);
        if (err == GW_ERR_FULL || err == GW_ERR_NOMEM)
            c->list[kept++] = *confirm;
    }
    c->count = kept;
}
