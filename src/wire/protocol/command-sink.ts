import type { Refusal } from "./refusal.ts";
import type { Verb } from "./verb-table.ts";

/**
 * What a parser hands its commands to: one kind of connection. Every range lies in `source` and is the sink's only until it returns.
 * A handler's refusal stops the parser for good.
 */
export interface CommandSink {
  /**
   * A message on another subject comes. Looks up who wants it.
   * @returns whether the same receivers do as those of the batch so far, which may then go on
   */
  nextSubject(source: Buffer, start: number, end: number): boolean;
  /** The batch, empty now, gets messages for the receivers that `nextSubject` found. */
  openBatch(source: Buffer): void;
  /** Delivers what the batch holds and empties it. May suspend the parser. */
  flushMessages(): void;
  /**
   * The line of a PUB or HPUB outside the fast path: limits, headers negotiated, pedantic checks.
   * `size` is header and payload; `headerSize` -1 for PUB.
   */
  checkMessage(source: Buffer, subjectStart: number, subjectEnd: number, headerSize: number, size: number): Refusal;
  /** The arguments of a message outside the fast path as they were written, before they are looked at: for tracing. */
  onMessageLine?(verb: Verb, source: Buffer, start: number, end: number): void;
  /** The batch holds one message from outside the fast path, its names and bytes in `source`. Empties it. May suspend the parser. */
  onMessage(source: Buffer): Refusal;
  /** Any other line with arguments: SUB, UNSUB, CONNECT, INFO, -ERR. The trailing CR is not part of it. */
  onLine(verb: Verb, source: Buffer, start: number, end: number): Refusal;
  onPing(): void;
  onPong(): void;
  /** A command other than CONNECT came before authentication. None lets it through. */
  onUnauthenticated(): Refusal;
}
