/** State of a connection, one bit each. */
export const FLAG_CONNECT_RECEIVED = 1 << 0;
/** The first PONG was sent: the INFO with `connect_info` went out, async INFO may follow. */
export const FLAG_FIRST_PONG_SENT = 1 << 1;
export const FLAG_CLOSED = 1 << 2;
/** The socket's reading is paused. */
export const FLAG_PAUSED = 1 << 3;
export const FLAG_VERBOSE = 1 << 4;
export const FLAG_PEDANTIC = 1 << 5;
/** It gets its own messages back where it subscribes to them. */
export const FLAG_ECHO = 1 << 6;
/** Headers: supported here and asked for by the peer. */
export const FLAG_HEADERS = 1 << 7;
export const FLAG_NO_RESPONDERS = 1 << 8;
/** Authentication is required and has not succeeded yet: CONNECT must come first. */
export const FLAG_AWAITING_AUTH = 1 << 9;
export const FLAG_TRACE = 1 << 10;
/** Suspended because consumers of its messages are slower than it publishes. */
export const FLAG_STALLED = 1 << 11;
/** Suspended because an authentication is under way. */
export const FLAG_AUTHENTICATING = 1 << 12;
/** CONNECT was accepted: log lines show name and user. */
export const FLAG_INTRODUCED = 1 << 13;

/** Reading does not go on while one of these is set. */
export const FLAGS_SUSPENDING = FLAG_STALLED | FLAG_AUTHENTICATING;
