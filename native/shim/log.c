#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* rename */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_OVERHEAD 128
#define RETRY_MS 1000

uint64_t log_dropped;
static char *log_path;
static uint64_t limit, size;
static uint32_t files;
static int fd = -1;
static size_t filled;      /* bytes of whole lines in log_scratch */
static unsigned lines;     /* and how many */
static int64_t retry_at;

static bool open_file(int flags) {
  fd = open(log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | flags, 0640);
  if (fd < 0) return false;
  struct stat info;
  size = fstat(fd, &info) == 0 ? (uint64_t)info.st_size : 0;
  return true;
}

/* A line that a crash of the machine cut short must not swallow the next one. */
static void end_torn_line(void) {
  int reader = size > 0 ? open(log_path, O_RDONLY | O_CLOEXEC) : -1;
  char last = '\n';
  if (reader >= 0 && pread(reader, &last, 1, (off_t)size - 1) == 1 && last != '\n' && write(fd, "\n", 1) == 1) size++;
  if (reader >= 0) close(reader);
}

bool log_open(const char *path, uint64_t max_size, uint32_t max_files) {
  log_path = strdup(path);
  limit = max_size;
  files = max_files;
  if (!log_path) return false;
  if (open_file(0)) end_torn_line();
  return fd >= 0 || errno == ENOSPC || errno == EDQUOT;
}

static void numbered(struct text *text, char *buffer, size_t capacity, uint32_t number) {
  text_init(text, buffer, capacity);
  text_add(text, log_path);
  if (number == 0) return;
  text_add(text, ".");
  text_number(text, number);
}

/* `log` becomes `log.1`, that `log.2`, and so on; the oldest goes. With one file only, it starts anew. */
static void rotate(void) {
  char from[4200], to[4200];
  struct text text;
  close(fd);
  for (uint32_t number = files; number-- > 1;) {
    numbered(&text, from, sizeof from, number - 1);
    numbered(&text, to, sizeof to, number);
    rename(from, to);
  }
  open_file(O_TRUNC);
}

/* After a failed open it is tried again, though not for each line. */
static bool reopen(void) {
  if (now_ms() < retry_at) return false;
  retry_at = now_ms() + RETRY_MS;
  return open_file(0);
}

static void write_lines(void) {
  size_t count = filled;
  unsigned number = lines;
  filled = lines = 0;
  if (count == 0) return;
  if (fd < 0 && !reopen()) {
    log_dropped += number;
    return;
  }
  ssize_t written = write(fd, log_scratch, count);
  if (written == (ssize_t)count) {
    size += count;
    return;
  }
  /* A full disk took a part: whole lines or nothing. */
  struct stat info;
  if (written > 0 && fstat(fd, &info) == 0) (void)!ftruncate(fd, info.st_size - written);
  log_dropped += number;
}

/* ---- encoding, as Docker's json-file driver does ---- */

static size_t put(uint8_t *out, const char *text) {
  size_t length = strlen(text);
  memcpy(out, text, length);
  return length;
}

/* The length of the UTF-8 sequence at `in`, 0 where it is invalid (Unicode 15, table 3-7). */
static size_t sequence_length(const uint8_t *in, size_t count) {
  uint8_t lead = in[0], low = 0x80, high = 0xbf;
  size_t length = lead >= 0xc2 && lead <= 0xdf ? 2 : lead >= 0xe0 && lead <= 0xef ? 3 : lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
  if (length == 0 || count < length) return 0;
  if (lead == 0xe0) low = 0xa0;
  if (lead == 0xed) high = 0x9f;
  if (lead == 0xf0) low = 0x90;
  if (lead == 0xf4) high = 0x8f;
  if (in[1] < low || in[1] > high) return 0;
  for (size_t i = 2; i < length; i++)
    if (in[i] < 0x80 || in[i] > 0xbf) return 0;
  return length;
}

static size_t encode_ascii(uint8_t *out, uint8_t byte) {
  static const char hex[] = "0123456789abcdef";
  if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != '<' && byte != '>' && byte != '&') {
    out[0] = byte;
    return 1;
  }
  out[0] = '\\';
  if (byte == '"' || byte == '\\' || byte == '\n' || byte == '\r') {
    out[1] = byte == '\n' ? 'n' : byte == '\r' ? 'r' : byte;
    return 2;
  }
  memcpy(out + 1, "u00", 3);
  out[4] = (uint8_t)hex[byte >> 4];
  out[5] = (uint8_t)hex[byte & 15];
  return 6;
}

