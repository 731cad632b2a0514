/* Deliveries of any size, and payloads that can be checked. */
#define _GNU_SOURCE
#include "stream.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char chunk[DELIVERY_SIZE_MAX + READ_SIZE];

static const char *last_space(const char *from, const char *end) {
  while (end > from && end[-1] != ' ') end--;
  return end;
}

static size_t digits(const char *at, const char *end) {
  size_t value = 0;
  for (; at < end && *at >= '0' && *at <= '9'; at++) value = value * 10 + (size_t)(*at - '0');
  return value;
}

/* `MSG subject sid [reply] size` or `HMSG subject sid [reply] headers size`, from `line` to its CR. Returns the size of all bytes, or 0 when some are missing. */
static size_t deliver(Mailbox *mailbox, const char *line, const char *cr, size_t available) {
  int has_headers = line[0] == 'H';
  const char *subject = line + (has_headers ? 5 : 4), *space = memchr(subject, ' ', (size_t)(cr - subject)), *size_at = last_space(line, cr);
  size_t head = (size_t)(cr + 2 - line), size = digits(size_at, cr), headers = has_headers ? digits(last_space(line, size_at - 1), size_at) : 0;
  if (space == NULL || headers > size) fail("not a delivery: %.*s", (int)(cr - line), line);
  if (head + size + 2 > DELIVERY_SIZE_MAX) fail("a delivery of %zu bytes", size);
  if (available < head + size + 2) return 0;
  Delivery delivery = {.subject = subject, .subject_size = (size_t)(space - subject), .headers = cr + 2, .headers_size = headers,
                       .payload = cr + 2 + headers, .payload_size = size - headers};
  if (memcmp(cr + 2 + size, "\r\n", 2) != 0) fail("a delivery that does not end: %.*s", (int)(cr - line), line);
  mailbox->on_delivery(mailbox->context, &delivery);
  return head + size + 2;
}

static size_t on_line(Mailbox *mailbox, const char *line, const char *cr, size_t available) {
  if (memcmp(line, "MSG ", 4) == 0 || memcmp(line, "HMSG", 4) == 0) return deliver(mailbox, line, cr, available);
  if (memcmp(line, "PING", 4) == 0) write_all(mailbox->fd, "PONG\r\n", 6);
  else if (memcmp(line, "INFO", 4) != 0 && memcmp(line, "PONG", 4) != 0) fail("the server says %.*s", (int)(cr - line > 200 ? 200 : cr - line), line);
  return (size_t)(cr + 2 - line);
}

void read_mailbox(Mailbox *mailbox) {
  size_t held = mailbox->held_size;
  ssize_t got = wire_recv(mailbox->fd, chunk + held, READ_SIZE);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got <= 0) fail("the server closed the connection%s%s", got < 0 ? ": " : "", got < 0 ? strerror(errno) : "");
  if (held > 0) memcpy(chunk, mailbox->held, held);
  const char *at = chunk, *end = chunk + held + got;
  while (end - at >= 6) {
    const char *lf = memchr(at, '\n', (size_t)(end - at));
    if (lf == NULL) break;
    size_t used = on_line(mailbox, at, lf - 1, (size_t)(end - at));
    if (used == 0) break;
    at += used;
  }
  mailbox->held_size = (size_t)(end - at);
  if (mailbox->held_size == 0) return;
  if (mailbox->held_size > DELIVERY_SIZE_MAX) fail("a line of more than %d bytes", DELIVERY_SIZE_MAX);
  mailbox->held = realloc(mailbox->held, mailbox->held_size);
  memcpy(mailbox->held, at, mailbox->held_size);
}

Mailbox open_mailbox(const Options *options, const char *inbox) {
  char subscribe[64];
  snprintf(subscribe, sizeof subscribe, "SUB %.40s.* 1\r\n", inbox);
  Reader reader = open_reader(options, &options->publisher, subscribe, 0);
  return (Mailbox){.fd = reader.fd};
}

/* ---- payloads ---- */

enum { TEXT_SIZE = 256 * 1024, TEXT_OFFSETS = 64 * 1024 };
static char text[TEXT_SIZE + 512];

/* Lines as devices send them: names that repeat, and figures that do not. */
static void make_text(void) {
  static const char *states[] = {"running", "idle", "starting", "maintenance"};
  uint32_t random = 2463534242u;
  for (size_t at = 0; at < TEXT_SIZE;) {
    uint32_t values[5];
    for (int index = 0; index < 5; index++) random ^= random << 13, random ^= random >> 17, random ^= random << 5, values[index] = random;
    at += (size_t)sprintf(text + at, "{\"device\":\"pump-%04u\",\"state\":\"%s\",\"temperature\":%u.%04u,\"pressure\":%u.%03u,\"serial\":\"%08x\"},", values[0] % 10000,
                          states[values[1] % 4], values[1] % 90, values[2] % 10000, values[3] % 16, values[3] / 16 % 1000, values[4]);
  }
}

static const char *text_of(uint64_t number, size_t size) {
  if (text[0] == 0) make_text();
  if (size > TEXT_SIZE - TEXT_OFFSETS) fail("a payload of %zu bytes", size);
  return text + number * 2654435761u % TEXT_OFFSETS;
}

void write_digits(char *to, int count, uint64_t number) {
  for (int at = count - 1; at >= 0; at--, number /= 10) to[at] = (char)('0' + number % 10);
}

void write_payload(char *to, size_t size, uint64_t number) {
  write_digits(to, NUMBER_SIZE, number);
  memcpy(to + NUMBER_SIZE, text_of(number, size), size - NUMBER_SIZE);
}

int is_payload(const char *bytes, size_t size, uint64_t number) {
  char expected[NUMBER_SIZE];
  write_digits(expected, NUMBER_SIZE, number);
  return memcmp(bytes, expected, NUMBER_SIZE) == 0 && memcmp(bytes + NUMBER_SIZE, text_of(number, size), size - NUMBER_SIZE) == 0;
}
