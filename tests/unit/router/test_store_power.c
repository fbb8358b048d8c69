// SPDX-License-Identifier: Apache-2.0
/* The power cut at every step. A child (store_life.h) writes down what each sync made safe: the bytes
 * of a file, the names in a directory. It dies at its k-th step, for every k, and the store is put
 * together again as a disk may have it then: of what was not synced, nothing; or only the names; or
 * only the bytes. */
#include <dirent.h>

#include "store_life.h"
#include "tests/support/suite.h"

enum kept { KEPT_NOTHING, KEPT_NAMES, KEPT_BYTES, KEPT_END };

struct power {
    struct facts *facts;
    uint64_t at;
    const char *path;  /* the store */
    const char *image; /* what is safe: "i<inode>": bytes, "d<directory>": names and inodes */
};

/* ---- what is safe ---- */

static void copy(int from, const char *to)
{
    static char bytes[64 * KIB];
    off_t at = 0;
    ssize_t n;
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(out, 0);
    while ((n = pread(from, bytes, sizeof bytes, at)) > 0) {
        ck_assert_int_eq(write(out, bytes, (size_t)n), n);
        at += n;
    }
    ck_assert_int_eq(n, 0);
    close(out);
}

static void list(int directory, const char *to)
{
    FILE *out = fopen(to, "we");
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fdopendir(fd);
    ck_assert(out && d);
    for (struct dirent *e = readdir(d); e; e = readdir(d))
        if (e->d_name[0] != '.')
            fprintf(out, "%s %llu %d\n", e->d_name, (unsigned long long)e->d_ino, e->d_type == DT_DIR);
    closedir(d);
    fclose(out);
}

/* "" for the store's own directory, "logs" and so on; NULL: the one above it. */
static const char *name_of(const struct power *p, int fd, char *link, size_t size)
{
    char proc[32];
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(proc, link, size - 1);
    size_t len = strlen(p->path);
    ck_assert_int_gt(n, 0);
    link[n] = '\0';
    if (strncmp(link, p->path, len) != 0)
        return NULL;
    return link[len] ? link + len + 1 : link + len;
}

static void synced(void *ctx, int fd)
{
    const struct power *p = ctx;
    struct stat st;
    char link[256], to[512];
    ck_assert_int_eq(fstat(fd, &st), 0);
    if (S_ISREG(st.st_mode)) {
        snprintf(to, sizeof to, "%s/i%llu", p->image, (unsigned long long)st.st_ino);
        copy(fd, to);
        return;
    }
    const char *name = name_of(p, fd, link, sizeof link);
    snprintf(to, sizeof to, "%s/d%s", p->image, name ? name : "above");
    list(fd, to);
}

static size_t before(void *ctx, enum io_step step, size_t bytes, int *error)
{
    struct power *p = ctx;
    (void)step;
    (void)bytes;
    *error = EIO;
    return p->facts->steps++ == p->at ? 0 : SIZE_MAX;
}

static void after(void *ctx)
{
    (void)ctx;
    _exit(DIED);
}

/* ---- what the disk has ---- */

/* Where the bytes of an inode are that is under this name; false: nowhere, it is empty. */
static bool find_bytes(const struct power *p, enum kept kept, const char *sub, const char *name,
                       unsigned long long inode, char *path, size_t size)
{
    struct stat st;
    snprintf(path, size, "%s/%s/%s", p->path, sub, name);
    if (kept == KEPT_BYTES && stat(path, &st) == 0 && st.st_ino == inode)
        return true;
    snprintf(path, size, "%s/i%llu", p->image, inode);
    return access(path, F_OK) == 0;
}

static void put_file(const struct power *p, enum kept kept, const char *sub, const char *name,
                     unsigned long long inode, const char *to)
{
    char from[512];
    int fd = find_bytes(p, kept, sub, name, inode, from, sizeof from) ? open(from, O_RDONLY | O_CLOEXEC)
                                                                      : open("/dev/null", O_RDONLY);
    ck_assert_int_ge(fd, 0);
    copy(fd, to);
    close(fd);
}

/* One level; the store's directories have no more than two. */
static void put_directory(const struct power *p, enum kept kept, const char *sub, const char *disk)
{
    char names[512], live[512], line[256];
    snprintf(names, sizeof names, "%s/d%s", p->image, sub);
    snprintf(live, sizeof live, "%s/%s", p->path, sub);
    if (kept == KEPT_NAMES) {
        int fd = open(live, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            return;
        list(fd, names);
        close(fd);
    }
    FILE *in = fopen(names, "re");
    while (in && fgets(line, sizeof line, in)) {
        char name[128], to[512];
        unsigned long long inode;
        int directory;
        ck_assert_int_eq(sscanf(line, "%127s %llu %d", name, &inode, &directory), 3);
        snprintf(to, sizeof to, "%s/%s%s%s", disk, sub, *sub ? "/" : "", name);
        if (directory)
            ck_assert_int_eq(mkdir(to, 0700), 0);
        else
            put_file(p, kept, sub, name, inode, to);
    }
    if (in)
        fclose(in);
}

static void judge_disk(const struct power *p, enum kept kept, const char *disk)
{
    static const char *const subs[] = {"logs", "metrics", "traces", "free", "quarantine"};
    char to[512];
    snprintf(to, sizeof to, "%s/dabove", p->image);
    if (kept == KEPT_NAMES || access(to, F_OK) == 0) { /* otherwise not even the store has a name */
        ck_assert_int_eq(mkdir(disk, 0700), 0);
        put_directory(p, kept, "", disk);
    }
    for (size_t i = 0; i < sizeof subs / sizeof subs[0]; i++) {
        snprintf(to, sizeof to, "%s/%s", disk, subs[i]);
        if (access(to, F_OK) == 0)
            put_directory(p, kept, subs[i], disk);
    }
    judge(disk, p->facts, true);
    remove_dir(disk);
}

/* ---- every step ---- */

static bool one_cut(struct facts *f, uint64_t at)
{
    char place[64], path[96], image[96], disk[96];
    make_dir(place, sizeof place);
    snprintf(path, sizeof path, "%s/store", place);
    snprintf(image, sizeof image, "%s/image", place);
    snprintf(disk, sizeof disk, "%s/disk", place);
    ck_assert_int_eq(mkdir(image, 0700), 0);
    memset(f, 0, sizeof *f);
    struct power power = {f, at, path, image};
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct io_hook hook = {.before = before, .after = after, .ctx = &power, .synced = synced};
        live(path, f, &hook, STORE_SYNC_ALWAYS);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == DIED),
                  "step %llu: status %x", (unsigned long long)at, (unsigned)status);
    bool reached = f->steps > at;
    for (enum kept kept = 0; kept < KEPT_END && reached; kept++)
        judge_disk(&power, kept, disk);
    remove_dir(place);
    return reached;
}

START_TEST(what_was_promised_survives_the_power_cut_at_any_step)
{
    struct facts *f = share_facts();
    uint64_t at = 0;
    while (one_cut(f, at))
        at += SUITE_STRIDE;
    ck_assert(f->finished);
    ck_assert_uint_gt(at, 500);
    munmap(f, sizeof *f);
}
END_TEST

SUITE_MAIN("store, power cut at every step", what_was_promised_survives_the_power_cut_at_any_step)
