// SPDX-License-Identifier: Apache-2.0
/* A library to be preloaded into the family (LD_PRELOAD), through which a test plays the disk, the power and the wall
 * clock (power_cut.py is its other half):
 *
 *   POWER_CUT_ROOTS    directories, with ':' between them: what router, file exporter and master change below them is
 *                      written down in POWER_CUT_LOG, operation by operation, so that the state of a disk can be
 *                      worked out that has only what was synced, or more than that at random.
 *   POWER_CUT_CONTROL  a file of `struct control`, mapped: which of these operations fail or kill, and by how much the
 *                      wall clock is off. The clock is that of every process.
 *
 * A record of the log is `struct entry`, name or data, second name, padded to 8. A change is written down after it
 * was made and before its caller knows; a sync with its begin and its end, since it covers only what was done before
 * it began. Who is killed between a change and its record would leave what a successor finds and syncs, and the log
 * knows nothing of: so whoever kills or stops a process shuts the gate first (enter()), and nobody is in between. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define ROOTS_MAX 4
#define PIECES_MAX (IOV_MAX + 4)
#define FOREVER UINT32_MAX
#define GATE_SLOTS 64
#define NS_PER_S 1000000000

enum op {
    OP_CREATE,
    OP_WRITE,
    OP_RESIZE,
    OP_RENAME,
    OP_UNLINK,
    OP_SYNC,
    OP_KINDS,
    /* in the log only */
    OP_MKDIR = OP_KINDS,
    OP_SYNC_BEGIN,
};

/* 48 bytes. */
struct entry {
    uint32_t size; /* of all of it */
    uint32_t op;
    uint64_t inode;
    uint64_t at;    /* offset of a write; new size; number of a sync */
    uint64_t bytes; /* of the first tail: path, or data of a write */
    uint64_t second; /* bytes of the second tail: path it is renamed to */
    uint64_t pid;
};

/* What happens to operations of one kind: after `skip` of them `times` fail with `error`, or kill the process. */
struct fault {
    int32_t error; /* errno; 0: none */
    uint32_t skip;
    uint32_t times; /* FOREVER: all of them */
    uint32_t kill;  /* 1: SIGKILL in place of the operation, 2: after it, before anybody knows */
};

struct control {
    struct {
        struct fault faults[OP_KINDS];
        uint32_t hits;           /* faults that happened */
        uint32_t sync_delay_us;  /* how long every sync takes more */
        char match[64];          /* only paths that contain it; empty: all */
        uint8_t unused[256 - 16 * OP_KINDS - 72];
    } of[3]; /* the router, the file exporter, the master */
    int64_t clock_offset_ns;
    uint32_t shut;               /* the gate: not 0, nobody enters */
    uint32_t inside[GATE_SLOTS]; /* processes between a change and its record; 0: free */
};

static struct {
    const char *roots[ROOTS_MAX];
    size_t root_count;
    int log;
    struct control *control;
    int program; /* index in control.of; -1: of no concern */
} shim = {.log = -1, .program = -1};

static uint64_t sync_number;

static struct {
    int (*open)(const char *, int, ...);
    int (*openat)(int, const char *, int, ...);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*pwritev)(int, const struct iovec *, int, off_t);
    int (*ftruncate)(int, off_t);
    int (*fallocate)(int, int, off_t, off_t);
    int (*posix_fallocate)(int, off_t, off_t);
    int (*renameat2)(int, const char *, int, const char *, unsigned);
    int (*unlinkat)(int, const char *, int);
    int (*mkdirat)(int, const char *, mode_t);
    int (*fdatasync)(int);
    int (*clock_gettime)(clockid_t, struct timespec *);
} real;

/* POSIX's way to a function's address. */
#define REAL(name) *(void **)&real.name = dlsym(RTLD_NEXT, #name)

