// SPDX-License-Identifier: Apache-2.0
/* Commands that are other programs of the family: tail, validate. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/commands.h"
#include "ctl/gateway.h"
#include "shared/base/program.h"

#define WORDS_MAX 24u

/* Comes back only when it fails. */
static int become(const char *name, const char *const *words, struct buf *why)
{
    char path[512], missing[512];
    int err = program_find(NULL, name, path, missing);
    if (err != GW_OK) {
        buf_text(why, missing);
        return err;
    }
    char *argv[WORDS_MAX + 2] = {path};
    for (size_t i = 0; words[i] && i < WORDS_MAX; i++)
        argv[i + 1] = (char *)words[i];
    execv(path, argv);
    buf_printf(why, "cannot execute %s: %s", path, strerror(errno));
    return GW_ERR_IO;
}

/* "logs,traces" of the bits. */
static void signal_list(uint32_t bits, char list[32])
{
    snprintf(list, 32, "%s%s%s", bits & 2 ? "logs," : "", bits & 4 ? "metrics," : "", bits & 8 ? "traces," : "");
    list[strlen(list) - 1] = '\0';
}

int command_tail(const struct arguments *a, struct buf *out, struct buf *why)
{
    char endpoint[GATEWAY_TEXT_BYTES], name[32], signals[32];
    (void)out;
    int err = gateway_bus(a, endpoint, why);
    if (err != GW_OK)
        return err;
    snprintf(name, sizeof name, "tail/%d", getpid());
    signal_list(a->signals, signals);
    const char *format = a->format ? a->format : a->json ? "json" : "pretty";
    const char *const words[] = {
        "--router", endpoint, "--name", name, "--mode", "live", "--from", "now", "--signals", signals,
        "--log-level", "warn", "--format", format, a->match ? "--match" : NULL, a->match, NULL};
    return become("masques-exporter-console", words, why);
}

int command_validate(const struct arguments *a, struct buf *out, struct buf *why)
{
    (void)out;
    const char *const words[] = {"validate", "--config", a->subject, NULL};
    return become("masques-receiver", words, why);
}
