/*
 * A load generator that is neutral between servers: raw sockets, prebuilt bytes, one process per role, and no work per message other
 * than the kernel's.
 *
 *   load run      publishers → server → subscribers (none: publish only); a rate
 *   load request  requester → server → responder and back; latencies and a rate
 *   load idle     connections with one subscription each; the server's memory
 *   load login    connections that log in and close, see login.c; a rate
 *   load stream   publishers that wait for PubAcks, see stream.c; a rate
 *   load get      requests for stored messages, see get.c; a rate
 *   load poll     requests to the monitoring port, see poll.c; a rate
 *   load bystander, load connect    the waits of an innocent client, and an attacker; see bystander.c
 *   load relay    a stand-in for the server, see relay.c
 *
 *   parent ──fork──► publisher  ┐
 *          ──fork──► subscriber ├─ shared page: roles that are ready, current phase, its start and end, the first failure
 *          waits, reads the server's CPU time from /proc, prints one line of JSON
 *
 * All publishers are in one process and all subscribers in another: with more processes a small machine would measure its scheduler.
 * Each run has two phases over the same connections, a warm-up and the measured one.
 * Nothing waits without limit: at its deadline the parent ends all roles, and they end when the parent ends.
 */
#define _GNU_SOURCE
#include "wire.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- publish and deliver ---- */

typedef struct {
  Reader reader;
  uint64_t at, end; /* bytes of this phase */
} Publisher;

static int write_some(Publisher *publisher, const Block *block) {
  size_t offset = publisher->at % block->size, part = block->size - offset;
  if (part > WRITE_SIZE) part = WRITE_SIZE;
  if (part > publisher->end - publisher->at) part = publisher->end - publisher->at;
  ssize_t wrote = wire_send(publisher->reader.fd, block->bytes + offset, part);
  if (wrote < 0 && errno != EAGAIN && errno != EINTR) fail("publisher: write: %s", strerror(errno));
  if (wrote > 0) publisher->at += (uint64_t)wrote;
  return wrote > 0;
}

/* What the server says meanwhile, such as that it refuses a message, is read, so that the server need not hold it. */
static void publish_all(Publisher *publishers, int count, const Block *block) {
  struct pollfd waits[64];
  for (;;) {
    int waiting = 0, progress = 0;
    for (int at = 0; at < count; at++) {
      if (publishers[at].at == publishers[at].end) continue;
      progress |= write_some(&publishers[at], block);
      while (publishers[at].reader.refused && read_some(&publishers[at].reader) > 0) progress = 1;
      waits[waiting++] = (struct pollfd){.fd = publishers[at].reader.fd, .events = publishers[at].reader.refused ? POLLIN | POLLOUT : POLLOUT};
    }
    if (waiting == 0) return;
    if (!progress) poll(waits, (nfds_t)waiting, -1);
  }
}

static void run_publishers(const Options *options) {
  Block block = publish_block(options);
  Publisher publishers[64] = {0};
  int count = options->publishers;
  for (int at = 0; at < count; at++) {
    publishers[at].reader = open_reader(options, &options->publisher, NULL, 0);
    set_nonblocking(publishers[at].reader.fd);
  }
  atomic_fetch_add(&shared->ready, 1);
  for (int phase = PHASE_WARMUP; phase <= PHASE_MEASURED; phase++) {
    wait_for_phase(phase);
    for (int at = 0; at < count; at++) {
      publishers[at].at = 0;
      publishers[at].end = phase_messages(options, phase) / (uint64_t)count * block.message_size;
    }
    atomic_store(&shared->first_ns[phase], now_ns());
    publish_all(publishers, count, &block);
    if (options->subscribers == 0) { /* after the PONG all messages before it have been read and routed */
      for (int at = 0; at < count; at++) write_all(publishers[at].reader.fd, "PING\r\n", 6);
      for (int at = 0; at < count; at++) read_until_pongs(&publishers[at].reader, publishers[at].reader.pongs + 1);
      atomic_store(&shared->last_ns[phase], now_ns());
    }
    atomic_fetch_add(&shared->done[phase], 1);
  }
}

