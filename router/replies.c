// SPDX-License-Identifier: Apache-2.0
#include "router/replies.h"

#include <stdio.h>
#include <stdlib.h>

#include "router/confirm.h"
#include "router/settle.h"
#include "shared/base/clock.h"

struct replies {
    struct store *store;
    struct dead_letters *letters;
    struct sessions *sessions;
    const struct log *log;
    struct confirms confirms;
};

/* What could not be said ends the session: in the next one it comes up again. */
static void end_unless(struct replies *r, struct subscriber *sub, int err)
{
    if (err != GW_OK)
        sessions_reset(r->sessions, sub->session, "no memory for an answer to it");
}

void replies_cancel(struct replies *r, struct subscriber *sub, Masques__Bus__DeliveryId *id)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Cancel said = MASQUES__BUS__CANCEL__INIT;
    said.id = id;
    frame.body_case = MASQUES__BUS__FRAME__BODY_CANCEL;
    frame.cancel = &said;
    end_unless(r, sub, sessions_send(r->sessions, sub->session, &frame, NULL, 0));
}

/* The id is said back as it came. */
static void answer(struct replies *r, struct subscriber *sub, enum settle_answer settled,
                   enum confirm_kind kind, Masques__Bus__DeliveryId *id)
{
    switch (settled) {
    case SETTLE_CONFIRM:
        end_unless(r, sub, confirms_add(&r->confirms, sub, kind, id, store_ticket(r->store)));
        break;
    case SETTLE_FOREIGN:
        end_unless(r, sub, confirm_send(r->sessions, sub->session, kind, id));
        break;
    case SETTLE_CANCEL:
        replies_cancel(r, sub, id);
        break;
    case SETTLE_AGAIN:
        end_unless(r, sub, GW_ERR_NOMEM);
        break;
    case SETTLE_NOTHING:
        break;
    }
}

/* A wait that an exporter asks for begins when it is heard: the loop's clock is as old as its turn, and counting from
 * there would bring the delivery back too early. */
static struct settle settling(const struct replies *r)
{
    return (struct settle){r->store, r->letters, r->log, clock_mono_ms()};
}

void replies_hello(struct replies *r, struct subscriber *sub, const Masques__Bus__Hello *hello)
{
    struct settle settle = settling(r);
    for (size_t i = 0; i < hello->n_deliveries; i++) {
        const Masques__Bus__DeliveryState *state = hello->deliveries[i];
        if (state->verdict) {
            answer(r, sub, settle_verdict(&settle, sub, state->verdict, NULL, 0), CONFIRM_VERDICT,
                   state->verdict->id);
            continue;
        }
        enum settle_answer said = settle_claim(&settle, sub, state->id);
        if (said != SETTLE_CONFIRM) /* that it goes on needs no answer */
            answer(r, sub, said, CONFIRM_VERDICT, state->id);
    }
}

void replies_message(struct replies *r, struct subscriber *sub, const struct link_message *message)
{
    const Masques__Bus__Frame *frame = message->frame;
    struct settle settle;
    switch (frame->body_case) {
    case MASQUES__BUS__FRAME__BODY_CREDIT:
        sub->credit = frame->credit->bytes;
        sub->credit_known = true;
        break;
    case MASQUES__BUS__FRAME__BODY_DELIVERY_VERDICT:
        settle = settling(r);
        answer(r, sub,
               settle_verdict(&settle, sub, frame->delivery_verdict, message->payloads,
                              message->payload_count),
               CONFIRM_VERDICT, frame->delivery_verdict->id);
        break;
    case MASQUES__BUS__FRAME__BODY_PROGRESS:
        settle = settling(r);
        answer(r, sub, settle_progress(&settle, sub, frame->progress), CONFIRM_PROGRESS,
               frame->progress->id);
        break;
    case MASQUES__BUS__FRAME__BODY_HEARTBEAT:
        sub->health = frame->heartbeat->health;
        snprintf(sub->error, sizeof sub->error, "%s", frame->heartbeat->error);
        break;
    default: /* of a newer exporter, which can do without our understanding it */
        break;
    }
}

void replies_detached(struct replies *r, struct session *session, const Masques__Bus__Frame *frame)
{
    enum confirm_kind kind = CONFIRM_VERDICT;
    Masques__Bus__DeliveryId *id = NULL;
    if (frame->body_case == MASQUES__BUS__FRAME__BODY_DELIVERY_VERDICT) {
        id = frame->delivery_verdict->id;
    } else if (frame->body_case == MASQUES__BUS__FRAME__BODY_PROGRESS) {
        id = frame->progress->id;
        kind = CONFIRM_PROGRESS;
    }
    if (id && confirm_send(r->sessions, session, kind, id) != GW_OK)
        sessions_reset(r->sessions, session, "no memory for an answer to it");
}

void replies_confirm(struct replies *r)
{
    confirms_send(&r->confirms, r->store, r->sessions);
}

bool replies_all_said(const struct replies *r)
{
    return r->confirms.count == 0;
}

void replies_drop(struct replies *r, const struct subscriber *sub)
{
    confirms_drop(&r->confirms, sub);
}

struct replies *replies_new(struct store *store, struct dead_letters *letters,
                            struct sessions *sessions, const struct log *log)
{
    struct replies *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->store = store;
    r->letters = letters;
    r->sessions = sessions;
    r->log = log;
    return r;
}

void replies_free(struct replies **at)
{
    struct replies *r = *at;
    *at = NULL;
    if (!r)
        return;
    confirms_fini(&r->confirms);
    free(r);
}
