/*
 * Publishers of streams: each keeps up to `inFlight` messages without a PubAck, and sends more as soon as some have come.
 *
 *   streams=N publishers=M   each publisher has its own connection and one stream; stream = publisher mod N
 *   subjects=N               a message's subject is one of N, each used once before one is used again
 *   keyValue=1               one stream as a KV bucket has it: the newest message of each subject is kept
 *   memory=1, s2=1, messageIds=1
 *   busy=N                   beside other roles: N messages per second to a stream of its own, from two seconds before they begin; a failure
 *                            if it takes fewer
 */
#define _GNU_SOURCE
#include "stream.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { REPLY_DIGITS = 10, SUBJECT_DIGITS = 7, BUSY_IN_FLIGHT = 1000, REQUEST_MS = 20000 };
#define BUSY_BEFORE_NS 2000000000u
#define STREAM_INBOX "_INBOX.Qk3vW9xT0bLr8sZy1mNpUc"
#define HEADER_START "NATS/1.0\r\nNats-Msg-Id: "

/* ---- requests to the API ---- */

typedef struct {
  Mailbox mailbox;
  int answers;
  char last[16 * 1024];
} ApiClient;

static void on_answer(void *context, const Delivery *delivery) {
  ApiClient *client = context;
  size_t size = delivery->payload_size < sizeof client->last ? delivery->payload_size : sizeof client->last - 1;
  memcpy(client->last, delivery->payload, size);
  client->last[size] = 0;
  client->answers++;
  if (strstr(client->last, "\"error\"") != NULL) fail("the API answers %.300s", client->last);
}

static ApiClient *open_api(const Options *options) {
  ApiClient *client = calloc(1, sizeof *client);
  client->mailbox = open_mailbox(options, STREAM_INBOX);
  client->mailbox.on_delivery = on_answer;
  client->mailbox.context = client;
  return client;
}

static void ask(ApiClient *client, const char *subject, const char *payload) {
  char request[2048];
  int size = snprintf(request, sizeof request, "PUB %s " STREAM_INBOX ".api %zu\r\n%s\r\n", subject, strlen(payload), payload);
  write_all(client->mailbox.fd, request, (size_t)size);
}

static void await_answers(ApiClient *client, int count) {
  while (client->answers < count) {
    struct pollfd wait = {.fd = client->mailbox.fd, .events = POLLIN};
    if (poll(&wait, 1, REQUEST_MS) == 0) fail("no answer of the API after %d ms", REQUEST_MS);
    read_mailbox(&client->mailbox);
  }
}

static void close_api(ApiClient *client) {
  close(client->mailbox.fd);
  free(client->mailbox.held);
  free(client);
}

static uint64_t number_after(const char *text, const char *name) {
  const char *at = strstr(text, name);
  if (at == NULL) fail("no %s in %.300s", name, text);
  for (at += strlen(name); *at == ' ';) at++;
  return strtoull(at, NULL, 10);
}

static void create_stream(ApiClient *client, const Options *options, const Stream *stream) {
  char config[1024], subject[64];
  const char *kept = options->key_value ? "\"max_msgs_per_subject\":1,\"discard\":\"new\",\"allow_rollup_hdrs\":true,\"deny_delete\":true" : "\"discard\":\"old\"";
  snprintf(config, sizeof config, "{\"name\":\"%s\",\"subjects\":[\"%s%s\"],\"storage\":\"%s\",\"compression\":\"%s\",\"retention\":\"limits\",\"num_replicas\":1,\"allow_direct\":true,%s}",
           stream->name, stream->subject, options->subjects > 1 ? ".>" : "", options->memory ? "memory" : "file", options->s2 ? "s2" : "none", kept);
  snprintf(subject, sizeof subject, "$JS.API.STREAM.CREATE.%s", stream->name);
  ask(client, subject, config);
}