/* Reads until the expected number of messages has come: by each connection, or with a queue group by all together. Counts exactly. */
static void receive_all(const Options *options, Reader *readers, int epoll, uint64_t expected) {
  int count = options->subscribers;
  uint64_t total = options->queue ? expected : expected * (uint64_t)count, received = 0;
  for (int at = 0; at < count; at++) received += readers[at].messages;
  struct epoll_event ready[256];
  while (received < total) {
    int events = count == 1 ? 1 : epoll_wait(epoll, ready, 256, -1);
    for (int at = 0; at < events; at++) {
      Reader *reader = count == 1 ? readers : ready[at].data.ptr;
      uint64_t before = reader->messages;
      read_some(reader);
      received += reader->messages - before;
      if (!options->queue && reader->messages > expected) fail("a subscriber got more than the %llu messages published", (unsigned long long)expected);
    }
    atomic_store(&shared->received, received);
  }
  if (received > total) fail("%llu messages instead of %llu", (unsigned long long)received, (unsigned long long)total);
}

/* A message delivered twice would come before the PONG. */
static void check_nothing_more(Reader *readers, int count) {
  for (int at = 0; at < count; at++) {
    uint64_t before = readers[at].messages;
    write_all(readers[at].fd, "PING\r\n", 6);
    read_until_pongs(&readers[at], readers[at].pongs + 1);
    if (readers[at].messages != before || readers[at].missing > 0) fail("messages beyond those published");
  }
}

static void run_subscribers(const Options *options) {
  Block block = deliver_block(options);
  Reader *readers = calloc((size_t)options->subscribers, sizeof *readers);
  int epoll = epoll_create1(0);
  char subscribe[64];
  sprintf(subscribe, "SUB %s%s 1\r\n", options->subjects == 1 ? "bench" : "bench.*", options->queue ? " group" : "");
  for (int at = 0; at < options->subscribers; at++) {
    readers[at] = open_reader(options, &options->subscriber, subscribe, block.message_size);
    readers[at].first = block.bytes;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &readers[at]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, readers[at].fd, &event);
  }
  atomic_fetch_add(&shared->ready, 1);
  uint64_t expected = 0;
  for (int phase = PHASE_WARMUP; phase <= PHASE_MEASURED; phase++) {
    expected += phase_messages(options, phase);
    receive_all(options, readers, epoll, expected);
    atomic_store(&shared->last_ns[phase], now_ns());
    check_nothing_more(readers, options->subscribers);
    atomic_fetch_add(&shared->done[phase], 1);
  }
}

/* ---- request and reply ---- */

typedef struct {
  Reader reader;
  Template pub, msg;
  char *out;
  size_t out_size;
  uint64_t next_reply; /* one connection per direction, so replies come in the order of their requests */
} Responder, Requester;

static void write_token(char *to, uint64_t number) {
  for (int at = TOKEN_SIZE - 1; at >= 0; at--, number /= 10) to[at] = (char)('0' + number % 10);
}

static void on_request(void *context, const char *message) {
  Responder *responder = context;
  char *to = responder->out + responder->out_size;
  memcpy(to, responder->pub.bytes, responder->pub.size);
  memcpy(to + responder->pub.reply_at, message + responder->msg.reply_at, responder->msg.reply_size);
  responder->out_size += responder->pub.size;
}

static void run_responder(const Options *options) {
  const char *reply = options->imported ? IMPORTED_REPLY : FIRST_REPLY;
  Responder responder = {.pub = make_template(REPLY_PUB, options->size, reply), .msg = make_template(REQUEST_MSG, options->size, reply)};
  responder.out = malloc(2 * (READ_SIZE + HELD_SIZE_MAX));
  responder.reader = open_reader(options, &options->subscriber, "SUB bench.service 1\r\n", responder.msg.size);
  responder.reader.whole = 1;
  responder.reader.on_message = on_request;
  responder.reader.context = &responder;
  atomic_fetch_add(&shared->ready, 1);
  for (int phase = PHASE_WARMUP; phase <= PHASE_MEASURED; phase++) atomic_fetch_add(&shared->done[phase], 1); /* ends when the parent ends */
  for (;;) {
    read_some(&responder.reader);
    if (responder.out_size > 0) write_all(responder.reader.fd, responder.out, responder.out_size);
    responder.out_size = 0;
  }
}

static void on_reply(void *context, const char *message) {
  Requester *requester = context;
  write_token(requester->msg.bytes + requester->msg.reply_at + REPLY_SIZE - TOKEN_SIZE, requester->next_reply++);
  if (memcmp(message, requester->msg.bytes, requester->msg.size) != 0) fail("not the reply expected: %.100s", message);
}

