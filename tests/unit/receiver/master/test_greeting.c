// SPDX-License-Identifier: Apache-2.0
#include "receiver/master/greeting.h"

#include <string.h>

#include "tests/support/suite.h"

START_TEST(it_says_where_it_listens_and_what_a_client_needs)
{
    static const struct listener listeners[] = {
        {.fd = -1, .protocol = "grpc", .address = "0.0.0.0:4317"},
        {.fd = -1, .protocol = "http", .address = "[::]:4318"},
        {.fd = -1, .protocol = "health", .address = "10.1.2.3:13133"},
    };
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(out);
    greeting_print(out, listeners, 3);
    fclose(out);
    ck_assert_str_eq(text, "masques-receiver " MASQUES_VERSION " is ready: OTLP/gRPC on 0.0.0.0:4317, "
                           "OTLP/HTTP on [::]:4318, health on 10.1.2.3:13133\n"
                           "Claude Code sends here with\n"
                           "    CLAUDE_CODE_ENABLE_TELEMETRY=1 OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp\n"
                           "and one of\n"
                           "    OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4317\n"
                           "    OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf "
                           "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318\n");
    free(text);
}
END_TEST

SUITE_MAIN("receiver/master/greeting", it_says_where_it_listens_and_what_a_client_needs)
