import type { TransportEvents } from "../../src/wire/transport/transport.ts";

/** A connection that hears nothing; a test replaces what it listens to. */
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
