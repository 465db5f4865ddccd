#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET "shim.sock"
#define CONNECTION_LIMIT 512 /* below the usual limit of open files, where accept would fail again and again */
#define CONTROL_LIMIT (1u << 20) /* replies that a daemon leaves unread before it is hung up on */

struct conn *connections;

static bool crowded(void) {
  unsigned count = 0;
  for (struct conn *conn = connections; conn; conn = conn->next) count += !conn->dead;
  return count >= CONNECTION_LIMIT;
}

static void listener_ready(struct watch *watch, uint32_t events) {
  (void)events;
  int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0 && (crowded() || !conn_add(fd))) close(fd);
}

static struct watch listener = {.fd = -1, .ready = listener_ready};

/* In the working directory, so that a long path needs no room in sockaddr_un. */
bool listener_open(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SOCKET};
  unlink(SOCKET);
  listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener.fd < 0) return false;
  mode_t mask = umask(0177);
  bool bound = bind(listener.fd, (struct sockaddr *)&address, sizeof address) == 0;
  umask(mask);
  if (!bound || listen(listener.fd, 128) < 0) return false;
  watch_set(&listener, EPOLLIN);
  return true;
}

void listener_close(void) {
  if (listener.fd < 0) return;
  unlink(SOCKET);
  watch_close(&listener);
}

static void control_interest(struct conn *conn) {
  watch_set(&conn->watch, EPOLLIN | (conn->queue.length > 0 ? (uint32_t)EPOLLOUT : 0));
}

/* Handles every whole frame; false where the peer does not speak our protocol. */
static bool handle_frames(struct conn *conn) {
  struct queue *received = &conn->received;
  while (!conn->dead && conn->mode == CONN_CONTROL && received->length > 0) {
    uint8_t *frame = received->data + received->head;
    long length = frame_length(frame, received->length);
    if (length < 0) return false;
    if (length == 0) return true;
    struct request request;
    if (!frame_decode(frame, (size_t)length, &request)) return false;
    control_request(conn, &request);
    if (!conn->dead) queue_take(received, (size_t)length);
  }
  return true;
}

static void control_ready(struct conn *conn, uint32_t events) {
  if (events & EPOLLOUT) conn_flush(conn);
  if (conn->dead || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR))) return;
  scratch_touch();
  ssize_t count = recv(conn->watch.fd, scratch, CHUNK, 0);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0 || !queue_add(&conn->received, scratch, (size_t)count) || !handle_frames(conn)) {
    conn_free(conn);
    control_lost();
  } else if (!conn->dead && conn->mode == CONN_ATTACH) {
    attach_update(conn);
  } else if (!conn->dead) {
    control_interest(conn);
  }
}

static void conn_ready(struct watch *watch, uint32_t events) {
  struct conn *conn = (struct conn *)watch;
  if (conn->mode == CONN_CONTROL) control_ready(conn, events);
  else attach_ready(conn, events);
}

struct conn *conn_add(int fd) {
  struct conn *conn = calloc(1, sizeof *conn);
  if (!conn) return NULL;
  conn->watch = (struct watch){.fd = fd, .ready = conn_ready};
  conn->next = connections;
  connections = conn;
  watch_set(&conn->watch, EPOLLIN);
  return conn;
}

/* The memory itself is given back between events, for callers up the stack may still look at it. */
void conn_free(struct conn *conn) {
  if (conn->dead) return;
  conn->dead = true;
  watch_close(&conn->watch);
  queue_free(&conn->queue);
  queue_free(&conn->received);
  for (struct proc *proc = &container; proc; proc = proc->next)
    if (proc->starter == conn) proc->starter = NULL;
}

void conn_flush(struct conn *conn) {
  struct queue *queue = &conn->queue;
  while (!conn->dead && queue->length > 0) {
    ssize_t count = send(conn->watch.fd, queue->data + queue->head, queue->length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count > 0) {
      queue_take(queue, (size_t)count);
      conn->progress = now_ms();
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      queue_free(queue);
      conn->hung_up = true;
    }
  }
}

void conn_send(struct conn *conn, const uint8_t *bytes, size_t count) {
  if (conn->dead) return;
  if (conn->queue.length + count > CONTROL_LIMIT || !queue_add(&conn->queue, bytes, count)) {
    conn_free(conn);
    return;
  }
  conn_flush(conn);
  if (conn->mode == CONN_CONTROL) control_interest(conn);
}

bool any_control(void) {
  for (struct conn *conn = connections; conn; conn = conn->next)
    if (!conn->dead && conn->mode == CONN_CONTROL) return true;
  return false;
}

bool any_undelivered(void) {
  for (struct conn *conn = connections; conn; conn = conn->next)
    if (!conn->dead && conn->mode == CONN_ATTACH && conn->queue.length > 0) return true;
  return false;
}
