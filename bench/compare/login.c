/*
 * Logins: connect, read INFO, send CONNECT, sign the nonce if the user has a key, wait for the PONG, close. A fixed number is in flight
 * at once, each for the next user of a file, all in one process.
 *
 *   connect ─▶ INFO {"nonce":…} ─▶ CONNECT {…,"sig":…} PING ─▶ PONG ─▶ close, and the next begins in its place
 *
 * A line of the file is a user: an Ed25519 seed of 32 bytes in hexadecimal, or `-` for none, a blank, and the fields of CONNECT:
 *
 *   - "user":"device-1","pass":"…"
 *   0123…ef "jwt":"eyJ0…"
 *
 * All bytes are prepared before the run, except the signature, which OpenSSL makes. Connections are closed by a reset, as everywhere in
 * this generator; otherwise tens of thousands of logins would use up all ports.
 */
#define _GNU_SOURCE
#include "wire.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SEED_SIZE = 32, SIGNATURE_SIZE = 64, SIGNATURE_TEXT_SIZE = 86, GREETING_SIZE_MAX = 8 * 1024, LINE_SIZE_MAX = 16 * 1024, AT_ONCE_MAX = 256 };

typedef struct {
  void *key;         /* NULL: no signature */
  char *hello;       /* CONNECT and PING */
  size_t hello_size;
  size_t signature_at;
} User;

typedef struct {
  int fd;
  User *user;
  int answered;      /* the greeting is */
  char held[GREETING_SIZE_MAX];
  size_t held_size;
} Attempt;

#ifdef LOAD_TLS
#include <openssl/evp.h>

static void *key_of(const unsigned char *seed) {
  EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SEED_SIZE);
  if (key == NULL) fail("OpenSSL makes no Ed25519 key");
  return key;
}

static void sign(void *key, const char *bytes, size_t size, unsigned char *signature) {
  size_t signature_size = SIGNATURE_SIZE;
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  if (EVP_DigestSignInit(context, NULL, NULL, NULL, key) != 1 ||
      EVP_DigestSign(context, signature, &signature_size, (const unsigned char *)bytes, size) != 1) fail("OpenSSL does not sign");
  EVP_MD_CTX_free(context);
}

#else

static void *key_of(const unsigned char *seed) {
  (void)seed;
  fail("this load generator was built without OpenSSL: install its headers (apt-get install libssl-dev) and remove bench/out/load");
}

static void sign(void *key, const char *bytes, size_t size, unsigned char *signature) { (void)key, (void)bytes, (void)size, (void)signature; }

#endif

/* base64url without padding: 86 characters. */
static void write_signature(char *to, const unsigned char *bytes) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  uint32_t value = 0;
  int bits = 0;
  for (int at = 0; at < SIGNATURE_SIZE; at++) {
    value = value << 8 | bytes[at];
    for (bits += 8; bits >= 6; bits -= 6) *to++ = alphabet[value >> (bits - 6) & 63];
  }
  if (bits > 0) *to = alphabet[value << (6 - bits) & 63];
}

static User user_of(char *line) {
  char *credentials = strchr(line, ' ');
  if (credentials == NULL) fail("a user without credentials: %.40s", line);
  *credentials++ = 0;
  User user = {.key = NULL};
  char text[LINE_SIZE_MAX + 200];
  if (strcmp(line, "-") == 0) {
    sprintf(text, "%s,", credentials);
  } else {
    unsigned char seed[SEED_SIZE];
    for (int at = 0; at < SEED_SIZE; at++) {
      if (strlen(line) != 2 * SEED_SIZE || sscanf(line + 2 * at, "%2hhx", &seed[at]) != 1) fail("not a seed: a user's line begins with %zu characters", strlen(line));
    }
    user.key = key_of(seed);
    sprintf(text, "%s,\"sig\":\"%0*d\",", credentials, SIGNATURE_TEXT_SIZE, 0);
  }
  user.hello = malloc(strlen(text) + CONNECT_SIZE + 6);
  user.hello_size = write_connect(user.hello, text);
  user.hello_size += (size_t)sprintf(user.hello + user.hello_size, "PING\r\n");
  if (user.key) user.signature_at = (size_t)(strstr(user.hello, "\"sig\":\"") + 7 - user.hello);
  return user;
}

