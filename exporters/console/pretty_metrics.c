// SPDX-License-Identifier: Apache-2.0
#include "exporters/console/claude.h"
#include "exporters/console/pretty.h"

/* Field numbers of Metric, Sum and Histogram, and of all data points alike (proto/opentelemetry). */
#define METRIC_NAME 1
#define METRIC_UNIT 3
#define DATA_TEMPORALITY 2
#define SUM_MONOTONIC 3
#define POINT_TIME 3
#define POINT_COUNT 4
#define POINT_SUM 5
#define NUMBER_AS_DOUBLE 4
#define NUMBER_AS_INT 6
#define HISTOGRAM_COUNTS 6
#define HISTOGRAM_BOUNDS 7
#define EXPONENTIAL_SCALE 6
#define EXPONENTIAL_ZERO_COUNT 7
#define EXPONENTIAL_POSITIVE 8
#define EXPONENTIAL_NEGATIVE 9
#define BUCKETS_OFFSET 1
#define BUCKETS_COUNTS 2
#define SUMMARY_QUANTILES 6
#define QUANTILE_QUANTILE 1
#define QUANTILE_VALUE 2

#define DELTA 1u
#define CUMULATIVE 2u
#define NO_RECORDED_VALUE 1u /* DataPointFlags */

/* Where the kinds of data points keep what all of them have. 0: they have it not. */
struct layout {
    const char *word;
    uint8_t attributes;
    uint8_t flags;
    uint8_t exemplars;
    uint8_t min;
    uint8_t max;
};

static struct layout layout_of(enum otlp_message data)
{
    switch (data) {
    case OTLP_SUM:
        return (struct layout){"sum", 7, 8, 5, 0, 0};
    case OTLP_HISTOGRAM:
        return (struct layout){"histogram", 9, 10, 8, 11, 12};
    case OTLP_EXPONENTIAL_HISTOGRAM:
        return (struct layout){"exponential histogram", 1, 10, 11, 12, 13};
    case OTLP_SUMMARY:
        return (struct layout){"summary", 7, 8, 0, 0, 0};
    default:
        return (struct layout){"gauge", 7, 8, 5, 0, 0};
    }
}

/* ---- numbers ---- */

static void number(struct line *l, double value)
{
    struct otlp_value v = {.kind = OTLP_VALUE_DOUBLE, .is.number = value};
    line_value(l, LINE_PLAIN, &v);
}

/* The next element of a repeated number in field `field`, packed or not; `run` is what is left of a packed piece.
 * `type` is the elements' wire type. */
static bool element(struct otlp_cursor *c, struct wire *run, uint32_t field, uint32_t type,
                    uint64_t *value)
{
    struct wire_field f;
    while (true) {
        if (wire_left(run) && wire_value(run, type, &f) == GW_OK) {
            *value = f.value;
            return true;
        }
        if (otlp_cursor_next(c, &f) != 1)
            return false;
        if (f.number != field)
            continue;
        if (f.type == WIRE_BYTES) {
            *run = wire_of(f.bytes);
        } else if (f.type == type) {
            *value = f.value;
            return true;
        }
    }
}

/* A list of numbers, walked element by element. */
struct elements {
    struct otlp_cursor cursor;
    struct wire run;
    uint32_t field;
    uint32_t type;
};

static struct elements elements_of(const struct otlp_view *view, uint32_t field, uint32_t type)
{
    return (struct elements){otlp_cursor_of(view), wire_of(slice_make(NULL, 0)), field, type};
}

static bool elements_next(struct elements *e, uint64_t *value)
{
    return element(&e->cursor, &e->run, e->field, e->type, value);
}

/* ---- values by kind ---- */

/* The value of a NumberDataPoint: the last one set. False: none. */
static bool point_value(const struct otlp_view *point, struct otlp_value *out)
{
    struct otlp_cursor c = otlp_cursor_of(point);
    struct wire_field f;
    out->kind = OTLP_VALUE_EMPTY;
    while (otlp_cursor_next(&c, &f) == 1) {
        if (f.type != WIRE_FIXED64)
            continue;
        if (f.number == NUMBER_AS_DOUBLE) {
            out->kind = OTLP_VALUE_DOUBLE;
            out->is.number = wire_double(f.value);
        } else if (f.number == NUMBER_AS_INT) {
            out->kind = OTLP_VALUE_INT;
            out->is.integer = (int64_t)f.value;
        }
    }
    return out->kind != OTLP_VALUE_EMPTY;
}

