/*
 * WebSocket for the generator's connections, on or off for a whole run. What is sent goes out in frames of at most 16 KiB, as a client
 * sends that collects messages. Their mask is zero, so that the prebuilt bytes stay as they are; the server unmasks them all the same.
 */
#define _GNU_SOURCE
#include "wire.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { FILES_MAX = 1 << 17, FRAME_SIZE_MAX = 16 * 1024, SENT_HEAD_SIZE = 8, HEAD_SIZE_MAX = 10 };
enum { OPCODE = 0x0f, CLOSE = 0x8 };

typedef struct {
  unsigned char sent_head[SENT_HEAD_SIZE], head[HEAD_SIZE_MAX]; /* of the frame being sent, and of the one being received */
  size_t sent_head_at, to_send;                                 /* bytes of the header that are out; bytes that the frame still wants */
  size_t head_size, to_receive;                                 /* bytes of the header received so far; bytes of the frame that must come */
} Frames;
static Frames *frames[FILES_MAX]; /* by descriptor; NULL: no WebSocket */

void open_web_socket(int fd) {
  static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  if (fd >= FILES_MAX || send(fd, request, sizeof request - 1, MSG_NOSIGNAL) != sizeof request - 1) fail("the WebSocket handshake failed");
  char answer[2048];
  size_t size = 0;
  while (size < 4 || memcmp(answer + size - 4, "\r\n\r\n", 4) != 0) { /* byte by byte, because INFO may follow in the same packet */
    if (size == sizeof answer || recv(fd, answer + size, 1, 0) != 1) fail("no answer to the WebSocket handshake");
    size++;
  }
  if (memcmp(answer, "HTTP/1.1 101", 12) != 0) fail("the WebSocket handshake was refused: %.80s", answer);
  free(frames[fd]);
  frames[fd] = calloc(1, sizeof(Frames));
}

int is_web_socket(int fd) { return frames[fd] != NULL; }

/* Returns how many of the bytes went out. The caller offers those that did not again, before any others. */
ssize_t web_socket_send(int fd, const void *bytes, size_t size) {
  Frames *state = frames[fd];
  if (state->to_send == 0) {
    size_t part = size < FRAME_SIZE_MAX ? size : FRAME_SIZE_MAX;
    unsigned char head[SENT_HEAD_SIZE] = {0x82, 0x80 | 126, (unsigned char)(part >> 8), (unsigned char)part};
    memcpy(state->sent_head, head, SENT_HEAD_SIZE);
    state->sent_head_at = 0;
    state->to_send = part;
  }
  size_t head_left = SENT_HEAD_SIZE - state->sent_head_at, part = size < state->to_send ? size : state->to_send;
  struct iovec parts[2] = {{state->sent_head + state->sent_head_at, head_left}, {(void *)bytes, part}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
  ssize_t wrote = sendmsg(fd, &message, MSG_NOSIGNAL);
  if (wrote < 0) return wrote;
  size_t of_head = (size_t)wrote < head_left ? (size_t)wrote : head_left, of_bytes = (size_t)wrote - of_head;
  state->sent_head_at += of_head;
  state->to_send -= of_bytes;
  if (of_bytes == 0) return errno = EAGAIN, -1;
  return (ssize_t)of_bytes;
}

static size_t head_wanted(const Frames *state) {
  if (state->head_size < 2) return 2;
  unsigned length = state->head[1] & 0x7f;
  return length == 126 ? 4 : length == 127 ? 10 : 2;
}

static size_t payload_size(const unsigned char *head, size_t head_size) {
  if (head_size == 2) return head[1] & 0x7f;
  size_t size = 0;
  for (size_t at = 2; at < head_size; at++) size = size << 8 | head[at];
  return size;
}

/* Takes the headers out of `bytes`, in place. Returns the size of what remains. */
static size_t unframe(Frames *state, unsigned char *bytes, size_t size) {
  size_t kept = 0;
  for (size_t at = 0; at < size;) {
    if (state->to_receive > 0) {
      size_t part = size - at < state->to_receive ? size - at : state->to_receive;
      memmove(bytes + kept, bytes + at, part);
      kept += part, at += part, state->to_receive -= part;
      continue;
    }
    state->head[state->head_size++] = bytes[at++];
    size_t wanted = head_wanted(state);
    if (state->head_size < wanted) continue;
    if ((state->head[0] & OPCODE) >= CLOSE) fail("a WebSocket frame of kind %d from the server", state->head[0] & OPCODE);
    state->to_receive = payload_size(state->head, wanted);
    state->head_size = 0;
  }
  return kept;
}

ssize_t web_socket_recv(int fd, void *bytes, size_t size) {
  ssize_t got = recv(fd, bytes, size, 0);
  if (got <= 0) return got;
  size_t kept = unframe(frames[fd], bytes, (size_t)got);
  if (kept == 0) return errno = EAGAIN, -1; /* nothing but a header */
  return (ssize_t)kept;
}
