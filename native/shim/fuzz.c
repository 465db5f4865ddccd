/* libFuzzer target: whatever comes in over the socket is cut into frames and decoded, as conn.c does it. */
#include "shim.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t use(const char *string) { return strlen(string); }

static void check(const uint8_t *frame, size_t length, const struct request *request) {
  const char *strings[] = {request->id, request->path, request->runtime, request->runtime_root, request->cgroup, request->log_path};
  for (size_t i = 0; i < sizeof strings / sizeof *strings; i++) {
    const uint8_t *at = (const uint8_t *)strings[i];
    if (*at && (at < frame || at + use(strings[i]) >= frame + length)) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  while (size > 0) {
    long length = frame_length(data, size);
    if (length <= 0) break;
    if ((size_t)length > size || (size_t)length > FRAME_MAX + 4) abort();
    /* A copy of its own size, so that the sanitizer sees a step over the end. */
    uint8_t *frame = malloc((size_t)length);
    struct request request;
    memcpy(frame, data, (size_t)length);
    if (frame_decode(frame, (size_t)length, &request)) check(frame, (size_t)length, &request);
    free(frame);
    data += length;
    size -= (size_t)length;
  }
  return 0;
}
