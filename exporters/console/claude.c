// SPDX-License-Identifier: Apache-2.0
#include "exporters/console/claude.h"

#include <stdlib.h>

#define PREFIX "claude_code."
#define SCOPE_PREFIX "com.anthropic.claude_code"
#define FIELDS_MAX 11u
#define NUMBER_MAX_BYTES 32u /* of a number in a string */

enum format {
    TEXT,     /* [label] value */
    QUOTE,    /* "value", unless it is redacted */
    COUNT,    /* label value */
    COUNT_NZ, /* the same, left out when 0 */
    ATTEMPT,  /* the same, left out when 1 */
    COST,     /* $0.0037 */
    TIME,     /* [label] milliseconds as 26ms, 1.2s, 2m05s */
    SIZE,     /* label bytes as 812B, 1.2KiB */
    OK,       /* true: ok, anything else: failed */
    DECISION, /* accept in green, anything else in red */
    ALARM,    /* [label] value, in red */
    WHEN_SET, /* the label, when the value is true */
};

struct field {
    const char *key;
    const char *label; /* NULL: the value stands alone */
    enum format format;
};

struct row {
    const char *name; /* without the prefix */
    struct field fields[FIELDS_MAX];
};

#define TOKENS                                                                                      \
    {"input_tokens", "in", COUNT}, {"output_tokens", "out", COUNT},                                 \
        {"cache_read_tokens", "cache-read", COUNT_NZ},                                              \
        {"cache_creation_tokens", "cache-write", COUNT_NZ}

static const struct row events[] = {
    {"user_prompt",
     {{"prompt_length", "length", COUNT}, {"command_name", "command", TEXT}, {"prompt", NULL, QUOTE}}},
    {"assistant_response",
     {{"model", NULL, TEXT}, {"response_length", "length", COUNT}, {"response", NULL, QUOTE}}},
    {"api_request",
     {{"model", NULL, TEXT}, TOKENS, {"cost_usd", NULL, COST}, {"duration_ms", NULL, TIME},
      {"ttft_ms", "ttft", TIME}, {"query_source", NULL, TEXT}, {"agent.name", "agent", TEXT}}},
    {"api_error",
     {{"model", NULL, TEXT}, {"status_code", "status", ALARM}, {"error", NULL, ALARM},
      {"duration_ms", NULL, TIME}, {"attempt", "attempt", ATTEMPT}}},
    {"api_retries_exhausted",
     {{"model", NULL, TEXT}, {"status_code", "status", ALARM}, {"error", NULL, ALARM},
      {"total_attempts", "attempts", COUNT}, {"total_retry_duration_ms", NULL, TIME}}},
    {"api_refusal", {{"model", NULL, TEXT}, {"error", NULL, ALARM}, {"duration_ms", NULL, TIME}}},
    {"api_request_body",
     {{"model", NULL, TEXT}, {"body_length", NULL, SIZE}, {"body_ref", NULL, TEXT},
      {"body_truncated", "truncated", WHEN_SET}}},
    {"api_response_body",
     {{"model", NULL, TEXT}, {"body_length", NULL, SIZE}, {"body_ref", NULL, TEXT},
      {"body_truncated", "truncated", WHEN_SET}}},
    {"tool_decision",
     {{"tool_name", NULL, TEXT}, {"decision", NULL, DECISION}, {"source", "by", TEXT},
      {"tool_parameters", NULL, TEXT}}},
    {"tool_result",
     {{"tool_name", NULL, TEXT}, {"success", NULL, OK}, {"duration_ms", NULL, TIME},
      {"error_type", NULL, ALARM}, {"error", NULL, ALARM}, {"tool_input_size_bytes", "in", SIZE},
      {"tool_result_size_bytes", "out", SIZE}, {"mcp_server_scope", "mcp", TEXT},
      {"tool_parameters", NULL, TEXT}}},
    {"plugin_loaded",
     {{"plugin.name", NULL, TEXT}, {"marketplace.name", "from", TEXT}, {"plugin.scope", NULL, TEXT}}},
    {"managed_settings_resolved",
     {{"managed_settings.trigger", NULL, TEXT}, {"managed_settings.sources", "sources", TEXT}}},
    {"internal_error", {{"error_name", NULL, ALARM}, {"error", NULL, ALARM}, {"error_code", NULL, ALARM}}},
};

