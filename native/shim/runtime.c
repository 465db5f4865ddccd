#define _GNU_SOURCE
#include "runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MESSAGE 2048

struct run run;

void argue(struct command *command, const char *argument) {
  if (command->count < ARGUMENTS - 1) command->arguments[command->count++] = argument;
}

/* `--log /dev/null` keeps warnings out of stderr, which is the container's own; failures are still said there. */
void begin_command(struct command *command, const char *verb) {
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

pid_t runtime_spawn(struct command *command) {
  pid_t pid = fork();
  if (pid == 0) become_runtime(command);
  return pid;
}

/* ---- start and exec ---- */

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
  if (ready) proc->runtime = runtime_spawn(command);
  close_child_ends(command);
  if (!ready || proc->runtime < 0) {
    proc->runtime = 0;
    proc_close_stdio(proc);
    return false;
  }
  proc->state = PROC_STARTING;
  return true;
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
