// Preloaded into a command (LD_PRELOAD), makes its file system fail: of the calls that change files under FAULTY_PATH, the
// one with the number FAULTY_AT (from 1) fails with the error FAULTY_ERRNO, and all after it where FAULTY_ALL is set.
// FAULTY_COUNT names a file that gets the number of such calls at the end.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_long calls;
static const char *watched;
static long failing_at;
static int failing_on, failure;

__attribute__((constructor)) static void prepare(void) {
  const char *at = getenv("FAULTY_AT"), *number = getenv("FAULTY_ERRNO");
  watched = getenv("FAULTY_PATH");
  failing_at = at ? atol(at) : 0;
  failing_on = getenv("FAULTY_ALL") != NULL;
  failure = number ? atoi(number) : EIO;
}

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("FAULTY_COUNT");
  if (!path) return;
  watched = NULL;
  FILE *file = fopen(path, "w");
  if (!file) return;
  fprintf(file, "%ld\n", (long)calls);
  fclose(file);
}

static int fails(const char *path) {
  if (!watched || !path || !strstr(path, watched)) return 0;
  long number = atomic_fetch_add(&calls, 1) + 1;
  int hit = failing_at > 0 && (failing_on ? number >= failing_at : number == failing_at);
  if (hit) errno = failure;
  return hit;
}

static int file_fails(int file) {
  if (!watched) return 0;
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t count = readlink(link, path, sizeof path - 1);
  if (count < 0) return 0;
  path[count] = 0;
  return fails(path);
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

ssize_t write(int file, const void *bytes, size_t count) {
  return file_fails(file) ? -1 : REAL(ssize_t, "write", int, const void *, size_t)(file, bytes, count);
}
ssize_t pwrite(int file, const void *bytes, size_t count, off_t at) {
  return file_fails(file) ? -1 : REAL(ssize_t, "pwrite", int, const void *, size_t, off_t)(file, bytes, count, at);
}
ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at) {
  return file_fails(file) ? -1 : REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t)(file, bytes, count, at);
}
int fsync(int file) { return file_fails(file) ? -1 : REAL(int, "fsync", int)(file); }
int fdatasync(int file) { return file_fails(file) ? -1 : REAL(int, "fdatasync", int)(file); }
int rename(const char *from, const char *to) {
  return fails(to) ? -1 : REAL(int, "rename", const char *, const char *)(from, to);
}

#define OPEN(name)                                                     \
  int name(const char *path, int flags, ...) {                        \
    mode_t mode = 0;                                                   \
    if (flags & O_CREAT) {                                             \
      va_list rest;                                                    \
      va_start(rest, flags);                                           \
      mode = va_arg(rest, mode_t);                                     \
      va_end(rest);                                                    \
    }                                                                  \
    if ((flags & O_CREAT) && fails(path)) return -1;                   \
    return REAL(int, #name, const char *, int, mode_t)(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)
