import type { MessageLine } from "./message-line.ts";
import type { Refusal } from "./refusal.ts";
import type { Verb } from "./verb-table.ts";

/**
 * Receives the commands of a parser: one connection. Every range lies in `source` and is valid until the call returns. A parser must not be
 * used again after a handler has returned a refusal.
 */
export interface CommandSink {
  /**
   * Called for a message on another subject than the one before. Looks up its receivers.
   * @returns whether they are the receivers of the open batch; then the message is added to that batch
   */
  nextSubject(source: Buffer, start: number, end: number): boolean;
  /** Begins a batch for the receivers that `nextSubject` found. The batch is empty. */
  openBatch(source: Buffer): void;
  /** Delivers the messages of the batch and empties it. May suspend the parser. */
  flushMessages(): void;
  /**
   * Checks the line of a message that the publish loop did not take: limits, pedantic checks.
   * @param headerSize bytes of the header block; -1 when the verb carries none
   * @param size bytes of header block and payload
   */
  checkMessage(source: Buffer, subjectStart: number, subjectEnd: number, headerSize: number, size: number): Refusal;
  /** For tracing: the arguments as the peer wrote them, of a message that the publish loop did not take. Called before they are read. */
  onMessageLine?(verb: Verb, source: Buffer, start: number, end: number): void;
  /**
   * Delivers the only message of the batch, which the publish loop did not take, and empties the batch. May suspend the parser.
   * @param source holds the message and its names
   * @param line the message's argument text, also in `source`
   */
  onMessage(source: Buffer, line: MessageLine): Refusal;
  /** Any other line with arguments: SUB, UNSUB, CONNECT, INFO, -ERR. The trailing CR is not part of it. */
  onLine(verb: Verb, source: Buffer, start: number, end: number): Refusal;
  onPing(): void;
  onPong(): void;
  /** Called for a command other than CONNECT before authentication. `Refusal.None` allows it. */
  onUnauthenticated(): Refusal;
}
