// SPDX-License-Identifier: Apache-2.0
#include "shared/config/config.h"
#include "shared/config/processor.h"
#include "tests/support/suite.h"

#include <string.h>

/* One option of each type. */
struct sample {
    char text[9];
    char path[9];
    bool flag;
    uint32_t number;
    uint64_t bytes;
    uint64_t mib;
    uint64_t duration;
    struct endpoint endpoint;
    uint32_t choice;
    uint64_t count;
    uint32_t factor;
    char pairs[16];
    char secret[9];
};

static const char *const choices[] = {"red", "green", NULL};

#define ROW(name, kind) .path = name, .type = kind, .help = "Help."

static const struct option rows[] = {
    {ROW("a::text", OPTION_TEXT), .offset = offsetof(struct sample, text), .min = 1, .max = 8,
     .initial = "abc"},
    {ROW("a::path", OPTION_URL_PATH), .offset = offsetof(struct sample, path), .min = 1, .max = 8,
     .initial = "/"},
    {ROW("flag", OPTION_BOOL), .offset = offsetof(struct sample, flag), .initial = "true"},
    {ROW("number", OPTION_NUMBER), .offset = offsetof(struct sample, number), .min = 2, .max = 9,
     .initial = "5"},
    {ROW("bytes", OPTION_BYTES), .offset = offsetof(struct sample, bytes), .min = 1024,
     .max = SIZE_MIB, .initial = "64KiB"},
    {ROW("mib", OPTION_MIB), .offset = offsetof(struct sample, mib), .min = SIZE_MIB,
     .max = 8 * SIZE_MIB, .initial = "4"},
    {ROW("duration", OPTION_DURATION), .offset = offsetof(struct sample, duration),
     .min = DURATION_S_NS, .max = DURATION_MIN_NS, .initial = "5s"},
    {ROW("endpoint", OPTION_ENDPOINT), .offset = offsetof(struct sample, endpoint),
     .initial = "127.0.0.1:1"},
    {ROW("choice", OPTION_CHOICE), .offset = offsetof(struct sample, choice), .choices = choices,
     .initial = "green"},
    {ROW("count", OPTION_COUNT), .offset = offsetof(struct sample, count),
     .max = UINT64_C(1) << 40, .initial = "4294967296"},
    {ROW("factor", OPTION_FACTOR), .offset = offsetof(struct sample, factor), .min = 500,
     .max = 2000, .initial = "1.5"},
    {ROW("list", OPTION_NO_LIST), .initial = "[]"},
    {ROW("pairs", OPTION_PAIRS), .offset = offsetof(struct sample, pairs), .max = 15, .initial = ""},
    {ROW("secret", OPTION_TEXT), .offset = offsetof(struct sample, secret), .max = 8, .initial = "",
     .secret = true},
};

#define ROWS (sizeof rows / sizeof rows[0])

START_TEST(defaults_fill_every_field)
{
    struct sample s = {.flag = false};
    options_default(rows, ROWS, &s);
    ck_assert_str_eq(s.text, "abc");
    ck_assert_str_eq(s.path, "/");
    ck_assert(s.flag);
    ck_assert_uint_eq(s.number, 5);
    ck_assert_uint_eq(s.bytes, 65536);
    ck_assert_uint_eq(s.mib, 4 * SIZE_MIB);
    ck_assert_uint_eq(s.duration, 5 * (uint64_t)DURATION_S_NS);
    ck_assert_uint_eq(s.endpoint.port, 1);
    ck_assert_uint_eq(s.choice, 1);
    ck_assert_uint_eq(s.count, UINT64_C(1) << 32);
    ck_assert_uint_eq(s.factor, 1500);
}
END_TEST

