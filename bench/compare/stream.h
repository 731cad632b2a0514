/* Shared by the roles that use streams: deliveries of any size, and publishers that wait for their PubAcks. */
#ifndef STREAM_H
#define STREAM_H

#include "wire.h"

/* One MSG or HMSG; the bytes are valid until the callback returns. `headers_size` is 0 without headers. */
typedef struct {
  const char *subject, *headers, *payload;
  size_t subject_size, headers_size, payload_size;
} Delivery;

/* A connection that hands out whole deliveries, of any size up to DELIVERY_SIZE_MAX. */
enum { DELIVERY_SIZE_MAX = 256 * 1024 };
typedef struct {
  int fd;
  char *held; /* beginning of a line or delivery that the last read cut */
  size_t held_size;
  void (*on_delivery)(void *context, const Delivery *delivery);
  void *context;
} Mailbox;

/* Connects and subscribes to `inbox`.*; `inbox` has at most 40 characters. */
Mailbox open_mailbox(const Options *options, const char *inbox);
/* One read, which waits for bytes if the connection blocks. */
void read_mailbox(Mailbox *mailbox);

/* A payload is its number in 12 digits, then a part of a text that depends on the number. Its size is at least 12. */
enum { NUMBER_SIZE = 12 };
void write_payload(char *to, size_t size, uint64_t number);
int is_payload(const char *bytes, size_t size, uint64_t number);
void write_digits(char *to, int digits, uint64_t number);

/* A stream and how much of it is known. */
typedef struct {
  char name[16], subject[24]; /* with several subjects, each is `subject`.NNNNNNN */
  int publishers;             /* that publish to it */
  uint64_t last;              /* the greatest sequence that a PubAck named */
  unsigned char *seen;        /* by sequence; NULL: PubAcks must come in order, because there is one publisher */
  uint64_t seen_size;
} Stream;

/* Publishes up to `in_flight` messages that have no PubAck yet. Every PubAck is checked: its reply subject, stream and sequence. */
typedef struct {
  Mailbox mailbox;
  Stream *stream;
  uint64_t sent, acked;
  char *message; /* one whole message, whose numbers are overwritten for each */
  size_t size, reply_at, subject_at, id_at, payload_at; /* offsets; 0: the message has no such number */
} StreamPublisher;

Stream *create_streams(const Options *options, int count, int publishers);
void open_stream_publisher(StreamPublisher *publisher, const Options *options, Stream *stream, int index);
/* Sends as many as the window has room for, up to the message number `end`. */
void send_messages(StreamPublisher *publisher, const Options *options, uint64_t end);
/* The subject of a message among `options->subjects`: each once, in an order without a pattern, and then again. */
uint64_t subject_number(const Options *options, uint64_t message);
/* Fails unless the stream holds as many messages as were acknowledged, or as its subjects allow. */
void check_streams(const Options *options, Stream *streams, int count);

#endif
