// SPDX-License-Identifier: Apache-2.0
#include "exporters/clickhouse/answer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/utf8.h"

#define SLOW_MS 5000u  /* a server that has enough to do already */

/* What each code means. Those that are not here: ANSWER_RETRY, open, elsewhere. */
struct meaning {
    int32_t code;
    enum answer_class class;
    bool open;      /* the server itself does not know what became of the insert */
    bool here;      /* no other host is asked */
    uint32_t after_ms;
};

static const struct meaning meanings[] = {
    {3, ANSWER_RETRY, false, false, 0}, /* UNEXPECTED_END_OF_FILE */
    {6, ANSWER_BAD, false, true, 0},    /* CANNOT_PARSE_TEXT */
    {16, ANSWER_STALE, false, true, 0}, /* NO_SUCH_COLUMN_IN_TABLE */
    {26, ANSWER_BAD, false, true, 0},   /* CANNOT_PARSE_QUOTED_STRING */
    {27, ANSWER_BAD, false, true, 0},   /* CANNOT_PARSE_INPUT_ASSERTION_FAILED */
    {32, ANSWER_BAD, false, true, 0},   /* ATTEMPT_TO_READ_AFTER_EOF: also an empty text that is to be a number */
    {33, ANSWER_BAD, false, true, 0},   /* CANNOT_READ_ALL_DATA */
    {38, ANSWER_BAD, false, true, 0},   /* CANNOT_PARSE_DATE */
    {41, ANSWER_BAD, false, true, 0},   /* CANNOT_PARSE_DATETIME */
    {43, ANSWER_BAD, false, true, 0},   /* ILLEGAL_TYPE_OF_ARGUMENT */
    {47, ANSWER_STALE, false, true, 0}, /* UNKNOWN_IDENTIFIER */
    {53, ANSWER_BAD, false, true, 0},   /* TYPE_MISMATCH */
    {60, ANSWER_STALE, false, true, 0}, /* UNKNOWN_TABLE */
    {62, ANSWER_BAD, false, true, 0},   /* SYNTAX_ERROR */
    {69, ANSWER_BAD, false, true, 0},   /* ARGUMENT_OUT_OF_BOUND */
    {70, ANSWER_BAD, false, true, 0},   /* CANNOT_CONVERT_TYPE */
    {72, ANSWER_BAD, false, true, 0},   /* CANNOT_PARSE_NUMBER */
    {81, ANSWER_STALE, false, true, 0}, /* UNKNOWN_DATABASE */
    {115, ANSWER_HOLD, false, true, 0}, /* UNKNOWN_SETTING */
    {117, ANSWER_BAD, false, true, 0},  /* INCORRECT_DATA */
    {131, ANSWER_BAD, false, true, 0},  /* TOO_LARGE_STRING_SIZE */
    {159, ANSWER_RETRY, true, true, SLOW_MS}, /* TIMEOUT_EXCEEDED */
    {164, ANSWER_HOLD, false, true, 0}, /* READONLY */
    {173, ANSWER_RETRY, false, false, SLOW_MS}, /* CANNOT_ALLOCATE_MEMORY */
    {190, ANSWER_BAD, false, true, 0},  /* SIZES_OF_ARRAYS_DONT_MATCH */
    {192, ANSWER_HOLD, false, true, 0}, /* UNKNOWN_USER */
    {193, ANSWER_HOLD, false, true, 0}, /* WRONG_PASSWORD */
    {194, ANSWER_HOLD, false, true, 0}, /* REQUIRED_PASSWORD */
    {198, ANSWER_RETRY, false, false, 0}, /* DNS_ERROR */
    {201, ANSWER_RETRY, false, true, SLOW_MS}, /* QUOTA_EXCEEDED */
    {202, ANSWER_RETRY, false, false, SLOW_MS}, /* TOO_MANY_SIMULTANEOUS_QUERIES */
    {203, ANSWER_RETRY, false, false, SLOW_MS}, /* NO_FREE_CONNECTION */
    {216, ANSWER_RETRY, false, true, 0}, /* QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING */
    {241, ANSWER_LARGE, false, false, SLOW_MS}, /* MEMORY_LIMIT_EXCEEDED */
    {242, ANSWER_RETRY, false, false, SLOW_MS}, /* TABLE_IS_READ_ONLY */
    {243, ANSWER_HOLD, false, false, 0}, /* NOT_ENOUGH_SPACE */
    {252, ANSWER_RETRY, false, false, SLOW_MS}, /* TOO_MANY_PARTS */
    {285, ANSWER_RETRY, false, false, SLOW_MS}, /* TOO_FEW_LIVE_REPLICAS */
    {321, ANSWER_BAD, false, true, 0},  /* VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE */
    {349, ANSWER_BAD, false, true, 0},  /* CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN */
    {439, ANSWER_RETRY, false, false, SLOW_MS}, /* CANNOT_SCHEDULE_TASK */
    {452, ANSWER_HOLD, false, true, 0}, /* SETTING_CONSTRAINT_VIOLATION */
    {469, ANSWER_BAD, false, true, 0},  /* VIOLATED_CONSTRAINT */
    {497, ANSWER_HOLD, false, true, 0}, /* ACCESS_DENIED */
    {516, ANSWER_HOLD, false, true, 0}, /* AUTHENTICATION_FAILED */
    {691, ANSWER_BAD, false, true, 0},  /* UNKNOWN_ELEMENT_OF_ENUM */
    {745, ANSWER_RETRY, false, false, SLOW_MS}, /* SERVER_OVERLOADED */
};

