/* Preloaded into a worker process: records what it does to the files under MAINSTAY_SHIM_ROOT, in
 * one order, and fails calls on request.
 *
 *   MAINSTAY_SHIM_ROOT     the folder to watch
 *   MAINSTAY_SHIM_ACKS     a file whose writes are acknowledgements, not part of the disk
 *   MAINSTAY_SHIM_LOG      where the record goes (absent: nothing is recorded)
 *   MAINSTAY_SHIM_FAIL_AT  the number of the call to fail, from 1; 0 or absent: none
 *   MAINSTAY_SHIM_ERRNO    with which error; ENOSPC goes on for every later call that takes space,
 *                          anything else happens once
 *
 * A record: op (1 byte), fd (4), number (8), length (4), data; little-endian. recording.rs reads it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FD 65536
enum { UNWATCHED = 0, WATCHED = 1, ACKS = 2 };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static unsigned char watch[MAX_FD];
static char root[PATH_MAX], acks[PATH_MAX];
static size_t root_len;
static int log_fd = -1;
static long fail_at, calls;
static int fail_errno;

__attribute__((constructor)) static void start(void) {
    const char *value = getenv("MAINSTAY_SHIM_ROOT");
    if (value) snprintf(root, sizeof root, "%s", value);
    root_len = strlen(root);
    value = getenv("MAINSTAY_SHIM_ACKS");
    if (value) snprintf(acks, sizeof acks, "%s", value);
    value = getenv("MAINSTAY_SHIM_LOG");
    if (value)
        log_fd = syscall(SYS_openat, AT_FDCWD, value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    value = getenv("MAINSTAY_SHIM_FAIL_AT");
    if (value) fail_at = atol(value);
    value = getenv("MAINSTAY_SHIM_ERRNO");
    if (value) fail_errno = atoi(value);
}

static void put(const void *data, size_t len) {
    const char *at = data;
    while (len > 0) {
        ssize_t done = syscall(SYS_write, log_fd, at, len);
        if (done <= 0) _exit(99);
        at += done;
        len -= (size_t)done;
    }
}

static void record(char op, int fd, uint64_t number, const void *data, size_t len) {
    if (log_fd < 0) return;
    int saved = errno;
    unsigned char head[17];
    int32_t fd32 = fd;
    uint32_t len32 = (uint32_t)len;
    head[0] = (unsigned char)op;
    memcpy(head + 1, &fd32, 4);
    memcpy(head + 5, &number, 8);
    memcpy(head + 13, &len32, 4);
    put(head, sizeof head);
    put(data, len);
    errno = saved;
}

/* The part of a watched path after the root ("" for the root itself), or NULL. */
static const char *inside(const char *path) {
    if (root_len == 0 || strncmp(path, root, root_len) != 0) return NULL;
    if (path[root_len] == '/') return path + root_len + 1;
    return path[root_len] == 0 ? path + root_len : NULL;
}

/* The whole path of one that may be given from an open folder on, as where a folder is removed. */
static const char *whole(int dir, const char *path, char *buffer) {
    char link[64];
    if (dir == AT_FDCWD || path[0] == '/') return path;
    snprintf(link, sizeof link, "/proc/self/fd/%d", dir);
    ssize_t len = syscall(SYS_readlinkat, AT_FDCWD, link, buffer, PATH_MAX);
    if (len < 0) return path;
    snprintf(buffer + len, PATH_MAX, "/%s", path);
    return buffer;
}

static int state(int fd) { return fd >= 0 && fd < MAX_FD ? watch[fd] : UNWATCHED; }

/* Whether this call is to fail; sets errno. Called with the turn held. */
static int fails(int takes_space) {
    if (fail_at == 0) return 0;
    if (fail_errno == ENOSPC && !takes_space) return 0;
    calls++;
    if (calls == fail_at || (calls > fail_at && fail_errno == ENOSPC)) {
        record('X', 0, (uint64_t)calls, "", 0);
        errno = fail_errno;
        return 1;
    }
    return 0;
}

static int opened(int fd, const char *path, int flags) {
    if (fd < 0 || fd >= MAX_FD) return fd;
    const char *rest = inside(path);
    watch[fd] = UNWATCHED;
    if (acks[0] && strcmp(path, acks) == 0) watch[fd] = ACKS;
    else if (rest) {
        watch[fd] = WATCHED;
        record('O', fd, (uint64_t)(flags & O_TRUNC ? 1 : 0), rest, strlen(rest));
    }
    return fd;
}