static const struct {
    const char *path;
    const char *given;
    const char *printed; /* NULL: refused */
    const char *why;
} cases[] = {
    {"a::text", "x", "x", "shortest"},
    {"a::text", "12345678", "12345678", "longest"},
    {"a::text", "", NULL, "under the shortest"},
    {"a::text", "123456789", NULL, "over the longest"},
    {"a::text", "a\nb", NULL, "control character"},
    {"a::path", "/v1", "/v1", "path"},
    {"a::path", "v1", "/v1", "the slash is added"},
    {"a::path", "", "/", "the slash is added to nothing"},
    {"a::path", "1234567", "/1234567", "longest with the slash added"},
    {"a::path", "12345678", NULL, "over the longest with the slash added"},
    {"a::path", "/a b", NULL, "space"},
    {"a::path", "/a?b", NULL, "query"},
    {"a::path", "/\xc3\xa4", NULL, "beyond ASCII"},
    {"flag", "false", "false", "bool"},
    {"flag", "TRUE", "true", "YAML's capitals"},
    {"flag", "yes", NULL, "YAML 1.1 only"},
    {"flag", "1", NULL, "number for a bool"},
    {"number", "2", "2", "least"},
    {"number", "9", "9", "most"},
    {"number", "1", NULL, "under the least"},
    {"number", "10", NULL, "over the most"},
    {"number", "4294967298", NULL, "would fit after cutting to 32 bits"},
    {"number", "5.0", NULL, "fraction"},
    {"bytes", "1KiB", "1KiB", "least"},
    {"bytes", "1048576", "1MiB", "most, plain"},
    {"bytes", "1023", NULL, "under the least"},
    {"bytes", "1048577", NULL, "over the most"},
    {"mib", "8", "8", "most"},
    {"mib", "0", NULL, "under the least"},
    {"mib", "9", NULL, "over the most"},
    {"mib", "17592186044420", NULL, "would fit after an overflow"},
    {"mib", "4MiB", NULL, "the name says the unit"},
    {"duration", "1s", "1s", "least"},
    {"duration", "60s", "1m0s", "most, as Go writes it"},
    {"duration", "999ms", NULL, "under the least"},
    {"duration", "61s", NULL, "over the most"},
    {"duration", "-5s", NULL, "negative"},
    {"duration", "5", NULL, "no unit"},
    {"endpoint", "localhost:4317", "127.0.0.1:4317", "localhost"},
    {"endpoint", "4317", NULL, "no host"},
    {"choice", "red", "red", "choice"},
    {"choice", "RED", "red", "in any case"},
    {"choice", "re", NULL, "half of it"},
    {"choice", "blue", NULL, "no choice"},
    {"choice", "", NULL, "nothing"},
    {"count", "1099511627776", "1099511627776", "most"},
    {"count", "1099511627777", NULL, "over the most"},
    {"count", "8KiB", NULL, "not a size"},
    {"factor", "2", "2", "most, whole"},
    {"factor", "1.250", "1.25", "a digit that says nothing"},
    {"factor", "0.5", "0.5", "least"},
    {"factor", "1.005", "1.005", "thousandths"},
    {"factor", "1.99999", "1.999", "digits beyond are dropped"},
    {"factor", "2.001", NULL, "over the most"},
    {"factor", "0.499", NULL, "under the least"},
    {"factor", "1.", NULL, "nothing after the point"},
    {"factor", ".7", NULL, "nothing before the point"},
    {"factor", "1.0x", NULL, "no digit"},
    {"factor", "1.0.0", NULL, "two points"},
    {"factor", "1e0", NULL, "exponent"},
    {"factor", "-1", NULL, "negative"},
    {"factor", "18446744073709551.617", NULL, "would fit after an overflow"},
    {"list", "[]", "[]", "nothing"},
    {"list", "[a]", NULL, "something"},
    {"pairs", "a=1&b=%2f%41", "a=1&b=%2FA", "a map as a text"},
    {"pairs", "a=1&a=2", NULL, "a name twice"},
    {"pairs", "a=1234567890123", "a=1234567890123", "longest"},
    {"pairs", "a=12345678901234", NULL, "over the longest"},
    {"pairs", "a=%20%20%20%20%20", NULL, "over the longest once it is encoded"},
    {"secret", "12345678", "12345678", "a secret is told to who may know it"},
};

START_TEST(values_are_checked_and_print_as_one_canonical_text)
{
    struct buf out = buf_make(1000);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sample s, before;
        const struct option *row = options_find(rows, ROWS, slice_of(cases[i].path));
        memset(&s, 0, sizeof s);
        options_default(rows, ROWS, &s);
        before = s;
        int rc = options_apply(rows, ROWS, cases[i].path, cases[i].given, &s, NULL);
        ck_assert_msg(rc == (cases[i].printed ? 0 : GW_ERR_INVALID), "%s: %s", cases[i].path,
                      cases[i].why);
        if (!cases[i].printed) {
            ck_assert_msg(memcmp(&s, &before, sizeof s) == 0, "%s: %s", cases[i].path,
                          cases[i].why);
            continue;
        }
        buf_clear(&out);
        option_print(row, &s, &out);
        ck_assert_msg(slice_is(buf_slice(&out), cases[i].printed), "%s: %s", cases[i].path,
                      cases[i].why);
    }
    buf_free(&out);
}
END_TEST

