#define _GNU_SOURCE
#include "shim.h"

#include <fcntl.h>
#include <stdio.h> /* rename */
#include <string.h>
#include <unistd.h>

static bool write_all(int fd, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(fd, bytes, count);
    if (written <= 0) return false;
    bytes += written;
    count -= (size_t)written;
  }
  return true;
}

bool file_write(const char *name, const char *bytes, size_t count) {
  char beside[64];
  struct text text;
  text_init(&text, beside, sizeof beside);
  text_add(&text, name);
  text_add(&text, ".new");
  int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool written = write_all(fd, bytes, count);
  close(fd);
  if (written && rename(beside, name) == 0) return true;
  unlink(beside);
  return false;
}

ssize_t file_read(const char *name, char *buffer, size_t capacity) {
  int fd = open(name, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  size_t length = 0;
  ssize_t count;
  while (length < capacity - 1 && (count = read(fd, buffer + length, capacity - 1 - length)) > 0) length += (size_t)count;
  close(fd);
  buffer[length] = 0;
  return (ssize_t)length;
}

long parse_number(const char *text) {
  long number = 0;
  for (; *text >= '0' && *text <= '9' && number < 1000000000000; text++) number = number * 10 + (*text - '0');
  return number;
}

/* Field 22 of /proc/PID/stat (proc(5)), in clock ticks since boot; the command in field 2 may hold anything. */
int64_t process_start_time(pid_t pid) {
  char name[40], buffer[1024];
  struct text text;
  text_init(&text, name, sizeof name);
  text_add(&text, "/proc/");
  text_number(&text, (uint64_t)pid);
  text_add(&text, "/stat");
  if (file_read(name, buffer, sizeof buffer) <= 0) return -1;
  const char *at = strrchr(buffer, ')');
  for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
  return at ? parse_number(at + 1) : -1;
}

void record_run(pid_t pid) {
  char buffer[16384];
  const char *fields[] = {run.id, run.runtime, run.runtime_root, run.cgroup ? run.cgroup : ""};
  struct text text;
  text_init(&text, buffer, sizeof buffer);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    text_add(&text, fields[i]);
    text_add(&text, "\n");
  }
  if (pid > 0) {
    text_number(&text, (uint64_t)pid);
    text_add(&text, "\n");
    text_number(&text, (uint64_t)process_start_time(pid));
    text_add(&text, "\n");
  }
  file_write("run", buffer, text.length);
}

void record_exit(int code, bool oom, int64_t at) {
  char buffer[128];
  struct text text;
  text_init(&text, buffer, sizeof buffer);
  text_add(&text, "{\"code\":");
  text_number(&text, (uint64_t)code);
  text_add(&text, oom ? ",\"oomKilled\":true" : ",\"oomKilled\":false");
  text_add(&text, ",\"at\":\"");
  text_number(&text, (uint64_t)at);
  text_add(&text, "\"}\n");
  file_write("exit", buffer, text.length);
}