/* Statuses without an exception's code: somebody between us and the server. */
static const struct meaning statuses[] = {
    {301, ANSWER_HOLD, false, true, 0}, /* a body cannot follow */
    {302, ANSWER_HOLD, false, true, 0},
    {307, ANSWER_HOLD, false, true, 0},
    {308, ANSWER_HOLD, false, true, 0},
    {401, ANSWER_HOLD, false, true, 0},
    {403, ANSWER_HOLD, false, true, 0},
    {404, ANSWER_HOLD, false, true, 0},
    {405, ANSWER_HOLD, false, true, 0},
    {407, ANSWER_HOLD, false, true, 0},
    {413, ANSWER_LARGE, false, true, SLOW_MS},
};

#define OF_A_VIEW "while pushing to view "
#define TOO_MANY_PARTITIONS "partitions for single INSERT block"
#define CODE_TOO_MANY_PARTS 252
#define STATUS_OK 200
#define OTHERS ((struct meaning){0, ANSWER_RETRY, true, false, 0})

static const struct meaning *find(const struct meaning *list, size_t count, int64_t code)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].code == code)
            return &list[i];
    return NULL;
}

#define FIND(list, code) find(list, sizeof list / sizeof list[0], code)

/* What stands behind `word`; empty: it is not there. */
static struct slice behind(struct slice text, const char *word)
{
    size_t len = strlen(word);
    const uint8_t *at = text.len ? memmem(text.data, text.len, word, len) : NULL;
    size_t left = at ? text.len - (size_t)(at - text.data) - len : 0;
    return slice_make(left ? at + len : NULL, left);
}

/* A server may quote any bytes, and words are cut anywhere: what is no character becomes "?". */
static void make_characters(char *text)
{
    struct slice rest = slice_of(text);
    while (rest.len) {
        size_t n = utf8_sequence(rest), at = (size_t)(rest.data - (const uint8_t *)text);
        if (n == 0 || (unsigned char)text[at] < ' ')
            text[at] = '?';
        n = n ? n : 1;
        rest = slice_make(rest.data + n, rest.len - n);
    }
}

void answer_say(struct answer *answer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(answer->text, sizeof answer->text, format, args);
    va_end(args);
    make_characters(answer->text);
}

/* The first line of the server's words, without what it says of itself at the end. */
static void set_words(struct answer *a, struct slice text)
{
    size_t len = 0;
    while (len < text.len && text.data[len] != '\n' && text.data[len] != '\0')
        len++;
    struct slice line = slice_make(text.data, len);
    const uint8_t *version = len ? memmem(line.data, line.len, " (version ", 10) : NULL;
    if (version)
        line.len = (size_t)(version - line.data);
    answer_say(a, "%.*s", (int)(line.len < 4096 ? line.len : 4096),
             line.data ? (const char *)line.data : "");
}

