#define _GNU_SOURCE
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void close_fd(int *fd) {
  if (*fd > 2) close(*fd);
  *fd = -1;
}

void close_child_ends(struct command *command) {
  for (int i = 0; i < 3; i++) close_fd(&command->stdio[i]);
}

/* A pipe that belongs to the container's user, for /dev/stdout is opened anew by those who log there. */
static bool make_pipe(int *ours, int *theirs, bool we_read, const struct request *request) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return false;
  if (request->uid || request->gid) (void)!fchown(ends[0], request->uid, request->gid);
  *ours = ends[we_read ? 0 : 1];
  *theirs = ends[we_read ? 1 : 0];
  fcntl(*ours, F_SETFL, O_NONBLOCK | (we_read ? O_RDONLY : O_WRONLY));
  return true;
}

bool make_pipes(struct proc *proc, struct command *command, const struct request *request) {
  if (proc->open_stdin) {
    if (!make_pipe(&proc->input.fd, &command->stdio[0], false, request)) return false;
  } else if ((command->stdio[0] = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0) {
    return false;
  }
  for (int i = 0; i < 2; i++)
    if (!make_pipe(&proc->streams[i].watch.fd, &command->stdio[i + 1], true, request)) return false;
  return true;
}

#define PROC_OF_CONSOLE(watch) ((struct proc *)((char *)(watch) - offsetof(struct proc, console)))

void file_name(struct text *text, const struct proc *proc, const char *suffix) {
  text_add(text, proc == &container ? "init" : "exec-");
  if (proc != &container) text_number(text, proc->number);
  text_add(text, suffix);
}

void remove_file(const struct proc *proc, const char *suffix) {
  char name[48];
  struct text text;
  text_init(&text, name, sizeof name);
  file_name(&text, proc, suffix);
  unlink(name);
}

static int receive_fd(int socket) {
  char byte[64];
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int))];
  } control;
  struct iovec part = {.iov_base = byte, .iov_len = sizeof byte};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) < 0) return -1;
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int))) return -1;
  int fd;
  memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

/* The runtime hands over the terminal. Its process waits for nobody, so the size is set at once. */
void console_ready(struct watch *watch, uint32_t events) {
  (void)events;
  struct proc *proc = PROC_OF_CONSOLE(watch);
  int socket = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC);
  if (socket < 0) return;
  struct timeval second = {.tv_sec = 1};
  setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
  int terminal = receive_fd(socket);
  close(socket);
  if (terminal < 0) return;
  watch_close(watch);
  remove_file(proc, ".console");
  fcntl(terminal, F_SETFL, O_RDWR | O_NONBLOCK);
  proc->streams[0].watch.fd = terminal;
  if (proc->rows) proc_resize(proc, proc->rows, proc->columns);
  if (proc->open_stdin) proc->input.fd = fcntl(terminal, F_DUPFD_CLOEXEC, 3);
}

bool make_console(struct proc *proc, struct command *command) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct text text;
  text_init(&text, address.sun_path, sizeof address.sun_path);
  file_name(&text, proc, ".console");
  unlink(address.sun_path);
  proc->console = (struct watch){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
                                 .ready = console_ready};
  if (proc->console.fd < 0 || bind(proc->console.fd, (struct sockaddr *)&address, sizeof address) < 0 ||
      listen(proc->console.fd, 1) < 0)
    return false;
  watch_set(&proc->console, EPOLLIN);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return false;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  proc->capture = ends[0];
  command->stdio[2] = ends[1];
  return true;
}

/* The socket's real path may be longer than sockaddr_un has room for; this one never is. */
void console_path(struct text *text, const struct proc *proc) {
  text_add(text, "/proc/");
  text_number(text, (uint64_t)getpid());
  text_add(text, "/cwd/");
  file_name(text, proc, ".console");
}
