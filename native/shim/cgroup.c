#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define ROOT "/sys/fs/cgroup"

static bool is_a(const char *path, long magic) {
  struct statfs info;
  return statfs(path, &info) == 0 && (long)info.f_type == magic;
}

/* v1 hierarchies with a v2 tree beside them: crun (up to 1.8 at least) refuses to start there. */
bool cgroup_hybrid(void) { return is_a(ROOT, TMPFS_MAGIC) && is_a(ROOT "/unified", CGROUP2_SUPER_MAGIC); }

/*
 * Only this one mount becomes private, so that shared mounts below the container's root go on propagating. An empty tmpfs
 * takes the v2 tree's place: crun makes folders for its cgroups there, which would else stay in the host's tmpfs beneath.
 */
bool cgroup_enter_private(void) {
  return unshare(CLONE_NEWNS) == 0 && mount(NULL, ROOT, NULL, MS_PRIVATE, NULL) == 0 &&
         umount2(ROOT "/unified", MNT_DETACH) == 0 &&
         mount("tmpfs", ROOT "/unified", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=1m,mode=755") == 0;
}

/* One line of /proc/PID/cgroup, `number:controllers:path`, cut in place. */
struct line_parts {
  char *controllers, *path;
};

static bool next_line(char **at, struct line_parts *parts) {
  char *line = *at;
  if (!*line) return false;
  char *end = strchrnul(line, '\n');
  *at = *end ? end + 1 : end;
  *end = 0;
  parts->controllers = strchr(line, ':');
  if (!parts->controllers) return false;
  parts->path = strchr(++parts->controllers, ':');
  if (!parts->path) return false;
  *parts->path++ = 0;
  return true;
}

static bool read_lines(const char *pid, char *buffer, size_t capacity) {
  char name[40];
  struct text text;
  text_init(&text, name, sizeof name);
  text_add(&text, "/proc/");
  text_add(&text, pid);
  text_add(&text, "/cgroup");
  return file_read(name, buffer, capacity) > 0;
}

/* The memory controller's cgroup, or that of the v2 tree. A process that is just ending shows `/`: NULL. */
char *cgroup_of(pid_t pid) {
  char buffer[4096], digits[24];
  struct text text;
  text_init(&text, digits, sizeof digits);
  text_number(&text, (uint64_t)pid);
  if (!read_lines(digits, buffer, sizeof buffer)) return NULL;
  char *at = buffer, *found = NULL;
  struct line_parts parts;
  while (next_line(&at, &parts)) {
    if (strcmp(parts.controllers, "memory") == 0) {
      found = parts.path;
      break;
    }
    if (!parts.controllers[0]) found = parts.path;
  }
  return found && strcmp(found, "/") != 0 ? strdup(found) : NULL;
}

static long counter(const char *file, const char *name) {
  char buffer[1024];
  if (file_read(file, buffer, sizeof buffer) <= 0) return -1;
  size_t length = strlen(name);
  for (const char *at = buffer; *at; at = strchrnul(at, '\n')) {
    while (*at == '\n') at++;
    if (strncmp(at, name, length) == 0 && at[length] == ' ') return parse_number(at + length + 1);
  }
  return -1;
}

bool cgroup_oom_killed(const char *cgroup) {
  char path[4300];
  struct text text;
  if (!cgroup) return false;
  text_init(&text, path, sizeof path);
  text_add(&text, ROOT "/memory");
  text_add(&text, cgroup);
  text_add(&text, "/memory.oom_control");
  long count = counter(path, "oom_kill");
  if (count >= 0) return count > 0;
  text_init(&text, path, sizeof path);
  text_add(&text, ROOT);
  text_add(&text, cgroup);
  text_add(&text, "/memory.events");
  return counter(path, "oom_kill") > 0;
}

static bool remove_folder(const char *base, const char *controllers, const char *cgroup) {
  char path[4300];
  struct text text;
  text_init(&text, path, sizeof path);
  text_add(&text, base);
  text_add(&text, controllers);
  text_add(&text, cgroup);
  return rmdir(path) == 0 || errno == ENOENT;
}

/* rmdir takes nothing but an empty cgroup, so a wrong path does no harm. */
bool cgroup_remove(const char *cgroup) {
  if (!cgroup || cgroup[0] != '/' || !cgroup[1] || strstr(cgroup, "..")) return false;
  char buffer[4096];
  if (!read_lines("self", buffer, sizeof buffer)) return false;
  if (is_a(ROOT, CGROUP2_SUPER_MAGIC)) return remove_folder(ROOT, "", cgroup);
  bool removed = true;
  char *at = buffer;
  struct line_parts parts;
  while (next_line(&at, &parts)) {
    const char *name = strncmp(parts.controllers, "name=", 5) == 0 ? parts.controllers + 5 : parts.controllers;
    removed &= remove_folder(ROOT "/", *name ? name : "unified", cgroup);
  }
  return removed;
}
