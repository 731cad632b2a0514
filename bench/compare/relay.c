/*
 * Replaces the server to measure the generator's own ceiling. It knows all sizes and parses nothing: it counts the bytes of publishers
 * and writes the matching number of prebuilt MSG bytes. Its rate is the most that generator and kernel can do with one process between.
 *
 *   publish only      reads, answers PING
 *   deliver           bytes in ÷ size of a PUB = messages for every subscriber (with a queue: for the next one in turn)
 *   request-reply     copies the reply subject from its fixed offset in a PUB to its fixed offset in a MSG
 *   logins            sends INFO with a nonce, answers PING; clients sign, but the signature is not verified
 */
#define _GNU_SOURCE
#include "wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum Kind { GREETING, PUBLISHER, SUBSCRIBER, REQUESTER, RESPONDER };
typedef struct {
  int fd;
  enum Kind kind;
  uint64_t in_bytes, in_messages; /* of a publisher */
  size_t block_at;                /* of a subscriber: its offset in the block */
  char tail[6];                   /* the last bytes read: is it a PING? */
  char held[HELD_SIZE_MAX];
  size_t held_size;
} Peer;

enum { SUBSCRIBERS_MAX = 4096 };
static Peer *subscribers[SUBSCRIBERS_MAX];
static int subscriber_count, next_in_queue;
static Peer *requester, *responder;
static Block block;
static size_t publish_size;
static Template request_pub, request_msg, reply_pub, reply_msg;
static char in[READ_SIZE];

static void deliver(Peer *to, uint64_t messages) {
  for (size_t owed = messages * block.message_size; owed > 0;) {
    size_t part = block.size - to->block_at;
    if (part > owed) part = owed;
    write_all(to->fd, block.bytes + to->block_at, part);
    to->block_at = (to->block_at + part) % block.size;
    owed -= part;
  }
}

static void greet(Peer *peer, ssize_t got) {
  if (got < 6 || memcmp(in + got - 6, "PING\r\n", 6) != 0) fail("relay: a greeting in pieces");
  if (memmem(in, (size_t)got, "SUB " INBOX, 4 + sizeof(INBOX) - 1)) requester = peer, peer->kind = REQUESTER;
  else if (memmem(in, (size_t)got, "SUB bench.service", 17)) responder = peer, peer->kind = RESPONDER;
  else if (memmem(in, (size_t)got, "SUB ", 4) && subscriber_count < SUBSCRIBERS_MAX) subscribers[subscriber_count++] = peer, peer->kind = SUBSCRIBER;
  else peer->kind = PUBLISHER;
  write_all(peer->fd, "PONG\r\n", 6);
}

static void on_published(const Options *options, Peer *peer, ssize_t got) {
  if (options->subscribers == 0) {
    size_t keep = got >= 6 ? 6 : (size_t)got;
    memmove(peer->tail, peer->tail + keep, 6 - keep);
    memcpy(peer->tail + 6 - keep, in + got - keep, keep);
    if (memcmp(peer->tail, "PING\r\n", 6) == 0) write_all(peer->fd, "PONG\r\n", 6);
    return;
  }
  peer->in_bytes += (uint64_t)got;
  uint64_t fresh = peer->in_bytes / publish_size - peer->in_messages;
  peer->in_messages += fresh;
  if (fresh == 0) return;
  if (options->queue) {
    deliver(subscribers[next_in_queue], fresh);
    next_in_queue = (next_in_queue + 1) % subscriber_count;
  } else {
    for (int at = 0; at < subscriber_count; at++) deliver(subscribers[at], fresh);
  }
}

static void pass_on(Peer *from, ssize_t got, const Template *source, const Template *target, Peer *to) {
  static char out[2 * READ_SIZE];
  memcpy(from->held + from->held_size, in, (size_t)got);
  size_t size = from->held_size + (size_t)got, at = 0, out_size = 0;
  for (; size - at >= source->size; at += source->size, out_size += target->size) {
    memcpy(out + out_size, target->bytes, target->size);
    memcpy(out + out_size + target->reply_at, from->held + at + source->reply_at, REPLY_SIZE);
  }
  memmove(from->held, from->held + at, size - at);
  from->held_size = size - at;
  write_all(to->fd, out, out_size);
}

static int on_readable(const Options *options, Peer *peer) {
  size_t room = peer->kind == REQUESTER || peer->kind == RESPONDER ? HELD_SIZE_MAX - peer->held_size : sizeof in;
  ssize_t got = recv(peer->fd, in, room, 0);
  if (got < 0) return errno == EAGAIN ? 0 : -1;
  if (got == 0) return -1;
  switch (peer->kind) {
    case GREETING: greet(peer, got); break;
    case PUBLISHER: on_published(options, peer, got); break;
    case REQUESTER: pass_on(peer, got, &request_pub, &request_msg, responder); break;
    case RESPONDER: pass_on(peer, got, &reply_pub, &reply_msg, requester); break;
    case SUBSCRIBER:
      for (ssize_t pings = got / 6; pings > 0; pings--) write_all(peer->fd, "PONG\r\n", 6);
  }
  return (int)got;
}

static const char greeting[] = "INFO {\"nonce\":\"Wm0qzO5oUZ1sN3k\"} \r\n"; /* for logins; any nonce will do, as signatures are not verified */

int run_relay(const Options *options) {
  block = deliver_block(options);
  publish_size = publish_block(options).message_size;
  if (options->in_flight > 0) {
    request_pub = make_template(REQUEST_PUB, options->size, FIRST_REPLY), request_msg = make_template(REQUEST_MSG, options->size, FIRST_REPLY);
    reply_pub = make_template(REPLY_PUB, options->size, FIRST_REPLY), reply_msg = make_template(REPLY_MSG, options->size, FIRST_REPLY);
  }

  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 1024) != 0) {
    fprintf(stderr, "relay: port %d: %s\n", options->port, strerror(errno));
    return 1;
  }
  int epoll = epoll_create1(0);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, ready[64];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int count = epoll_wait(epoll, ready, 64, options->timeout_ms);
    if (count == 0) return 0; /* nothing happened for so long: the relay is no longer used */
    for (int at = 0; at < count; at++) {
      Peer *peer = ready[at].data.ptr;
      if (peer != NULL) {
        if (on_readable(options, peer) < 0) {
          close(peer->fd);
          if (peer->kind == PUBLISHER) free(peer); /* others are referenced elsewhere, and stay until the process ends */
        }
        continue;
      }
      peer = calloc(1, sizeof *peer);
      peer->fd = accept(listener, NULL, NULL);
      setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      set_nonblocking(peer->fd);
      event.data.ptr = peer;
      epoll_ctl(epoll, EPOLL_CTL_ADD, peer->fd, &event);
      write_all(peer->fd, greeting, sizeof greeting - 1);
    }
  }
}