Stream *create_streams(const Options *options, int count, int publishers) {
  Stream *streams = calloc((size_t)count, sizeof *streams);
  ApiClient *client = open_api(options);
  for (int at = 0; at < count; at++) {
    streams[at].publishers = publishers / count;
    if (options->key_value) {
      strcpy(streams[at].name, "KV_bench");
      strcpy(streams[at].subject, "$KV.bench");
    } else {
      snprintf(streams[at].name, sizeof streams[at].name, "S%04d", at);
      snprintf(streams[at].subject, sizeof streams[at].subject, "js.%04d", at);
    }
    create_stream(client, options, &streams[at]);
  }
  await_answers(client, count);
  const char *state = strstr(client->last, "\"state\"");
  if (count == 1 && state != NULL) streams[0].last = number_after(state, "\"last_seq\":"); /* it may have been there before */
  close_api(client);
  return streams;
}

void check_streams(const Options *options, Stream *streams, int count) {
  ApiClient *client = open_api(options);
  for (int at = 0; at < count; at++) {
    char subject[64];
    snprintf(subject, sizeof subject, "$JS.API.STREAM.INFO.%s", streams[at].name);
    ask(client, subject, "");
    await_answers(client, at + 1);
    const char *state = strstr(client->last, "\"state\"");
    uint64_t wanted = streams[at].last;
    if (options->key_value && wanted > (uint64_t)options->subjects) wanted = (uint64_t)options->subjects;
    if (state == NULL || number_after(state, "\"messages\":") != wanted || number_after(state, "\"last_seq\":") != streams[at].last)
      fail("the stream holds something else than %llu messages up to %llu: %.300s", (unsigned long long)wanted, (unsigned long long)streams[at].last, state ? state : client->last);
  }
  close_api(client);
}

/* ---- one publisher ---- */

/* The number that the PubAck gives for its stream; 0 when it is not a PubAck of that stream. */
static uint64_t acknowledged_sequence(const Delivery *ack, const Stream *stream) {
  char start[40];
  size_t size = (size_t)sprintf(start, "{\"stream\":\"%s\",", stream->name);
  if (ack->payload_size < size + 7 || memcmp(ack->payload, start, size) != 0) return 0;
  const char *at = ack->payload + size, *end = ack->payload + ack->payload_size;
  if (*at == ' ') at++;
  if (end - at < 8 || memcmp(at, "\"seq\":", 6) != 0) return 0;
  uint64_t sequence = 0;
  for (at += 6; at < end && *at >= '0' && *at <= '9'; at++) sequence = sequence * 10 + (uint64_t)(*at - '0');
  return end - at == 1 && *at == '}' ? sequence : 0; /* more would be "duplicate" or another surprise */
}

static void note_sequence(Stream *stream, uint64_t sequence) {
  if (stream->publishers <= 1) {
    if (sequence != stream->last + 1) fail("a PubAck of sequence %llu after %llu", (unsigned long long)sequence, (unsigned long long)stream->last);
  } else {
    if (sequence >= stream->seen_size) {
      uint64_t size = 2 * sequence + 4096;
      stream->seen = realloc(stream->seen, size);
      memset(stream->seen + stream->seen_size, 0, size - stream->seen_size);
      stream->seen_size = size;
    }
    if (stream->seen[sequence]++) fail("two PubAcks of sequence %llu", (unsigned long long)sequence);
  }
  if (sequence > stream->last) stream->last = sequence;
}

static void on_ack(void *context, const Delivery *ack) {
  StreamPublisher *publisher = context;
  char token[REPLY_DIGITS];
  write_digits(token, REPLY_DIGITS, publisher->acked);
  uint64_t sequence = acknowledged_sequence(ack, publisher->stream);
  if (sequence == 0) fail("not a PubAck of %s: %.*s", publisher->stream->name, (int)(ack->payload_size < 200 ? ack->payload_size : 200), ack->payload);
  if (publisher->acked == publisher->sent || ack->subject_size < REPLY_DIGITS || memcmp(ack->subject + ack->subject_size - REPLY_DIGITS, token, REPLY_DIGITS) != 0)
    fail("not the PubAck of message %llu: %.*s", (unsigned long long)publisher->acked, (int)ack->subject_size, ack->subject);
  note_sequence(publisher->stream, sequence);
  publisher->acked++;
}