static void unit(struct line *l, const struct otlp_record *r)
{
    struct slice text = otlp_view_bytes(&r->metric, METRIC_UNIT);
    if (text.len == 0 || slice_is(text, "1"))
        return;
    line_word(l, LINE_PLAIN, " ");
    line_text(l, LINE_PLAIN, text);
}

/* Claude Code's counters: "+123 tokens" for a delta, "123 tokens total" otherwise. */
static void claude_value(struct line *l, const struct otlp_record *r, struct slice name)
{
    bool delta = otlp_view_number(&r->data, DATA_TEMPORALITY) == DELTA;
    struct otlp_value value;
    if (!point_value(&r->record, &value))
        return;
    line_word(l, LINE_PLAIN, delta ? "+" : "");
    if (claude_is_cost(name) && value.kind == OTLP_VALUE_DOUBLE) {
        line_printf(l, LINE_YELLOW, "$%.4f", value.is.number);
    } else {
        line_value(l, LINE_PLAIN, &value);
        unit(l, r);
    }
    if (!delta)
        line_word(l, LINE_DIM, " total");
}

static void number_value(struct line *l, const struct otlp_record *r)
{
    struct otlp_value value;
    if (point_value(&r->record, &value)) {
        line_value(l, LINE_BOLD, &value);
        unit(l, r);
    }
}

/* " min 3" and the like, where the optional field is there. */
static void optional(struct line *l, const struct otlp_view *point, uint32_t field, const char *word)
{
    struct wire_field f;
    if (!field || !otlp_view_scalar(point, field, &f) || f.type != WIRE_FIXED64)
        return;
    line_to_column(l, 0);
    line_printf(l, LINE_DIM, "%s ", word);
    number(l, wire_double(f.value));
}

static void count_and_sum(struct line *l, const struct otlp_record *r, const struct layout *layout)
{
    line_word(l, LINE_DIM, "count ");
    line_printf(l, LINE_BOLD, "%llu",
                (unsigned long long)otlp_view_number(&r->record, POINT_COUNT));
    optional(l, &r->record, POINT_SUM, "sum");
    unit(l, r);
    optional(l, &r->record, layout->min, "min");
    optional(l, &r->record, layout->max, "max");
}

/* Buckets that hold something: "≤5:2 ≤10:1 >100:1". */
static void histogram_buckets(struct line *l, const struct otlp_view *point)
{
    struct elements counts = elements_of(point, HISTOGRAM_COUNTS, WIRE_FIXED64);
    struct elements bounds = elements_of(point, HISTOGRAM_BOUNDS, WIRE_FIXED64);
    uint64_t count, bits = 0, last = 0;
    bool any = false, first = true;
    while (!l->full && elements_next(&counts, &count)) {
        bool bounded = elements_next(&bounds, &bits);
        if (bounded) {
            last = bits;
            any = true;
        }
        if (count == 0)
            continue;
        if (first)
            line_to_column(l, 0);
        else
            line_word(l, LINE_PLAIN, " ");
        first = false;
        if (any) {
            line_word(l, LINE_DIM, bounded ? "≤" : ">");
            number(l, wire_double(last));
        } else {
            line_word(l, LINE_DIM, "all");
        }
        line_printf(l, LINE_PLAIN, ":%llu", (unsigned long long)count);
    }
}

/* The counts from the bucket at `offset` on: "positive@-3[1 0 2]". */
static void exponential_buckets(struct line *l, const struct otlp_view *point, uint32_t field,
                                const char *word)
{
    struct otlp_view buckets;
    uint64_t count;
    bool first = true;
    if (!otlp_view_child(point, OTLP_EXPONENTIAL_HISTOGRAM_POINT, field, &buckets))
        return;
    struct elements counts = elements_of(&buckets, BUCKETS_COUNTS, WIRE_VARINT);
    while (!l->full && elements_next(&counts, &count)) {
        if (first) {
            line_to_column(l, 0);
            line_printf(l, LINE_DIM, "%s@%lld[", word,
                        (long long)wire_zigzag(otlp_view_number(&buckets, BUCKETS_OFFSET)));
        }
        line_printf(l, LINE_PLAIN, first ? "%llu" : " %llu", (unsigned long long)count);
        first = false;
    }
    if (!first)
        line_word(l, LINE_DIM, "]");
}

