/* What the parts that run the OCI runtime share: runtime.c (start, exec), stdio.c (pipes, terminal), delete.c. */
#ifndef RUNTIME_H
#define RUNTIME_H

#include "shim.h"

#define ARGUMENTS 20

struct command {
  const char *arguments[ARGUMENTS];
  unsigned count;
  int stdio[3];
};

void begin_command(struct command *command, const char *verb);
void argue(struct command *command, const char *argument);
pid_t runtime_spawn(struct command *command);

/* Both leave the runtime's ends in `command` and ours in `proc`. */
bool make_pipes(struct proc *proc, struct command *command, const struct request *request);
bool make_console(struct proc *proc, struct command *command);
void close_child_ends(struct command *command);
void console_path(struct text *text, const struct proc *proc);
void console_ready(struct watch *watch, uint32_t events);

/* The name of one of a process's files in the shim's folder. */
void file_name(struct text *text, const struct proc *proc, const char *suffix);
void remove_file(const struct proc *proc, const char *suffix);

bool state_exists(void);

#endif
