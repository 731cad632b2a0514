/*
 * Direct gets: `inFlight` requests at a time for the last value of a key of a KV bucket, or one request at a time for `batch` messages.
 * The messages are published before the first phase. Every answer is checked: sequence or subject, and every byte of the payload.
 */
#define _GNU_SOURCE
#include "stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOT_DIGITS = 4, FILL_IN_FLIGHT = 1000 };
#define GET_INBOX "_INBOX.Gt7yB2nQe5KdLr8sZy1mNp"

typedef struct {
  Mailbox mailbox;
  const Options *options;
  uint64_t stored;      /* messages */
  uint64_t wanted;      /* of this phase: keys to ask for */
  uint64_t asked, done; /* keys or messages, so far */
  uint64_t *value_of;   /* by subject: number of its last message */
  uint64_t *key_of;     /* by slot: the subject that the request in it asks for */
  uint64_t first;       /* of a batch: sequence of its first message */
  uint64_t next;        /* of a batch: sequence of the message that must come next */
  int open;             /* the batch has not ended */
} Getter;

/* The headers have this line, which begins with the name and ends with CRLF. */
static int has_line(const Delivery *delivery, const char *line) { return memmem(delivery->headers, delivery->headers_size, line, strlen(line)) != NULL; }

static void refuse(const Delivery *delivery, const char *wanted) {
  fail("not %s: %.*s %.*s", wanted, (int)(delivery->headers_size < 160 ? delivery->headers_size : 160), delivery->headers,
       (int)(delivery->payload_size < 60 ? delivery->payload_size : 60), delivery->payload);
}

static int holds(const Getter *getter, const Delivery *delivery, uint64_t number) {
  return delivery->payload_size == (size_t)getter->options->size && is_payload(delivery->payload, delivery->payload_size, number);
}

static void ask_for_key(Getter *getter, char *to, uint64_t slot, size_t *size) {
  uint64_t key = getter->asked++ * 104729 % (uint64_t)getter->options->subjects; /* a prime: in another order than they were stored */
  getter->key_of[slot] = key;
  *size += (size_t)sprintf(to + *size, "PUB $JS.API.DIRECT.GET.KV_bench.$KV.bench.%07llu " GET_INBOX ".%0*llu 0\r\n\r\n", (unsigned long long)key, SLOT_DIGITS, (unsigned long long)slot);
}

static char out[256 * 1024];
static size_t out_size;

static void on_value(void *context, const Delivery *delivery) {
  Getter *getter = context;
  char line[64];
  uint64_t slot = strtoull(delivery->subject + delivery->subject_size - SLOT_DIGITS, NULL, 10);
  if (slot >= (uint64_t)getter->options->in_flight) refuse(delivery, "an answer to a request");
  uint64_t key = getter->key_of[slot];
  snprintf(line, sizeof line, "Nats-Subject: $KV.bench.%07llu\r\n", (unsigned long long)key);
  if (!has_line(delivery, line) || !holds(getter, delivery, getter->value_of[key])) refuse(delivery, line);
  getter->done++;
  if (getter->asked < getter->wanted) ask_for_key(getter, out, slot, &out_size);
}

static void get_keys(Getter *getter, uint64_t count) {
  getter->asked = getter->done = 0;
  getter->wanted = count;
  for (uint64_t slot = 0; slot < (uint64_t)getter->options->in_flight && getter->asked < count; slot++) ask_for_key(getter, out, slot, &out_size);
  while (getter->done < count) {
    if (out_size > 0) write_all(getter->mailbox.fd, out, out_size);
    out_size = 0;
    read_mailbox(&getter->mailbox);
    atomic_store(&shared->received, getter->done);
  }
}

static void on_batch_message(void *context, const Delivery *delivery) {
  Getter *getter = context;
  char line[64];
  uint64_t end = getter->first + (uint64_t)getter->options->batch;
  if (delivery->headers_size >= 16 && memcmp(delivery->headers, "NATS/1.0 204 EOB", 16) == 0) {
    if (getter->next != end) fail("a batch ended before sequence %llu", (unsigned long long)getter->next);
    getter->open = 0;
    return;
  }
  snprintf(line, sizeof line, "Nats-Sequence: %llu\r\n", (unsigned long long)getter->next);
  if (getter->next == end || !has_line(delivery, line) || !holds(getter, delivery, getter->next - 1)) refuse(delivery, line);
  getter->next++;
  getter->done++;
}

static void get_batches(Getter *getter, uint64_t count) {
  uint64_t size = (uint64_t)getter->options->batch;
  for (getter->done = 0; getter->done < count;) {
    char body[80];
    getter->first = getter->next = getter->asked % (getter->stored - size) + 1;
    getter->asked += size;
    getter->open = 1;
    int body_size = sprintf(body, "{\"seq\":%llu,\"batch\":%llu}", (unsigned long long)getter->first, (unsigned long long)size);
    out_size = (size_t)sprintf(out, "PUB $JS.API.DIRECT.GET.S0000 " GET_INBOX ".0000 %d\r\n%s\r\n", body_size, body);
    write_all(getter->mailbox.fd, out, out_size);
    while (getter->open) read_mailbox(&getter->mailbox);
    atomic_store(&shared->received, getter->done);
  }
}

/* Publishes what will be read. */
static void fill(Getter *getter, uint64_t messages) {
  Options options = *getter->options;
  options.in_flight = FILL_IN_FLIGHT;
  options.key_value = !options.batch;
  Stream *stream = create_streams(&options, 1, 1);
  StreamPublisher publisher;
  open_stream_publisher(&publisher, &options, stream, 0);
  while (publisher.acked < messages) {
    send_messages(&publisher, &options, messages);
    read_mailbox(&publisher.mailbox);
  }
  check_streams(&options, stream, 1);
  for (uint64_t at = 0; at < messages && getter->value_of; at++) getter->value_of[subject_number(&options, at)] = at;
  getter->stored = messages;
}

void run_getters(const Options *options) {
  takes_headers = 1;
  Getter getter = {.options = options, .mailbox = open_mailbox(options, GET_INBOX)};
  getter.mailbox.context = &getter;
  getter.mailbox.on_delivery = options->batch ? on_batch_message : on_value;
  if (!options->batch) getter.value_of = calloc((size_t)options->subjects, sizeof *getter.value_of), getter.key_of = calloc((size_t)options->in_flight, sizeof *getter.key_of);
  fill(&getter, options->batch ? (uint64_t)options->stored : (uint64_t)options->subjects);
  atomic_fetch_add(&shared->ready, 1);
  for (int phase = PHASE_WARMUP; phase <= PHASE_MEASURED; phase++) {
    wait_for_phase(phase);
    atomic_store(&shared->first_ns[phase], now_ns());
    if (options->batch) get_batches(&getter, phase_messages(options, phase));
    else get_keys(&getter, phase_messages(options, phase));
    atomic_store(&shared->last_ns[phase], now_ns());
    atomic_fetch_add(&shared->done[phase], 1);
  }
}
