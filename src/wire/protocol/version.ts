/** Level of nats-server that is matched. */
export const NATS_VERSION = "2.15.2";
export const OWN_VERSION = "0.2.0";
/** JetStream API level told to clients. */
export const API_LEVEL = 5;
export const PROTOCOL = 1;
