#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
  struct conn *conn;
  uint32_t sequence;
  bool wanted;
} disposal;

/* ---- replies ---- */

static void send_reply(struct conn *conn, struct writer *writer) {
  uint8_t *bytes = writer->data;
  conn_send(conn, bytes, write_end(writer));
}

void reply_ok(struct conn *conn, uint32_t sequence) {
  uint8_t buffer[16];
  struct writer writer;
  write_begin(&writer, buffer, sizeof buffer, REPLY_OK, sequence);
  send_reply(conn, &writer);
}

void reply_pid(struct conn *conn, uint32_t sequence, pid_t pid) {
  uint8_t buffer[16];
  struct writer writer;
  write_begin(&writer, buffer, sizeof buffer, REPLY_OK, sequence);
  write_u32(&writer, (uint32_t)pid);
  send_reply(conn, &writer);
}

void reply_error(struct conn *conn, uint32_t sequence, enum error_kind kind, const char *message) {
  uint8_t buffer[4096];
  struct writer writer;
  write_begin(&writer, buffer, sizeof buffer, REPLY_ERROR, sequence);
  write_u8(&writer, (uint8_t)kind);
  write_string(&writer, message);
  send_reply(conn, &writer);
}

static void write_exit(struct writer *writer, const struct proc *proc) {
  write_u32(writer, (uint32_t)proc->code);
  write_u8(writer, proc->oom);
  write_u64(writer, (uint64_t)proc->ended_at);
}

void announce_exit(struct proc *proc) {
  uint8_t buffer[1024];
  struct writer writer;
  for (struct conn *conn = connections; conn; conn = conn->next) {
    if (conn->dead || conn->mode != CONN_CONTROL) continue;
    write_begin(&writer, buffer, sizeof buffer, proc == &container ? EVENT_EXIT : EVENT_EXEC_EXIT, 0);
    if (proc != &container) write_string(&writer, proc->id);
    write_exit(&writer, proc);
    send_reply(conn, &writer);
    proc->reported = true;
  }
}

/* ---- status ---- */

static void reply_status(struct conn *conn, uint32_t sequence) {
  uint8_t *buffer = malloc(FRAME_MAX);
  struct writer writer;
  if (!buffer) {
    conn_free(conn);
    return;
  }
  write_begin(&writer, buffer, FRAME_MAX, REPLY_OK, sequence);
  write_u32(&writer, (uint32_t)getpid());
  write_u8(&writer, container.state < PROC_RUNNING ? 0 : container.state < PROC_FINISHED ? 1 : 2);
  write_u32(&writer, (uint32_t)container.pid);
  write_exit(&writer, &container);
  write_u64(&writer, log_dropped);
  for (struct proc *proc = container.next; proc; proc = proc->next) {
    if (proc->state < PROC_RUNNING || proc->pid <= 0 || writer.capacity - writer.length < 600) continue;
    write_string(&writer, proc->id);
    write_u32(&writer, (uint32_t)proc->pid);
    write_u8(&writer, proc->state == PROC_FINISHED);
    write_exit(&writer, proc);
    if (proc->state == PROC_FINISHED) proc->reported = true;
  }
  send_reply(conn, &writer);
  free(buffer);
}

void answer_waiting_status(void) {
  for (struct conn *conn = connections; conn; conn = conn->next) {
    if (conn->dead || !conn->wants_status) continue;
    conn->wants_status = false;
    reply_status(conn, conn->status_sequence);
  }
}

/* ---- requests ---- */

static void init(struct conn *conn, const struct request *request) {
  size_t length = strlen(request->path);
  if (directory[0] || request->path[0] != '/' || length >= PATH_MAX) {
    reply_error(conn, request->sequence, ERROR_INVALID, "not a folder for a new shim");
    return;
  }
  char number[24];
  struct text text;
  text_init(&text, number, sizeof number);
  text_number(&text, (uint64_t)getpid());
  if (chdir(request->path) < 0) {
    reply_error(conn, request->sequence, ERROR_SYSTEM, errno_name(errno));
    return;
  }
  /* Of an earlier run of the container. */
  unlink("exit");
  unlink("run");
  unlink("init.pid");
  if (!listener_open() || !file_write("shim.pid", number, text.length)) {
    reply_error(conn, request->sequence, ERROR_SYSTEM, errno_name(errno));
    return;
  }
  memcpy(directory, request->path, length + 1);
  if (request->stall_ms) stall_ms = request->stall_ms;
  reply_pid(conn, request->sequence, getpid());
}

static bool absolute(const char *path) { return path[0] == '/' && strlen(path) < PATH_MAX - 64; }

static void fail_start(struct conn *conn, uint32_t sequence, const char *what, const char *why) {
  char message[256];
  struct text text;
  text_init(&text, message, sizeof message);
  text_add(&text, what);
  text_add(&text, why);
  reply_error(conn, sequence, ERROR_SYSTEM, message);
  abandon();
}

