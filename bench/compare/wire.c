#define _GNU_SOURCE
#include "wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

Shared *shared;

uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void wait_for_phase(int phase) {
  while (atomic_load(&shared->phase) < phase) usleep(100);
}

uint64_t phase_messages(const Options *options, int phase) { return phase == PHASE_WARMUP ? options->warmup : options->messages; }

/* Only the first failure of any process is reported; later ones usually follow from it. */
void fail(const char *format, ...) {
  int none = 0;
  if (atomic_compare_exchange_strong(&shared->failed, &none, 1)) {
    va_list values;
    va_start(values, format);
    vsnprintf(shared->failure, sizeof shared->failure, format, values);
    va_end(values);
    atomic_store(&shared->failed, 2);
  }
  _exit(1);
}

int open_socket(void) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket: %s", strerror(errno));
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  struct linger reset = {.l_onoff = 1, .l_linger = 0}; /* no TIME_WAIT, so that the next run can use all ports */
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  return fd;
}

int connect_to(int port) {
  int fd = open_socket();
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("connect to port %d: %s", port, strerror(errno));
  return fd;
}

void set_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

void write_all(int fd, const void *bytes, size_t size) {
  for (size_t at = 0; at < size;) {
    ssize_t wrote = wire_send(fd, (const char *)bytes + at, size - at);
    if (wrote >= 0) {
      at += (size_t)wrote;
    } else if (errno == EAGAIN) {
      struct pollfd wait = {.fd = fd, .events = POLLOUT};
      poll(&wait, 1, -1);
    } else if (errno != EINTR) {
      fail("write: %s", strerror(errno));
    }
  }
}

static void fill_payload(char *to, int size) {
  for (int at = 0; at < size; at++) to[at] = (char)('a' + at % 26);
}

static int format_subject(char *to, int subjects, int index) {
  return subjects == 1 ? sprintf(to, "bench") : sprintf(to, "bench.%06d", index);
}

static Block make_block(const Options *options, const char *verb, const char *sid) {
  int *order = malloc(sizeof(int) * (size_t)options->subjects);
  uint64_t random = 88172645463325252u;
  for (int at = 0; at < options->subjects; at++) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    int other = (int)(random % (uint64_t)(at + 1));
    order[at] = order[other];
    order[other] = at;
  }
  char subject[32], head[80];
  format_subject(subject, options->subjects, 0);
  size_t head_size = (size_t)sprintf(head, "%s %s%s %d\r\n", verb, subject, sid, options->size);
  Block block = {.message_size = head_size + (size_t)options->size + 2};
  size_t round_size = block.message_size * (size_t)options->subjects;
  size_t rounds = round_size < WRITE_SIZE ? WRITE_SIZE / round_size : 1;
  block.size = round_size * rounds;
  block.bytes = malloc(block.size);
  char *to = block.bytes;
  for (size_t round = 0; round < rounds; round++) {
    for (int at = 0; at < options->subjects; at++, to += block.message_size) {
      format_subject(subject, options->subjects, order[at]);
      sprintf(head, "%s %s%s %d\r\n", verb, subject, sid, options->size);
      memcpy(to, head, head_size);
      fill_payload(to + head_size, options->size);
      memcpy(to + block.message_size - 2, "\r\n", 2);
    }
  }
  free(order);
  return block;
}

Block publish_block(const Options *options) { return make_block(options, "PUB", ""); }
Block deliver_block(const Options *options) { return make_block(options, "MSG", " 1"); }

Template make_template(enum TemplateKind kind, int payload_size, const char *reply) {
  static const char *formats[] = {"PUB bench.service %s %d\r\n", "MSG bench.service 1 %s %d\r\n", "PUB %s %d\r\n", "MSG %s 1 %d\r\n"};
  Template made = {.reply_size = strlen(reply)};
  made.size = (size_t)sprintf(made.bytes, formats[kind], reply, payload_size);
  made.reply_at = (size_t)(strstr(made.bytes, reply) - made.bytes);
  fill_payload(made.bytes + made.size, payload_size);
  memcpy(made.bytes + made.size + payload_size, "\r\n", 2);
  made.size += (size_t)payload_size + 2;
  return made;
}

static char chunk[HELD_SIZE_MAX + READ_SIZE];

static void hold(Reader *reader, const char *bytes, size_t size) {
  if (size > HELD_SIZE_MAX) fail("a line of more than %d bytes: %.60s", HELD_SIZE_MAX, bytes);
  if (reader->held == NULL) reader->held = malloc(HELD_SIZE_MAX);
  memmove(reader->held, bytes, size);
  reader->held_size = size;
}

static void on_line(Reader *reader, const char *line, size_t size) {
  if (memcmp(line, "PING", 4) == 0) write_all(reader->fd, "PONG\r\n", 6);
  else if (memcmp(line, "PONG", 4) == 0) reader->pongs++;
  else if (memcmp(line, "INFO", 4) == 0 || memcmp(line, "+OK\r", 4) == 0) return;
  else if (memcmp(line, "-ERR", 4) == 0 && reader->refused) return;
  else if (memcmp(line, "-ERR", 4) == 0) fail("the server says %.*s", (int)(size > 200 ? 200 : size) - 2, line);
  else fail("not the message expected: %.*s", (int)(size > 120 ? 120 : size), line);
}

