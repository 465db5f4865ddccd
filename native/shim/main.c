#define _GNU_SOURCE
#include "shim.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONTROL_FD 3

char directory[PATH_MAX];
uint32_t stall_ms = 10000;
bool leaving;

static char *title;
static size_t title_room;

/* The first argument is a placeholder whose bytes ps(1) shows. */
void set_title(const char *id) {
  if (!title) return;
  size_t length = strlen(id);
  memset(title, 0, title_room);
  memcpy(title, id, length < title_room ? length : title_room);
}

static void remove_files(void) {
  if (!directory[0]) return;
  const char *names[] = {"shim.pid", "run", "init.pid", "init.console"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) unlink(names[i]);
}

void leave(void) {
  if (leaving) return;
  leaving = true;
  listener_close();
  runtime_delete();
  remove_files();
  answer_disposal();
  for (struct conn *conn = connections; conn; conn = conn->next) conn->progress = now_ms();
}

void abandon(void) {
  listener_close();
  remove_files();
  answer_disposal();
  _exit(0);
}

static void ignore_signals(void) {
  const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU};
  for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
  signal(SIGCHLD, SIG_DFL);
}

int main(int count, char **arguments) {
  /* Large buffers as mappings of their own, which go back to the system when freed. */
  mallopt(M_MMAP_THRESHOLD, 8192);
  mallopt(M_TRIM_THRESHOLD, 8192);
  mallopt(M_TOP_PAD, 0);
  proc_init_container();
  if (count == 2 && strcmp(arguments[1], "mend") == 0) return mend();
  if (count == 2) {
    title = arguments[1];
    title_room = strlen(title);
  }
  setsid();
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ignore_signals();
  close_range(CONTROL_FD + 1, ~0u, 0);
  umask(0027);
  loop_init();
  fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC);
  if (fcntl(CONTROL_FD, F_SETFL, O_RDWR | O_NONBLOCK) < 0 || !conn_add(CONTROL_FD)) return 1;
  loop_run();
  return 0;
}
