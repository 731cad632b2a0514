import type { MessageLine } from "./message-line.ts";
import type { Refusal } from "./refusal.ts";
import type { Verb } from "./verb-table.ts";

/**
 * What a parser hands its commands to: one connection. Every range lies in `source` and is valid until the call returns. A refusal
 * returned by a handler stops the parser for good.
 */
export interface CommandSink {
  /**
   * A message on another subject comes. Looks up its receivers.
   * @returns whether they are those of the batch so far; then the message joins the batch
   */
  nextSubject(source: Buffer, start: number, end: number): boolean;
  /** The batch is empty and now gets messages for the receivers that `nextSubject` found. */
  openBatch(source: Buffer): void;
  /** Delivers what the batch holds and empties it. May suspend the parser. */
  flushMessages(): void;
  /**
   * The line of a message outside the publish loop: limits, pedantic checks.
   * @param headerSize bytes of the header block; -1 when the verb carries none
   * @param size bytes of header block and payload
   */
  checkMessage(source: Buffer, subjectStart: number, subjectEnd: number, headerSize: number, size: number): Refusal;
  /** The arguments of a message outside the publish loop as they were written, before they are read: for tracing. */
  onMessageLine?(verb: Verb, source: Buffer, start: number, end: number): void;
  /**
   * The batch holds one message from outside the publish loop, its names and bytes in `source`. Empties it. May suspend the parser.
   * @param line the message's argument text, in `source` too
   */
  onMessage(source: Buffer, line: MessageLine): Refusal;
  /** Any other line with arguments: SUB, UNSUB, CONNECT, INFO, -ERR. The trailing CR is not part of it. */
  onLine(verb: Verb, source: Buffer, start: number, end: number): Refusal;
  onPing(): void;
  onPong(): void;
  /** A command other than CONNECT came before authentication. `Refusal.None` lets it through. */
  onUnauthenticated(): Refusal;
}
