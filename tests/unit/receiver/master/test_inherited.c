// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/inherited.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/suite.h"

struct bound {
    int fd;
    struct endpoint endpoint;
    char text[64];
};

static struct bound listen_somewhere(void)
{
    struct bound b = {.endpoint = {.host = "127.0.0.1"}};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    b.fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_ge(b.fd, 0);
    ck_assert_int_eq(bind(b.fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(b.fd, 1), 0);
    ck_assert_int_eq(getsockname(b.fd, (struct sockaddr *)&at, &len), 0);
    b.endpoint.port = ntohs(at.sin_port);
    snprintf(b.text, sizeof b.text, "127.0.0.1:%u", b.endpoint.port);
    return b;
}

static const struct endpoint any_port = {.host = "127.0.0.1"};

static void leave(const struct bound *a, const struct bound *b, uint64_t run)
{
    struct inherited what = {.count = 2, .lock = dup(STDERR_FILENO), .run = run};
    what.sockets[0] = (struct inherited_socket){.fd = a->fd, .name = "grpc", .endpoint = "127.0.0.1:0"};
    what.sockets[1] = (struct inherited_socket){.fd = b->fd, .name = "http"};
    snprintf(what.sockets[1].endpoint, sizeof what.sockets[1].endpoint, "%s", b->text);
    ck_assert_int_eq(inherited_leave(&what), GW_OK);
    ck_assert_int_eq(fcntl(a->fd, F_GETFD), 0);
}

START_TEST(what_is_left_is_found_once)
{
    struct bound a = listen_somewhere();
    struct bound b = listen_somewhere();
    struct inherited in;
    char why[512] = "";
    leave(&a, &b, UINT64_MAX - 1);
    ck_assert_msg(inherited_read(&in, why) == GW_OK, "%s", why);
    ck_assert(in.handed_over);
    ck_assert_uint_eq(in.count, 2);
    ck_assert_uint_eq(in.run, UINT64_MAX - 1);
    ck_assert_int_eq(fcntl(in.lock, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(fcntl(a.fd, F_GETFD), FD_CLOEXEC);
    ck_assert_ptr_null(getenv(INHERITED_VARIABLE));
    ck_assert_int_eq(inherited_take(&in, "grpc", &any_port), a.fd);
    ck_assert_int_eq(inherited_take(&in, "grpc", &any_port), -1);
    ck_assert_int_eq(inherited_take(&in, "http", &b.endpoint), b.fd);
    ck_assert_int_eq(inherited_finish(&in, why), GW_OK);
    ck_assert_int_eq(inherited_read(&in, why), GW_OK);
    ck_assert_uint_eq(in.count, 0);
    ck_assert_int_eq(in.lock, -1);
    ck_assert_uint_eq(in.run, 0);
}
END_TEST

START_TEST(a_name_whose_endpoint_has_changed_does_not_count)
{
    struct bound a = listen_somewhere();
    struct bound b = listen_somewhere();
    struct inherited in;
    char why[512] = "";
    leave(&a, &b, 1);
    ck_assert_int_eq(inherited_read(&in, why), GW_OK);
    ck_assert_int_eq(inherited_take(&in, "http", &any_port), -1);
    /* The address counts, whoever had it: two protocols that have changed their places. */
    ck_assert_int_eq(inherited_take(&in, "grpc", &b.endpoint), b.fd);
    ck_assert_int_eq(inherited_finish(&in, why), GW_OK);
    ck_assert_int_eq(fcntl(a.fd, F_GETFD), -1);
}
END_TEST

START_TEST(of_another_process_it_is_not_ours)
{
    char text[64];
    struct inherited in;
    char why[512] = "";
    snprintf(text, sizeof text, "%d lock=0 grpc=1@x", getpid() + 1);
    setenv(INHERITED_VARIABLE, text, 1);
    snprintf(text, sizeof text, "%d", getpid() + 1);
    setenv("LISTEN_PID", text, 1);
    setenv("LISTEN_FDS", "1", 1);
    ck_assert_int_eq(inherited_read(&in, why), GW_OK);
    ck_assert_uint_eq(in.count, 0);
    ck_assert_int_eq(in.lock, -1);
    ck_assert_ptr_null(getenv("LISTEN_FDS"));
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    static const char *const texts[] = {"grpc=@x", "grpc=99999@x", "grpc=-1@x", "grpc=0@x", "grpc=12345678901234567890@x"};
    struct inherited in;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[128], why[512] = "";
        snprintf(text, sizeof text, "%d %s", getpid(), texts[i]);
        setenv(INHERITED_VARIABLE, text, 1);
        ck_assert_int_eq(inherited_read(&in, why), GW_ERR_INVALID);
        ck_assert_msg(strstr(why, "no listening stream socket") != NULL, "%s", why);
    }
}
END_TEST

START_TEST(more_than_fit_are_refused)
{
    struct bound a = listen_somewhere();
    struct inherited in;
    char text[1024], why[512] = "";
    int n = snprintf(text, sizeof text, "%d", getpid());
    for (unsigned i = 0; i <= INHERITED_MAX; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, " x=%d@y", a.fd);
    setenv(INHERITED_VARIABLE, text, 1);
    ck_assert_int_eq(inherited_read(&in, why), GW_ERR_INVALID);
    ck_assert_str_eq(why, "more than 16 inherited sockets");
}
END_TEST

START_TEST(what_is_taken_back_reaches_nobody)
{
    struct bound a = listen_somewhere();
    struct inherited what = {.count = 1, .lock = -1, .sockets = {{.fd = a.fd, .name = "grpc"}}};
    ck_assert_int_eq(inherited_leave(&what), GW_OK);
    ck_assert_ptr_nonnull(getenv(INHERITED_VARIABLE));
    inherited_keep(&what);
    ck_assert_ptr_null(getenv(INHERITED_VARIABLE));
    ck_assert_int_eq(fcntl(a.fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

SUITE_MAIN("inherited", what_is_left_is_found_once, a_name_whose_endpoint_has_changed_does_not_count,
           of_another_process_it_is_not_ours, what_makes_no_sense_is_refused, more_than_fit_are_refused,
           what_is_taken_back_reaches_nobody)