void open_stream_publisher(StreamPublisher *publisher, const Options *options, Stream *stream, int index) {
  char inbox[48], head[256];
  if (options->size < NUMBER_SIZE) fail("a payload has at least %d bytes", NUMBER_SIZE);
  snprintf(inbox, sizeof inbox, STREAM_INBOX "%04d", index);
  *publisher = (StreamPublisher){.mailbox = open_mailbox(options, inbox), .stream = stream};
  publisher->mailbox.on_delivery = on_ack;
  publisher->mailbox.context = publisher;
  int headers = options->message_ids ? (int)strlen(HEADER_START) + NUMBER_SIZE + 4 : 0;
  size_t at = (size_t)sprintf(head, "%s %s", headers ? "HPUB" : "PUB", stream->subject);
  if (options->subjects > 1) {
    publisher->subject_at = at + 1;
    at += (size_t)sprintf(head + at, ".%0*d", SUBJECT_DIGITS, 0);
  }
  at += (size_t)sprintf(head + at, " %s.", inbox);
  publisher->reply_at = at;
  at += (size_t)sprintf(head + at, "%0*d", REPLY_DIGITS, 0);
  if (headers) at += (size_t)sprintf(head + at, " %d", headers);
  at += (size_t)sprintf(head + at, " %d\r\n", headers + options->size);
  if (headers) {
    publisher->id_at = at + strlen(HEADER_START);
    at += (size_t)sprintf(head + at, HEADER_START "%0*d\r\n\r\n", NUMBER_SIZE, 0);
  }
  publisher->payload_at = at;
  publisher->size = at + (size_t)options->size + 2;
  publisher->message = malloc(publisher->size);
  memcpy(publisher->message, head, at);
  memcpy(publisher->message + publisher->size - 2, "\r\n", 2);
}

uint64_t subject_number(const Options *options, uint64_t message) {
  return message % (uint64_t)options->subjects * 7919 % (uint64_t)options->subjects; /* a prime that divides no count of subjects here */
}

void send_messages(StreamPublisher *publisher, const Options *options, uint64_t end) {
  static char *out;
  static size_t out_room;
  uint64_t room = (uint64_t)options->in_flight - (publisher->sent - publisher->acked);
  if (room > end - publisher->sent) room = end - publisher->sent;
  if (room == 0) return;
  if (out_room < room * publisher->size) out = realloc(out, out_room = room * publisher->size);
  for (char *to = out; to < out + room * publisher->size; to += publisher->size, publisher->sent++) {
    memcpy(to, publisher->message, publisher->payload_at);
    write_digits(to + publisher->reply_at, REPLY_DIGITS, publisher->sent);
    if (publisher->subject_at) write_digits(to + publisher->subject_at, SUBJECT_DIGITS, subject_number(options, publisher->sent));
    if (publisher->id_at) write_digits(to + publisher->id_at, NUMBER_SIZE, publisher->sent);
    write_payload(to + publisher->payload_at, (size_t)options->size, publisher->sent);
    memcpy(to + publisher->size - 2, "\r\n", 2);
  }
  write_all(publisher->mailbox.fd, out, room * publisher->size);
}

/* ---- all publishers of a run ---- */

