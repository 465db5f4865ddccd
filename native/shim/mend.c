#define _GNU_SOURCE
#include "shim.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KILL_MS 10000

/* Ends the container's init if it is still the process that was started, and waits for that. */
static void end_init(pid_t pid, int64_t start_time) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) return;
  if (process_start_time(pid) == start_time) {
    syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
    struct pollfd ended = {.fd = fd, .events = POLLIN};
    poll(&ended, 1, KILL_MS);
  }
  close(fd);
}

static char *next_field(char **at) {
  char *field = *at, *end = strchr(field, '\n');
  if (!end) return NULL;
  *end = 0;
  *at = end + 1;
  return field;
}

/*
 * After a shim was killed: nobody holds the container's stdio any more, so the container cannot go on. It is ended and
 * removed, and counts as killed (137). Does nothing where an exit status exists or nothing was started.
 */
int mend(void) {
  static char buffer[16384];
  if (access("exit", F_OK) == 0) return 0;
  if (file_read("run", buffer, sizeof buffer) <= 0) return 0;
  char *at = buffer;
  run.id = next_field(&at);
  run.runtime = next_field(&at);
  run.runtime_root = next_field(&at);
  run.cgroup = next_field(&at);
  if (!run.cgroup) return 0;
  if (!run.cgroup[0]) run.cgroup = NULL;
  const char *pid = next_field(&at), *start_time = pid ? next_field(&at) : NULL;
  if (start_time) end_init((pid_t)parse_number(pid), parse_number(start_time));
  bool oom = cgroup_oom_killed(run.cgroup);
  runtime_delete();
  if (start_time) record_exit(137, oom, wall_ns());
  const char *left[] = {"run", "init.pid", "init.console", "shim.pid", "shim.sock"};
  for (size_t i = 0; i < sizeof left / sizeof *left; i++) unlink(left[i]);
  return 0;
}
