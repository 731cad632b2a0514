/** The server, as links of every kind need it. */
import type { RepeatFilter } from "../../base/log/repeat-filter.ts";
import { CONNECTION_KINDS } from "../../wire/protocol/connection-kind.ts";
import type { Turn } from "./turn.ts";

/** Options that links of every kind read. They are read at each use, because a reload may change them. */
export interface LinkOptions {
  /** Output that may wait for a slow peer, bytes; with more it is a slow consumer. */
  readonly pendingBytesMax: number;
  /** How long the kernel may take for a batch of output. */
  readonly writeDeadlineMs: number;
  /** After a missed write deadline: `retry` keeps a connection that took a part of its output; the other values close it. */
  readonly writeTimeout: "default" | "close" | "retry";
  readonly pingIntervalMs: number;
  /** PINGs that may be unanswered; with one more the connection is stale. */
  readonly pingsOutMax: number;
  /** Producers wait for slow consumers. False: messages for slow consumers are dropped. */
  readonly fastProducerStall: boolean;
  /** Traces show only the headers of messages. */
  readonly traceHeaders: boolean;
  /** Bytes of a message that traces show; 0: all. */
  readonly tracedBytesMax: number;
}

/** Totals of a server. Added to once per read, like those of its connections. */
export class ServerCounters {
  inMessages = 0;
  inBytes = 0;
  outMessages = 0;
  outBytes = 0;
  inClientMessages = 0;
  inClientBytes = 0;
  outClientMessages = 0;
  outClientBytes = 0;
  slowConsumers = 0;
  staleConnections = 0;
  /** The same two by `ConnectionKind`. */
  readonly slowConsumersOf: number[] = Array<number>(CONNECTION_KINDS).fill(0);
  readonly staleConnectionsOf: number[] = Array<number>(CONNECTION_KINDS).fill(0);
  stalls = 0;
  totalConnections = 0;
}

export interface LinkHost {
  readonly options: LinkOptions;
  readonly turn: Turn;
  readonly counters: ServerCounters;
  /** Log lines of the last second that must not be repeated (limited-log.ts). */
  readonly repeats: RepeatFilter;
}