START_TEST(a_refusal_says_what_was_given_and_what_is_expected)
{
    static const struct {
        const char *path;
        const char *given;
        int rc;
        const char *why;
    } refused[] = {
        {"nothing", "x", GW_ERR_NOT_FOUND, "nothing: unknown option"},
        {"a", "x", GW_ERR_NOT_FOUND, "a: unknown option"},
        {"numbr", "x", GW_ERR_NOT_FOUND, "numbr: unknown option; did you mean number?"},
        {"a::text", "", GW_ERR_INVALID, "a::text: got \"\", expected a text of 1 to 8 bytes"},
        {"a::path", " ", GW_ERR_INVALID,
         "a::path: got \" \", expected a URL path such as /v1/logs, at most 8 bytes"},
        {"flag", "x", GW_ERR_INVALID, "flag: got \"x\", expected true or false"},
        {"number", "x", GW_ERR_INVALID,
         "number: got \"x\", expected a whole number from 2 to 9"},
        {"bytes", "x", GW_ERR_INVALID,
         "bytes: got \"x\", expected a size in bytes or with KiB, MiB, GiB, from 1KiB to 1MiB"},
        {"mib", "x", GW_ERR_INVALID, "mib: got \"x\", expected a whole number of MiB from 1 to 8"},
        {"duration", "x", GW_ERR_INVALID,
         "duration: got \"x\", expected a duration such as 5s or 1m30s, from 1s to 1m0s"},
        {"endpoint", "x", GW_ERR_INVALID,
         "endpoint: got \"x\", expected HOST:PORT such as 127.0.0.1:4317, without http://"},
        {"count", "x", GW_ERR_INVALID,
         "count: got \"x\", expected a whole number from 0 to 1099511627776"},
        {"factor", "x", GW_ERR_INVALID,
         "factor: got \"x\", expected a number such as 1.5, from 0.5 to 2"},
        {"list", "x", GW_ERR_INVALID,
         "list: got \"x\", expected an empty list; there is nothing that it could hold here"},
        {"secret", "123456789", GW_ERR_INVALID, "secret: got a value, expected a text of 0 to 8 bytes"},
        {"pairs", "a", GW_ERR_INVALID,
         "pairs: got \"a\", expected a map of names and values, without control characters, such as "
         "{max_threads: 4}"},
        {"choice", "x", GW_ERR_INVALID, "choice: got \"x\", expected one of: red, green"},
    };
    struct buf why = buf_make(OPTION_WHY_BYTES);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct sample s = {.flag = false};
        buf_clear(&why);
        int rc = options_apply(rows, ROWS, refused[i].path, refused[i].given, &s, &why);
        ck_assert_int_eq(rc, refused[i].rc);
        buf_byte(&why, '\0');
        ck_assert_str_eq((const char *)why.data, refused[i].why);
    }
    buf_free(&why);
}
END_TEST

START_TEST(a_row_documents_itself)
{
    static const char *const lines[] = {
        "| `a::text` | text | `abc` |  | Help. |",
        "| `a::path` | URL path | `/` |  | Help. |",
        "| `flag` | bool | `true` |  | Help. |",
        "| `number` | number | `5` | 2 to 9 | Help. |",
        "| `bytes` | size | `64KiB` | 1KiB to 1MiB | Help. |",
        "| `mib` | number of MiB | `4` | 1 to 8 | Help. |",
        "| `duration` | duration | `5s` | 1s to 1m0s | Help. |",
        "| `endpoint` | HOST:PORT | `127.0.0.1:1` |  | Help. |",
        "| `choice` | choice | `green` | red, green | Help. |",
        "| `count` | number | `4294967296` | 0 to 1099511627776 | Help. |",
        "| `factor` | factor | `1.5` | 0.5 to 2 | Help. |",
        "| `list` | empty list | `[]` |  | Help. |",
        "| `pairs` | map of texts |  |  | Help. |",
        "| `secret` | text |  |  | Help. |",
    };
    struct buf out = buf_make(1000);
    for (size_t i = 0; i < ROWS; i++) {
        buf_clear(&out);
        option_document(&rows[i], &out);
        buf_byte(&out, '\0');
        ck_assert_str_eq((const char *)out.data, lines[i]);
    }
    buf_free(&out);
}
END_TEST

/* ---- the tables of the gateway ---- */

