/** The version of nats-server that this server imitates. */
export const NATS_VERSION = "2.15.3";
/** Name of the package and of the executable. */
export const OWN_PACKAGE = "bunats";
export const OWN_VERSION = "0.2.0";
/** JetStream API level that clients see in INFO. */
export const API_LEVEL = 5;
export const PROTOCOL = 1;
