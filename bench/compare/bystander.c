/*
 * A bystander: a client that does nothing wrong and measures how long the server lets it wait while others load the server.
 *
 *   ping     a PING every `pingMs` on one connection, sent whether or not those before were answered: the wait until its PONG
 *   accept   a new connection every `acceptMs`: the wait until the first bytes of the server
 *   health   with `monitor`: GET /healthz on a new connection every `acceptMs`: the wait until the first bytes of the answer
 *   timer    with `timerMs`, the server's ping_interval: silent connections; how much later than that each PING of the server comes
 *
 * PINGs are sent at fixed times, so a stall of one second counts as 500 waits of up to a second, and not as one. `late` is how late this
 * process itself was: when it is not far below the waits, they say nothing about the server. It asks for a real-time priority, so that
 * the load does not keep it from the processor.
 */
#define _GNU_SOURCE
#include "wire.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SILENT_CLIENTS = 10, ATTEMPTS_MAX = 256, OUTSTANDING_MAX = 1 << 20, MS = 1000000, PATIENCE_MS = 20000 };

/* ---- waits ---- */

typedef struct {
  uint32_t *us;
  size_t count, room;
} Waits;

static void note_wait(Waits *waits, uint64_t ns) {
  if (waits->count == waits->room) {
    waits->room = waits->room ? 2 * waits->room : 4096;
    waits->us = realloc(waits->us, waits->room * sizeof *waits->us);
  }
  waits->us[waits->count++] = (uint32_t)(ns / 1000);
}

static int by_value(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return (a > b) - (a < b);
}

static uint32_t percentile(const Waits *sorted, unsigned percent) {
  return sorted->count == 0 ? 0 : sorted->us[(sorted->count - 1) * percent / 100];
}

static void print_waits(const char *name, Waits *waits, const char *after) {
  qsort(waits->us, waits->count, sizeof *waits->us, by_value);
  printf("\"%s\":{\"count\":%zu,\"p50Us\":%u,\"p99Us\":%u,\"maxUs\":%u}%s", name, waits->count, percentile(waits, 50), percentile(waits, 99),
         percentile(waits, 100), after);
}

/* ---- PINGs on one connection ---- */

typedef struct {
  Reader reader;
  Waits waits;
  uint64_t *sent_ns; /* by number of the PING, modulo OUTSTANDING_MAX */
  uint64_t sent, confirmed;
} Pinger;

static Pinger open_pinger(const Options *options) {
  Pinger pinger = {.reader = open_plain_reader(options, &options->publisher), .sent_ns = malloc(OUTSTANDING_MAX * sizeof(uint64_t))};
  set_nonblocking(pinger.reader.fd);
  pinger.confirmed = pinger.reader.pongs;
  return pinger;
}

static void send_ping(Pinger *pinger) {
  if (pinger->sent + pinger->confirmed - pinger->reader.pongs >= OUTSTANDING_MAX) fail("bystander: %d PINGs without an answer", OUTSTANDING_MAX);
  pinger->sent_ns[pinger->sent++ % OUTSTANDING_MAX] = now_ns();
  write_all(pinger->reader.fd, "PING\r\n", 6);
}

static void read_pongs(Pinger *pinger) {
  uint64_t before = pinger->reader.pongs;
  if (read_some(&pinger->reader) == 0) return;
  uint64_t now = now_ns();
  for (uint64_t pong = before; pong < pinger->reader.pongs; pong++) note_wait(&pinger->waits, now - pinger->sent_ns[(pong - pinger->confirmed) % OUTSTANDING_MAX]);
}

/* What was not answered at last counts with the time that it waited until then. */
static void note_unanswered(Pinger *pinger) {
  uint64_t now = now_ns();
  for (uint64_t ping = pinger->reader.pongs - pinger->confirmed; ping < pinger->sent; ping++) note_wait(&pinger->waits, now - pinger->sent_ns[ping % OUTSTANDING_MAX]);
}

static int all_answered(const Pinger *pinger) { return pinger->reader.pongs - pinger->confirmed == pinger->sent; }

/* ---- a bystander beside a run: PINGs only, for as long as the measured phase lasts ---- */

static void take_priority(void) {
  struct sched_param first = {.sched_priority = 1};
  if (sched_setscheduler(0, SCHED_FIFO, &first) != 0) setpriority(PRIO_PROCESS, 0, -20);
}