#define SETS_MAX 24u
#define TARGET_BYTES 65536

struct sets {
    const struct option_set *list[SETS_MAX];
    size_t count;
};

static struct sets all_sets(void)
{
    struct sets sets = {.list = {config_otlp_options(), config_health_options(),
                                 config_masques_options(), config_telemetry_options(),
                                 config_metrics_options(), config_file_storage_options(),
                                 config_delivery_options(), processor_batch_options(),
                                 processor_limiter_options()},
                        .count = 9};
    size_t kinds;
    const struct exporter_kind *list = exporter_kinds(&kinds);
    for (size_t i = 0; i < kinds; i++)
        sets.list[sets.count++] = &list[i].options;
    return sets;
}

/* A value of the row that is one below its least or one above its most, as text; false: it has no
 * such end. */
static bool beyond(const struct option *row, bool above, struct buf *out)
{
    uint64_t scale = row->type == OPTION_MIB ? SIZE_MIB : 1;
    bool ranged = row->type == OPTION_NUMBER || row->type == OPTION_COUNT ||
                  row->type == OPTION_BYTES ||
                  row->type == OPTION_MIB || row->type == OPTION_DURATION;
    if (!ranged || (!above && row->min == 0))
        return false;
    buf_u64(out, (above ? row->max : row->min) / scale + (above ? 1 : -UINT64_C(1)));
    buf_text(out, row->type == OPTION_DURATION ? "ns" : "");
    return true;
}

static void check_row(const struct option *row)
{
    static _Alignas(16) unsigned char target[TARGET_BYTES];
    struct buf text = buf_make(1000);
    memset(target, 0, sizeof target);
    ck_assert_msg(option_read(row, slice_of(row->initial), target) == 0, "%s: default", row->path);
    option_print(row, target, &text);
    ck_assert_msg(slice_is(buf_slice(&text), row->initial), "%s: default is not canonical",
                  row->path);
    for (int above = 0; above <= 1; above++) {
        buf_clear(&text);
        if (beyond(row, above, &text))
            ck_assert_msg(option_read(row, buf_slice(&text), target) == GW_ERR_INVALID, "%s: %.*s",
                          row->path, (int)text.len, (const char *)text.data);
    }
    size_t help = strlen(row->help);
    ck_assert_msg(help > 0 && row->help[help - 1] == '.', "%s: help is no sentence", row->path);
    ck_assert_msg(!strchr(row->help, '|'), "%s: help would break its line", row->path);
    buf_free(&text);
}

START_TEST(every_option_of_the_gateway_has_a_sound_row)
{
    const struct sets sets = all_sets();
    for (size_t i = 0; i < sets.count; i++) {
        for (size_t k = 0; k < sets.list[i]->count; k++) {
            const struct option *row = &sets.list[i]->rows[k];
            check_row(row);
            ck_assert_uint_lt(strlen(row->path), OPTION_PATH_BYTES);
            ck_assert_ptr_eq(options_find(sets.list[i]->rows, k + 1, slice_of(row->path)), row);
        }
    }
}
END_TEST

START_TEST(an_exporter_gets_back_the_options_it_is_sent)
{
    size_t count;
    const struct exporter_kind *kinds = exporter_kinds(&count);
    for (size_t i = 0; i < count; i++) {
        const struct option_set *set = &kinds[i].options;
        union exporter_options here, there;
        memset(&here, 0, sizeof here);
        memset(&there, 0, sizeof there);
        options_default(set->rows, set->count, &here);
        if (strcmp(kinds[i].program, "console") == 0)
            here.console = (struct console_options){CONSOLE_JSON, CONSOLE_COLOR_NEVER, "some text"};
        for (size_t k = 0; k < set->count; k++) {
            struct buf text = buf_make(1000);
            option_print(&set->rows[k], &here, &text);
            buf_byte(&text, '\0');
            ck_assert_int_eq(options_apply(set->rows, set->count, set->rows[k].path,
                                           (const char *)text.data, &there, NULL),
                             0);
            buf_free(&text);
        }
        ck_assert_mem_eq(&here, &there, sizeof here);
    }
}
END_TEST

SUITE_MAIN("option", defaults_fill_every_field,
           values_are_checked_and_print_as_one_canonical_text,
           a_refusal_says_what_was_given_and_what_is_expected, a_row_documents_itself,
           every_option_of_the_gateway_has_a_sound_row,
           an_exporter_gets_back_the_options_it_is_sent)