static const struct row metrics[] = {
    {"session.count", {{"start_type", NULL, TEXT}}},
    {"lines_of_code.count", {{"type", NULL, TEXT}, {"model", NULL, TEXT}}},
    {"cost.usage",
     {{"model", NULL, TEXT}, {"query_source", NULL, TEXT}, {"agent.name", "agent", TEXT}}},
    {"token.usage",
     {{"type", NULL, TEXT}, {"model", NULL, TEXT}, {"query_source", NULL, TEXT},
      {"agent.name", "agent", TEXT}}},
    {"code_edit_tool.decision",
     {{"tool_name", NULL, TEXT}, {"decision", NULL, DECISION}, {"source", "by", TEXT},
      {"language", NULL, TEXT}}},
    {"active_time.total", {{"type", NULL, TEXT}}},
};

static const struct row spans[] = {
    {"interaction", {{"user_prompt_length", "length", COUNT}, {"user_prompt", NULL, QUOTE}}},
    {"llm_request",
     {{"model", NULL, TEXT}, TOKENS, {"ttft_ms", "ttft", TIME}, {"success", NULL, OK},
      {"error", NULL, ALARM}, {"attempt", "attempt", ATTEMPT}, {"stop_reason", NULL, TEXT}}},
    {"tool",
     {{"tool_name", NULL, TEXT}, {"bash_argv0", NULL, TEXT}, {"file_path", NULL, TEXT},
      {"full_command", NULL, QUOTE}}},
    {"tool.execution", {{"success", NULL, OK}, {"error", NULL, ALARM}}},
    {"tool.blocked_on_user", {{"decision", NULL, DECISION}, {"source", "by", TEXT}}},
};

static const struct {
    const struct row *rows;
    size_t count;
} tables[] = {
    [OTLP_LOGS] = {events, sizeof events / sizeof events[0]},
    [OTLP_METRICS] = {metrics, sizeof metrics / sizeof metrics[0]},
    [OTLP_TRACES] = {spans, sizeof spans / sizeof spans[0]},
};

static const char *const common[] = {
    "user.id",           "session.id",      "organization.id", "user.account_uuid",
    "user.account_id",   "user.email",      "terminal.type",   "app.version",
    "app.entrypoint",    "anthropic.provider", "anthropic.custom_base_url", "event.name",
    "event.timestamp",   "event.sequence",  "prompt.id",       "workspace.host_paths",
    "user.groups",       "identity.source", "span.type",       "gen_ai.provider.name",
    "gen_ai.conversation.id", "message.uuid", "request_id",    "client_request_id",
};

static bool has_prefix(struct slice text, const char *prefix)
{
    size_t n = strlen(prefix);
    return text.len >= n && memcmp(text.data, prefix, n) == 0;
}

bool claude_is_scope(struct slice name)
{
    return has_prefix(name, SCOPE_PREFIX);
}

struct slice claude_short_name(struct slice name)
{
    size_t n = sizeof PREFIX - 1;
    return has_prefix(name, PREFIX) ? slice_make(name.data + n, name.len - n) : name;
}

bool claude_is_common(struct slice key)
{
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
        if (slice_is(key, common[i]))
            return true;
    return false;
}

bool claude_is_cost(struct slice name)
{
    return slice_is(name, "cost.usage");
}

/* ---- writing ---- */