static User *read_users(const char *path, int *count) {
  FILE *file = path ? fopen(path, "r") : NULL;
  if (file == NULL) fail("the users of the logins: %s: %s", path ? path : "no file", strerror(errno));
  User *users = NULL;
  char line[LINE_SIZE_MAX];
  for (*count = 0; fgets(line, sizeof line, file); users[(*count)++] = user_of(line)) {
    size_t size = strlen(line);
    if (line[size - 1] != '\n') fail("a user's line is longer than %d bytes, or has no end", LINE_SIZE_MAX - 1);
    line[size - 1] = 0;
    users = realloc(users, sizeof *users * (size_t)(*count + 1));
  }
  fclose(file);
  if (*count == 0) fail("no users in %s", path);
  return users;
}

static void begin(const Options *options, Attempt *attempt, User *user, int epoll) {
  attempt->fd = connect_to(options->port);
  attempt->user = user;
  attempt->answered = 0;
  attempt->held_size = 0;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = attempt};
  epoll_ctl(epoll, EPOLL_CTL_ADD, attempt->fd, &event);
}

static void answer(Attempt *attempt, const char *greeting) {
  User *user = attempt->user;
  if (user->key) {
    unsigned char signature[SIGNATURE_SIZE];
    const char *nonce = strstr(greeting, "\"nonce\":\"");
    if (nonce == NULL) fail("a greeting without a nonce: %.60s", greeting);
    nonce += 9;
    sign(user->key, nonce, strcspn(nonce, "\""), signature);
    write_signature(user->hello + user->signature_at, signature);
  }
  write_all(attempt->fd, user->hello, user->hello_size);
  attempt->answered = 1;
}

/* Reads what is there; whether the login is done. */
static int go_on(Attempt *attempt) {
  ssize_t got = recv(attempt->fd, attempt->held + attempt->held_size, sizeof attempt->held - attempt->held_size - 1, 0);
  if (got < 0 && errno == EINTR) return 0;
  if (got <= 0) fail("login: %s", got == 0 ? "the server closed the connection" : strerror(errno));
  attempt->held_size += (size_t)got;
  attempt->held[attempt->held_size] = 0;
  char *line = attempt->held, *end;
  for (; (end = strstr(line, "\r\n")); line = end + 2) {
    *end = 0;
    if (strncmp(line, "-ERR", 4) == 0) fail("the server says %.200s", line);
    if (strncmp(line, "INFO", 4) == 0 && !attempt->answered) answer(attempt, line);
    else if (strncmp(line, "PONG", 4) == 0) return 1;
    else if (strncmp(line, "INFO", 4) && strncmp(line, "PING", 4) && strncmp(line, "+OK", 3)) fail("not an answer to a login: %.120s", line);
  }
  attempt->held_size -= (size_t)(line - attempt->held);
  memmove(attempt->held, line, attempt->held_size);
  if (attempt->held_size == sizeof attempt->held - 1) fail("a greeting of more than %d bytes", GREETING_SIZE_MAX - 1);
  return 0;
}

void run_logins(const Options *options) {
  int user_count, at_once = options->in_flight, epoll = epoll_create1(0);
  User *users = read_users(options->users, &user_count);
  if (at_once < 1 || at_once > AT_ONCE_MAX || user_count < at_once) fail("1 to %d logins at once, of as many users", AT_ONCE_MAX);
  Attempt *attempts = calloc((size_t)at_once, sizeof *attempts);
  struct epoll_event ready[AT_ONCE_MAX];
  atomic_fetch_add(&shared->ready, 1);
  uint64_t next_user = 0;
  for (int phase = PHASE_WARMUP; phase <= PHASE_MEASURED; phase++) {
    wait_for_phase(phase);
    uint64_t total = phase_messages(options, phase), begun = 0, done = 0;
    atomic_store(&shared->first_ns[phase], now_ns());
    for (; begun < total && begun < (uint64_t)at_once; begun++) begin(options, &attempts[begun], &users[next_user++ % (uint64_t)user_count], epoll);
    while (done < total) {
      int events = epoll_wait(epoll, ready, AT_ONCE_MAX, -1);
      for (int at = 0; at < events; at++) {
        Attempt *attempt = ready[at].data.ptr;
        if (!go_on(attempt)) continue;
        close(attempt->fd);
        done++;
        if (begun < total) begun++, begin(options, attempt, &users[next_user++ % (uint64_t)user_count], epoll);
      }
      atomic_store(&shared->received, done);
    }
    atomic_store(&shared->last_ns[phase], now_ns());
    atomic_fetch_add(&shared->done[phase], 1);
  }
}
