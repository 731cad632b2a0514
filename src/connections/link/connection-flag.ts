/** State of a connection, one bit each. */
export const FLAG_CONNECT_RECEIVED = 1 << 0;
/** The first PONG and the INFO with `connect_info` were sent; async INFO may follow. */
export const FLAG_FIRST_PONG_SENT = 1 << 1;
export const FLAG_CLOSED = 1 << 2;
/** The socket's reading is paused. */
export const FLAG_PAUSED = 1 << 3;
export const FLAG_VERBOSE = 1 << 4;
export const FLAG_PEDANTIC = 1 << 5;
/** Its own subscriptions get the messages that it publishes. */
export const FLAG_ECHO = 1 << 6;
/** This server and the peer support headers. */
export const FLAG_HEADERS = 1 << 7;
export const FLAG_NO_RESPONDERS = 1 << 8;
/** Authentication is required and has not succeeded yet: CONNECT must come first. */
export const FLAG_AWAITING_AUTH = 1 << 9;
export const FLAG_TRACE = 1 << 10;
/** Suspended because consumers of its messages are slower than it publishes. */
export const FLAG_STALLED = 1 << 11;
/** Suspended until its authentication has a result. */
export const FLAG_AUTHENTICATING = 1 << 12;
/** CONNECT was accepted: log lines show name and user. */
export const FLAG_INTRODUCED = 1 << 13;

/** Suspended because its share of work is used up: it continues after the others had theirs. */
export const FLAG_YIELDED = 1 << 14;
/** Its transport is closed, and input that was received before is still parsed. It gets no messages. */
export const FLAG_GONE = 1 << 15;

/** Reading is suspended while one of these is set. */
export const FLAGS_SUSPENDING = FLAG_STALLED | FLAG_AUTHENTICATING | FLAG_YIELDED;
