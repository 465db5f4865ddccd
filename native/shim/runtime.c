#define _GNU_SOURCE
#include "shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGUMENTS 20
#define MESSAGE 2048
#define DELETE_MS 10000

struct run run;

struct command {
  const char *arguments[ARGUMENTS];
  unsigned count;
  int stdio[3];
};

static void argue(struct command *command, const char *argument) {
  if (command->count < ARGUMENTS - 1) command->arguments[command->count++] = argument;
}

/* `--log /dev/null` keeps warnings out of stderr, which is the container's own; failures are still said there. */
static void begin_command(struct command *command, const char *verb) {
  *command = (struct command){.stdio = {-1, -1, -1}};
  argue(command, run.runtime);
  argue(command, "--root");
  argue(command, run.runtime_root);
  argue(command, "--log");
  argue(command, "/dev/null");
  argue(command, verb);
}

static void say(const char *text) {
  if (write(2, text, strlen(text)) < 0) _exit(127);
}

static void become_runtime(struct command *command) {
  for (int i = 0; i < 3; i++)
    if (command->stdio[i] >= 0 && dup2(command->stdio[i], i) < 0) _exit(127);
  /* Ignored signals would stay ignored in the container. */
  for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  umask(022);
  if (cgroup_hybrid() && !cgroup_enter_private()) say("cannot hide the unified cgroup tree\n");
  execvp(command->arguments[0], (char *const *)command->arguments);
  say("cannot execute the runtime: ");
  say(errno_name(errno));
  _exit(127);
}

static pid_t spawn(struct command *command) {
  pid_t pid = fork();
  if (pid == 0) become_runtime(command);
  return pid;
}

/* ---- stdio ---- */

static void close_fd(int *fd) {
  if (*fd > 2) close(*fd);
  *fd = -1;
}

