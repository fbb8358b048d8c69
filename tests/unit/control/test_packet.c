// SPDX-License-Identifier: Apache-2.0
#include "shared/control/packet.h"

#include <masques/control.pb-c.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/suite.h"

static Masques__Control__Up ready_message(Masques__Control__Ready *ready, char *detail)
{
    Masques__Control__Up up = MASQUES__CONTROL__UP__INIT;
    masques__control__ready__init(ready);
    ready->detail = detail;
    up.body_case = MASQUES__CONTROL__UP__BODY_READY;
    up.ready = ready;
    return up;
}

static void open_pair(int pair[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
}

START_TEST(a_packet_is_one_message)
{
    int pair[2];
    Masques__Control__Ready ready;
    Masques__Control__Up up = ready_message(&ready, (char *)"first");
    ProtobufCMessage *got = NULL;
    open_pair(pair);
    ck_assert_int_eq(packet_receive(pair[1], &masques__control__up__descriptor, &got), GW_ERR_AGAIN);
    ck_assert_int_eq(packet_send(pair[0], &up.base), GW_OK);
    ready.detail = (char *)"second";
    ck_assert_int_eq(packet_send(pair[0], &up.base), GW_OK);
    ck_assert_int_eq(packet_receive(pair[1], &masques__control__up__descriptor, &got), GW_OK);
    ck_assert_str_eq(((Masques__Control__Up *)got)->ready->detail, "first");
    protobuf_c_message_free_unpacked(got, NULL);
    close(pair[0]);
    ck_assert_int_eq(packet_receive(pair[1], &masques__control__up__descriptor, &got), GW_OK);
    protobuf_c_message_free_unpacked(got, NULL);
    ck_assert_int_eq(packet_receive(pair[1], &masques__control__up__descriptor, &got), GW_ERR_CLOSED);
    close(pair[1]);
}
END_TEST

START_TEST(a_deaf_reader_never_blocks_the_sender)
{
    int pair[2];
    char detail[4096];
    Masques__Control__Ready ready;
    memset(detail, 'x', sizeof detail);
    detail[sizeof detail - 1] = '\0';
    Masques__Control__Up up = ready_message(&ready, detail);
    open_pair(pair);
    int err = GW_OK;
    for (int i = 0; i < 100000 && err == GW_OK; i++)
        err = packet_send(pair[0], &up.base);
    ck_assert_int_eq(err, GW_ERR_AGAIN);
    close(pair[1]);
    ck_assert_int_eq(packet_send(pair[0], &up.base), GW_ERR_CLOSED);
    close(pair[0]);
}
END_TEST

START_TEST(garbage_is_malformed_and_the_next_packet_is_whole)
{
    int pair[2];
    ProtobufCMessage *got = NULL;
    Masques__Control__Ready ready;
    Masques__Control__Up up = ready_message(&ready, (char *)"fine");
    open_pair(pair);
    ck_assert_int_eq(send(pair[0], "\xff\xff\xff", 3, 0), 3);
    ck_assert_int_eq(packet_send(pair[0], &up.base), GW_OK);
    ck_assert_int_eq(packet_receive(pair[1], &masques__control__up__descriptor, &got), GW_ERR_MALFORMED);
    ck_assert_int_eq(packet_receive(pair[1], &masques__control__up__descriptor, &got), GW_OK);
    protobuf_c_message_free_unpacked(got, NULL);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

START_TEST(settings_travel_in_a_memfd)
{
    Masques__Control__Settings settings = MASQUES__CONTROL__SETTINGS__INIT;
    ProtobufCMessage *got = NULL;
    settings.name = (char *)"worker/1";
    settings.spawn = 3;
    int fd = packet_memfd("test", &settings.base);
    ck_assert_int_ge(fd, 0);
    for (int i = 0; i < 2; i++) { /* reading does not use it up */
        ck_assert_int_eq(packet_from_fd(fd, &masques__control__settings__descriptor, &got), GW_OK);
        ck_assert_str_eq(((Masques__Control__Settings *)got)->name, "worker/1");
        ck_assert_uint_eq(((Masques__Control__Settings *)got)->spawn, 3);
        protobuf_c_message_free_unpacked(got, NULL);
    }
    close(fd);
    ck_assert_int_eq(packet_from_fd(fd, &masques__control__settings__descriptor, &got), GW_ERR_IO);
}
END_TEST

START_TEST(a_message_over_the_limit_is_refused)
{
    int pair[2];
    char *detail = malloc(PACKET_MAX_BYTES + 1);
    Masques__Control__Ready ready;
    memset(detail, 'x', PACKET_MAX_BYTES);
    detail[PACKET_MAX_BYTES] = '\0';
    Masques__Control__Up up = ready_message(&ready, detail);
    open_pair(pair);
    ck_assert_int_eq(packet_send(pair[0], &up.base), GW_ERR_TOO_LARGE);
    free(detail);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

SUITE_MAIN("control/packet", a_packet_is_one_message, a_deaf_reader_never_blocks_the_sender,
           garbage_is_malformed_and_the_next_packet_is_whole, settings_travel_in_a_memfd,
           a_message_over_the_limit_is_refused)