/* The number that the value is, or spells: Claude Code's versions differ in which. */
static bool number_of(const struct otlp_value *v, double *number)
{
    char text[NUMBER_MAX_BYTES + 1];
    char *end;
    switch (v->kind) {
    case OTLP_VALUE_INT:
        *number = (double)v->is.integer;
        return true;
    case OTLP_VALUE_DOUBLE:
        *number = v->is.number;
        return true;
    case OTLP_VALUE_STRING:
        if (v->is.bytes.len == 0 || v->is.bytes.len > NUMBER_MAX_BYTES)
            return false;
        memcpy(text, v->is.bytes.data, v->is.bytes.len);
        text[v->is.bytes.len] = '\0';
        *number = strtod(text, &end);
        return *end == '\0';
    default:
        return false;
    }
}

static bool is_true(const struct otlp_value *v)
{
    return v->kind == OTLP_VALUE_BOOL ? v->is.boolean
                                      : v->kind == OTLP_VALUE_STRING && slice_is(v->is.bytes, "true");
}

static void size(struct line *l, double bytes)
{
    if (bytes < 1024)
        line_printf(l, LINE_PLAIN, "%.0fB", bytes);
    else if (bytes < 1024 * 1024)
        line_printf(l, LINE_PLAIN, "%.1fKiB", bytes / 1024);
    else
        line_printf(l, LINE_PLAIN, "%.1fMiB", bytes / (1024 * 1024));
}

static void label(struct line *l, const struct field *f)
{
    line_to_column(l, 0);
    if (f->label) {
        line_word(l, LINE_DIM, f->label);
        line_word(l, LINE_DIM, " ");
    }
}

static void write_number(struct line *l, const struct field *f, double number)
{
    label(l, f);
    if (f->format == COST)
        line_printf(l, LINE_YELLOW, "$%.4f", number);
    else if (f->format == TIME)
        line_duration_ms(l, LINE_PLAIN, number);
    else
        size(l, number);
}

static void write_text(struct line *l, const struct field *f, const struct otlp_value *v)
{
    bool good;
    switch (f->format) {
    case OK:
        label(l, f);
        line_word(l, is_true(v) ? LINE_GREEN : LINE_RED, is_true(v) ? "ok" : "failed");
        return;
    case DECISION:
        good = v->kind == OTLP_VALUE_STRING && slice_is(v->is.bytes, "accept");
        label(l, f);
        line_value(l, good ? LINE_GREEN : LINE_RED, v);
        return;
    case ALARM:
        label(l, f);
        line_value(l, LINE_RED, v);
        return;
    case QUOTE:
        if (v->kind == OTLP_VALUE_STRING && slice_is(v->is.bytes, "<REDACTED>"))
            return;
        label(l, f);
        line_value_quoted(l, v);
        return;
    case WHEN_SET:
        if (is_true(v)) {
            line_to_column(l, 0);
            line_word(l, LINE_DIM, f->label);
        }
        return;
    default:
        label(l, f);
        line_value(l, LINE_PLAIN, v);
        return;
    }
}

/* True for numbers that are not worth a word. */
static bool is_usual(enum format format, double number)
{
    return (format == COUNT_NZ && number == 0) || (format == ATTEMPT && number == 1);
}

static void write_field(struct line *l, const struct field *f, const struct otlp_value *v)
{
    double number;
    bool numeric = f->format == COST || f->format == TIME || f->format == SIZE;
    if (numeric && number_of(v, &number))
        write_number(l, f, number);
    else if (!number_of(v, &number) || !is_usual(f->format, number))
        write_text(l, f, v);
}

bool claude_fields(struct line *l, enum otlp_signal signal, struct slice name,
                   const struct otlp_view *record, uint32_t number)
{
    const struct row *row = NULL;
    for (size_t i = 0; i < tables[signal].count && !row; i++)
        if (slice_is(name, tables[signal].rows[i].name))
            row = &tables[signal].rows[i];
    if (!row)
        return false;
    for (size_t i = 0; i < FIELDS_MAX && row->fields[i].key; i++) {
        struct otlp_value value;
        if (otlp_attribute_find(record, number, row->fields[i].key, &value))
            write_field(l, &row->fields[i], &value);
    }
    return true;
}