static int open_any(int dir, const char *path, int flags, mode_t mode) {
    char buffer[2 * PATH_MAX];
    const char *full = whole(dir, path, buffer);
    pthread_mutex_lock(&turn);
    int fd = -1;
    int creates = (flags & O_CREAT) != 0 && inside(full) && syscall(SYS_faccessat, AT_FDCWD, full, F_OK) != 0;
    int exists = !creates && inside(full) && strcmp(full, acks) != 0;
    if (!(creates && fails(1)) && !(exists && fails(0))) fd = opened((int)syscall(SYS_openat, dir, path, flags, mode), full, flags);
    pthread_mutex_unlock(&turn);
    return fd;
}

#define MODE(flags, mode)                                     \
    mode_t mode = 0;                                          \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                  \
        va_list rest;                                         \
        va_start(rest, flags);                                \
        mode = va_arg(rest, mode_t);                          \
        va_end(rest);                                         \
    }

int open(const char *path, int flags, ...) { MODE(flags, mode) return open_any(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags, mode) return open_any(AT_FDCWD, path, flags, mode); }
int openat(int dir, const char *path, int flags, ...) { MODE(flags, mode) return open_any(dir, path, flags, mode); }
int openat64(int dir, const char *path, int flags, ...) { MODE(flags, mode) return open_any(dir, path, flags, mode); }

int close(int fd) {
    pthread_mutex_lock(&turn);
    if (state(fd) == WATCHED) record('C', fd, 0, "", 0);
    if (fd >= 0 && fd < MAX_FD) watch[fd] = UNWATCHED;
    int result = (int)syscall(SYS_close, fd);
    pthread_mutex_unlock(&turn);
    return result;
}

/* offset -1: at the file's own position. */
static ssize_t write_any(int fd, const void *data, size_t len, off_t offset) {
    int how = state(fd);
    if (how == UNWATCHED)
        return offset < 0 ? syscall(SYS_write, fd, data, len) : syscall(SYS_pwrite64, fd, data, len, offset);
    pthread_mutex_lock(&turn);
    ssize_t done = -1;
    if (how == ACKS) {
        done = syscall(SYS_write, fd, data, len);
        if (done > 0) record('A', fd, 0, data, (size_t)done);
    } else if (!fails(1)) {
        off_t at = offset < 0 ? syscall(SYS_lseek, fd, 0, SEEK_CUR) : offset;
        done = offset < 0 ? syscall(SYS_write, fd, data, len) : syscall(SYS_pwrite64, fd, data, len, offset);
        if (done > 0) record('W', fd, (uint64_t)at, data, (size_t)done);
    }
    pthread_mutex_unlock(&turn);
    return done;
}

ssize_t write(int fd, const void *data, size_t len) { return write_any(fd, data, len, -1); }
ssize_t pwrite(int fd, const void *data, size_t len, off_t offset) { return write_any(fd, data, len, offset); }
ssize_t pwrite64(int fd, const void *data, size_t len, off64_t offset) { return write_any(fd, data, len, offset); }

/* Nothing of a read is recorded; it can only fail. */
static ssize_t read_any(int fd, void *data, size_t len, off_t offset) {
    if (fail_at != 0 && state(fd) == WATCHED) {
        pthread_mutex_lock(&turn);
        int failed = fails(0);
        pthread_mutex_unlock(&turn);
        if (failed) return -1;
    }
    return offset < 0 ? syscall(SYS_read, fd, data, len) : syscall(SYS_pread64, fd, data, len, offset);
}
ssize_t read(int fd, void *data, size_t len) { return read_any(fd, data, len, -1); }
ssize_t pread(int fd, void *data, size_t len, off_t offset) { return read_any(fd, data, len, offset); }
ssize_t pread64(int fd, void *data, size_t len, off64_t offset) { return read_any(fd, data, len, offset); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (state(fd) != UNWATCHED) {
        pthread_mutex_lock(&turn);
        record('?', fd, 0, "writev", 6);
        pthread_mutex_unlock(&turn);
    }
    return syscall(SYS_writev, fd, parts, count);
}

