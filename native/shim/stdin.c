#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PROC_OF(watch) ((struct proc *)((char *)(watch) - offsetof(struct proc, input)))

bool input_open(const struct proc *proc) {
  return proc->state == PROC_RUNNING && proc->input.fd >= 0 && !proc->stdin_ended;
}

static void update_clients(struct proc *proc) {
  for (struct conn *conn = connections; conn; conn = conn->next)
    if (conn->proc == proc && !conn->dead) attach_update(conn);
}

void input_close(struct proc *proc) {
  if (proc->input.fd < 0 && proc->input_queue.length == 0) return;
  watch_close(&proc->input);
  queue_free(&proc->input_queue);
}

static void input_ready(struct watch *watch, uint32_t events) {
  (void)events;
  struct proc *proc = PROC_OF(watch);
  struct queue *queue = &proc->input_queue;
  while (queue->length > 0) {
    ssize_t count = write(watch->fd, queue->data + queue->head, queue->length);
    if (count > 0) {
      queue_take(queue, (size_t)count);
    } else if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    } else {
      input_close(proc);
    }
  }
  watch_off(watch);
  if (proc->stdin_ended && !proc->terminal) input_close(proc);
  update_clients(proc);
}

void input_write(struct proc *proc, const uint8_t *bytes, size_t count) {
  if (proc->input.fd < 0) return;
  while (count > 0 && proc->input_queue.length == 0) {
    ssize_t written = write(proc->input.fd, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN) break;
    if (written <= 0) {
      input_close(proc);
      return;
    }
    bytes += written;
    count -= (size_t)written;
  }
  if (count == 0) return;
  proc->input.ready = input_ready;
  if (queue_add(&proc->input_queue, bytes, count)) watch_set(&proc->input, EPOLLOUT);
}

/* A terminal has no half-close; its input ends with the process. */
void input_end(struct proc *proc) {
  if (proc->terminal) return;
  proc->stdin_ended = true;
  if (proc->state == PROC_RUNNING && proc->input_queue.length == 0) input_close(proc);
}
