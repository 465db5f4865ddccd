/*
 * keelson-shim: the parent of one container. One process, one thread, one epoll loop; memory is taken on demand and
 * given back, for there is one of these per container. PROTOCOL.md says what travels on its socket.
 */
#ifndef SHIM_H
#define SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FRAME_MAX 65536u          /* the longest frame taken from a control connection, its header not counted */
#define FRAME_HEADER 9u           /* u32 length, u8 type, u32 sequence */
#define CHUNK 65536u              /* what is read from a pipe or a client at once */
#define CLIENT_LIMIT (256u << 10) /* bytes kept for an attached client before the container's pipe is paused */
#define LINE_LIMIT 16384u         /* the longest "log" value of one JSON line, as Docker's */
#define DRAIN_MS 2000             /* how long output may still come after the process has ended */
#define FINISHED_EXECS 16         /* ended and reported execs that are remembered */

/* ---- loop.c: the event loop ---- */

struct watch {
  int fd; /* -1: none */
  bool on;
  uint32_t events;
  void (*ready)(struct watch *watch, uint32_t events);
};

void loop_init(void);
void loop_run(void);
/* Registers, changes (0 still reports hang-up and error) or removes the interest of a watch. */
void watch_set(struct watch *watch, uint32_t events);
void watch_off(struct watch *watch);
void watch_close(struct watch *watch);
int64_t now_ms(void);   /* monotonic */
int64_t wall_ns(void);  /* since the epoch */

/* ---- memory.c: scratch space, byte queues, text ---- */

extern uint8_t *scratch;  /* CHUNK bytes, valid until the next event */
extern uint8_t *log_scratch;
#define LOG_SCRATCH (128u << 10)
void scratch_touch(void);
bool scratch_trim(void); /* gives the pages back; false when there was nothing to give */
extern bool scratch_used;

struct queue {
  uint8_t *data;
  uint32_t head, length, capacity;
};
bool queue_add(struct queue *queue, const void *bytes, size_t count);
void queue_take(struct queue *queue, size_t count);
void queue_free(struct queue *queue);

/* A string built in a fixed buffer; what does not fit is cut off, and it always ends in a NUL. */
struct text {
  char *data;
  size_t length, capacity;
};
void text_init(struct text *text, char *buffer, size_t capacity);
void text_add(struct text *text, const char *string);
void text_bytes(struct text *text, const void *bytes, size_t count);
void text_number(struct text *text, uint64_t number);
const char *errno_name(int error);

/* ---- protocol.c: frames ---- */

enum request_type {
  REQUEST_INIT = 1,
  REQUEST_START = 2,
  REQUEST_ATTACH = 3,
  REQUEST_EXEC = 4,
  REQUEST_RESIZE = 5,
  REQUEST_SIGNAL = 6,
  REQUEST_STATUS = 7,
  REQUEST_DISPOSE = 8,
};
enum reply_type { REPLY_OK = 128, REPLY_ERROR = 129, EVENT_EXIT = 130, EVENT_EXEC_EXIT = 131 };
enum error_kind { ERROR_RUNTIME = 1, ERROR_NOT_FOUND = 2, ERROR_INVALID = 3, ERROR_SYSTEM = 4 };
enum flags {
  FLAG_TERMINAL = 1,
  FLAG_OPEN_STDIN = 2,
  FLAG_STDIN_ONCE = 4,
  FLAG_LOG = 8,
  FLAG_STDIN = 16,
  FLAG_STDOUT = 32,
  FLAG_STDERR = 64,
};

/* A decoded request. Strings are NUL-terminated and lie inside the frame. */
struct request {
  uint8_t type;
  uint32_t sequence;
  uint32_t flags, uid, gid, signal, max_files, stall_ms;
  uint16_t rows, columns;
  uint64_t max_size;
  const char *id; /* container for START; exec, or "" for the container itself, elsewhere */
  const char *path; /* INIT: dir; START: bundle; EXEC: process file */
  const char *runtime, *runtime_root, *cgroup, *log_path;
};

/* Length of the whole frame at the start of `bytes`; 0: not all there yet; -1: no frame of this protocol. */
long frame_length(const uint8_t *bytes, size_t count);
/* Decodes one whole frame; false where it is malformed. */
bool frame_decode(const uint8_t *frame, size_t count, struct request *request);

struct writer {
  uint8_t *data;
  size_t length, capacity;
};
void write_begin(struct writer *writer, uint8_t *buffer, size_t capacity, uint8_t type, uint32_t sequence);
void write_u8(struct writer *writer, uint8_t value);
void write_u16(struct writer *writer, uint16_t value);
void write_u32(struct writer *writer, uint32_t value);
void write_u64(struct writer *writer, uint64_t value);
void write_string(struct writer *writer, const char *string);
size_t write_end(struct writer *writer);

/* ---- process.c: the container's init and its execs ---- */

enum proc_state {
  PROC_PENDING,  /* known by its attach clients only */
  PROC_STARTING, /* the runtime is at work */
  PROC_RUNNING,
  PROC_DRAINING, /* ended; its output is still coming */
  PROC_FINISHED,
};

struct line {
  uint8_t *data;
  uint32_t length;
  bool continued; /* part of this line is in the log already */
  int64_t time;   /* of its first part */
};

struct stream {
  struct watch watch;
  struct proc *proc;
  uint8_t id; /* 1 stdout, 2 stderr */
  int64_t retry_at, retry_delay; /* for a terminal that nobody has open now; 0: not waiting */
  struct line line;
};

