#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static int epoll = -1;

static void child_ready(struct watch *watch, uint32_t events) {
  (void)events;
  struct signalfd_siginfo info;
  while (read(watch->fd, &info, sizeof info) == (ssize_t)sizeof info) continue;
  reap_children();
}

static struct watch children = {.fd = -1, .ready = child_ready};

void loop_init(void) {
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigprocmask(SIG_SETMASK, &mask, NULL);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  children.fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  watch_set(&children, EPOLLIN);
}

void watch_set(struct watch *watch, uint32_t events) {
  if (watch->fd < 0 || (watch->on && watch->events == events)) return;
  struct epoll_event event = {.events = events, .data.ptr = watch};
  if (epoll_ctl(epoll, watch->on ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd, &event) == 0) {
    watch->on = true;
    watch->events = events;
  }
}

void watch_off(struct watch *watch) {
  if (!watch->on) return;
  epoll_ctl(epoll, EPOLL_CTL_DEL, watch->fd, NULL);
  watch->on = false;
}

void watch_close(struct watch *watch) {
  watch_off(watch);
  if (watch->fd >= 0) close(watch->fd);
  watch->fd = -1;
}

int64_t now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t wall_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int wait_time(void) {
  int64_t now = now_ms();
  int64_t a = proc_next_deadline(now), b = attach_next_deadline(now);
  int64_t next = a < 0 ? b : b < 0 ? a : a < b ? a : b;
  int64_t wait = next < 0 ? -1 : next > now ? next - now : 0;
  /* A quiet moment gives the scratch pages back. */
  if (scratch_used && (wait < 0 || wait > 100)) wait = 100;
  return (int)wait;
}

/* One event at a time, so that a handler may free any connection without leaving a stale pointer in a batch. */
void loop_run(void) {
  while (!leaving || any_undelivered()) {
    struct epoll_event event;
    int wait = wait_time();
    if (leaving && !any_undelivered()) break;
    int count = epoll_wait(epoll, &event, 1, wait);
    if (count == 0) {
      scratch_trim();
    } else if (count > 0) {
      struct watch *watch = event.data.ptr;
      watch->ready(watch, event.events);
    } else if (errno != EINTR) {
      break;
    }
  }
}
