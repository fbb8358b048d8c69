// SPDX-License-Identifier: Apache-2.0
/* A ClickHouse server for tests, on loopback: the engine that comes as a library (package.json), told to listen.
 *
 *   engine LIBRARY PORT DIRECTORY [arguments of clickhouse-local]
 *
 * The library is loaded at run time, since it is not there when the tests are built. Ends at SIGTERM and SIGINT, at
 * once: what was acknowledged is on disk by then, as after a crash. */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ARGUMENTS_MAX 64
#define OWN_ARGUMENTS 6

/* What the library has no header for: runs clickhouse-local, returns when its queries have ended. */
typedef void *(*engine_run_fn)(int argc, char **argv);
typedef const char *(*engine_error_fn)(void *result);

/* The listener is started by the first query; the second lasts as long as the process. */
static const char queries[] = "SYSTEM START LISTEN HTTP;"
                              "SELECT sleepEachRow(3) FROM system.numbers FORMAT Null SETTINGS"
                              " max_block_size = 1, max_execution_time = 0,"
                              " function_sleep_max_microseconds_per_block = 0";

struct engine {
    engine_run_fn run;
    engine_error_fn error;
    int argc;
    char *argv[ARGUMENTS_MAX + OWN_ARGUMENTS + 1];
};

/* dlsym() returns an object pointer, from which ISO C converts to no function. */
static int find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    if (!symbol) {
        fprintf(stderr, "engine: %s\n", dlerror());
        return -1;
    }
    *(void **)function = symbol;
    return 0;
}

static int load(struct engine *engine, const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "engine: %s (tests/clickhouse/install installs it)\n", dlerror());
        return -1;
    }
    if (find(library, "chdb_query_cmdline", &engine->run) != 0)
        return -1;
    return find(library, "chdb_result_error", &engine->error);
}

static void *run(void *arg)
{
    struct engine *engine = arg;
    const char *error = engine->error(engine->run(engine->argc, engine->argv));
    fprintf(stderr, "engine: ended: %s\n", error ? error : "without an error");
    _exit(EXIT_FAILURE);
}

/* "--name=value", never freed. */
static char *option(const char *name, const char *value)
{
    char *text = NULL;
    if (asprintf(&text, "--%s=%s", name, value) < 0)
        abort();
    return text;
}

static void arrange(struct engine *engine, int argc, char **argv)
{
    static char program[] = "clickhouse-local", query[] = "--query";
    char **at = engine->argv;
    *at++ = program;
    *at++ = option("path", argv[3]);
    *at++ = option("listen_host", "127.0.0.1");
    *at++ = option("http_port", argv[2]);
    for (int i = 4; i < argc; i++)
        *at++ = argv[i];
    *at++ = query;
    *at++ = (char *)queries;
    engine->argc = (int)(at - engine->argv);
}

int main(int argc, char **argv)
{
    static struct engine engine;
    if (argc < 4 || argc - 4 > ARGUMENTS_MAX) {
        fprintf(stderr, "usage: engine LIBRARY PORT DIRECTORY [arguments of clickhouse-local]\n");
        return 2;
    }
    /* Blocked in every thread that is ever started, whatever handlers the engine installs. */
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, NULL);

    if (load(&engine, argv[1]) != 0)
        return EXIT_FAILURE;
    arrange(&engine, argc, argv);
    pthread_t thread;
    if (pthread_create(&thread, NULL, run, &engine) != 0)
        return EXIT_FAILURE;
    int number = 0;
    sigwait(&ends, &number);
    _exit(EXIT_SUCCESS);
}
