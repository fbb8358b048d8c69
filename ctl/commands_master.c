// SPDX-License-Identifier: Apache-2.0
/* What the master is asked: status, attach, reload. */
#include <stdlib.h>
#include <string.h>

#include "ctl/commands.h"
#include "ctl/gateway.h"
#include "ctl/health_view.h"
#include "ctl/http_get.h"
#include "ctl/json.h"
#include "ctl/master.h"

#define STATUS_OK 200u
#define ANSWER_MAX_BYTES (HTTP_ANSWER_MAX_BYTES + 2 * HTTP_ANSWER_HEAD_MAX_BYTES + 65536u)

/* ---- status ----------------------------------------------------------------------------------------------------- */

static int show(const struct arguments *a, const struct http_answer *answer, struct buf *out, struct buf *why)
{
    struct buf text = buf_make(ANSWER_MAX_BYTES);
    int err = health_view(answer->body, &text); /* of --json as well: what is no JSON is not called so */
    if (err != GW_OK)
        buf_printf(why, "the health endpoint answers %u with something else than health (%s)", answer->status,
                   gw_strerror(err));
    else if (a->json)
        buf_slice_append(out, answer->body);
    else
        buf_slice_append(out, buf_slice(&text));
    if (err == GW_OK && a->json)
        buf_byte(out, '\n');
    buf_free(&text);
    return err;
}

int command_status(const struct arguments *a, struct buf *out, struct buf *why)
{
    char address[GATEWAY_TEXT_BYTES], path[GATEWAY_TEXT_BYTES];
    struct buf bytes = buf_make(ANSWER_MAX_BYTES);
    struct http_answer answer;
    int err = gateway_health(a, address, path, why);
    if (err == GW_OK)
        err = http_get(address, path, a->timeout_ms, &bytes, &answer, why);
    if (err == GW_OK)
        err = show(a, &answer, out, why);
    if (err == GW_OK && answer.status != STATUS_OK) {
        buf_text(why, "the gateway does not accept telemetry now");
        err = GW_ERR_FULL;
    }
    buf_free(&bytes);
    return err;
}

/* ---- what is done or refused ------------------------------------------------------------------------------------ */

static int ask(const struct arguments *a, Masques__Control__MasterRequest *request, const char *done,
               struct buf *out, struct buf *why)
{
    Masques__Control__MasterAnswer *answer = NULL;
    int err = master_ask(a->runtime, request, a->timeout_ms, &answer, why);
    if (err != GW_OK)
        return err;
    if (answer->error[0]) {
        buf_text(why, answer->error);
        err = GW_ERR_INVALID;
    } else if (a->json) {
        buf_text(out, "{\"done\":true}\n");
    } else {
        buf_printf(out, "%s\n", done);
    }
    masques__control__master_answer__free_unpacked(answer, NULL);
    return err;
}

int command_reload(const struct arguments *a, struct buf *out, struct buf *why)
{
    Masques__Control__MasterRequest request = MASQUES__CONTROL__MASTER_REQUEST__INIT;
    Masques__Control__Reload reload = MASQUES__CONTROL__RELOAD__INIT;
    request.what_case = MASQUES__CONTROL__MASTER_REQUEST__WHAT_RELOAD;
    request.reload = &reload;
    return ask(a, &request, "The configuration was read again.", out, why);
}

/* The options as messages, which borrow the arguments. Returns owned; NULL: no memory. */
struct given {
    Masques__Control__Option *options;
    Masques__Control__Option **list;
};

static bool give(const struct arguments *a, struct given *given)
{
    size_t count = a->option_count ? a->option_count : 1;
    given->options = calloc(count, sizeof *given->options);
    given->list = calloc(count, sizeof(Masques__Control__Option *));
    if (!given->options || !given->list)
        return false;
    for (size_t i = 0; i < a->option_count; i++) {
        masques__control__option__init(&given->options[i]);
        given->options[i].path = a->options[i].path;
        given->options[i].value = (char *)a->options[i].value;
        given->list[i] = &given->options[i];
    }
    return true;
}

int command_attach(const struct arguments *a, struct buf *out, struct buf *why)
{
    Masques__Control__MasterRequest request = MASQUES__CONTROL__MASTER_REQUEST__INIT;
    Masques__Control__Attached attached = MASQUES__CONTROL__ATTACHED__INIT;
    struct given given = {0};
    char *type = strndup(a->subject, strcspn(a->subject, "/"));
    int err = GW_ERR_NOMEM;
    if (!type || !give(a, &given)) {
        buf_text(why, gw_strerror(err));
        goto done;
    }
    attached.name = (char *)a->subject;
    attached.type = type;
    attached.signals = a->signals;
    attached.mode = a->mode;
    attached.start = a->start;
    attached.n_options = a->option_count;
    attached.options = given.list;
    request.what_case = MASQUES__CONTROL__MASTER_REQUEST__WHAT_ATTACH;
    request.attach = &attached;
    struct buf sentence = buf_make(1024);
    buf_printf(&sentence, "%.200s is attached.", a->subject);
    buf_byte(&sentence, '\0');
    err = ask(a, &request, (const char *)sentence.data, out, why);
    buf_free(&sentence);

done:
    free(given.options);
    free(given.list);
    free(type);
    return err;
}
