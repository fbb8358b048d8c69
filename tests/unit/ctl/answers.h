// SPDX-License-Identifier: Apache-2.0
/* Answers of a router for tests of what shows them. */
#ifndef MASQUES_TESTS_CTL_ANSWERS_H
#define MASQUES_TESTS_CTL_ANSWERS_H

#include <string.h>

#include "ctl/router.h"

struct said {
    Masques__Bus__Frame frame;
    struct link_message message;
    struct link_message *list[1];
    struct router_answers answers;
};

/* One answer, borrowed, as router_ask() would give it. */
static inline const struct router_answers *say(struct said *s, Masques__Bus__Answer *answer)
{
    memset(s, 0, sizeof *s);
    masques__bus__frame__init(&s->frame);
    s->frame.body_case = MASQUES__BUS__FRAME__BODY_ANSWER;
    s->frame.answer = answer;
    s->message.frame = &s->frame;
    s->list[0] = &s->message;
    s->answers = (struct router_answers){s->list, 1};
    return &s->answers;
}

#endif