static void close_child_ends(struct command *command) {
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

static bool make_pipes(struct proc *proc, struct command *command, const struct request *request) {
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

static void file_name(struct text *text, const struct proc *proc, const char *suffix) {
  text_add(text, proc == &container ? "init" : "exec-");
  if (proc != &container) text_number(text, proc->number);
  text_add(text, suffix);
}

static void remove_file(const struct proc *proc, const char *suffix) {
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
static void console_ready(struct watch *watch, uint32_t events) {
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

static bool make_console(struct proc *proc, struct command *command) {
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

/* ---- start and exec ---- */

/* The socket's real path may be longer than sockaddr_un has room for; this one never is. */
static void console_path(struct text *text, const struct proc *proc) {
  text_add(text, "/proc/");
  text_number(text, (uint64_t)getpid());
  text_add(text, "/cwd/");
  file_name(text, proc, ".console");
}

static bool launch(struct proc *proc, struct command *command, const struct request *request, const char *tail[]) {
  char pid_path[4200], socket_path[80];
  struct text text;
  text_init(&text, pid_path, sizeof pid_path);
  text_add(&text, directory);
  text_add(&text, "/");
  file_name(&text, proc, ".pid");
  argue(command, "--detach");
  argue(command, "--pid-file");
  argue(command, pid_path);
  proc->terminal = request->flags & FLAG_TERMINAL;
  proc->open_stdin = request->flags & FLAG_OPEN_STDIN;
  proc->rows = request->rows;
  proc->columns = request->columns;
  bool ready = proc->terminal ? make_console(proc, command) : make_pipes(proc, command, request);
  if (proc->terminal) {
    text_init(&text, socket_path, sizeof socket_path);
    console_path(&text, proc);
    argue(command, "--console-socket");
    argue(command, socket_path);
  }
  for (; *tail; tail++) argue(command, *tail);
  if (ready) proc->runtime = spawn(command);
  close_child_ends(command);
  if (!ready || proc->runtime < 0) {
    proc->runtime = 0;
    proc_close_stdio(proc);
    return false;
  }
  proc->state = PROC_STARTING;
  return true;
}

static bool state_path(struct text *text) {
  text_add(text, run.runtime_root);
  text_add(text, "/");
  text_add(text, run.id);
  return text->length < text->capacity - 1;
}

static bool state_exists(void) {
  char path[4200];
  struct text text;
  text_init(&text, path, sizeof path);
  return state_path(&text) && access(path, F_OK) == 0;
}

bool runtime_start(const struct request *request, const char **message) {
  run.id = strdup(request->id);
  run.runtime = strdup(request->runtime);
  run.runtime_root = strdup(request->runtime_root);
  run.cgroup = request->cgroup[0] ? strdup(request->cgroup) : NULL;
  if (!run.id || !run.runtime || !run.runtime_root) {
    *message = "ENOMEM";
    return false;
  }
  run.state_existed = state_exists();
  record_run(0);
  container.stdin_once = request->flags & FLAG_STDIN_ONCE;
  struct command command;
  begin_command(&command, "run");
  argue(&command, "--bundle");
  argue(&command, request->path);
  const char *tail[] = {run.id, NULL};
  if (launch(&container, &command, request, tail)) return true;
  *message = errno_name(errno);
  return false;
}

bool runtime_exec(struct proc *proc, const struct request *request, const char **message) {
  struct command command;
  begin_command(&command, "exec");
  argue(&command, "--process");
  argue(&command, request->path);
  const char *tail[] = {run.id, NULL};
  if (launch(proc, &command, request, tail)) return true;
  *message = errno_name(errno);
  return false;
}

/* ---- the runtime's answer ---- */

/* The last words of the runtime: from its own stderr or, without a terminal, from what is in the container's. */
static void read_message(struct proc *proc, char *message, size_t capacity) {
  struct text text;
  text_init(&text, message, capacity);
  int fd = proc->terminal ? proc->capture : proc->streams[1].watch.fd;
  scratch_touch();
  ssize_t count = fd < 0 ? -1 : read(fd, scratch, CHUNK);
  if (count <= 0) return;
  size_t length = (size_t)count, skip = length > capacity - 1 ? length - (capacity - 1) : 0;
  text_bytes(&text, scratch + skip, length - skip);
  for (size_t i = 0; i < text.length; i++)
    if (message[i] == 0) message[i] = '?';
  while (text.length > 0 && (message[text.length - 1] == '\n' || message[text.length - 1] == ' '))
    message[--text.length] = 0;
}

static pid_t read_pid(const struct proc *proc) {
  char name[48], number[24];
  struct text text;
  text_init(&text, name, sizeof name);
  file_name(&text, proc, ".pid");
  if (file_read(name, number, sizeof number) <= 0) return -1;
  if (proc != &container) unlink(name);
  return (pid_t)parse_number(number);
}

static void failed(struct proc *proc, int status) {
  char message[MESSAGE];
  read_message(proc, message, sizeof message);
  if (!message[0]) {
    struct text text;
    text_init(&text, message, sizeof message);
    text_add(&text, WIFSIGNALED(status) ? "the runtime was ended by signal " : "the runtime exited with status ");
    text_number(&text, (uint64_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
  }
  proc_close_stdio(proc);
  remove_file(proc, ".console");
  proc->state = PROC_FINISHED;
  proc->reported = true;
  struct conn *starter = proc->starter;
  proc->starter = NULL;
  if (proc == &container && !run.state_existed) runtime_delete();
  if (starter) reply_error(starter, proc->starter_sequence, ERROR_RUNTIME, message);
  if (proc == &container) abandon();
  attach_finish(proc);
}

void runtime_ended(struct proc *proc, int status) {
  if (proc->console.fd >= 0) console_ready(&proc->console, 0);
  pid_t pid = WIFEXITED(status) && WEXITSTATUS(status) == 0 ? read_pid(proc) : -1;
  if (pid <= 0 || (proc->terminal && proc->streams[0].watch.fd < 0)) {
    failed(proc, status);
    return;
  }
  if (proc->capture >= 0) close(proc->capture);
  proc->capture = -1;
  if (proc == &container) {
    if (!run.cgroup) run.cgroup = cgroup_of(pid);
    record_run(pid);
  }
  struct conn *starter = proc->starter;
  proc->starter = NULL;
  proc->pid = pid;
  if (starter) reply_pid(starter, proc->starter_sequence, pid);
  proc_started(proc, pid);
  if (proc == &container) answer_waiting_status();
}

/* ---- delete ---- */

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
  pid_t pid = spawn(&command);
  if (pid > 0) wait_for(pid);
  cgroup_remove(run.cgroup);
}
