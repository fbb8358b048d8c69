// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/store_room.h"

#include <sys/statvfs.h>

#include "tests/support/suite.h"

START_TEST(limits_of_a_cgroup_are_read)
{
    static const struct {
        const char *text;
        uint64_t limit;
    } cases[] = {
        {"268435456\n", 268435456},
        {"max\n", UINT64_MAX},
        {"", UINT64_MAX},
        {"9223372036854771712\n", 9223372036854771712u}, /* cgroup v1 says "none" so */
        {"99999999999999999999999\n", UINT64_MAX},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        ck_assert_msg(store_room_limit(slice_of(cases[i].text)) == cases[i].limit, "%s", cases[i].text);
}
END_TEST

START_TEST(the_store_never_takes_more_than_half_of_its_file_system)
{
    struct statvfs fs;
    ck_assert_int_eq(statvfs("/tmp", &fs), 0);
    ck_assert_uint_le(store_room("/tmp", UINT64_MAX), (uint64_t)fs.f_blocks * fs.f_frsize / 2);
    ck_assert_uint_eq(store_room("/tmp", 1024 * 1024), 1024 * 1024);
}
END_TEST

SUITE_MAIN("receiver/master/store_room", limits_of_a_cgroup_are_read,
           the_store_never_takes_more_than_half_of_its_file_system)