void run_bystander_beside(const Options *options) {
  Pinger pinger = open_pinger(options);
  int others = options->roles;
  take_priority();
  atomic_fetch_add(&shared->ready, 1);
  atomic_fetch_add(&shared->done[PHASE_WARMUP], 1);
  wait_for_phase(PHASE_MEASURED);
  uint64_t next = now_ns();
  while (atomic_load(&shared->done[PHASE_MEASURED]) < others) {
    uint64_t now = now_ns();
    if (now >= next) send_ping(&pinger), next += (uint64_t)options->ping_ms * MS;
    struct pollfd wait = {.fd = pinger.reader.fd, .events = POLLIN};
    if (!wire_holds(pinger.reader.fd)) poll(&wait, 1, 1);
    read_pongs(&pinger);
  }
  note_unanswered(&pinger);
  qsort(pinger.waits.us, pinger.waits.count, sizeof *pinger.waits.us, by_value);
  atomic_store(&shared->p50_ns, percentile(&pinger.waits, 50) * 1000ull);
  atomic_store(&shared->p99_ns, percentile(&pinger.waits, 99) * 1000ull);
  atomic_store(&shared->max_ns, percentile(&pinger.waits, 100) * 1000ull);
  atomic_fetch_add(&shared->done[PHASE_MEASURED], 1);
}

/* ---- a bystander on its own, until standard input ends ---- */

enum Kind { PONGS, STANDARD_INPUT, SILENT, INFO_WANTED, HEALTH_WANTED };

typedef struct {
  enum Kind kind;
  int fd;
  uint64_t since_ns; /* when the attempt began, or when the last PING came */
  int asked;         /* the request is written */
} Watched;

static struct {
  int epoll, attempts, refused;
  Waits accept, health, timer;
  uint64_t late_ns;
} state;

static void watch(Watched *watched, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = watched};
  epoll_ctl(state.epoll, EPOLL_CTL_ADD, watched->fd, &event);
}

