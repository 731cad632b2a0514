import type { Logger } from "../../base/log/logger.ts";
import type { ConnectionSettings } from "../../connections/client/connection-settings.ts";
import type { Turn } from "../../connections/link/turn.ts";
import type { Transport, TransportEvents } from "../../wire/transport/transport.ts";

/** The shard, as listeners use it. */
export interface Acceptor {
  readonly turn: Turn;
  readonly log: Logger;
  /**
   * Creates a connection for a transport. Call `turn.end()` afterwards.
   * @param settings settings of this listener that differ from the server's; none when not given
   */
  accept(transport: Transport, settings?: ConnectionSettings): TransportEvents;
  /** A socket handler threw; the batch may contain half-delivered messages. */
  onDefect(error: Error): void;
}