static void send_requests(Requester *requester, uint64_t first, uint64_t count) {
  for (uint64_t at = 0; at < count; at++) {
    char *to = requester->out + at * requester->pub.size;
    memcpy(to, requester->pub.bytes, requester->pub.size);
    write_token(to + requester->pub.reply_at + REPLY_SIZE - TOKEN_SIZE, first + at);
  }
  write_all(requester->reader.fd, requester->out, count * requester->pub.size);
}

static int by_value(const void *left, const void *right) {
  uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
  return (a > b) - (a < b);
}

static void run_requester(const Options *options) {
  Requester requester = {.pub = make_template(REQUEST_PUB, options->size, FIRST_REPLY), .msg = make_template(REPLY_MSG, options->size, FIRST_REPLY)};
  requester.out = malloc((size_t)options->in_flight * requester.pub.size);
  requester.reader = open_reader(options, &options->publisher, "SUB " INBOX "* 1\r\n", requester.msg.size);
  requester.reader.whole = 1;
  requester.reader.on_message = on_reply;
  requester.reader.context = &requester;
  uint32_t *latencies = malloc(sizeof *latencies * options->messages);
  atomic_fetch_add(&shared->ready, 1);
  uint64_t sent = 0, end = 0;
  for (int phase = PHASE_WARMUP; phase <= PHASE_MEASURED; phase++) {
    wait_for_phase(phase);
    uint64_t begin = end;
    end += phase_messages(options, phase);
    atomic_store(&shared->first_ns[phase], now_ns());
    while (requester.next_reply < end) {
      uint64_t room = (uint64_t)options->in_flight - (sent - requester.next_reply);
      if (room > end - sent) room = end - sent;
      uint64_t before = now_ns(), replies = requester.next_reply;
      if (room > 0) send_requests(&requester, sent, room), sent += room;
      while (requester.next_reply == replies) read_some(&requester.reader);
      if (phase == PHASE_MEASURED && options->in_flight == 1) latencies[replies - begin] = (uint32_t)(now_ns() - before);
      atomic_store(&shared->received, requester.next_reply);
    }
    atomic_store(&shared->last_ns[phase], now_ns());
    if (phase == PHASE_MEASURED && options->in_flight == 1) {
      qsort(latencies, options->messages, sizeof *latencies, by_value);
      atomic_store(&shared->p50_ns, latencies[options->messages / 2]);
      atomic_store(&shared->p99_ns, latencies[options->messages * 99 / 100]);
    }
    atomic_fetch_add(&shared->done[phase], 1);
  }
}

/* ---- idle connections ---- */

static uint64_t resident_bytes(int pid) {
  char path[64], line[256];
  sprintf(path, "/proc/%d/status", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) fail("%s: %s", path, strerror(errno));
  unsigned long long kib = 0;
  while (fgets(line, sizeof line, file)) {
    if (sscanf(line, "VmRSS: %llu", &kib) == 1) break;
  }
  fclose(file);
  return kib * 1024;
}

/* Connects all, answers the server's first PINGs for a while, then reads its memory. */
static void run_idle(const Options *options) {
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < (rlim_t)options->connections + 64) fail("%d connections need `ulimit -n` of %d; it is %llu", options->connections,
                                                               options->connections + 64, (unsigned long long)files.rlim_cur);
  atomic_store(&shared->rss_before, resident_bytes(options->pid));
  Reader *readers = calloc((size_t)options->connections, sizeof *readers);
  int epoll = epoll_create1(0);
  char subscribe[64];
  for (int at = 0; at < options->connections; at++) {
    sprintf(subscribe, "SUB idle.%06d 1\r\n", at);
    readers[at] = open_reader(options, &options->subscriber, subscribe, 0);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &readers[at]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, readers[at].fd, &event);
    atomic_store(&shared->received, (unsigned long long)at + 1);
  }
  struct epoll_event ready[256];
  uint64_t end = now_ns() + (uint64_t)options->settle_ms * 1000000u;
  for (uint64_t now; (now = now_ns()) < end;) {
    int events = epoll_wait(epoll, ready, 256, (int)((end - now) / 1000000u) + 1);
    for (int at = 0; at < events; at++) read_some(ready[at].data.ptr);
  }
  atomic_store(&shared->rss_after, resident_bytes(options->pid));
  atomic_fetch_add(&shared->ready, 1);
  for (int phase = PHASE_WARMUP; phase <= PHASE_MEASURED; phase++) atomic_fetch_add(&shared->done[phase], 1);
}