static void publish_all(StreamPublisher *publishers, const Options *options, int epoll, uint64_t end) {
  int count = options->publishers, working = 0;
  struct epoll_event ready[256];
  for (int at = 0; at < count; at++) {
    send_messages(&publishers[at], options, end);
    working += publishers[at].acked < end;
  }
  while (working > 0) {
    int events = count == 1 ? 1 : epoll_wait(epoll, ready, 256, -1);
    for (int at = 0; at < events; at++) {
      StreamPublisher *publisher = count == 1 ? publishers : ready[at].data.ptr;
      uint64_t before = publisher->acked;
      read_mailbox(&publisher->mailbox);
      send_messages(publisher, options, end);
      if (publisher->acked == end && before < end) working--;
      atomic_fetch_add(&shared->received, publisher->acked - before);
    }
  }
}

void run_stream_publishers(const Options *options) {
  takes_headers = 1;
  int count = options->publishers, epoll = epoll_create1(0);
  Stream *streams = create_streams(options, options->streams, count);
  StreamPublisher *publishers = calloc((size_t)count, sizeof *publishers);
  for (int at = 0; at < count; at++) {
    open_stream_publisher(&publishers[at], options, &streams[at % options->streams], at);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &publishers[at]};
    epoll_ctl(epoll, EPOLL_CTL_ADD, publishers[at].mailbox.fd, &event);
  }
  atomic_fetch_add(&shared->ready, 1);
  uint64_t end = 0;
  for (int phase = PHASE_WARMUP; phase <= PHASE_MEASURED; phase++) {
    wait_for_phase(phase);
    end += phase_messages(options, phase) / (uint64_t)count;
    atomic_store(&shared->first_ns[phase], now_ns());
    publish_all(publishers, options, epoll, end);
    atomic_store(&shared->last_ns[phase], now_ns());
    if (phase == PHASE_MEASURED) check_streams(options, streams, options->streams);
    atomic_fetch_add(&shared->done[phase], 1);
  }
}

/* ---- a busy stream beside other roles ---- */

/* Publishes what is due at the rate, and takes PubAcks. */
static void keep_busy(StreamPublisher *publisher, const Options *options, uint64_t first, uint64_t begin) {
  uint64_t due = first + (now_ns() - begin) * (uint64_t)options->busy / 1000000000u;
  if (due > publisher->sent) send_messages(publisher, options, due);
  struct pollfd wait = {.fd = publisher->mailbox.fd, .events = POLLIN};
  if (poll(&wait, 1, 1) > 0) read_mailbox(&publisher->mailbox);
}

void run_busy_stream(const Options *all_options) {
  takes_headers = 1;
  Options options = *all_options;
  options.in_flight = BUSY_IN_FLIGHT, options.subjects = 1, options.size = 128;
  Stream *stream = create_streams(&options, 1, 1);
  StreamPublisher publisher;
  open_stream_publisher(&publisher, &options, stream, 0);
  set_nonblocking(publisher.mailbox.fd);
  uint64_t begin = now_ns();
  while (now_ns() - begin < BUSY_BEFORE_NS) keep_busy(&publisher, &options, 0, begin);
  atomic_fetch_add(&shared->ready, 1);
  wait_for_phase(PHASE_WARMUP);
  atomic_fetch_add(&shared->done[PHASE_WARMUP], 1);
  uint64_t first = publisher.sent;
  begin = now_ns();
  while (atomic_load(&shared->done[PHASE_MEASURED]) < options.roles) keep_busy(&publisher, &options, first, begin);
  double wanted = (double)(now_ns() - begin) / 1e9 * options.busy;
  while (publisher.acked < publisher.sent) { /* all of them must be acknowledged in the end */
    struct pollfd wait = {.fd = publisher.mailbox.fd, .events = POLLIN};
    if (poll(&wait, 1, -1) > 0) read_mailbox(&publisher.mailbox);
  }
  double sent = (double)(publisher.sent - first);
  if (sent + BUSY_IN_FLIGHT < 0.9 * wanted) fail("the busy stream took %.0f messages instead of %.0f", sent, wanted);
  atomic_fetch_add(&shared->done[PHASE_MEASURED], 1);
}
