/** State of a connection, one bit each. */
export const FLAG_CONNECT_RECEIVED = 1 << 0;
/** The first PONG went out: the INFO with `connect_info` was sent, async INFO may follow. */
export const FLAG_FIRST_PONG_SENT = 1 << 1;
export const FLAG_CLOSED = 1 << 2;
/** The socket's reading is paused. */
export const FLAG_PAUSED = 1 << 3;
export const FLAG_VERBOSE = 1 << 4;
export const FLAG_PEDANTIC = 1 << 5;
export const FLAG_ECHO = 1 << 6;
/** Headers: supported here and asked for by the peer. */
export const FLAG_HEADERS = 1 << 7;
export const FLAG_NO_RESPONDERS = 1 << 8;
/** CONNECT must come first. */
export const FLAG_AWAITING_AUTH = 1 << 9;
export const FLAG_TRACE = 1 << 10;
/** Stopped for consumers that are slower than it publishes. */
export const FLAG_STALLED = 1 << 11;
/** An authentication is under way. */
export const FLAG_AUTHENTICATING = 1 << 12;
/** It is in, and has said what it is: log lines say so too. */
export const FLAG_INTRODUCED = 1 << 13;
