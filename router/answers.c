// SPDX-License-Identifier: Apache-2.0
#include "router/answers.h"

/* Answers that stand outside of any session: whoever is gone does not miss them. */
static void tell(struct link *link, const struct log *log, uint32_t route,
                 Masques__Bus__Frame *frame)
{
    int err = link_send(link, route, frame, NULL, 0);
    if (err != GW_OK && err != GW_ERR_NOT_FOUND)
        log_debug(log, "bus: an answer could not be sent: %s", gw_strerror(err));
}

void answer_reset(struct link *link, const struct log *log, uint32_t route)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Reset reset = MASQUES__BUS__RESET__INIT;
    frame.body_case = MASQUES__BUS__FRAME__BODY_RESET;
    frame.reset = &reset;
    tell(link, log, route, &frame);
}

void answer_fenced(struct link *link, const struct log *log, uint32_t route, uint64_t by)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__Fenced fenced = MASQUES__BUS__FENCED__INIT;
    fenced.by_session = by;
    frame.body_case = MASQUES__BUS__FRAME__BODY_FENCED;
    frame.fenced = &fenced;
    tell(link, log, route, &frame);
}

void answer_name_in_use(struct link *link, const struct log *log, uint32_t route, const char *name,
                        pid_t pid)
{
    Masques__Bus__Frame frame = MASQUES__BUS__FRAME__INIT;
    Masques__Bus__NameInUse answer = MASQUES__BUS__NAME_IN_USE__INIT;
    answer.name = (char *)name;
    answer.pid = (uint32_t)pid;
    frame.body_case = MASQUES__BUS__FRAME__BODY_NAME_IN_USE;
    frame.name_in_use = &answer;
    tell(link, log, route, &frame);
}