/* ---- the parent ---- */

static pid_t children[4];
static int child_count;

static void start_role(const Options *options, void (*role)(const Options *)) {
  pid_t pid = fork();
  if (pid < 0) fail("fork: %s", strerror(errno));
  if (pid > 0) {
    children[child_count++] = pid;
    return;
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  role(options);
  for (;;) pause(); /* until the parent ends this process: closing now could reset a connection that the server has not read completely */
}

static int finish(int status) {
  for (int at = 0; at < child_count; at++) kill(children[at], SIGKILL);
  for (int at = 0; at < child_count; at++) waitpid(children[at], NULL, 0);
  if (status != 0) {
    printf("{\"error\":\"");
    for (const char *at = shared->failure; *at; at++) {
      if (*at == '"' || *at == '\\') printf("\\%c", *at);
      else putchar(*at < ' ' ? ' ' : *at);
    }
    printf("\"}\n");
  }
  return status;
}

/* Waits until `count` roles are ready; 0 when one of them failed or the run's deadline has passed. */
static int arrived(atomic_int *counter, int count, uint64_t deadline_ns, const char *what) {
  while (atomic_load(counter) < count) {
    if (atomic_load(&shared->failed) == 2) return 0;
    if (now_ns() > deadline_ns) {
      snprintf(shared->failure, sizeof shared->failure, "timed out while %s, %llu received", what, (unsigned long long)atomic_load(&shared->received));
      return 0;
    }
    usleep(1000);
  }
  return atomic_load(&shared->failed) == 0;
}

/* User and system time of all threads of the process, including ended ones; in ticks of 10 ms. */
static double cpu_seconds(int pid) {
  char path[64], text[1024];
  unsigned long user = 0, system = 0;
  sprintf(path, "/proc/%d/stat", pid);
  FILE *file = pid > 0 ? fopen(path, "r") : NULL;
  if (file == NULL) return 0;
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  char *name_end = strrchr(text, ')');
  if (name_end) sscanf(name_end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* Roles that measure by themselves and print the result. */
static int run_alone(const Options *options, void (*role)(const Options *)) {
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    role(options);
    _exit(0);
  }
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) return 1;
  return finish(status == 0 ? 0 : 1);
}

static int run_phases(const Options *options) {
  uint64_t deadline = now_ns() + (uint64_t)options->timeout_ms * 1000000u;
  if (!arrived(&shared->ready, child_count, deadline, "connecting")) return finish(1);
  atomic_store(&shared->phase, PHASE_WARMUP);
  if (!arrived(&shared->done[PHASE_WARMUP], child_count, deadline, "warming up")) return finish(1);
  usleep(options->connections > 0 ? 0 : 50 * 1000); /* lets the server finish its work for the warm-up */
  double cpu_before = cpu_seconds(options->pid);
  atomic_store(&shared->phase, PHASE_MEASURED);
  if (!arrived(&shared->done[PHASE_MEASURED], child_count, deadline, "measuring")) return finish(1);
  double cpu = cpu_seconds(options->pid) - cpu_before;
  double seconds = (double)(shared->last_ns[PHASE_MEASURED] - shared->first_ns[PHASE_MEASURED]) / 1e9;
  uint64_t deliveries = options->messages * (uint64_t)(options->subscribers > 0 && !options->queue ? options->subscribers : 1);
  printf("{\"seconds\":%.6f,\"messages\":%llu,\"deliveries\":%llu,\"rate\":%.1f,\"cpuSeconds\":%.2f,\"p50Us\":%.1f,\"p99Us\":%.1f,"
         "\"maxUs\":%.1f,\"rssBeforeBytes\":%llu,\"rssBytes\":%llu}\n",
         seconds, (unsigned long long)options->messages, (unsigned long long)deliveries, seconds > 0 ? (double)deliveries / seconds : 0, cpu,
         (double)shared->p50_ns / 1e3, (double)shared->p99_ns / 1e3, (double)shared->max_ns / 1e3, (unsigned long long)shared->rss_before, (unsigned long long)shared->rss_after);
  return finish(0);
}

static void read_option(Options *options, const char *text) {
  const char *equals = strchr(text, '=');
  size_t length = equals ? (size_t)(equals - text) : 0;
#define TEXT(name, field)                                                         \
  if (strlen(name) == length && memcmp(text, name, length) == 0) {                \
    options->field = equals + 1;                                                  \
    return;                                                                       \
  }
  TEXT("publisherUser", publisher.user)
  TEXT("publisherPassword", publisher.password)
  TEXT("subscriberUser", subscriber.user)
  TEXT("subscriberPassword", subscriber.password)
  TEXT("users", users)
#undef TEXT
  long long value = equals ? atoll(equals + 1) : 0;
#define OPTION(name, field)                                                       \
  if (strlen(name) == length && memcmp(text, name, length) == 0) {                \
    options->field = value;                                                       \
    return;                                                                       \
  }
  OPTION("port", port)
  OPTION("pid", pid)
  OPTION("publishers", publishers)
  OPTION("subscribers", subscribers)
  OPTION("subjects", subjects)
  OPTION("queue", queue)
  OPTION("size", size)
  OPTION("tls", tls)
  OPTION("inFlight", in_flight)
  OPTION("connections", connections)
  OPTION("messages", messages)
  OPTION("warmup", warmup)
  OPTION("settleMs", settle_ms)
  OPTION("timeoutMs", timeout_ms)
  OPTION("imported", imported)
  OPTION("webSocket", web_socket)
  OPTION("webSocketPort", web_socket_port)
  OPTION("refused", refused)
  OPTION("bystander", bystander)
  OPTION("streams", streams)
  OPTION("memory", memory)
  OPTION("s2", s2)
  OPTION("keyValue", key_value)
  OPTION("messageIds", message_ids)
  OPTION("batch", batch)
  OPTION("stored", stored)
  OPTION("busy", busy)
  OPTION("pingMs", ping_ms)
  OPTION("acceptMs", accept_ms)
  OPTION("timerMs", timer_ms)
  OPTION("monitor", monitor)
#undef OPTION
  fprintf(stderr, "load: no option %s\n", text);
  exit(2);
}

int main(int count, char **texts) {
  Options options = {.role = count > 1 ? texts[1] : "", .publishers = 1, .subjects = 1, .streams = 1, .ping_ms = 2, .settle_ms = 3000, .timeout_ms = 60000};
  for (int at = 2; at < count; at++) read_option(&options, texts[at]);
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) files.rlim_cur = files.rlim_max, setrlimit(RLIMIT_NOFILE, &files);
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGKILL);

  if (strcmp(options.role, "relay") == 0) return run_relay(&options);
  if (strcmp(options.role, "bystander") == 0) return run_alone(&options, run_bystander);
  if (strcmp(options.role, "connect") == 0) return run_alone(&options, run_connects);
  if (strcmp(options.role, "run") == 0) {
    if (options.publishers < 1 || options.publishers > 64 || options.messages % (uint64_t)options.publishers || options.warmup % (uint64_t)options.publishers) {
      fprintf(stderr, "load: 1 to 64 publishers that share the messages evenly\n");
      return 2;
    }
    if (options.subscribers > 0) start_role(&options, run_subscribers);
    start_role(&options, run_publishers);
  } else if (strcmp(options.role, "request") == 0) {
    start_role(&options, run_responder);
    start_role(&options, run_requester);
  } else if (strcmp(options.role, "idle") == 0) {
    start_role(&options, run_idle);
  } else if (strcmp(options.role, "login") == 0) {
    start_role(&options, run_logins);
  } else if (strcmp(options.role, "stream") == 0) {
    start_role(&options, run_stream_publishers);
  } else if (strcmp(options.role, "get") == 0) {
    start_role(&options, run_getters);
  } else if (strcmp(options.role, "poll") == 0) {
    start_role(&options, run_polled_clients);
    start_role(&options, run_pollers);
  } else {
    fprintf(stderr, "usage: load run|request|idle|login|stream|get|poll|relay|bystander|connect port=N pid=N messages=N …, see main of load.c\n");
    return 2;
  }
  options.roles = child_count;
  if (options.busy) start_role(&options, run_busy_stream);
  if (options.bystander) start_role(&options, run_bystander_beside);
  return run_phases(&options);
}
