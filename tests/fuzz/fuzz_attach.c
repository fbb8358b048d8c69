// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a question on control.sock: what the master would attach is refused with one sentence, or resolved the
 * same when it is read back from the file `attached`. */
#include <stdlib.h>
#include <string.h>

#include "receiver/master/attach_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int right)
{
    if (!right)
        abort();
}

static void read_again(const Masques__Control__Attached *wanted, const struct config_exporter *first)
{
    struct config_exporter second;
    char why[512] = "";
    size_t len = masques__control__attached__get_packed_size(wanted);
    uint8_t *bytes = malloc(len + 1);
    require(bytes && masques__control__attached__pack(wanted, bytes) == len);
    Masques__Control__Attached *copy = masques__control__attached__unpack(NULL, len, bytes);
    require(copy && attach_check(copy, &second, why) == GW_OK);
    require(strcmp(first->id, second.id) == 0 && first->kind == second.kind && first->signals == second.signals);
    masques__control__attached__free_unpacked(copy, NULL);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config_exporter out;
    char why[512] = "";
    Masques__Control__MasterRequest *request = masques__control__master_request__unpack(NULL, size, data);
    if (!request)
        return 0;
    if (request->what_case == MASQUES__CONTROL__MASTER_REQUEST__WHAT_ATTACH) {
        int err = attach_check(request->attach, &out, why);
        require((err != GW_OK) == (why[0] != '\0') && !strchr(why, '\n'));
        if (err == GW_OK)
            read_again(request->attach, &out);
    }
    masques__control__master_request__free_unpacked(request, NULL);
    return 0;
}
