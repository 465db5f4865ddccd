#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRAIN_BUDGET (1u << 20) /* a pipe holds at most this much (fs.pipe-max-size) */
#define EARLY 8
#define RETRY_FIRST_MS 4
#define RETRY_LAST_MS 1000

static char no_id[] = "";
static void stream_ready(struct watch *watch, uint32_t events);

static void proc_init(struct proc *proc) {
  proc->input.fd = proc->console.fd = proc->capture = -1;
  for (int i = 0; i < 2; i++) {
    proc->streams[i].watch = (struct watch){.fd = -1, .ready = stream_ready};
    proc->streams[i].proc = proc;
    proc->streams[i].id = (uint8_t)(i + 1);
  }
}

struct proc container = {.id = no_id};

void proc_init_container(void) { proc_init(&container); }

struct proc *proc_find(const char *id) {
  for (struct proc *proc = &container; proc; proc = proc->next)
    if (strcmp(proc->id, id) == 0) return proc;
  return NULL;
}

struct proc *proc_make(const char *id) {
  struct proc *proc = proc_find(id);
  if (proc) return proc;
  static uint32_t number;
  proc = calloc(1, sizeof *proc);
  char *own = strdup(id);
  if (!proc || !own) {
    free(proc);
    free(own);
    return NULL;
  }
  proc->id = own;
  proc->number = ++number;
  proc->stdin_once = true;
  proc_init(proc);
  /* Newest last, so that the oldest finished ones are the first to be forgotten. */
  struct proc *last = &container;
  while (last->next) last = last->next;
  last->next = proc;
  return proc;
}

/* ---- output ---- */

/*
 * Nobody has the terminal open: not yet (the runtime may hand it over before its child opens it), or until the process
 * opens it again. There is no event for that, so it is looked at now and then, until the process ends.
 */
static void wait_for_user(struct stream *stream) {
  watch_off(&stream->watch);
  stream->retry_delay = stream->retry_delay ? stream->retry_delay * 2 : RETRY_FIRST_MS;
  if (stream->retry_delay > RETRY_LAST_MS) stream->retry_delay = RETRY_LAST_MS;
  stream->retry_at = now_ms() + stream->retry_delay;
}

/* Reads once. 0: the pipe has ended and is closed; -1: nothing there now. */
static ssize_t stream_read(struct stream *stream) {
  struct proc *proc = stream->proc;
  scratch_touch();
  ssize_t count = read(stream->watch.fd, scratch, CHUNK);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return -1;
  if (count < 0 && errno == EIO && proc->terminal && proc->state == PROC_RUNNING) {
    wait_for_user(stream);
    return -1;
  }
  if (count <= 0) {
    watch_close(&stream->watch);
    return 0;
  }
  stream->retry_delay = 0;
  if (proc->state == PROC_FINISHED) return count;
  if (proc == &container) log_chunk(stream, scratch, (size_t)count);
  attach_output(proc, stream->id, scratch, (size_t)count);
  return count;
}

static bool streams_open(const struct proc *proc) {
  return proc->streams[0].watch.fd >= 0 || proc->streams[1].watch.fd >= 0;
}

static void stream_ready(struct watch *watch, uint32_t events) {
  (void)events;
  struct stream *stream = (struct stream *)watch;
  struct proc *proc = stream->proc;
  stream_read(stream);
  if (proc->state == PROC_DRAINING && !streams_open(proc)) proc_finish(proc);
}

void proc_update(struct proc *proc) {
  if (proc->state < PROC_RUNNING) return;
  proc->paused = proc->state != PROC_FINISHED && attach_blocked(proc);
  for (int i = 0; i < 2; i++) {
    struct watch *watch = &proc->streams[i].watch;
    /* Off, not 0: a hang-up of the pipe would be reported again and again. */
    if (proc->paused) watch_off(watch);
    else watch_set(watch, EPOLLIN);
  }
}

void proc_close_stdio(struct proc *proc) {
  for (int i = 0; i < 2; i++) watch_close(&proc->streams[i].watch);
  input_close(proc);
  watch_close(&proc->console);
  if (proc->capture >= 0) close(proc->capture);
  proc->capture = -1;
}

bool proc_resize(struct proc *proc, uint16_t rows, uint16_t columns) {
  proc->rows = rows;
  proc->columns = columns;
  struct winsize size = {.ws_row = rows, .ws_col = columns};
  int fd = proc->streams[0].watch.fd;
  return proc->terminal && fd >= 0 && ioctl(fd, TIOCSWINSZ, &size) == 0;
}

/* ---- life and death ---- */

static struct {
  pid_t pid;
  int status;
} early[EARLY]; /* ended before the runtime told us whose process it was */

