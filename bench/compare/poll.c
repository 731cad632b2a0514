/* Pollers of the monitoring port, each with one request at a time and a connection per request, beside clients that are only connected. */
#define _GNU_SOURCE
#include "wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char REQUEST[] = "GET /connz?subs=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/* The clients: one subscription each. They answer the server's PINGs until the parent ends this process. */
void run_polled_clients(const Options *options) {
  int epoll = epoll_create1(0);
  Reader *readers = calloc((size_t)options->connections, sizeof *readers);
  char subscribe[64];
  for (int at = 0; at < options->connections; at++) {
    sprintf(subscribe, "SUB polled.%06d 1\r\n", at);
    readers[at] = open_reader(options, &options->subscriber, subscribe, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &readers[at]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, readers[at].fd, &event);
  }
  atomic_fetch_add(&shared->ready, 1);
  for (int phase = PHASE_WARMUP; phase <= PHASE_MEASURED; phase++) atomic_fetch_add(&shared->done[phase], 1);
  struct epoll_event ready[64];
  for (;;) {
    int events = epoll_wait(epoll, ready, 64, -1);
    for (int at = 0; at < events; at++) read_some(ready[at].data.ptr);
  }
}

static int ask(const Options *options) {
  int fd = connect_to(options->monitor);
  if (send(fd, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL) != sizeof REQUEST - 1) fail("poller: write: %s", strerror(errno));
  return fd;
}

/* Reads some of an answer; 1 when it is complete. `size`: bytes of it so far. */
static int answered(int fd, size_t *size) {
  static char bytes[READ_SIZE];
  ssize_t got = recv(fd, bytes, sizeof bytes, 0);
  if (got < 0) fail("poller: read: %s", strerror(errno));
  if (*size == 0 && (got < 12 || memcmp(bytes + 9, "200", 3) != 0)) fail("poller: no answer: %.*s", (int)(got < 60 ? got : 60), bytes);
  *size += (size_t)got;
  return got == 0;
}

static void poll_monitor(const Options *options, uint64_t requests) {
  int pollers = options->in_flight;
  struct pollfd waits[64];
  size_t sizes[64] = {0};
  uint64_t asked = 0, done = 0;
  for (int at = 0; at < pollers; at++, asked++) waits[at] = (struct pollfd){.fd = ask(options), .events = POLLIN};
  while (done < requests) {
    poll(waits, (nfds_t)pollers, -1);
    for (int at = 0; at < pollers; at++) {
      if (waits[at].fd < 0 || !waits[at].revents || !answered(waits[at].fd, &sizes[at])) continue;
      close(waits[at].fd);
      sizes[at] = 0;
      done++;
      waits[at].fd = asked < requests ? ask(options) : -1;
      if (waits[at].fd >= 0) asked++;
      atomic_store(&shared->received, done);
    }
  }
}

void run_pollers(const Options *options) {
  if (options->in_flight < 1 || options->in_flight > 64) fail("1 to 64 pollers");
  atomic_fetch_add(&shared->ready, 1);
  for (int phase = PHASE_WARMUP; phase <= PHASE_MEASURED; phase++) {
    wait_for_phase(phase);
    atomic_store(&shared->first_ns[phase], now_ns());
    poll_monitor(options, phase_messages(options, phase));
    atomic_store(&shared->last_ns[phase], now_ns());
    atomic_fetch_add(&shared->done[phase], 1);
  }
}