static void exponential(struct line *l, const struct otlp_view *point)
{
    line_to_column(l, 0);
    line_printf(l, LINE_DIM, "scale %lld",
                (long long)wire_zigzag(otlp_view_number(point, EXPONENTIAL_SCALE)));
    uint64_t zero = otlp_view_number(point, EXPONENTIAL_ZERO_COUNT);
    if (zero) {
        line_to_column(l, 0);
        line_printf(l, LINE_DIM, "zero %llu", (unsigned long long)zero);
    }
    exponential_buckets(l, point, EXPONENTIAL_POSITIVE, "positive");
    exponential_buckets(l, point, EXPONENTIAL_NEGATIVE, "negative");
}

/* "q0.5=1.2 q0.99=3" */
static void quantiles(struct line *l, const struct otlp_view *point)
{
    struct otlp_cursor c = otlp_cursor_of(point);
    struct wire_field f;
    bool first = true;
    while (!l->full && otlp_cursor_next(&c, &f) == 1) {
        if (f.number != SUMMARY_QUANTILES || f.type != WIRE_BYTES)
            continue;
        struct otlp_view q = otlp_view_of(f.bytes);
        if (first)
            line_to_column(l, 0);
        else
            line_word(l, LINE_PLAIN, " ");
        first = false;
        line_word(l, LINE_DIM, "q");
        number(l, wire_double(otlp_view_number(&q, QUANTILE_QUANTILE)));
        line_word(l, LINE_DIM, "=");
        number(l, wire_double(otlp_view_number(&q, QUANTILE_VALUE)));
    }
}

static void value(struct line *l, const struct otlp_record *r, const struct layout *layout)
{
    switch (r->data_message) {
    case OTLP_HISTOGRAM:
        count_and_sum(l, r, layout);
        histogram_buckets(l, &r->record);
        break;
    case OTLP_EXPONENTIAL_HISTOGRAM:
        count_and_sum(l, r, layout);
        exponential(l, &r->record);
        break;
    case OTLP_SUMMARY:
        count_and_sum(l, r, layout);
        quantiles(l, &r->record);
        break;
    default:
        number_value(l, r);
        break;
    }
}

/* "sum delta monotonic": what the numbers mean. */
static void meaning(struct line *l, const struct otlp_record *r, const struct layout *layout)
{
    uint64_t temporality = otlp_view_number(&r->data, DATA_TEMPORALITY);
    bool has = r->data_message != OTLP_GAUGE && r->data_message != OTLP_SUMMARY;
    line_to_column(l, 0);
    line_word(l, LINE_CYAN, layout->word);
    if (has && (temporality == DELTA || temporality == CUMULATIVE))
        line_word(l, LINE_CYAN, temporality == DELTA ? " delta" : " cumulative");
    if (r->data_message == OTLP_SUM && otlp_view_number(&r->data, SUM_MONOTONIC))
        line_word(l, LINE_CYAN, " monotonic");
}

static void exemplars(struct line *l, const struct otlp_view *point, uint32_t field)
{
    struct otlp_cursor c = otlp_cursor_of(point);
    struct wire_field f;
    unsigned count = 0;
    while (field && otlp_cursor_next(&c, &f) == 1)
        count += f.number == field && f.type == WIRE_BYTES;
    if (!count)
        return;
    line_to_column(l, 0);
    line_printf(l, LINE_DIM, "exemplars %u", count);
}

void pretty_metric(struct pretty *p, const struct otlp_record *r)
{
    struct line *l = &p->line;
    struct layout layout = layout_of(r->data_message);
    bool claude = pretty_is_claude(r);
    struct slice name = otlp_view_bytes(&r->metric, METRIC_NAME);
    if (claude)
        name = claude_short_name(name);
    pretty_columns(p, r, otlp_view_number(&r->record, POINT_TIME), LINE_CYAN, "metric",
                   layout.attributes);
    pretty_name(p, name);
    bool empty = otlp_view_number(&r->record, layout.flags) & NO_RECORDED_VALUE;
    if (empty)
        line_word(l, LINE_DIM, "no value");
    else if (claude && r->data_message == OTLP_SUM)
        claude_value(l, r, name);
    else
        value(l, r, &layout);
    if (!claude || !claude_fields(l, OTLP_METRICS, name, &r->record, layout.attributes)) {
        meaning(l, r, &layout);
        exemplars(l, &r->record, layout.exemplars);
        pretty_attributes(p, &r->record, layout.attributes, claude);
    }
    line_end(l);
}
