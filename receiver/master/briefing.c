// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/briefing.h"

void briefing_expect(struct member *router, const struct member *m)
{
    Masques__Control__Down down = MASQUES__CONTROL__DOWN__INIT;
    Masques__Control__Expect expect = MASQUES__CONTROL__EXPECT__INIT;
    expect.name = (char *)m->name;
    expect.pid = (uint32_t)m->pid;
    expect.spawn = m->spawn;
    down.body_case = MASQUES__CONTROL__DOWN__BODY_EXPECT;
    down.expect = &expect;
    member_tell(router, &down);
}

void briefing_router_up(const struct roster *roster, const struct member *router)
{
    Masques__Control__Down down = MASQUES__CONTROL__DOWN__INIT;
    Masques__Control__RouterUp up = MASQUES__CONTROL__ROUTER_UP__INIT;
    up.spawn = router->spawn;
    down.body_case = MASQUES__CONTROL__DOWN__BODY_ROUTER_UP;
    down.router_up = &up;
    for (size_t i = 0; i < roster->count; i++)
        if (roster->members[i] != router)
            member_tell(roster->members[i], &down);
}

void briefing_log_level(struct member *m, uint32_t level)
{
    Masques__Control__Down down = MASQUES__CONTROL__DOWN__INIT;
    Masques__Control__LogLevel log_level = MASQUES__CONTROL__LOG_LEVEL__INIT;
    log_level.level = level;
    down.body_case = MASQUES__CONTROL__DOWN__BODY_LOG_LEVEL;
    down.log_level = &log_level;
    member_tell(m, &down);
}

void briefing_reconfigure(struct briefing *briefing, struct member *router, struct settings_shared *shared)
{
    Masques__Control__Down down = MASQUES__CONTROL__DOWN__INIT;
    Masques__Control__Reconfigure reconfigure = MASQUES__CONTROL__RECONFIGURE__INIT;
    settings_subscriptions(shared, &reconfigure);
    reconfigure.number = briefing->owed ? briefing->told : ++briefing->told;
    down.body_case = MASQUES__CONTROL__DOWN__BODY_RECONFIGURE;
    down.reconfigure = &reconfigure;
    briefing->told_spawn = router->spawn;
    /* One that does not live yet is started with all of it. */
    briefing->owed = member_lives(router) && !member_tell(router, &down);
}

bool briefing_carried_out(const struct briefing *briefing, const struct member *router)
{
    if (!member_lives(router) || router->state == MEMBER_STARTING || briefing->owed)
        return false;
    return router->spawn != briefing->told_spawn ||
           (router->beats && router->beat->reconfigured >= briefing->told);
}
