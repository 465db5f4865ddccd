#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define LINGER_MS 10000 /* how long a client may keep its side open after the end */

void attach_begin(struct conn *conn, struct proc *proc, uint32_t flags) {
  conn->mode = CONN_ATTACH;
  conn->proc = proc;
  conn->flags = flags;
  conn->progress = now_ms();
  if (proc->state == PROC_FINISHED) attach_finish(proc);
}

/* ---- input ---- */

/* True where what the client sends goes nowhere and is read only to see its end. */
static bool discards(const struct conn *conn) {
  const struct proc *proc = conn->proc;
  if (!proc || !(conn->flags & FLAG_STDIN) || proc->state >= PROC_DRAINING) return true;
  return proc->state == PROC_RUNNING && !input_open(proc);
}

static bool can_read(const struct conn *conn) {
  if (conn->input_ended) return false;
  return discards(conn) || (input_open(conn->proc) && conn->proc->input_queue.length == 0);
}

static void end_input(struct conn *conn) {
  if (conn->input_ended) return;
  conn->input_ended = true;
  if (!discards(conn) && conn->proc->stdin_once) input_end(conn->proc);
}

static void take_input(struct conn *conn, const uint8_t *bytes, size_t count) {
  if (!discards(conn)) input_write(conn->proc, bytes, count);
}

static void read_input(struct conn *conn) {
  scratch_touch();
  ssize_t count = recv(conn->watch.fd, scratch, CHUNK, 0);
  if (count > 0) {
    take_input(conn, scratch, (size_t)count);
  } else if (count == 0) {
    end_input(conn);
  } else if (errno != EAGAIN && errno != EINTR) {
    conn->hung_up = true;
    end_input(conn);
  }
}

/* What came in one piece with the attach request. */
static void flush_received(struct conn *conn) {
  if (conn->received.length == 0 || !can_read(conn)) return;
  take_input(conn, conn->received.data + conn->received.head, conn->received.length);
  queue_free(&conn->received);
}

/* ---- state ---- */

static void shut_when_done(struct conn *conn) {
  bool finished = !conn->proc || conn->proc->state == PROC_FINISHED;
  if (!finished || conn->shut || conn->queue.length > 0) return;
  conn->shut = true;
  conn->progress = now_ms();
  shutdown(conn->watch.fd, SHUT_WR);
}

void attach_update(struct conn *conn) {
  if (conn->dead) return;
  flush_received(conn);
  shut_when_done(conn);
  if (conn->hung_up) {
    queue_free(&conn->queue);
    bool pending = conn->proc && conn->proc->state == PROC_PENDING;
    if (conn->input_ended || pending) conn_free(conn);
    else if (can_read(conn)) watch_set(&conn->watch, EPOLLIN);
    else watch_off(&conn->watch); /* its last input waits until stdin takes it */
    return;
  }
  uint32_t events = can_read(conn) ? (uint32_t)EPOLLIN : 0;
  if (conn->queue.length > 0) events |= EPOLLOUT;
  watch_set(&conn->watch, events);
}

void attach_ready(struct conn *conn, uint32_t events) {
  struct proc *proc = conn->proc;
  if (events & (EPOLLHUP | EPOLLERR)) conn->hung_up = true;
  if (events & EPOLLOUT && !conn->hung_up) conn_flush(conn);
  if (events & (EPOLLIN | EPOLLHUP) && can_read(conn)) read_input(conn);
  attach_update(conn);
  if (proc && proc->paused) proc_update(proc);
}

/* ---- output ---- */

static bool wants(const struct conn *conn, const struct proc *proc, uint8_t stream) {
  if (conn->dead || conn->hung_up || conn->mode != CONN_ATTACH || conn->proc != proc) return false;
  return conn->flags & (stream == 1 ? FLAG_STDOUT : FLAG_STDERR);
}

/* Sends what the socket takes and keeps the rest. */
static void send_or_keep(struct conn *conn, struct iovec *parts, int count) {
  size_t sent = 0;
  if (conn->queue.length == 0) {
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)count};
    ssize_t result = sendmsg(conn->watch.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (result < 0 && errno != EAGAIN && errno != EINTR) {
      conn->hung_up = true;
      return;
    }
    sent = result < 0 ? 0 : (size_t)result;
  }
  bool was_blocked = conn->queue.length >= CLIENT_LIMIT / 2;
  for (int i = 0; i < count; i++) {
    size_t skip = sent < parts[i].iov_len ? sent : parts[i].iov_len;
    sent -= skip;
    if (!queue_add(&conn->queue, (uint8_t *)parts[i].iov_base + skip, parts[i].iov_len - skip)) {
      conn_free(conn);
      return;
    }
  }
  if (!was_blocked) conn->progress = now_ms();
}

void attach_output(struct proc *proc, uint8_t stream, const uint8_t *bytes, size_t count) {
  uint8_t header[8] = {stream, 0, 0, 0, (uint8_t)(count >> 24), (uint8_t)(count >> 16), (uint8_t)(count >> 8), (uint8_t)count};
  for (struct conn *conn = connections; conn; conn = conn->next) {
    if (!wants(conn, proc, stream)) continue;
    struct iovec parts[2] = {{header, sizeof header}, {(void *)(uintptr_t)bytes, count}};
    if (proc->terminal) send_or_keep(conn, parts + 1, 1);
    else send_or_keep(conn, parts, 2);
    if (conn->hung_up || conn->queue.length > 0) attach_update(conn);
  }
  if (!proc->paused && proc->state != PROC_STARTING && attach_blocked(proc)) proc_update(proc);
}

bool attach_blocked(const struct proc *proc) {
  /* Once paused, go on only when there is room for a good deal. */
  uint32_t limit = proc->paused ? CLIENT_LIMIT / 2 : CLIENT_LIMIT;
  for (struct conn *conn = connections; conn; conn = conn->next)
    if (!conn->dead && conn->proc == proc && conn->queue.length >= limit) return true;
  return false;
}

void attach_finish(struct proc *proc) {
  for (struct conn *conn = connections; conn; conn = conn->next) {
    if (conn->dead || conn->mode != CONN_ATTACH || conn->proc != proc) continue;
    if (conn->queue.length > 0) conn->progress = now_ms();
    attach_update(conn);
  }
}

/* ---- time ---- */

/* When a client that takes nothing is cut off, or -1. A short queue of a running process harms nobody. */
static int64_t conn_deadline(const struct conn *conn) {
  if (conn->dead || conn->mode != CONN_ATTACH) return -1;
  if (conn->shut) return conn->progress + LINGER_MS;
  bool ending = leaving || !conn->proc || conn->proc->state == PROC_FINISHED;
  if (conn->queue.length >= CLIENT_LIMIT / 2 || (ending && conn->queue.length > 0)) return conn->progress + stall_ms;
  return -1;
}

static void sweep_dead(void) {
  for (struct conn **link = &connections; *link;) {
    struct conn *conn = *link;
    if (conn->dead) {
      *link = conn->next;
      free(conn);
    } else {
      link = &conn->next;
    }
  }
}

int64_t attach_next_deadline(int64_t now) {
  int64_t next = -1;
  for (struct conn *conn = connections; conn; conn = conn->next) {
    int64_t deadline = conn_deadline(conn);
    if (deadline < 0) continue;
    if (now >= deadline) {
      conn_free(conn);
      if (conn->proc) proc_update(conn->proc);
    } else if (next < 0 || deadline < next) {
      next = deadline;
    }
  }
  sweep_dead();
  return next;
}