/* `size` bytes of the first message, from `offset` on. */
static void check_first(Reader *reader, const char *bytes, size_t offset, size_t size) {
  if (reader->first == NULL) return;
  if (memcmp(reader->first + offset, bytes, size) != 0) fail("the first message differs from byte %zu on: %.80s", offset, bytes);
  if (offset + size == reader->message_size) reader->first = NULL;
}

/* Line by line, from a message boundary. */
static void walk(Reader *reader, const char *bytes, size_t at, size_t end) {
  while (at < end) {
    if (end - at < 4) return hold(reader, bytes + at, end - at);
    if (reader->message_size > 0 && memcmp(bytes + at, "MSG ", 4) == 0) {
      if (end - at >= reader->message_size) {
        check_first(reader, bytes + at, 0, reader->message_size);
        if (reader->on_message) reader->on_message(reader->context, bytes + at);
        reader->messages++;
        at += reader->message_size;
      } else if (reader->whole) {
        return hold(reader, bytes + at, end - at);
      } else {
        check_first(reader, bytes + at, 0, end - at);
        reader->missing = reader->message_size - (end - at);
        return;
      }
    } else {
      const char *lf = memchr(bytes + at, '\n', end - at);
      if (lf == NULL) return hold(reader, bytes + at, end - at);
      on_line(reader, bytes + at, (size_t)(lf + 1 - (bytes + at)));
      at = (size_t)(lf + 1 - bytes);
    }
  }
}

static void consume(Reader *reader, const char *bytes, size_t size) {
  size_t at = 0;
  if (reader->missing > 0) {
    at = size < reader->missing ? size : reader->missing;
    check_first(reader, bytes, reader->message_size - reader->missing, at);
    if (at < reader->missing) {
      reader->missing -= at;
      return;
    }
    reader->missing = 0;
    reader->messages++;
  }
  size_t message_size = reader->message_size;
  if (message_size == 0 || reader->whole || reader->first) return walk(reader, bytes, at, size);
  /* "MSG " at the boundary means that every message before it was complete. */
  size_t whole = (size - at) / message_size, last = at + whole * message_size, tail = size - last;
  size_t check = tail >= 4 ? last : last - message_size;
  if ((tail < 4 && whole == 0) || memcmp(bytes + check, "MSG ", 4) != 0) return walk(reader, bytes, at, size);
  reader->messages += whole;
  if (tail >= 4) reader->missing = message_size - tail;
  else if (tail > 0) hold(reader, bytes + last, tail);
}

int read_some(Reader *reader) {
  size_t held = reader->held_size;
  ssize_t got = wire_recv(reader->fd, chunk + held, READ_SIZE);
  if (got == 0) fail("the server closed the connection after %llu messages", (unsigned long long)reader->messages);
  if (got < 0) {
    if (errno == EAGAIN || errno == EINTR) return 0;
    fail("read: %s, after %llu messages", strerror(errno), (unsigned long long)reader->messages);
  }
  if (held > 0) memcpy(chunk, reader->held, held);
  reader->held_size = 0;
  consume(reader, chunk, held + (size_t)got);
  return (int)got;
}

void read_until_pongs(Reader *reader, uint64_t pongs) {
  while (reader->pongs < pongs) {
    struct pollfd wait = {.fd = reader->fd, .events = POLLIN};
    if (!wire_holds(reader->fd)) poll(&wait, 1, -1);
    read_some(reader);
  }
}

int takes_headers;

size_t write_connect(char *to, const char *credentials) {
  return (size_t)sprintf(to, "CONNECT {%s\"verbose\":false,\"pedantic\":false,\"name\":\"load\",\"lang\":\"c\",\"version\":\"1\",\"protocol\":0%s}\r\n", credentials,
                         takes_headers ? ",\"headers\":true,\"no_responders\":true" : "");
}

/* Connects, subscribes if asked, and returns when the server's PONG has confirmed it. */
Reader open_reader(const Options *options, const Login *login, const char *subscribe, size_t message_size) {
  Reader reader = {.fd = connect_to(options->web_socket ? options->web_socket_port : options->port), .message_size = message_size, .refused = options->refused};
  if (options->tls) secure(reader.fd);
  if (options->web_socket) open_web_socket(reader.fd);
  char credentials[256] = "", hello[sizeof credentials + CONNECT_SIZE + 80];
  if (login->user) snprintf(credentials, sizeof credentials, "\"user\":\"%.80s\",\"pass\":\"%.80s\",", login->user, login->password);
  size_t size = write_connect(hello, credentials);
  size += (size_t)sprintf(hello + size, "%.64sPING\r\n", subscribe ? subscribe : "");
  write_all(reader.fd, hello, size);
  read_until_pongs(&reader, 1);
  return reader;
}

Reader open_plain_reader(const Options *options, const Login *login) {
  Options plain = *options;
  plain.web_socket = 0;
  return open_reader(&plain, login, NULL, 0);
}