static void open_log(void)
{
    const char *roots = getenv("POWER_CUT_ROOTS"), *log = getenv("POWER_CUT_LOG");
    char *copy = roots ? strdup(roots) : NULL;
    for (char *at = copy; at && shim.root_count < ROOTS_MAX; at = strchr(at, ':') ? strchr(at, ':') + 1 : NULL)
        shim.roots[shim.root_count++] = at;
    for (size_t i = 1; i < shim.root_count; i++)
        ((char *)shim.roots[i])[-1] = '\0';
    if (log && shim.root_count)
        shim.log = real.open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* Also called by whoever comes before: constructors of other libraries may. */
__attribute__((constructor)) static void begin(void)
{
    if (real.clock_gettime)
        return;
    REAL(open), REAL(openat), REAL(write), REAL(writev), REAL(pwrite), REAL(pwritev);
    REAL(ftruncate), REAL(fallocate), REAL(posix_fallocate), REAL(renameat2), REAL(unlinkat);
    REAL(mkdirat), REAL(fdatasync), REAL(clock_gettime);
    const char *control = getenv("POWER_CUT_CONTROL");
    int fd = control ? real.open(control, O_RDWR | O_CLOEXEC) : -1;
    if (fd >= 0) {
        void *at = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        shim.control = at == MAP_FAILED ? NULL : at;
        close(fd);
    }
    if (strcmp(program_invocation_short_name, "masques-router") == 0)
        shim.program = 0;
    else if (strcmp(program_invocation_short_name, "masques-exporter-file") == 0)
        shim.program = 1;
    else if (strcmp(program_invocation_short_name, "masques-receiver") == 0)
        shim.program = 2;
    if (shim.program >= 0)
        open_log();
}

/* ---- what is watched ---------------------------------------------------------------------------------------------- */

static bool below_roots(const char *path)
{
    for (size_t i = 0; i < shim.root_count; i++) {
        size_t n = strlen(shim.roots[i]);
        if (strncmp(path, shim.roots[i], n) == 0 && (path[n] == '/' || path[n] == '\0'))
            return true;
    }
    return false;
}

static bool path_of(int fd, char path[PATH_MAX])
{
    char link[48];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, PATH_MAX - 1);
    path[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* A file or directory below the roots; sets its path and inode. */
static bool watched(int fd, char path[PATH_MAX], uint64_t *inode)
{
    struct stat st;
    begin();
    int saved = errno;
    bool is = shim.log >= 0 && fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) &&
              path_of(fd, path) && below_roots(path);
    *inode = is ? st.st_ino : 0;
    errno = saved;
    return is;
}

static bool watched_name(int dirfd, const char *name, char path[PATH_MAX])
{
    begin();
    int saved = errno;
    char parent[PATH_MAX] = "";
    if (shim.log < 0)
        return false;
    if (name[0] == '/')
        snprintf(path, PATH_MAX, "%s", name);
    else if (dirfd != AT_FDCWD && path_of(dirfd, parent) && strlen(parent) + strlen(name) + 2 < PATH_MAX)
        stpcpy(stpcpy(stpcpy(path, parent), "/"), name);
    else
        path[0] = '\0';
    errno = saved;
    return below_roots(path);
}

/* ---- the log ------------------------------------------------------------------------------------------------------ */

static void put_pieces(struct entry e, const struct iovec *tail, size_t count, const char *second)
{
    static const char zeros[8];
    struct iovec pieces[PIECES_MAX];
    int saved = errno;
    e.second = second ? strlen(second) : 0;
    size_t all = sizeof e + e.bytes + e.second;
    e.size = (uint32_t)((all + 7) & ~(size_t)7);
    e.pid = (uint64_t)getpid();
    pieces[0] = (struct iovec){&e, sizeof e};
    if (count)
        memcpy(&pieces[1], tail, count * sizeof *tail);
    pieces[count + 1] = (struct iovec){(void *)second, e.second};
    pieces[count + 2] = (struct iovec){(void *)zeros, e.size - all};
    if (real.writev(shim.log, pieces, (int)count + 3) != (ssize_t)e.size)
        abort();
    errno = saved;
}

static void put(enum op op, uint64_t inode, uint64_t at, const char *path, const char *second)
{
    struct iovec tail = {(void *)path, path ? strlen(path) : 0};
    put_pieces((struct entry){.op = op, .inode = inode, .at = at, .bytes = tail.iov_len}, &tail, 1, second);
}

/* The first `n` bytes of the pieces were written. */
static void put_write(uint64_t inode, off_t offset, const struct iovec *pieces, int count, size_t n)
{
    struct iovec tail[IOV_MAX];
    size_t used = 0, left = n;
    for (int i = 0; i < count && left; i++) {
        tail[used] = pieces[i];
        if (tail[used].iov_len > left)
            tail[used].iov_len = left;
        left -= tail[used++].iov_len;
    }
    put_pieces((struct entry){.op = OP_WRITE, .inode = inode, .at = (uint64_t)offset, .bytes = n}, tail, used, NULL);
}

/* ---- the gate ----------------------------------------------------------------------------------------------------- */

static bool claim(uint32_t *slot)
{
    uint32_t none = 0;
    return __atomic_compare_exchange_n(slot, &none, (uint32_t)getpid(), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Returns the place that leave() gives back. */
static uint32_t *enter(void)
{
    int saved = errno;
    for (size_t i = 0; shim.control; i = (i + 1) % GATE_SLOTS) {
        uint32_t *slot = &shim.control->inside[i];
        if (!claim(slot))
            continue;
        if (!__atomic_load_n(&shim.control->shut, __ATOMIC_SEQ_CST)) {
            errno = saved;
            return slot;
        }
        __atomic_store_n(slot, 0, __ATOMIC_SEQ_CST);
        usleep(100);
    }
    return NULL;
}

static void leave(uint32_t *slot)
{
    if (slot)
        __atomic_store_n(slot, 0, __ATOMIC_SEQ_CST);
}

/* ---- faults ------------------------------------------------------------------------------------------------------- */

static bool count_down(uint32_t *number)
{
    uint32_t now = __atomic_load_n(number, __ATOMIC_RELAXED);
    while (now != 0) {
        if (now == FOREVER || __atomic_compare_exchange_n(number, &now, now - 1, false, __ATOMIC_RELAXED,
                                                          __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

static void die(void)
{
    raise(SIGKILL);
    abort();
}

/* Before an operation: true when it has to fail, errno is set then. *kill_after: it must be the last one. */
static bool fails(enum op op, const char *path, bool *kill_after)
{
    *kill_after = false;
    if (!shim.control)
        return false;
    struct fault *f = &shim.control->of[shim.program].faults[op];
    const char *match = shim.control->of[shim.program].match;
    if ((!f->error && !f->kill) || (match[0] && !strstr(path, match)) || count_down(&f->skip) || !count_down(&f->times))
        return false;
    __atomic_fetch_add(&shim.control->of[shim.program].hits, 1, __ATOMIC_RELAXED);
    if (f->kill == 1)
        die();
    *kill_after = f->kill == 2;
    if (f->error)
        errno = f->error;
    return f->error != 0;
}

/* ---- what is interposed ------------------------------------------------------------------------------------------- */

static int open_below(int dirfd, const char *name, int flags, mode_t mode, const char *path)
{
    struct stat st;
    bool kill_after = false, was = fstatat(dirfd, name, &st, 0) == 0;
    if (!was && (flags & O_CREAT) && fails(OP_CREATE, path, &kill_after))
        return -1;
    uint32_t *gate = enter();
    int fd = real.openat(dirfd, name, flags, mode);
    if (fd >= 0 && (flags & (O_CREAT | O_TRUNC)) && fstat(fd, &st) == 0) {
        if (!was)
            put(OP_CREATE, st.st_ino, 0, path, NULL);
        else if (flags & O_TRUNC)
            put(OP_RESIZE, st.st_ino, 0, NULL, NULL);
    }
    leave(gate);
    if (kill_after)
        die();
    return fd;
}

int openat(int dirfd, const char *name, int flags, ...)
{
    char path[PATH_MAX];
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (!watched_name(dirfd, name, path))
        return real.openat(dirfd, name, flags, mode);
    return open_below(dirfd, name, flags, mode, path);
}

int open(const char *name, int flags, ...)
{
    char path[PATH_MAX];
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (!watched_name(AT_FDCWD, name, path))
        return real.open(name, flags, mode);
    return open_below(AT_FDCWD, name, flags, mode, path);
}

static ssize_t write_pieces(int fd, const struct iovec *pieces, int count, off_t offset)
{
    char path[PATH_MAX];
    uint64_t inode;
    bool kill_after, here = offset < 0;
    if (!watched(fd, path, &inode))
        return here ? real.writev(fd, pieces, count) : real.pwritev(fd, pieces, count, offset);
    if (fails(OP_WRITE, path, &kill_after))
        return -1;
    uint32_t *gate = enter();
    ssize_t n = here ? real.writev(fd, pieces, count) : real.pwritev(fd, pieces, count, offset);
    if (n > 0)
        put_write(inode, here ? lseek(fd, 0, SEEK_CUR) - n : offset, pieces, count, (size_t)n);
    leave(gate);
    if (kill_after)
        die();
    return n;
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    return write_pieces(fd, pieces, count, -1);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset)
{
    return write_pieces(fd, pieces, count, offset);
}

ssize_t write(int fd, const void *data, size_t n)
{
    struct iovec piece = {(void *)data, n};
    begin();
    return shim.log < 0 ? real.write(fd, data, n) : write_pieces(fd, &piece, 1, -1);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t offset)
{
    struct iovec piece = {(void *)data, n};
    return write_pieces(fd, &piece, 1, offset);
}

int ftruncate(int fd, off_t size)
{
    char path[PATH_MAX];
    uint64_t inode;
    bool kill_after;
    if (!watched(fd, path, &inode))
        return real.ftruncate(fd, size);
    if (fails(OP_RESIZE, path, &kill_after))
        return -1;
    uint32_t *gate = enter();
    int rc = real.ftruncate(fd, size);
    if (rc == 0)
        put(OP_RESIZE, inode, (uint64_t)size, NULL, NULL);
    leave(gate);
    if (kill_after)
        die();
    return rc;
}

/* Both kinds of preallocation: what matters is how long the file is afterwards. */
static int allocate(int fd, int mode, off_t offset, off_t bytes)
{
    char path[PATH_MAX];
    uint64_t inode;
    struct stat st;
    bool kill_after;
    if (!watched(fd, path, &inode))
        return real.fallocate(fd, mode, offset, bytes) == 0 ? 0 : errno;
    if (fails(OP_RESIZE, path, &kill_after))
        return errno;
    uint32_t *gate = enter();
    int rc = real.fallocate(fd, mode, offset, bytes) == 0 ? 0 : errno;
    if (rc == 0 && fstat(fd, &st) == 0)
        put(OP_RESIZE, inode, (uint64_t)st.st_size, NULL, NULL);
    leave(gate);
    if (kill_after)
        die();
    return rc;
}

int posix_fallocate(int fd, off_t offset, off_t bytes)
{
    int saved = errno;
    int rc = allocate(fd, 0, offset, bytes);
    errno = saved;
    return rc;
}

int fallocate(int fd, int mode, off_t offset, off_t bytes)
{
    errno = allocate(fd, mode, offset, bytes);
    return errno ? -1 : 0;
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    char old[PATH_MAX], new[PATH_MAX];
    struct stat st;
    bool kill_after = false;
    bool is = watched_name(from_dir, from, old) && watched_name(to_dir, to, new);
    if (is && fails(OP_RENAME, new, &kill_after))
        return -1;
    uint32_t *gate = is ? enter() : NULL;
    int rc = real.renameat2(from_dir, from, to_dir, to, flags);
    if (is && rc == 0 && fstatat(to_dir, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
        put(OP_RENAME, st.st_ino, 0, old, new);
    leave(gate);
    if (kill_after)
        die();
    return rc;
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return renameat2(from_dir, from, to_dir, to, 0);
}

int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlinkat(int dirfd, const char *name, int flags)
{
    char path[PATH_MAX];
    bool kill_after = false;
    bool is = watched_name(dirfd, name, path);
    if (is && fails(OP_UNLINK, path, &kill_after))
        return -1;
    uint32_t *gate = is ? enter() : NULL;
    int rc = real.unlinkat(dirfd, name, flags);
    if (is && rc == 0)
        put(OP_UNLINK, 0, 0, path, NULL);
    leave(gate);
    if (kill_after)
        die();
    return rc;
}

int unlink(const char *name)
{
    return unlinkat(AT_FDCWD, name, 0);
}

int mkdirat(int dirfd, const char *name, mode_t mode)
{
    char path[PATH_MAX];
    bool kill_after = false;
    bool is = watched_name(dirfd, name, path);
    if (is && fails(OP_CREATE, path, &kill_after))
        return -1;
    uint32_t *gate = is ? enter() : NULL;
    int rc = real.mkdirat(dirfd, name, mode);
    if (is && rc == 0)
        put(OP_MKDIR, 0, 0, path, NULL);
    leave(gate);
    if (kill_after)
        die();
    return rc;
}

int mkdir(const char *name, mode_t mode)
{
    return mkdirat(AT_FDCWD, name, mode);
}

static int sync_file(int fd)
{
    char path[PATH_MAX];
    uint64_t inode;
    bool kill_after;
    if (!watched(fd, path, &inode))
        return real.fdatasync(fd);
    if (fails(OP_SYNC, path, &kill_after))
        return -1;
    uint64_t number = __atomic_add_fetch(&sync_number, 1, __ATOMIC_RELAXED);
    uint32_t *gate = enter();
    put(OP_SYNC_BEGIN, inode, number, path, NULL);
    leave(gate);
    if (shim.control && shim.control->of[shim.program].sync_delay_us)
        usleep(shim.control->of[shim.program].sync_delay_us);
    int rc = real.fdatasync(fd);
    gate = enter();
    if (rc == 0)
        put(OP_SYNC, inode, number, path, NULL);
    leave(gate);
    if (kill_after)
        die();
    return rc;
}

int fdatasync(int fd)
{
    return sync_file(fd);
}

int fsync(int fd)
{
    return sync_file(fd);
}

int clock_gettime(clockid_t id, struct timespec *at)
{
    begin();
    int rc = real.clock_gettime(id, at);
    if (rc == 0 && id == CLOCK_REALTIME && shim.control) {
        int64_t ns = at->tv_nsec + (int64_t)at->tv_sec * NS_PER_S + shim.control->clock_offset_ns;
        at->tv_sec = (time_t)(ns / NS_PER_S);
        at->tv_nsec = (long)(ns % NS_PER_S);
    }
    return rc;
}
