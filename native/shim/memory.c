#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

uint8_t *scratch, *log_scratch;
bool scratch_used;

static void *pages(size_t size) {
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

/* Address space only: pages come with the first touch and go with scratch_trim. */
void scratch_touch(void) {
  if (!scratch) {
    scratch = pages(CHUNK);
    log_scratch = pages(LOG_SCRATCH);
    if (!scratch || !log_scratch) abort();
  }
  scratch_used = true;
}

/*
 * The kernel maps sixteen pages of the program around each one touched, so libc's start alone brings all of it in.
 * Handing the text back (it stays in the page cache) leaves an idle shim with the few pages that its loop runs on.
 */
static void trim_text(void) {
  extern const char __executable_start[], etext[];
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)__executable_start & ~(page - 1);
  madvise((void *)from, ((uintptr_t)etext - from) & ~(page - 1), MADV_DONTNEED);
}

bool scratch_trim(void) {
  if (!scratch_used) return false;
  madvise(scratch, CHUNK, MADV_DONTNEED);
  madvise(log_scratch, LOG_SCRATCH, MADV_DONTNEED);
  scratch_used = false;
  trim_text();
  return true;
}

bool queue_add(struct queue *queue, const void *bytes, size_t count) {
  if (count == 0) return true;
  if (queue->head + queue->length + count > queue->capacity) {
    if (queue->length > 0 && queue->head > 0) memmove(queue->data, queue->data + queue->head, queue->length);
    queue->head = 0;
    size_t need = queue->length + count;
    if (need > queue->capacity) {
      size_t capacity = queue->capacity ? queue->capacity : 512;
      while (capacity < need) capacity *= 2;
      uint8_t *data = realloc(queue->data, capacity);
      if (!data) return false;
      queue->data = data;
      queue->capacity = (uint32_t)capacity;
    }
  }
  memcpy(queue->data + queue->head + queue->length, bytes, count);
  queue->length += (uint32_t)count;
  return true;
}

void queue_take(struct queue *queue, size_t count) {
  queue->head += (uint32_t)count;
  queue->length -= (uint32_t)count;
  if (queue->length == 0) queue_free(queue);
}

void queue_free(struct queue *queue) {
  free(queue->data);
  *queue = (struct queue){0};
}

void text_init(struct text *text, char *buffer, size_t capacity) {
  *text = (struct text){.data = buffer, .capacity = capacity};
  buffer[0] = 0;
}

void text_bytes(struct text *text, const void *bytes, size_t count) {
  size_t room = text->capacity - 1 - text->length;
  if (count > room) count = room;
  memcpy(text->data + text->length, bytes, count);
  text->length += count;
  text->data[text->length] = 0;
}

void text_add(struct text *text, const char *string) { text_bytes(text, string, strlen(string)); }

void text_number(struct text *text, uint64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  do digits[--at] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  text_bytes(text, digits + at, sizeof digits - at);
}

/* strerror would bring the locale machinery in; the names are what the daemon wants anyway. */
const char *errno_name(int error) {
  const char *name = strerrorname_np(error);
  return name ? name : "EUNKNOWN";
}