static bool any_starting(void) {
  for (struct proc *proc = &container; proc; proc = proc->next)
    if (proc->state == PROC_STARTING) return true;
  return false;
}

static void remember_early(pid_t pid, int status) {
  static unsigned next;
  if (!any_starting()) return;
  early[next % EARLY].pid = pid;
  early[next++ % EARLY].status = status;
}

void proc_started(struct proc *proc, pid_t pid) {
  proc->pid = pid;
  proc->state = PROC_RUNNING;
  proc_update(proc);
  for (struct conn *conn = connections; conn; conn = conn->next)
    if (conn->proc == proc) attach_update(conn);
  for (int i = 0; i < EARLY; i++) {
    if (early[i].pid != pid) continue;
    early[i].pid = 0;
    proc_exited(proc, early[i].status);
    return;
  }
}

void proc_exited(struct proc *proc, int status) {
  proc->ended_at = wall_ns();
  proc->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  /* Now, for the cgroup goes with the runtime's state. */
  if (proc == &container) proc->oom = cgroup_oom_killed(run.cgroup);
  proc->state = PROC_DRAINING;
  proc->deadline = now_ms() + DRAIN_MS;
  input_close(proc);
  /* What is in the pipes now is bounded, so slow clients do not hold it up. */
  proc->budget = DRAIN_BUDGET;
  for (int i = 0; i < 2; i++) {
    while (proc->streams[i].watch.fd >= 0 && proc->budget > 0) {
      ssize_t count = stream_read(&proc->streams[i]);
      if (count <= 0) break;
      proc->budget -= (size_t)count < proc->budget ? (size_t)count : proc->budget;
    }
  }
  if (streams_open(proc)) proc_update(proc);
  else proc_finish(proc);
}

void proc_finish(struct proc *proc) {
  if (proc == &container) {
    log_end(&proc->streams[0]);
    log_end(&proc->streams[1]);
    log_close();
    record_exit(proc->code, proc->oom, proc->ended_at);
  }
  proc->state = PROC_FINISHED;
  /* Whoever still holds the pipe may go on writing into it; nobody listens. */
  proc_update(proc);
  announce_exit(proc);
  attach_finish(proc);
  if (proc == &container && (disposal_wanted() || !any_control())) leave();
}

static void child_ended(pid_t pid, int status) {
  for (struct proc *proc = &container; proc; proc = proc->next) {
    if (proc->runtime == pid) {
      proc->runtime = 0;
      runtime_ended(proc, status);
      return;
    }
    if (proc->pid == pid && proc->state == PROC_RUNNING) {
      proc_exited(proc, status);
      return;
    }
  }
  remember_early(pid, status);
}

void reap_children(void) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0) child_ended(pid, status);
}

/* ---- forgetting ---- */

static bool has_clients(const struct proc *proc) {
  for (struct conn *conn = connections; conn; conn = conn->next)
    if (!conn->dead && conn->proc == proc) return true;
  return false;
}

static bool forgettable(const struct proc *proc) {
  if (has_clients(proc)) return false;
  if (proc->state == PROC_PENDING) return true;
  return proc->state == PROC_FINISHED && proc->reported && !streams_open(proc);
}

static void forget(struct proc **link) {
  struct proc *proc = *link;
  *link = proc->next;
  for (struct conn *conn = connections; conn; conn = conn->next)
    if (conn->proc == proc) conn->proc = NULL;
  proc_close_stdio(proc);
  free(proc->id);
  free(proc);
}

static void forget_execs(void) {
  unsigned finished = 0;
  for (struct proc *proc = container.next; proc; proc = proc->next) finished += proc->state == PROC_FINISHED;
  for (struct proc **link = &container.next; *link;) {
    struct proc *proc = *link;
    bool pending = proc->state == PROC_PENDING;
    if (forgettable(proc) && (pending || finished > FINISHED_EXECS)) {
      finished -= !pending;
      forget(link);
    } else {
      link = &proc->next;
    }
  }
}

static int64_t proc_deadline(const struct proc *proc) {
  if (proc->state == PROC_DRAINING) return proc->deadline;
  return proc->state == PROC_RUNNING && proc->streams[0].retry_at ? proc->streams[0].retry_at : -1;
}

static void proc_due(struct proc *proc) {
  if (proc->state == PROC_DRAINING) {
    proc_finish(proc);
    return;
  }
  proc->streams[0].retry_at = 0;
  proc_update(proc);
}

int64_t proc_next_deadline(int64_t now) {
  int64_t next = -1;
  for (struct proc *proc = &container; proc; proc = proc->next) {
    int64_t deadline = proc_deadline(proc);
    if (deadline < 0) continue;
    if (now >= deadline) proc_due(proc);
    else if (next < 0 || deadline < next) next = deadline;
  }
  forget_execs();
  return next;
}
