/*
 * What the roles of the load generator and its relay share: the clock, the failure report, sockets, prebuilt messages, and the
 * reader that counts messages without looking at each.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PHASE_WARMUP = 1, PHASE_MEASURED = 2, PHASES = 3 };
enum { READ_SIZE = 256 * 1024, HELD_SIZE_MAX = 8 * 1024, WRITE_SIZE = 256 * 1024 };

/* One page that all processes of a run see. The clock is CLOCK_MONOTONIC, which is one for the machine. */
typedef struct {
  atomic_int ready;          /* roles whose connections are confirmed */
  atomic_int phase;          /* the phase the roles may run */
  atomic_int done[PHASES];   /* roles that finished it */
  atomic_ullong first_ns[PHASES], last_ns[PHASES]; /* first byte written, last byte received */
  atomic_ullong received;    /* messages so far, for the text of a timeout */
  atomic_ullong p50_ns, p99_ns, rss_before, rss_after;
  atomic_int failed;         /* 0 no, 1 being written, 2 `failure` holds the text */
  char failure[600];
} Shared;
extern Shared *shared;

typedef struct {
  const char *user, *password; /* NULL: CONNECT names nobody */
} Login;

/* What one run does, from the command line. */
typedef struct {
  const char *role;
  Login publisher, subscriber; /* the requester logs in as the publisher, the responder as the subscriber */
  const char *users;         /* file of those who log in, see login.c */
  int port, pid;
  int publishers, subscribers, subjects, queue;
  int size;                  /* payload bytes */
  int in_flight, connections;
  int imported;              /* the request crosses accounts: its reply subject is the server's on the responder's side */
  int tls;                   /* connections begin with a handshake */
  uint64_t messages, warmup; /* published in all, over all publishers */
  int settle_ms, timeout_ms;
} Options;

uint64_t now_ns(void);
void wait_for_phase(int phase);
uint64_t phase_messages(const Options *options, int phase);
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

int connect_to(int port);
void set_nonblocking(int fd);
void secure(int fd);
ssize_t wire_send(int fd, const void *bytes, size_t size);
ssize_t wire_recv(int fd, void *bytes, size_t size);
int wire_holds(int fd); /* bytes that no poll tells of */
void write_all(int fd, const void *bytes, size_t size);

/*
 * A run of complete messages of one size, written over and over: `PUB` lines for a publisher, `MSG` lines for the relay. With many
 * subjects the block names each equally often, in one shuffled order, as subjects in counting order would flatter a cache.
 */
typedef struct {
  char *bytes;
  size_t size, message_size;
} Block;
Block publish_block(const Options *options);
Block deliver_block(const Options *options);

/*
 * Counts the messages of one connection. All are of one size, so a read is checked at its last message boundary only: whatever
 * the server puts between messages (a PING) shifts that boundary, and then the read is walked line by line. (A shift by exactly a
 * message, 17 PINGs in one read, would be taken for messages, and the run fails for having too many.)
 */
typedef struct {
  int fd;
  size_t message_size;     /* of one complete MSG; 0: none is expected */
  const char *first;       /* what the first must be, byte by byte; NULL: not checked */
  int whole;               /* hand out complete messages only, to on_message */
  void (*on_message)(void *context, const char *message);
  void *context;
  uint64_t messages, pongs;
  size_t missing;          /* bytes still to come of the message under way */
  char *held;              /* the beginning of what the last read cut */
  size_t held_size;
} Reader;
int read_some(Reader *reader); /* one read; 0 when the socket has nothing */
void read_until_pongs(Reader *reader, uint64_t pongs);
Reader open_reader(const Options *options, const Login *login, const char *subscribe, size_t message_size);

/* A CONNECT line with `credentials`, JSON members that each end with a comma, and its size: their own and up to CONNECT_SIZE more. */
enum { CONNECT_SIZE = 200 };
size_t write_connect(char *to, const char *credentials);

void run_logins(const Options *options);

int run_relay(const Options *options);

/* Request-reply: fixed widths, so that a reply subject is found by its offset. Each request has its own, as clients do it. */
#define INBOX "_INBOX.Qk3vW9xT0bLr8sZy1mNpUc."
#define IMPORTED_REPLY "_R_.aaaaaa.bbbbbb" /* what a responder in another account sees instead: a name of the server's, of this width */
#define FIRST_REPLY INBOX "00000000"
enum { TOKEN_SIZE = 8, REPLY_SIZE = sizeof(INBOX) - 1 + TOKEN_SIZE };
typedef struct {
  char bytes[8 * 1024];
  size_t size, reply_at, reply_size; /* where the reply subject stands */
} Template;
enum TemplateKind { REQUEST_PUB, REQUEST_MSG, REPLY_PUB, REPLY_MSG };
Template make_template(enum TemplateKind kind, int payload_size, const char *reply);

#endif