static int truncate_any(int fd, off_t len) {
    if (state(fd) != WATCHED) return (int)syscall(SYS_ftruncate, fd, len);
    pthread_mutex_lock(&turn);
    int result = -1;
    if (!fails(1)) {
        result = (int)syscall(SYS_ftruncate, fd, len);
        if (result == 0) record('T', fd, (uint64_t)len, "", 0);
    }
    pthread_mutex_unlock(&turn);
    return result;
}
int ftruncate(int fd, off_t len) { return truncate_any(fd, len); }
int ftruncate64(int fd, off64_t len) { return truncate_any(fd, len); }

static int sync_any(int fd, long call) {
    if (state(fd) != WATCHED) return (int)syscall(call, fd);
    pthread_mutex_lock(&turn);
    int result = -1;
    if (!fails(0)) {
        result = (int)syscall(call, fd);
        if (result == 0) record('F', fd, 0, "", 0);
    }
    pthread_mutex_unlock(&turn);
    return result;
}
int fsync(int fd) { return sync_any(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_any(fd, SYS_fdatasync); }

int sync_file_range(int fd, off64_t offset, off64_t len, unsigned flags) {
    pthread_mutex_lock(&turn);
    int result = -1;
    if (state(fd) != WATCHED || !fails(0)) {
        result = (int)syscall(SYS_sync_file_range, fd, offset, len, flags);
        if (state(fd) == WATCHED) record('S', fd, 0, "", 0);
    }
    pthread_mutex_unlock(&turn);
    return result;
}

int rename(const char *from, const char *to) {
    const char *rest = inside(from), *target = inside(to);
    if (!rest || !target) return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
    pthread_mutex_lock(&turn);
    int result = -1;
    if (!fails(1)) {
        result = (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
        if (result == 0) {
            char both[2 * PATH_MAX];
            int len = snprintf(both, sizeof both, "%s\n%s", rest, target);
            record('R', 0, 0, both, (size_t)len);
        }
    }
    pthread_mutex_unlock(&turn);
    return result;
}

static int remove_any(int dir, const char *path, int flags) {
    char buffer[2 * PATH_MAX];
    const char *rest = inside(whole(dir, path, buffer));
    pthread_mutex_lock(&turn);
    int result = -1;
    if (!(rest && fails(0))) {
        result = (int)syscall(SYS_unlinkat, dir, path, flags);
        if (result == 0 && rest) record('U', 0, 0, rest, strlen(rest));
    }
    pthread_mutex_unlock(&turn);
    return result;
}
int unlink(const char *path) { return remove_any(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return remove_any(AT_FDCWD, path, AT_REMOVEDIR); }
int unlinkat(int dir, const char *path, int flags) { return remove_any(dir, path, flags); }

int mkdir(const char *path, mode_t mode) {
    const char *rest = inside(path);
    if (!rest) return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
    pthread_mutex_lock(&turn);
    int result = -1;
    if (!fails(1)) {
        result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
        if (result == 0) record('M', 0, 0, rest, strlen(rest));
    }
    pthread_mutex_unlock(&turn);
    return result;
}

/* Ways to write that neither backend uses. If one ever does, the reader of the record says so. */
static void unknown(const char *name) {
    pthread_mutex_lock(&turn);
    record('?', 0, 0, name, strlen(name));
    pthread_mutex_unlock(&turn);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    if (state(fd) != UNWATCHED) unknown("pwritev");
    return syscall(SYS_pwritev, fd, parts, count, offset, 0);
}
/* Copies go through write(), as where the kernel knows no shorter way. */
ssize_t sendfile64(int out, int in, off64_t *at, size_t len) {
    if (state(out) == UNWATCHED) return syscall(SYS_sendfile, out, in, at, len);
    errno = ENOSYS;
    return -1;
}
ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t len, unsigned flags) {
    if (state(out) != UNWATCHED) { errno = ENOSYS; return -1; }
    return syscall(SYS_copy_file_range, in, in_at, out, out_at, len, flags);
}
int fallocate64(int fd, int mode, off64_t offset, off64_t len) {
    if (state(fd) != UNWATCHED) unknown("fallocate");
    return (int)syscall(SYS_fallocate, fd, mode, offset, len);
}