struct proc {
  struct proc *next;
  char *id; /* "" for the container */
  enum proc_state state;
  pid_t pid, runtime;
  bool terminal, open_stdin, stdin_once, stdin_ended, paused, reported, oom;
  uint16_t rows, columns;
  struct stream streams[2];
  struct watch input; /* our end of stdin */
  struct queue input_queue;
  struct watch console; /* where the runtime sends the terminal */
  int capture;          /* the runtime's stderr, where it is not the container's */
  uint32_t number;      /* names its files in the shim's folder */
  int code;
  int64_t ended_at, deadline;
  size_t budget; /* bytes that were in the pipes at the end and are read whatever the clients do */
  struct conn *starter;
  uint32_t starter_sequence;
};

extern struct proc container;
void proc_init_container(void);
struct proc *proc_find(const char *id);
struct proc *proc_make(const char *id); /* finds or adds; NULL without memory */
void proc_started(struct proc *proc, pid_t pid);
void proc_exited(struct proc *proc, int status);
void proc_finish(struct proc *proc);
void proc_close_stdio(struct proc *proc);
void proc_update(struct proc *proc); /* pauses or resumes its pipes by the state of its clients */
bool proc_resize(struct proc *proc, uint16_t rows, uint16_t columns);
void reap_children(void);
int64_t proc_next_deadline(int64_t now); /* does what is due; the next time something is, or -1 */

/* ---- stdin.c ---- */
bool input_open(const struct proc *proc); /* takes bytes now */
void input_write(struct proc *proc, const uint8_t *bytes, size_t count);
void input_end(struct proc *proc); /* closes it once what is queued is written */
void input_close(struct proc *proc);

/* ---- runtime.c: running crun or runc ---- */

/* What START said and later calls of the runtime need. */
struct run {
  char *id, *runtime, *runtime_root, *cgroup;
  bool state_existed; /* the runtime knew this id before: not ours to delete */
};
extern struct run run;

/* Both return false with *message set; else the reply is sent when the runtime has ended. */
bool runtime_start(const struct request *request, const char **message);
bool runtime_exec(struct proc *proc, const struct request *request, const char **message);
void runtime_ended(struct proc *proc, int status);
void runtime_delete(void); /* removes the cgroup and the runtime's state, by the runtime itself where need be */

/* ---- cgroup.c ---- */
bool cgroup_hybrid(void);
bool cgroup_enter_private(void); /* in the runtime's process: hides the v2 tree of a hybrid machine */
char *cgroup_of(pid_t pid);
bool cgroup_oom_killed(const char *cgroup);
bool cgroup_remove(const char *cgroup); /* false where something of it remains */

/* ---- log.c: Docker's json-file ---- */
bool log_open(const char *path, uint64_t max_size, uint32_t max_files);
void log_chunk(struct stream *stream, const uint8_t *bytes, size_t count);
void log_end(struct stream *stream); /* writes an unfinished line */
void log_close(void);
extern uint64_t log_dropped; /* lines lost to a failing disk */

/* ---- conn.c: connections, control and attach ---- */

enum conn_mode { CONN_CONTROL, CONN_ATTACH };
struct conn {
  struct watch watch;
  struct conn *next;
  enum conn_mode mode;
  bool dead;
  /* control */
  struct queue received;
  bool wants_status;
  uint32_t status_sequence;
  /* both */
  struct queue queue;
  /* attach */
  struct proc *proc;
  uint32_t flags;
  bool input_ended, hung_up, shut;
  int64_t progress; /* when it last took a byte, while its queue is over the limit */
};

extern struct conn *connections;
bool listener_open(void);
void listener_close(void);
struct conn *conn_add(int fd);
void conn_free(struct conn *conn);
void conn_send(struct conn *conn, const uint8_t *bytes, size_t count);
void conn_flush(struct conn *conn);
bool any_control(void);
bool any_undelivered(void);

/* ---- attach.c ---- */
void attach_begin(struct conn *conn, struct proc *proc, uint32_t flags);
void attach_ready(struct conn *conn, uint32_t events);
void attach_output(struct proc *proc, uint8_t stream, const uint8_t *bytes, size_t count);
void attach_update(struct conn *conn);
void attach_finish(struct proc *proc); /* EOF to each client once it has everything */
bool attach_blocked(const struct proc *proc);
int64_t attach_next_deadline(int64_t now);

/* ---- control.c ---- */
void control_request(struct conn *conn, const struct request *request);
void reply_ok(struct conn *conn, uint32_t sequence);
void reply_pid(struct conn *conn, uint32_t sequence, pid_t pid);
void reply_error(struct conn *conn, uint32_t sequence, enum error_kind kind, const char *message);
void announce_exit(struct proc *proc);
void answer_waiting_status(void);
void control_lost(void); /* a control connection has gone */
bool disposal_wanted(void);
void answer_disposal(void);

/* ---- files.c: what the shim leaves in its folder ---- */
bool file_write(const char *name, const char *bytes, size_t count); /* atomic: written beside, then renamed */
ssize_t file_read(const char *name, char *buffer, size_t capacity); /* NUL-terminated */
void record_run(pid_t pid); /* `run`: what `mend` needs when this shim has been killed */
void record_exit(int code, bool oom, int64_t at);
int64_t process_start_time(pid_t pid);
long parse_number(const char *text);

/* ---- mend.c: `keelson-shim mend`, run in the folder of a shim that was killed ---- */
int mend(void);

/* ---- main.c ---- */
extern char directory[]; /* absolute; the shim's working directory, "" while it is a spare */
extern uint32_t stall_ms;
extern bool leaving;
void set_title(const char *id);
void leave(void); /* removes everything of the container and ends the shim when its clients have all bytes */
void abandon(void); /* ends the shim at once; nothing was started, or nothing remains */

#endif