static void attempt(enum Kind kind, int port) {
  if (state.attempts >= ATTEMPTS_MAX) return;
  Watched *attempted = calloc(1, sizeof *attempted);
  *attempted = (Watched){.kind = kind, .fd = open_socket(), .since_ns = now_ns(), .asked = kind == INFO_WANTED};
  set_nonblocking(attempted->fd);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (connect(attempted->fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) fail("bystander: connect: %s", strerror(errno));
  state.attempts++;
  watch(attempted, kind == INFO_WANTED ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

static void on_attempt(Watched *attempted) {
  static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  char answer[4096];
  if (!attempted->asked) {
    if (send(attempted->fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0) {
      struct epoll_event event = {.events = EPOLLIN, .data.ptr = attempted};
      epoll_ctl(state.epoll, EPOLL_CTL_MOD, attempted->fd, &event);
      attempted->asked = 1;
      return;
    }
  }
  ssize_t got = recv(attempted->fd, answer, sizeof answer, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  int served = got > 0 && (attempted->kind == INFO_WANTED || (got > 12 && memcmp(answer + 9, "200", 3) == 0));
  if (!served) state.refused++;
  else note_wait(attempted->kind == INFO_WANTED ? &state.accept : &state.health, now_ns() - attempted->since_ns);
  close(attempted->fd);
  free(attempted);
  state.attempts--;
}

/* The server's PINGs are not answered, so they come at its ping_interval; a pause between two is compared with it. */
static void on_silent(Watched *silent, uint64_t interval_ns) {
  char bytes[4096];
  ssize_t got = recv(silent->fd, bytes, sizeof bytes - 1, 0);
  if (got <= 0) {
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    fail("bystander: the server closed a silent connection");
  }
  bytes[got] = 0;
  if (strstr(bytes, "PING") == NULL) return;
  uint64_t now = now_ns();
  if (silent->since_ns != 0) note_wait(&state.timer, now - silent->since_ns > interval_ns ? now - silent->since_ns - interval_ns : 0);
  silent->since_ns = now;
}

static void open_silent(const Options *options, Watched *silent) {
  for (int at = 0; at < SILENT_CLIENTS; at++) {
    Reader reader = open_plain_reader(options, &options->publisher);
    set_nonblocking(reader.fd);
    silent[at] = (Watched){.kind = SILENT, .fd = reader.fd};
    watch(&silent[at], EPOLLIN);
    usleep((useconds_t)(options->timer_ms * 1000 / SILENT_CLIENTS)); /* so that the PINGs come evenly spread */
  }
}

static uint64_t due_in_ms(uint64_t next, uint64_t now) { return next <= now ? 0 : (next - now + MS - 1) / MS; }

void run_bystander(const Options *options) {
  state.epoll = epoll_create1(0);
  Pinger pinger = open_pinger(options);
  Watched pongs = {.kind = PONGS, .fd = pinger.reader.fd}, input = {.kind = STANDARD_INPUT, .fd = 0}, silent[SILENT_CLIENTS];
  watch(&pongs, EPOLLIN);
  watch(&input, EPOLLIN);
  if (options->timer_ms > 0) open_silent(options, silent);
  take_priority();
  printf("ready\n");
  fflush(stdout);
  uint64_t ping_at = now_ns(), accept_at = ping_at, ended = 0;
  struct epoll_event events[64];
  while (ended == 0 || ((!all_answered(&pinger) || state.attempts > 0) && now_ns() < ended)) {
    uint64_t now = now_ns();
    if (ended == 0 && now >= ping_at) {
      if (now - ping_at > state.late_ns) state.late_ns = now - ping_at;
      send_ping(&pinger);
      ping_at += (uint64_t)options->ping_ms * MS;
    }
    if (ended == 0 && options->accept_ms > 0 && now >= accept_at) {
      attempt(INFO_WANTED, options->port);
      if (options->monitor > 0) attempt(HEALTH_WANTED, options->monitor);
      accept_at += (uint64_t)options->accept_ms * MS;
    }
    int ready = epoll_wait(state.epoll, events, 64, ended ? 10 : (int)due_in_ms(ping_at, now_ns()));
    for (int at = 0; at < ready; at++) {
      Watched *watched = events[at].data.ptr;
      if (watched->kind == PONGS) read_pongs(&pinger);
      else if (watched->kind == SILENT) on_silent(watched, (uint64_t)options->timer_ms * MS);
      else if (watched->kind != STANDARD_INPUT) on_attempt(watched);
      else if (ended == 0) {
        ended = now_ns() + PATIENCE_MS * (uint64_t)MS;
        epoll_ctl(state.epoll, EPOLL_CTL_DEL, 0, NULL);
      }
    }
  }
  note_unanswered(&pinger);
  printf("{");
  print_waits("ping", &pinger.waits, ",");
  print_waits("accept", &state.accept, ",");
  print_waits("health", &state.health, ",");
  print_waits("timer", &state.timer, ",");
  printf("\"refused\":%d,\"unanswered\":%d,\"lateUs\":%llu}\n", state.refused, state.attempts, (unsigned long long)state.late_ns / 1000);
  fflush(stdout);
}

/* ---- an attacker: connects and closes as fast as it can, `inFlight` at a time, until standard input ends ---- */

static void begin_connect(const Options *options, int *fd, int epoll, uint32_t place) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  *fd = open_socket();
  set_nonblocking(*fd);
  if (connect(*fd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) fail("attacker: connect: %s", strerror(errno));
  struct epoll_event event = {.events = EPOLLOUT, .data.u32 = place};
  epoll_ctl(epoll, EPOLL_CTL_ADD, *fd, &event);
}

void run_connects(const Options *options) {
  int *open = calloc((size_t)options->in_flight, sizeof *open), epoll = epoll_create1(0);
  for (int at = 0; at < options->in_flight; at++) begin_connect(options, &open[at], epoll, (uint32_t)at);
  uint64_t count = 0, begin = now_ns();
  struct pollfd input = {.fd = 0, .events = POLLIN};
  struct epoll_event ready[256];
  while (poll(&input, 1, 0) == 0) {
    int events = epoll_wait(epoll, ready, 256, 100);
    for (int at = 0; at < events; at++, count++) {
      uint32_t place = ready[at].data.u32;
      close(open[place]);
      begin_connect(options, &open[place], epoll, place);
    }
  }
  printf("{\"connects\":%llu,\"perSecond\":%.0f}\n", (unsigned long long)count, (double)count * 1e9 / (double)(now_ns() - begin));
  fflush(stdout);
}