static size_t encode(uint8_t *out, const uint8_t *in, size_t count) {
  size_t length = 0;
  for (size_t i = 0; i < count;) {
    if (in[i] < 0x80) {
      length += encode_ascii(out + length, in[i++]);
      continue;
    }
    size_t sequence = sequence_length(in + i, count - i);
    if (sequence == 0) {
      length += put(out + length, "\\ufffd");
      i++;
    } else if (sequence == 3 && in[i] == 0xe2 && in[i + 1] == 0x80 && (in[i + 2] & 0xfe) == 0xa8) {
      length += put(out + length, in[i + 2] & 1 ? "\\u2029" : "\\u2028");
      i += 3;
    } else {
      memcpy(out + length, in + i, sequence);
      length += sequence;
      i += sequence;
    }
  }
  return length;
}

static void two(uint8_t *out, unsigned number) {
  out[0] = (uint8_t)('0' + number / 10 % 10);
  out[1] = (uint8_t)('0' + number % 10);
}

/* RFC 3339 in UTC with up to nine digits, trailing zeros left out as Go does. Days to date: Howard Hinnant's method. */
static size_t encode_time(uint8_t *out, int64_t ns) {
  int64_t seconds = ns / 1000000000, days = seconds / 86400 + 719468;
  unsigned rest = (unsigned)(ns % 1000000000), day_seconds = (unsigned)(seconds % 86400);
  unsigned era = (unsigned)(days / 146097), of_era = (unsigned)(days % 146097);
  unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  unsigned shifted = (5 * of_year + 2) / 153, day = of_year - (153 * shifted + 2) / 5 + 1;
  unsigned month = shifted < 10 ? shifted + 3 : shifted - 9, year = year_of_era + era * 400 + (month <= 2);
  two(out, year / 100);
  two(out + 2, year);
  out[4] = out[7] = '-';
  two(out + 5, month);
  two(out + 8, day);
  out[10] = 'T';
  two(out + 11, day_seconds / 3600);
  out[13] = out[16] = ':';
  two(out + 14, day_seconds / 60 % 60);
  two(out + 17, day_seconds % 60);
  size_t length = 19;
  if (rest > 0) {
    out[length++] = '.';
    for (unsigned unit = 100000000; rest > 0; unit /= 10, length++) {
      out[length] = (uint8_t)('0' + rest / unit);
      rest %= unit;
    }
  }
  out[length++] = 'Z';
  return length;
}

static void add_line(const struct stream *stream, const uint8_t *bytes, size_t count, int64_t time) {
  if (filled + count * 6 + LINE_OVERHEAD > LOG_SCRATCH) write_lines();
  if (limit > 0 && size + filled >= limit) {
    write_lines();
    if (fd >= 0 && size >= limit) rotate();
  }
  uint8_t *out = log_scratch + filled;
  size_t at = put(out, "{\"log\":\"");
  at += encode(out + at, bytes, count);
  at += put(out + at, stream->id == 1 ? "\",\"stream\":\"stdout\",\"time\":\"" : "\",\"stream\":\"stderr\",\"time\":\"");
  at += encode_time(out + at, time);
  at += put(out + at, "\"}\n");
  filled += at;
  lines++;
}

/* ---- lines ---- */

static void keep(struct line *line, const uint8_t *bytes, size_t count) {
  if (count == 0) return;
  if (!line->data) line->data = malloc(LINE_LIMIT);
  if (!line->data) {
    log_dropped++;
    return;
  }
  memcpy(line->data + line->length, bytes, count);
  line->length += (uint32_t)count;
}

static void forget(struct line *line) {
  free(line->data);
  line->data = NULL;
  line->length = 0;
}

/* Parts of one long line carry the time of its first part, as Docker's copier gives them. */
static int64_t line_time(struct line *line, bool ends) {
  if (!line->continued) line->time = wall_ns();
  line->continued = !ends;
  return line->time;
}

/* Writes what is kept together with `bytes`, which end the line or fill it up. */
static void emit(struct stream *stream, const uint8_t *bytes, size_t count, bool ends) {
  struct line *line = &stream->line;
  int64_t time = line_time(line, ends);
  if (line->length == 0) {
    add_line(stream, bytes, count, time);
    return;
  }
  keep(line, bytes, count);
  add_line(stream, line->data, line->length, time);
  forget(line);
}

void log_chunk(struct stream *stream, const uint8_t *bytes, size_t count) {
  if (!log_path) return;
  while (count > 0) {
    size_t room = LINE_LIMIT - stream->line.length, span = count < room ? count : room;
    const uint8_t *newline = memchr(bytes, '\n', span);
    size_t take = newline ? (size_t)(newline - bytes) + 1 : span;
    if (newline || take == room) emit(stream, bytes, take, newline != NULL);
    else keep(&stream->line, bytes, take);
    bytes += take;
    count -= take;
  }
  write_lines();
}

void log_end(struct stream *stream) {
  struct line *line = &stream->line;
  if (!log_path || line->length == 0) return;
  scratch_touch();
  add_line(stream, line->data, line->length, line_time(line, true));
  forget(line);
  write_lines();
}

void log_close(void) {
  if (fd >= 0) close(fd);
  fd = -1;
}
