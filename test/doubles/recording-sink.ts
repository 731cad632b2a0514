/**
 * A command sink for tests of the parser: it records each command as a line of text, and checks at every call the rules between a parser
 * and its sink. Bytes are shown as latin1.
 *
 *   MSG <subject> [<reply>] h<header size> o<sizes as written, if unusual> <payload>      LINE <verb> <text>      PING  PONG  UNAUTHENTICATED
 */
import { MESSAGES_MAX, type MessageBatch } from "../../src/messaging/batch/message-batch.ts";
import type { CommandSink } from "../../src/wire/protocol/command-sink.ts";
import type { MessageLine } from "../../src/wire/protocol/message-line.ts";
import type { Parser } from "../../src/wire/protocol/parser.ts";
import { Refusal } from "../../src/wire/protocol/refusal.ts";
import { Verb } from "../../src/wire/protocol/verb-table.ts";

export interface RecordingOptions {
  readonly payloadBytesMax?: number;
  /** Names the receivers of a subject; subjects with the same receivers may share a batch. */
  readonly receiversOf?: (subject: string) => string;
  /** Whether the sink suspends the parser after this command. */
  readonly suspends?: () => boolean;
  readonly batchBytesMax?: number;
  readonly unauthenticated?: Refusal;
}

export class RecordingSink implements CommandSink {
  readonly commands: string[] = [];
  /** Messages of each batch that was flushed. */
  readonly batches: number[] = [];
  /** Number of messages that came one by one, outside the publish loop. */
  single = 0;
  parser!: Parser;
  private readonly batch: MessageBatch;
  private readonly options: RecordingOptions;
  private receivers: string | null = null;
  private nextReceivers = "";

  constructor(batch: MessageBatch, options: RecordingOptions = {}) {
    this.batch = batch;
    this.options = options;
  }

  nextSubject(source: Buffer, start: number, end: number): boolean {
    must(!this.parser.suspended, "called although suspended");
    const subject = source.toString("latin1", start, end);
    this.nextReceivers = this.options.receiversOf?.(subject) ?? subject;
    return this.nextReceivers === this.receivers;
  }

  openBatch(source: Buffer): void {
    must(this.batch.count === 0, "the batch is not empty");
    must(this.receivers === null, "opened twice");
    this.receivers = this.nextReceivers;
    this.batch.source = source;
    this.batch.subjectSource = source;
    this.batch.bytesMax = this.options.batchBytesMax ?? 64 * 1024;
  }

  flushMessages(): void {
    const { batch } = this;
    must(batch.count > 0 && batch.count <= MESSAGES_MAX, `${batch.count} messages`);
    let bytes = 0;
    let namesMax = 0;
    let hasReplies = false;
    const limit = Math.max(64 * 1024, batch.bytesMax);
    for (let index = 0; index < batch.count; index++) {
      must(bytes < limit, "more bytes than the batch takes");
      const [subjectStart, subjectEnd] = [batch.subjectStart(index), batch.subjectEnd(index)];
      const [replyStart, replyEnd] = [batch.replyStart(index), batch.replyEnd(index)];
      const subject = batch.subjectSource.toString("latin1", subjectStart, subjectEnd);
      must((this.options.receiversOf?.(subject) ?? subject) === this.receivers, "a message for other receivers is in the batch");
      const reply = batch.source.toString("latin1", replyStart, replyEnd);
      must(!/^(_R_\.|_GR_\.|\$GR\.|\$JS\.ACK\.)/.test(reply), "a message with a reserved reply subject is in a batch");
      bytes += batch.end(index) - batch.start(index);
      namesMax = Math.max(namesMax, subjectEnd - subjectStart + replyEnd - replyStart);
      hasReplies ||= replyEnd > replyStart;
      this.record(batch.source, subject, replyStart, replyEnd, batch.headerSize(index), batch.start(index), batch.end(index), null);
    }
    must(batch.bytes === bytes && batch.namesBytesMax === namesMax && batch.hasReplies === hasReplies, "wrong totals");
    this.batches.push(batch.count);
    this.receivers = null;
    batch.clear();
    this.after();
  }

  checkMessage(_source: Buffer, _start: number, _end: number, _headerSize: number, size: number): Refusal {
    must(!this.parser.suspended, "called although suspended");
    return size > (this.options.payloadBytesMax ?? 1024 * 1024) ? Refusal.MaxPayloadExceeded : Refusal.None;
  }

  onMessage(source: Buffer, _line?: MessageLine): Refusal {
    const { batch } = this;
    must(batch.count === 1, "not one message");
    const subject = source.toString("latin1", batch.subjectStart(0), batch.subjectEnd(0));
    const [replyStart, replyEnd] = [batch.replyStart(0), batch.replyEnd(0)];
    this.record(source, subject, replyStart, replyEnd, batch.headerSize(0), batch.start(0), batch.end(0), batch.sizesText);
    batch.clear();
    this.single++;
    this.after();
    return Refusal.None;
  }

  onLine(verb: Verb, source: Buffer, start: number, end: number): Refusal {
    this.commands.push(`LINE ${Verb[verb]} ${source.toString("latin1", start, end)}`);
    this.after();
    return Refusal.None;
  }

  onPing(): void {
    this.commands.push("PING");
    this.after();
  }

  onPong(): void {
    this.commands.push("PONG");
    this.after();
  }

  onUnauthenticated(): Refusal {
    this.commands.push("UNAUTHENTICATED");
    return this.options.unauthenticated ?? Refusal.AuthorizationViolation;
  }

  private record(
    source: Buffer,
    subject: string,
    replyStart: number,
    replyEnd: number,
    headerSize: number,
    start: number,
    end: number,
    odd: Buffer | null,
  ): void {
    must(source[end] === 0x0d && source[end + 1] === 0x0a, "no CRLF behind the payload");
    const reply = source.toString("latin1", replyStart, replyEnd);
    this.commands.push(messageText(subject, reply, headerSize, odd === null ? "" : odd.toString(), source.toString("latin1", start, end)));
  }

  /** Called at the end of every command: the parser must be running with an empty batch, and may be suspended now. */
  private after(): void {
    must(!this.parser.suspended, "called although suspended");
    must(this.batch.count === 0, "the batch is not empty");
    if (this.options.suspends?.() === true) this.parser.suspended = true;
  }
}

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(`parser and sink: ${what}`);
}

export function messageText(subject: string, reply: string, headerSize: number, oddSizes: string, payload: string): string {
  return `MSG ${subject} [${reply}] h${headerSize} o${oddSizes} ${payload}`;
}
