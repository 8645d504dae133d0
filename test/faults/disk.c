/*
 * A disk that does what it is told: put before a program with LD_PRELOAD, it watches the calls that write below one folder. Debian's strace can
 * fail the n-th call of a process, and libfiu calls by chance, but neither knows files by their folder, and a checkpoint has another name each time.
 *
 *   FAULT_DIR    the folder; calls elsewhere (pipes, event descriptors, other files) pass untouched
 *   FAULT_AT     number of the call that goes wrong, from 1; 0: none does
 *   FAULT_HOW    kill: SIGKILL before it is made; killed: after; EIO, ENOSPC: it fails so, it alone; EIO+: and all after it;
 *                lie: it is not made, and says that it was
 *   FAULT_COUNT  file that gets the name of each call, one a line; "head" are writes of a few bytes
 *   FAULT_STRUCK file that gets the name of the call that went wrong; its number alone does not tell, as calls of other threads come in between
 *   FAULT_SYNC   0: fsync and fdatasync do nothing and say that they did
 *   FAULT_SLOW   milliseconds that fsync and fdatasync take longer
 *   FAULT_CLOCK  file with seconds that are added to the wall clock, read at each look at it
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static const char *setting(const char *name) {
  const char *value = getenv(name);
  return value != NULL && value[0] != 0 ? value : NULL;
}

static int below(const char *path) {
  const char *folder = setting("FAULT_DIR");
  if (folder == NULL || path == NULL) return 0;
  size_t length = strlen(folder);
  return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int fd_below(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return below(path);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long calls = 0;

static void note(const char *name, const char *what, const char *path) {
  const char *file = setting(name);
  if (file == NULL) return;
  int fd = REAL(open)(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  char line[PATH_MAX + 64];
  int length = snprintf(line, sizeof line, "%s %s\n", what, path);
  if (REAL(write)(fd, line, length) < 0) abort();
  close(fd);
}

enum { MADE, THEN_KILLED, FAILS, LIES };

static int struck(const char *what, const char *path) {
  const char *at = setting("FAULT_AT"), *how = setting("FAULT_HOW");
  pthread_mutex_lock(&lock);
  long call = ++calls;
  note("FAULT_COUNT", what, path);
  pthread_mutex_unlock(&lock);
  if (at == NULL || how == NULL) return MADE;
  long wanted = atol(at);
  if (wanted == 0 || call < wanted || (call > wanted && strcmp(how, "EIO+") != 0)) return MADE;
  if (call == wanted) note("FAULT_STRUCK", what, path);
  if (strcmp(how, "kill") == 0) kill(getpid(), SIGKILL);
  if (strcmp(how, "killed") == 0) return THEN_KILLED;
  if (strcmp(how, "lie") == 0) return LIES;
  errno = strcmp(how, "ENOSPC") == 0 ? ENOSPC : EIO;
  return FAILS;
}

#define WATCHED(type, what, inside, said, call)               \
  do {                                                        \
    int how = (inside) ? struck(what, path) : MADE;           \
    if (how == FAILS) return -1;                              \
    if (how == LIES) return said;                             \
    type made = (call);                                       \
    if (how == THEN_KILLED) kill(getpid(), SIGKILL);          \
    return made;                                              \
  } while (0)

static int sync_works(void) {
  const char *value = setting("FAULT_SYNC");
  return value == NULL || strcmp(value, "0") != 0;
}

static void slow_down(int inside) {
  const char *value = setting("FAULT_SLOW");
  if (inside && value != NULL) usleep(atoi(value) * 1000);
}

static ssize_t length_of(const struct iovec *parts, int count) {
  ssize_t length = 0;
  for (int k = 0; k < count; k++) length += parts[k].iov_len;
  return length;
}

#define ON_FD char path[PATH_MAX] = ""

ssize_t write(int fd, const void *bytes, size_t count) {
  ON_FD;
  WATCHED(ssize_t, count < 64 ? "head" : "write", fd_below(fd, path), (ssize_t)count, REAL(write)(fd, bytes, count));
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
  ON_FD;
  WATCHED(ssize_t, count < 64 ? "head" : "pwrite", fd_below(fd, path), (ssize_t)count, REAL(pwrite)(fd, bytes, count, at));
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  ON_FD;
  WATCHED(ssize_t, count < 64 ? "head" : "pwrite", fd_below(fd, path), (ssize_t)count, REAL(pwrite64)(fd, bytes, count, at));
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  ON_FD;
  WATCHED(ssize_t, "writev", fd_below(fd, path), length_of(parts, count), REAL(writev)(fd, parts, count));
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at) {
  ON_FD;
  WATCHED(ssize_t, "pwritev", fd_below(fd, path), length_of(parts, count), REAL(pwritev)(fd, parts, count, at));
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t at) {
  ON_FD;
  WATCHED(ssize_t, "pwritev", fd_below(fd, path), length_of(parts, count), REAL(pwritev64)(fd, parts, count, at));
}
int fsync(int fd) {
  ON_FD;
  int inside = fd_below(fd, path);
  slow_down(inside);
  WATCHED(int, "fsync", inside, 0, sync_works() ? REAL(fsync)(fd) : 0);
}
int fdatasync(int fd) {
  ON_FD;
  int inside = fd_below(fd, path);
  slow_down(inside);
  WATCHED(int, "fdatasync", inside, 0, sync_works() ? REAL(fdatasync)(fd) : 0);
}
int ftruncate(int fd, off_t length) {
  ON_FD;
  WATCHED(int, "ftruncate", fd_below(fd, path), 0, REAL(ftruncate)(fd, length));
}
int ftruncate64(int fd, off64_t length) {
  ON_FD;
  WATCHED(int, "ftruncate", fd_below(fd, path), 0, REAL(ftruncate64)(fd, length));
}
int rename(const char *from, const char *path) { WATCHED(int, "rename", below(path), 0, REAL(rename)(from, path)); }
int mkdir(const char *path, mode_t mode) { WATCHED(int, "mkdir", below(path), 0, REAL(mkdir)(path, mode)); }

static int creates(const char *path, int flags) {
  struct stat found;
  return (flags & O_CREAT) && below(path) && stat(path, &found) != 0;
}
static mode_t mode_of(int flags, va_list rest) { return flags & O_CREAT ? va_arg(rest, mode_t) : 0; }

int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_of(flags, rest);
  va_end(rest);
  WATCHED(int, "create", creates(path, flags), -1, REAL(open)(path, flags, mode));
}
int open64(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = mode_of(flags, rest);
  va_end(rest);
  WATCHED(int, "create", creates(path, flags), -1, REAL(open64)(path, flags, mode));
}

static long long shift(void) {
  const char *file = setting("FAULT_CLOCK");
  if (file == NULL) return 0;
  char text[32] = "";
  int fd = REAL(open)(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  return length > 0 ? atoll(text) : 0;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
  int answer = REAL(clock_gettime)(clock, now);
  if (clock == CLOCK_REALTIME) now->tv_sec += shift();
  return answer;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  int answer = REAL(gettimeofday)(now, zone);
  now->tv_sec += shift();
  return answer;
}
