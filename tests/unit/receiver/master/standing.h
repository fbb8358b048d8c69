// SPDX-License-Identifier: Apache-2.0
/* A family that stands still: nothing is started, and every child is given what a test says of it. */
#ifndef MASQUES_TESTS_MASTER_STANDING_H
#define MASQUES_TESTS_MASTER_STANDING_H

#include "receiver/master/family.h"
#include "tests/unit/receiver/master/stage.h"

#define S_NS 1000000000ull

static const char config_text[] = "receivers: {otlp: {protocols: {grpc: }}}\n"
                                  "exporters: {debug/a: }\n"
                                  "service: {pipelines: {logs: {receivers: [otlp], exporters: [debug/a]}}}\n"
                                  "masques: {workers: 1}\n";

struct scene {
    struct stage stage;
    struct config *config;
    struct runtime_dir runtime;
    struct family *family;
    struct buf text;
};

static inline void nothing(void *ctx)
{
    (void)ctx;
}

static inline void nothing_said(void *ctx, const char *why)
{
    (void)ctx;
    (void)why;
}

static const struct family_events events = {.ready = nothing, .failed = nothing_said, .ended = nothing};

static inline const char *no_environment(void *context, const char *name)
{
    (void)context;
    (void)name;
    return NULL;
}

static inline void scene_open(struct scene *s)
{
    static const char *const programs[] = {"masques-router", "masques-receiver-worker", "masques-exporter-console"};
    struct config_error err;
    char why[512] = "";
    *s = (struct scene){.runtime = {.lock = -1}, .text = buf_make(1u << 20)};
    stage_open(&s->stage);
    for (size_t i = 0; i < 3; i++)
        stage_script(&s->stage, programs[i], "exit 1\n");
    snprintf(s->runtime.path, sizeof s->runtime.path, "%s", s->stage.directory);
    snprintf(s->runtime.store, sizeof s->runtime.store, "%s/store", s->stage.directory);
    ck_assert_msg(config_from_text("test", slice_of(config_text), no_environment, NULL, &s->config, &err) == GW_OK,
                  "%s", err.text);
    struct family_parts parts = {.config = s->config, .runtime = &s->runtime,
                                 .programs = s->stage.directory, .log = &s->stage.log};
    s->family = family_new(s->stage.loop, &parts, &events, s, why);
    ck_assert_msg(s->family != NULL, "%s", why);
}

/* The i-th child, to be given what a test says of it. */
static inline struct member *child(struct scene *s, size_t i)
{
    return (struct member *)family_at(s->family, i);
}

/* As it would have come over the control channel. */
static inline void beat(struct member *m, const Masques__Control__Beat *beat)
{
    uint8_t bytes[65536];
    ck_assert_uint_le(masques__control__beat__get_packed_size(beat), sizeof bytes);
    size_t len = masques__control__beat__pack(beat, bytes);
    m->beat = masques__control__beat__unpack(NULL, len, bytes);
    ck_assert_ptr_nonnull(m->beat);
}

static inline void scene_close(struct scene *s)
{
    for (size_t i = 0; child(s, i); i++)
        child(s, i)->pid = 0; /* no process of ours */
    family_free(&s->family);
    config_free(&s->config);
    buf_free(&s->text);
    stage_close(&s->stage);
}

#endif
