/*
 * Shared by the roles of the load generator and the relay: clock, failure report, sockets, prebuilt messages, and the reader that counts
 * messages without parsing each one.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PHASE_WARMUP = 1, PHASE_MEASURED = 2, PHASES = 3 };
enum { READ_SIZE = 256 * 1024, HELD_SIZE_MAX = 8 * 1024, WRITE_SIZE = 256 * 1024 };

/* A page shared by all processes of a run. The clock is CLOCK_MONOTONIC, which is the same for all processes. */
typedef struct {
  atomic_int ready;          /* number of roles whose connections are confirmed */
  atomic_int phase;          /* the phase the roles may run */
  atomic_int done[PHASES];   /* number of roles that finished the phase */
  atomic_ullong first_ns[PHASES], last_ns[PHASES]; /* first byte written, last byte received */
  atomic_ullong received;    /* messages received so far, for the message of a timeout */
  atomic_ullong p50_ns, p99_ns, max_ns, rss_before, rss_after;
  atomic_int failed;         /* 0 no, 1 being written, 2 `failure` holds the text */
  char failure[600];
} Shared;
extern Shared *shared;

typedef struct {
  const char *user, *password; /* NULL: CONNECT without credentials */
} Login;

/* What one run does, from the command line. */
typedef struct {
  const char *role;
  Login publisher, subscriber; /* the requester logs in as the publisher, the responder as the subscriber */
  const char *users;         /* file of users that log in, see login.c */
  int port, pid;
  int publishers, subscribers, subjects, queue;
  int size;                  /* payload bytes */
  int in_flight, connections;
  int imported;              /* requests go to another account, where the server gives them a reply subject of its own */
  int tls;                   /* connections use TLS */
  int web_socket, web_socket_port; /* connections of publishers and subscribers are WebSockets, to that port */
  int refused;               /* the server refuses what is published, and says so each time */
  int streams, memory, s2, key_value, message_ids, batch, stored, busy; /* see stream.c and get.c */
  int bystander;             /* a bystander measures beside a run, see bystander.c */
  int ping_ms, accept_ms, timer_ms, monitor; /* what the bystander measures */
  int roles;                 /* processes of this run, without those that are beside it */
  uint64_t messages, warmup; /* messages of all publishers together */
  int settle_ms, timeout_ms;
} Options;

uint64_t now_ns(void);
void wait_for_phase(int phase);
uint64_t phase_messages(const Options *options, int phase);
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

int open_socket(void);
int connect_to(int port);
void set_nonblocking(int fd);
void secure(int fd);
ssize_t wire_send(int fd, const void *bytes, size_t size);
ssize_t wire_recv(int fd, void *bytes, size_t size);
int wire_holds(int fd); /* bytes held by TLS, which poll() does not report */
void open_web_socket(int fd);
int is_web_socket(int fd);
ssize_t web_socket_send(int fd, const void *bytes, size_t size);
ssize_t web_socket_recv(int fd, void *bytes, size_t size);
void write_all(int fd, const void *bytes, size_t size);

/*
 * A block of complete messages of one size that is written again and again: `PUB` for a publisher, `MSG` for the relay. With many
 * subjects each occurs equally often, in a shuffled order, because a cache would profit from counting order.
 */
typedef struct {
  char *bytes;
  size_t size, message_size;
} Block;
Block publish_block(const Options *options);
Block deliver_block(const Options *options);

/*
 * Counts the messages of one connection. All have one size, so only the last message boundary of a read is checked: bytes between
 * messages, such as a PING, shift it, and then the read is parsed line by line. (A shift by exactly one message, 17 PINGs in one read,
 * would be counted as a message, and the run would fail because of one message too many.)
 */
typedef struct {
  int fd;
  size_t message_size;     /* bytes of one complete MSG; 0: no message is expected */
  const char *first;       /* expected bytes of the first message; NULL: not checked */
  int refused;             /* -ERR is expected */
  int whole;               /* hand out complete messages only, to on_message */
  void (*on_message)(void *context, const char *message);
  void *context;
  uint64_t messages, pongs;
  size_t missing;          /* bytes of the current message that have not come yet */
  char *held;              /* beginning of a message that the last read cut */
  size_t held_size;
} Reader;
int read_some(Reader *reader); /* one read; 0 when the socket has nothing */
void read_until_pongs(Reader *reader, uint64_t pongs);
/* A connection over plain TCP or TLS, whatever else the run uses. */
Reader open_plain_reader(const Options *options, const Login *login);
Reader open_reader(const Options *options, const Login *login, const char *subscribe, size_t message_size);

/* A CONNECT line with `credentials`: JSON members that each end with a comma. Its size is theirs and at most CONNECT_SIZE more. */
enum { CONNECT_SIZE = 200 };
/* Connections of this process take messages with headers. Set it before the first one is opened. */
extern int takes_headers;
size_t write_connect(char *to, const char *credentials);

void run_logins(const Options *options);

void run_polled_clients(const Options *options);
void run_pollers(const Options *options);

void run_bystander(const Options *options);
void run_bystander_beside(const Options *options);
void run_connects(const Options *options);

void run_stream_publishers(const Options *options);
void run_busy_stream(const Options *options);
void run_getters(const Options *options);

int run_relay(const Options *options);

/* Request-reply with fixed widths, so that the reply subject is at a known offset. Each request has its own, as with real clients. */
#define INBOX "_INBOX.Qk3vW9xT0bLr8sZy1mNpUc."
#define IMPORTED_REPLY "_R_.aaaaaa.bbbbbb" /* reply subject that a responder in another account sees; the server's own, of this width */
#define FIRST_REPLY INBOX "00000000"
enum { TOKEN_SIZE = 8, REPLY_SIZE = sizeof(INBOX) - 1 + TOKEN_SIZE };
typedef struct {
  char bytes[8 * 1024];
  size_t size, reply_at, reply_size; /* offset and size of the reply subject */
} Template;
enum TemplateKind { REQUEST_PUB, REQUEST_MSG, REPLY_PUB, REPLY_MSG };
Template make_template(enum TemplateKind kind, int payload_size, const char *reply);

#endif
