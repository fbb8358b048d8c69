// SPDX-License-Identifier: Apache-2.0
/* masquesctl: asks and steers a running gateway. It owns nothing and is not needed for normal running. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/commands.h"
#include "shared/base/printable.h"

#define OUT_MAX_BYTES (256u * 1024 * 1024)
#define WHY_MAX_BYTES (64u * 1024)

enum exit_code { DONE = 0, FAILED = 1, WRONG_USAGE = 2 };

static const command_fn functions[COMMAND_COUNT] = {
    [COMMAND_STATUS] = command_status,
    [COMMAND_EXPORTERS] = command_exporters,
    [COMMAND_ATTACH] = command_attach,
    [COMMAND_DETACH] = command_detach,
    [COMMAND_TAIL] = command_tail,
    [COMMAND_LETTERS_LIST] = command_letters_list,
    [COMMAND_LETTERS_REPLAY] = command_letters_replay,
    [COMMAND_LETTERS_DROP] = command_letters_drop,
    [COMMAND_DRAIN] = command_drain,
    [COMMAND_RELOAD] = command_reload,
    [COMMAND_VALIDATE] = command_validate,
};

/* One sentence, in which others may have a say. */
static void complain(const struct buf *why)
{
    struct buf text = buf_make(WHY_MAX_BYTES * 6);
    buf_text(&text, "masquesctl: ");
    printable_text(&text, buf_slice(why), UINT32_MAX);
    buf_byte(&text, '\n');
    fwrite(text.data, 1, text.len, stderr);
    buf_free(&text);
}

static enum exit_code print(const struct buf *out, enum exit_code code, struct buf *why)
{
    const char *fault = !buf_ok(out) ? "there is too much to print, or too little memory" : NULL;
    if (!fault && (fwrite(out->data, 1, out->len, stdout) != out->len || fflush(stdout) != 0))
        fault = strerror(errno);
    if (!fault)
        return code;
    if (code == DONE)
        buf_printf(why, "cannot print the answer: %s", fault);
    return FAILED;
}

static enum exit_code act(int argc, char **argv, struct arguments *a, struct buf *out, struct buf *why)
{
    int err = arguments_parse(argc, argv, a, why);
    if (err != GW_OK)
        return err == GW_ERR_INVALID ? WRONG_USAGE : FAILED;
    if (a->help)
        arguments_help(a, out);
    else if (a->version)
        buf_text(out, "masquesctl " MASQUES_VERSION "\n");
    else
        err = functions[a->command](a, out, why);
    return print(out, err == GW_OK ? DONE : FAILED, why);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct buf out = buf_make(OUT_MAX_BYTES), why = buf_make(WHY_MAX_BYTES);
    enum exit_code code = act(argc, argv, &arguments, &out, &why);
    if (why.len)
        complain(&why);
    arguments_free(&arguments);
    buf_free(&out);
    buf_free(&why);
    return code;
}
