// SPDX-License-Identifier: Apache-2.0
#include "exporters/file/note.h"
#include "tests/support/suite.h"

static struct note largest(void)
{
    struct note n = {.count = NOTE_MESSAGES_MAX, .from = 5, .to = NOTE_MESSAGES_MAX,
                     .file_count = NOTE_FILES_MAX};
    for (uint32_t i = 0; i < NOTE_FILES_MAX; i++)
        n.files[i] = (struct note_file){UINT64_MAX - i, i, (uint64_t)i << 40};
    for (uint32_t i = 0; i < NOTE_MESSAGES_MAX; i += 3)
        note_set_written(&n, i);
    return n;
}

START_TEST(the_largest_note_comes_back_as_it_was_and_fits_the_bus)
{
    struct note n = largest(), back;
    struct buf text = buf_make(4096); /* proto/masques/bus.proto: PROGRESS has at most 4 KiB */
    note_write(&n, &text);
    ck_assert(buf_ok(&text));
    ck_assert_int_eq(note_read(buf_slice(&text), &back), 0);
    ck_assert_mem_eq(&n, &back, sizeof n);
    ck_assert(note_is_written(&back, 3));
    ck_assert(!note_is_written(&back, 4));
    buf_free(&text);
}
END_TEST

START_TEST(what_is_no_note_is_refused)
{
    struct note n = {.count = 9, .from = 1, .to = 3, .file_count = 1}, back;
    struct buf text = buf_make(4096);
    note_write(&n, &text);
    for (size_t len = 0; len < text.len; len++)
        ck_assert_int_eq(note_read(slice_make(text.data, len), &back), GW_ERR_MALFORMED);
    static const struct {
        size_t at;
        uint8_t value;
        int rc;
    } wrong[] = {
        {0, 2, GW_ERR_UNSUPPORTED}, {4, 1, GW_ERR_MALFORMED},  /* count */
        {5, 4, GW_ERR_MALFORMED},   {9, 10, GW_ERR_MALFORMED}, /* from, to */
        {13, 2, GW_ERR_MALFORMED},                             /* files */
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint8_t before = text.data[wrong[i].at];
        text.data[wrong[i].at] = wrong[i].value;
        ck_assert_msg(note_read(buf_slice(&text), &back) == wrong[i].rc, "byte %zu", wrong[i].at);
        text.data[wrong[i].at] = before;
    }
    buf_free(&text);
}
END_TEST

SUITE_MAIN("note", the_largest_note_comes_back_as_it_was_and_fits_the_bus, what_is_no_note_is_refused)
