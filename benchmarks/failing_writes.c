/* A library for LD_PRELOAD: lets one numbered change of a folder's files fail.
 *
 * Counts what a process does to files below the folder: writes, synchronisations, truncations,
 * renames, links, deletions and creations. At the chosen number, by mode: 0 the call fails with "no
 * space" ("input/output error" for a synchronisation) and later ones work; 1 it and all later ones
 * fail; 2 the process is killed instead of the call; 3 half of the write happens, then the kill.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum { ONCE, ALWAYS, KILL, TORN };

static atomic_long count;
static long chosen;
static int mode, armed;
static char folder[4096];

void arm_writes(const char *path, long number, int how) {
    strncpy(folder, path, sizeof folder - 1);
    atomic_store(&count, 0);
    chosen = number, mode = how, armed = 1;
}

long disarm_writes(void) {
    armed = 0;
    return atomic_load(&count);
}

static int is_inside(const char *path) { return strncmp(path, folder, strlen(folder)) == 0; }

static int is_file_inside(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return is_inside(path);
}

/* Whether this call is the one; does not return where the process is killed. */
static int hits(void) {
    long number = atomic_fetch_add(&count, 1) + 1;
    if (number < chosen || (number > chosen && mode != ALWAYS)) return 0;
    if (mode == KILL) kill(getpid(), SIGKILL);
    return 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define FAIL(number) return errno = (number), -1

ssize_t write(int fd, const void *data, size_t n) {
    if (armed && is_file_inside(fd) && hits()) {
        if (mode == TORN) REAL(write)(fd, data, n / 2), kill(getpid(), SIGKILL);
        FAIL(ENOSPC);
    }
    return REAL(write)(fd, data, n);
}

#define PWRITE(name, offset_type)                                                               \
    ssize_t name(int fd, const void *data, size_t n, offset_type at) {                          \
        if (armed && is_file_inside(fd) && hits()) {                                            \
            if (mode == TORN) REAL(name)(fd, data, n / 2, at), kill(getpid(), SIGKILL);         \
            FAIL(ENOSPC);                                                                       \
        }                                                                                       \
        return REAL(name)(fd, data, n, at);                                                     \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define ON_FILE(name, error, parameters, ...)                                                   \
    int name parameters {                                                                       \
        if (armed && is_file_inside(fd) && hits()) FAIL(error);                                 \
        return REAL(name)(__VA_ARGS__);                                                         \
    }
ON_FILE(fsync, EIO, (int fd), fd)
ON_FILE(fdatasync, EIO, (int fd), fd)
ON_FILE(ftruncate, ENOSPC, (int fd, off_t n), fd, n)
ON_FILE(ftruncate64, ENOSPC, (int fd, off64_t n), fd, n)

#define ON_PATH(name, parameters, ...)                                                          \
    int name parameters {                                                                       \
        if (armed && is_inside(path) && hits()) FAIL(ENOSPC);                                   \
        return REAL(name)(__VA_ARGS__);                                                         \
    }
ON_PATH(rename, (const char *path, const char *to), path, to)
ON_PATH(link, (const char *path, const char *to), path, to)
ON_PATH(unlink, (const char *path), path)
ON_PATH(mkdir, (const char *path, mode_t bits), path, bits)

#define OPEN(name)                                                                              \
    int name(const char *path, int flags, ...) {                                                \
        va_list rest;                                                                           \
        va_start(rest, flags);                                                                  \
        mode_t bits = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;                 \
        va_end(rest);                                                                           \
        if (armed && (flags & O_CREAT) && is_inside(path) && access(path, F_OK) && hits())      \
            FAIL(ENOSPC);                                                                       \
        return REAL(name)(path, flags, bits);                                                   \
    }
OPEN(open)
OPEN(open64)
