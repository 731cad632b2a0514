import type { Logger } from "../../base/log/logger.ts";
import type { Door } from "../../connections/client/door.ts";
import type { Turn } from "../../connections/link/turn.ts";
import type { Transport, TransportEvents } from "../../wire/transport/transport.ts";

/** What listeners need of the server: somebody who makes connections of transports. */
export interface Acceptor {
  readonly turn: Turn;
  readonly log: Logger;
  /** A client arrived. Call `turn.end()` afterwards. @param door what is different for whoever comes in by this listener; nothing when not given */
  accept(transport: Transport, door?: Door): TransportEvents;
  /** A handler of ours threw: the batch may hold half of what was being delivered. */
  onDefect(error: Error): void;
}
