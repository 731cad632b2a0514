import type { TransportEvents } from "../../src/wire/transport/transport.ts";

/** Transport events without effect; a test replaces those it needs. */
export const NO_EVENTS: TransportEvents = {
  onHandshakeStart() {},
  onPeerSilent() {},
  onReady() {},
  onRefused() {},
  onData() {},
  onDrain() {},
  onEnd() {},
  onReadFailed() {},
  onClose() {},
};
