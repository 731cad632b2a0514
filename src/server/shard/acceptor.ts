import type { Logger } from "../../base/log/logger.ts";
import type { Door } from "../../connections/client/door.ts";
import type { Turn } from "../../connections/link/turn.ts";
import type { Transport, TransportEvents } from "../../wire/transport/transport.ts";

/** What listeners need of the shard. */
export interface Acceptor {
  readonly turn: Turn;
  readonly log: Logger;
  /**
   * Makes a connection of a transport. Call `turn.end()` afterwards.
   * @param door what is different for clients of this listener; nothing when not given
   */
  accept(transport: Transport, door?: Door): TransportEvents;
  /** A handler of ours threw: the batch may hold half of what was being delivered. */
  onDefect(error: Error): void;
}
