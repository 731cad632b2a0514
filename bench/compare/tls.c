/* TLS for the generator's connections, by OpenSSL, on or off for a whole run. Without OpenSSL a run with TLS fails with a message. */
#define _GNU_SOURCE
#include "wire.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#ifdef LOAD_TLS
#include <openssl/ssl.h>

enum { FILES_MAX = 1 << 17 };
static SSL *sessions[FILES_MAX]; /* by descriptor; NULL: no TLS */

/* The server sends INFO without TLS, then the handshake follows. The certificate is not verified; that makes no difference to servers. */
void secure(int fd) {
  char greeting[8 * 1024];
  size_t size = 0;
  while (size == 0 || greeting[size - 1] != '\n') {
    ssize_t got = recv(fd, greeting + size, sizeof greeting - size, 0);
    if (got <= 0) fail("no greeting before the handshake");
    size += (size_t)got;
  }
  static SSL_CTX *context;
  if (context == NULL) {
    context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    /* One suite, so that both servers encrypt the same way. */
    SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256");
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_default_read_buffer_len(context, READ_SIZE);
  }
  SSL *session = SSL_new(context);
  SSL_set_fd(session, fd);
  if (fd >= FILES_MAX || SSL_connect(session) != 1) fail("the TLS handshake failed");
  sessions[fd] = session;
}

/* Sets errno, for callers that only know sockets. */
static ssize_t outcome(SSL *session, int result) {
  int why = SSL_get_error(session, result);
  if (why == SSL_ERROR_ZERO_RETURN) return 0;
  errno = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? EAGAIN : EIO;
  return -1;
}

ssize_t wire_send(int fd, const void *bytes, size_t size) {
  SSL *session = sessions[fd];
  if (session == NULL) return is_web_socket(fd) ? web_socket_send(fd, bytes, size) : send(fd, bytes, size, MSG_NOSIGNAL);
  int wrote = SSL_write(session, bytes, (int)size);
  return wrote > 0 ? wrote : outcome(session, wrote);
}

ssize_t wire_recv(int fd, void *bytes, size_t size) {
  SSL *session = sessions[fd];
  if (session == NULL) return is_web_socket(fd) ? web_socket_recv(fd, bytes, size) : recv(fd, bytes, size, 0);
  int got = SSL_read(session, bytes, (int)size);
  if (got <= 0) return outcome(session, got);
  size_t filled = (size_t)got;
  /* A record has at most 16 KiB: reads the records that were received with it, too. */
  while (SSL_pending(session) > 0 && filled < size && (got = SSL_read(session, (char *)bytes + filled, (int)(size - filled))) > 0) filled += (size_t)got;
  return (ssize_t)filled;
}

int wire_holds(int fd) { return sessions[fd] != NULL && SSL_has_pending(sessions[fd]); }

#else

void secure(int fd) {
  (void)fd;
  fail("this load generator was built without OpenSSL: install its headers (apt-get install libssl-dev) and remove bench/out/load");
}

ssize_t wire_send(int fd, const void *bytes, size_t size) { return is_web_socket(fd) ? web_socket_send(fd, bytes, size) : send(fd, bytes, size, MSG_NOSIGNAL); }
ssize_t wire_recv(int fd, void *bytes, size_t size) { return is_web_socket(fd) ? web_socket_recv(fd, bytes, size) : recv(fd, bytes, size, 0); }
int wire_holds(int fd) {
  (void)fd;
  return 0;
}

#endif
