#include "shim.h"

#include <string.h>

struct reader {
  const uint8_t *at, *end;
  bool failed;
};

static uint64_t read_number(struct reader *reader, size_t size) {
  if ((size_t)(reader->end - reader->at) < size) {
    reader->failed = true;
    return 0;
  }
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | reader->at[i];
  reader->at += size;
  return value;
}

/* u16 length, the bytes (none of them zero), and one zero that the length does not count. */
static const char *read_string(struct reader *reader) {
  size_t length = (size_t)read_number(reader, 2);
  if (reader->failed || (size_t)(reader->end - reader->at) < length + 1 || reader->at[length] != 0 ||
      memchr(reader->at, 0, length)) {
    reader->failed = true;
    return "";
  }
  const char *string = (const char *)reader->at;
  reader->at += length + 1;
  return string;
}

long frame_length(const uint8_t *bytes, size_t count) {
  if (count < 4) return 0;
  struct reader reader = {.at = bytes, .end = bytes + 4};
  uint64_t length = read_number(&reader, 4);
  if (length < FRAME_HEADER - 4 || length > FRAME_MAX) return -1;
  return count < length + 4 ? 0 : (long)length + 4;
}

static void read_size(struct reader *reader, struct request *request) {
  request->rows = (uint16_t)read_number(reader, 2);
  request->columns = (uint16_t)read_number(reader, 2);
}

static void read_user(struct reader *reader, struct request *request) {
  request->uid = (uint32_t)read_number(reader, 4);
  request->gid = (uint32_t)read_number(reader, 4);
}

static void read_start(struct reader *reader, struct request *request) {
  request->flags = (uint32_t)read_number(reader, 4);
  read_user(reader, request);
  read_size(reader, request);
  request->max_size = read_number(reader, 8);
  request->max_files = (uint32_t)read_number(reader, 4);
  request->id = read_string(reader);
  request->path = read_string(reader);
  request->runtime = read_string(reader);
  request->runtime_root = read_string(reader);
  request->cgroup = read_string(reader);
  request->log_path = read_string(reader);
}

static void read_exec(struct reader *reader, struct request *request) {
  request->flags = (uint32_t)read_number(reader, 4);
  read_user(reader, request);
  read_size(reader, request);
  request->id = read_string(reader);
  request->path = read_string(reader);
}

static bool read_body(struct reader *reader, struct request *request) {
  switch (request->type) {
    case REQUEST_INIT:
      request->stall_ms = (uint32_t)read_number(reader, 4);
      request->path = read_string(reader);
      return true;
    case REQUEST_START: read_start(reader, request); return true;
    case REQUEST_ATTACH:
      request->flags = (uint32_t)read_number(reader, 4);
      request->id = read_string(reader);
      return true;
    case REQUEST_EXEC: read_exec(reader, request); return true;
    case REQUEST_RESIZE:
      read_size(reader, request);
      request->id = read_string(reader);
      return true;
    case REQUEST_SIGNAL: request->signal = (uint32_t)read_number(reader, 4); return true;
    case REQUEST_STATUS:
    case REQUEST_DISPOSE: return true;
    default: return false;
  }
}

bool frame_decode(const uint8_t *frame, size_t count, struct request *request) {
  struct reader reader = {.at = frame + 4, .end = frame + count};
  *request = (struct request){.id = "", .path = "", .runtime = "", .runtime_root = "", .cgroup = "", .log_path = ""};
  request->type = (uint8_t)read_number(&reader, 1);
  request->sequence = (uint32_t)read_number(&reader, 4);
  return !reader.failed && read_body(&reader, request) && !reader.failed && reader.at == reader.end;
}

static void write_number(struct writer *writer, uint64_t value, size_t size) {
  for (size_t i = 0; i < size && writer->length < writer->capacity; i++, value >>= 8)
    writer->data[writer->length++] = (uint8_t)value;
}

void write_begin(struct writer *writer, uint8_t *buffer, size_t capacity, uint8_t type, uint32_t sequence) {
  *writer = (struct writer){.data = buffer, .capacity = capacity};
  write_u32(writer, 0);
  write_u8(writer, type);
  write_u32(writer, sequence);
}

void write_u8(struct writer *writer, uint8_t value) { write_number(writer, value, 1); }
void write_u16(struct writer *writer, uint16_t value) { write_number(writer, value, 2); }
void write_u32(struct writer *writer, uint32_t value) { write_number(writer, value, 4); }
void write_u64(struct writer *writer, uint64_t value) { write_number(writer, value, 8); }

void write_string(struct writer *writer, const char *string) {
  size_t length = strlen(string), room = writer->capacity - writer->length;
  if (room < 3) return;
  if (length > room - 3) length = room - 3;
  write_u16(writer, (uint16_t)length);
  memcpy(writer->data + writer->length, string, length);
  writer->length += length;
  write_u8(writer, 0);
}

size_t write_end(struct writer *writer) {
  size_t length = writer->length;
  writer->length = 0;
  write_u32(writer, (uint32_t)length - 4);
  return length;
}