static void set_meaning(struct answer *a, const struct meaning *m)
{
    a->class = m->class;
    a->open = m->open;
    a->elsewhere = !m->here;
    a->after_ms = m->after_ms;
    if (!a->after_ms && (m->class == ANSWER_HOLD || m->class == ANSWER_STALE))
        a->after_ms = ANSWER_HOLD_MS;
}

/* The name stands at the end of the server's words, where it may be cut off. */
static void name_view(struct answer *a, struct slice name)
{
    char words[ANSWER_TEXT_BYTES];
    size_t len = 0;
    memcpy(words, a->text, sizeof words);
    while (len < name.len && !strchr(" :()\n", name.data[len]))
        len++;
    answer_say(a, "the view %.*s fails: %s", (int)len, (const char *)name.data, words);
}

/* An exception. Rows of the table itself stay when one of its views fails afterwards: that is no definite answer, and
 * not the rows' fault. */
static void of_exception(const struct client_reply *reply, struct answer *a)
{
    const struct meaning *m = FIND(meanings, reply->exception);
    set_meaning(a, m ? m : &OTHERS);
    struct slice view = behind(reply->text, OF_A_VIEW);
    set_words(a, reply->text);
    if (view.len) {
        name_view(a, view);
        bool waits = a->class == ANSWER_RETRY || a->class == ANSWER_LARGE;
        a->class = waits ? ANSWER_RETRY : ANSWER_HOLD;
        a->open = true;
    } else if (reply->exception == CODE_TOO_MANY_PARTS &&
               behind(reply->text, TOO_MANY_PARTITIONS).len) {
        a->class = ANSWER_LARGE; /* a partition key of the operator's own */
    }
    if (!a->text[0])
        answer_say(a, "exception %" PRId64 " without words", reply->exception);
}

static void of_status(const struct client_reply *reply, struct answer *a)
{
    const struct meaning *m = FIND(statuses, reply->status);
    set_meaning(a, m ? m : &OTHERS);
    char words[ANSWER_TEXT_BYTES];
    set_words(a, reply->text);
    memcpy(words, a->text, sizeof words);
    answer_say(a, "HTTP status %ld, not from ClickHouse%s%.160s", reply->status,
             words[0] ? ": " : "", words);
}

static void of_silence(const struct client_reply *reply, struct answer *a)
{
    set_meaning(a, &OTHERS);
    a->open = reply->outcome == CLIENT_UNKNOWN;
    answer_say(a, "%s", reply->error ? reply->error : "no answer");
}

/* Everything but the meaning of a success. False: it was none, and `out` says what. */
static bool succeeded(const struct client_reply *reply, struct answer *out)
{
    *out = (struct answer){.class = ANSWER_DONE, .code = reply->exception};
    if (reply->outcome == CLIENT_BODY_ENDED)
        out->class = ANSWER_OURS;
    else if (reply->outcome != CLIENT_REPLIED)
        of_silence(reply, out);
    else if (reply->exception > 0)
        of_exception(reply, out);
    else if (reply->status != STATUS_OK)
        of_status(reply, out);
    return out->class == ANSWER_DONE;
}

void answer_of_insert(const struct client_reply *reply, uint64_t rows, struct answer *out)
{
    if (!succeeded(reply, out))
        return;
    if (reply->has_summary && reply->written_rows >= rows)
        return;
    *out = (struct answer){.class = ANSWER_HOLD, .open = true, .code = -1, .after_ms = ANSWER_HOLD_MS};
    if (reply->has_summary)
        answer_say(out, "the server says that it wrote %" PRIu64 " rows of %" PRIu64, reply->written_rows, rows);
    else
        answer_say(out, "status 200 without X-ClickHouse-Summary: this is not ClickHouse, or a proxy removes it");
}

void answer_of_query(const struct client_reply *reply, struct answer *out)
{
    if (!succeeded(reply, out))
        out->open = false;
}