static void start(struct conn *conn, const struct request *request) {
  if (!directory[0] || container.state != PROC_PENDING || leaving || !request->id[0] || strchr(request->id, '/') ||
      !absolute(request->path) || !absolute(request->runtime_root) || !request->runtime[0]) {
    reply_error(conn, request->sequence, ERROR_INVALID, "this shim cannot start that");
    return;
  }
  const char *message = "";
  if (request->flags & FLAG_LOG && !log_open(request->log_path, request->max_size, request->max_files)) {
    fail_start(conn, request->sequence, "failed to initialize logging driver: ", errno_name(errno));
    return;
  }
  set_title(request->id);
  if (!runtime_start(request, &message)) {
    fail_start(conn, request->sequence, "cannot make the stdio of the container: ", message);
    return;
  }
  container.starter = conn;
  container.starter_sequence = request->sequence;
}

static void attach(struct conn *conn, const struct request *request) {
  struct proc *proc = directory[0] ? proc_make(request->id) : NULL;
  if (!proc) {
    reply_error(conn, request->sequence, ERROR_INVALID, "nothing to attach to");
    return;
  }
  reply_ok(conn, request->sequence);
  if (!conn->dead) attach_begin(conn, proc, request->flags);
}

static void exec(struct conn *conn, const struct request *request) {
  if (container.state != PROC_RUNNING) {
    reply_error(conn, request->sequence, ERROR_NOT_FOUND, "the container is not running");
    return;
  }
  struct proc *proc = request->id[0] && absolute(request->path) ? proc_make(request->id) : NULL;
  if (!proc || proc->state != PROC_PENDING) {
    reply_error(conn, request->sequence, ERROR_INVALID, "this exec cannot be started");
    return;
  }
  const char *message = "";
  if (!runtime_exec(proc, request, &message)) {
    proc->state = PROC_FINISHED;
    proc->reported = true;
    reply_error(conn, request->sequence, ERROR_SYSTEM, message);
    attach_finish(proc);
    return;
  }
  proc->starter = conn;
  proc->starter_sequence = request->sequence;
}

static void resize(struct conn *conn, const struct request *request) {
  struct proc *proc = proc_find(request->id);
  if (proc && (proc_resize(proc, request->rows, request->columns) || proc->state < PROC_RUNNING))
    reply_ok(conn, request->sequence);
  else reply_error(conn, request->sequence, ERROR_NOT_FOUND, "no such terminal");
}

/* We are its parent and have not reaped it, so the PID is still its own. */
static void send_signal(struct conn *conn, const struct request *request) {
  if (request->signal > 64) reply_error(conn, request->sequence, ERROR_INVALID, "no such signal");
  else if (container.state != PROC_RUNNING) reply_error(conn, request->sequence, ERROR_NOT_FOUND, "no such process");
  else if (kill(container.pid, (int)request->signal) < 0)
    reply_error(conn, request->sequence, ERROR_SYSTEM, errno_name(errno));
  else reply_ok(conn, request->sequence);
}

static void status(struct conn *conn, const struct request *request) {
  if (container.state != PROC_STARTING) {
    reply_status(conn, request->sequence);
    return;
  }
  conn->wants_status = true;
  conn->status_sequence = request->sequence;
}

static void dispose(struct conn *conn, const struct request *request) {
  disposal.conn = conn;
  disposal.sequence = request->sequence;
  disposal.wanted = true;
  if (container.state == PROC_STARTING) kill(container.runtime, SIGKILL);
  else if (container.state == PROC_RUNNING) kill(container.pid, SIGKILL);
  else if (container.state != PROC_DRAINING) leave();
}

void control_request(struct conn *conn, const struct request *request) {
  switch (request->type) {
    case REQUEST_INIT: init(conn, request); break;
    case REQUEST_START: start(conn, request); break;
    case REQUEST_ATTACH: attach(conn, request); break;
    case REQUEST_EXEC: exec(conn, request); break;
    case REQUEST_RESIZE: resize(conn, request); break;
    case REQUEST_SIGNAL: send_signal(conn, request); break;
    case REQUEST_STATUS: status(conn, request); break;
    case REQUEST_DISPOSE: dispose(conn, request); break;
  }
}

/* ---- the end ---- */

bool disposal_wanted(void) { return disposal.wanted; }

void answer_disposal(void) {
  for (struct conn *conn = connections; conn; conn = conn->next)
    if (conn == disposal.conn && !conn->dead) reply_ok(conn, disposal.sequence);
  disposal.conn = NULL;
}

void control_lost(void) {
  if (any_control()) return;
  if (container.state == PROC_PENDING) abandon();
  if (container.state == PROC_FINISHED) leave();
}
