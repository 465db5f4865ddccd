#define _GNU_SOURCE
#include "runtime.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DELETE_MS 10000

static bool state_path(struct text *text) {
  text_add(text, run.runtime_root);
  text_add(text, "/");
  text_add(text, run.id);
  return text->length < text->capacity - 1;
}

bool state_exists(void) {
  char path[4200];
  struct text text;
  text_init(&text, path, sizeof path);
  return state_path(&text) && access(path, F_OK) == 0;
}

struct entry {
  ino64_t inode;
  off64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

/* Calls unlink for each file; with `act` false only checks that there are nothing but files. */
static bool each_file(int folder, bool act) {
  union {
    struct entry entry;
    char bytes[2048];
  } buffer;
  long count;
  if (lseek(folder, 0, SEEK_SET) < 0) return false;
  while ((count = syscall(SYS_getdents64, folder, &buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < count;) {
      struct entry *entry = (struct entry *)(buffer.bytes + at);
      at += entry->length;
      if (strcmp(entry->name, ".") == 0 || strcmp(entry->name, "..") == 0) continue;
      if (entry->type == DT_DIR || entry->type == DT_UNKNOWN) return false;
      if (act && unlinkat(folder, entry->name, 0) < 0) return false;
    }
  }
  return count == 0;
}

static bool remove_state(void) {
  char path[4200];
  struct text text;
  text_init(&text, path, sizeof path);
  if (!state_path(&text)) return false;
  int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (folder < 0) return errno == ENOENT;
  bool removed = each_file(folder, false) && each_file(folder, true);
  close(folder);
  return removed && rmdir(path) == 0;
}

/* Runtimes whose state is one flat folder of files and whose `delete` does no more than what we do. */
static bool known_runtime(void) {
  const char *slash = strrchr(run.runtime, '/');
  const char *name = slash ? slash + 1 : run.runtime;
  return strcmp(name, "crun") == 0 || strcmp(name, "runc") == 0;
}

static void wait_for(pid_t pid) {
  for (int64_t end = now_ms() + DELETE_MS; waitpid(pid, NULL, WNOHANG) == 0; usleep(2000)) {
    if (now_ms() < end) continue;
    kill(pid, SIGKILL);
    end += DELETE_MS;
  }
}

/*
 * The quick way saves the start of a program (some 4 ms). It is taken only where the process is known to have ended
 * and the cgroup was empty; whatever is out of the ordinary is left to the runtime.
 */
void runtime_delete(void) {
  if (!run.id) return;
  if (!state_exists()) {
    cgroup_remove(run.cgroup);
    return;
  }
  if (container.state == PROC_FINISHED && known_runtime() && cgroup_remove(run.cgroup) && remove_state()) return;
  struct command command;
  begin_command(&command, "delete");
  argue(&command, "--force");
  argue(&command, run.id);
  pid_t pid = runtime_spawn(&command);
  if (pid > 0) wait_for(pid);
  cgroup_remove(run.cgroup);
}
