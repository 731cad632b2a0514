import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { FakeTransport } from "../../../test/doubles/fake-transport.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { TimingWheel } from "../../base/clock/timing-wheel.ts";
import { Random } from "../../base/random/random.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import { type Sink, Subscription } from "../../messaging/batch/subscription.ts";
import type { CommandSink } from "../../wire/protocol/command-sink.ts";
import { ConnectionKind } from "../../wire/protocol/connection-kind.ts";
import { Parser } from "../../wire/protocol/parser.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import { VERB_TABLES } from "../../wire/protocol/verb-table.ts";
import type { Connection } from "./connection.ts";
import { FLAG_HEADERS } from "./connection-flag.ts";
import { writeMessages } from "./deliver.ts";
import { Outbound } from "./outbound.ts";
import { Turn } from "./turn.ts";

/**
 * Publishes text through the real parser, delivers it to receivers of all kinds, and compares what each got with a simple model.
 */

/** The parts of a connection that `writeMessages` uses. */
class Receiver {
  readonly flags: number;
  readonly host: { readonly turn: Turn };
  readonly transport: FakeTransport;
  readonly outbound: Outbound;
  readonly subscription: Subscription;
  readonly headers: boolean;
  readonly sid: string;
  readonly expected: string[] = [];
  bytes = 0;
  bytesExpected = 0;

  constructor(turn: Turn, sid: string, headers: boolean, vectored: boolean) {
    this.host = { turn };
    this.flags = headers ? FLAG_HEADERS : 0;
    this.headers = headers;
    this.sid = sid;
    this.subscription = new Subscription(null as unknown as Sink, Buffer.from(">"), null, new Uint8Array(Buffer.from(sid)));
    this.transport = new FakeTransport({ vectored });
    const nothing = () => {};
    const owner = {
      onPendingBytesExceeded: nothing,
      onWriteDeadline: nothing,
      onSlowRecovered: nothing,
      onWriteError: nothing,
      onStallReleased: nothing,
      onFlushedForClose: nothing,
    };
    const limits = { pendingBytesMax: 2 ** 30, writeDeadlineMs: 2 ** 30 };
    this.outbound = new Outbound(turn, this.transport, owner, limits);
  }

  /** Records the expected form of message `index`. */
  expect(batch: MessageBatch, index: number): void {
    const subject = batch.subjectSource.toString("latin1", batch.subjectStart(index), batch.subjectEnd(index));
    const reply = batch.source.toString("latin1", batch.replyStart(index), batch.replyEnd(index));
    const message = batch.source.toString("latin1", batch.start(index), batch.end(index));
    const headerSize = batch.headerSize(index);
    const names = `${subject} ${this.sid} ${reply === "" ? "" : `${reply} `}`;
    const stripped = headerSize > 0 && !this.headers;
    const payload = stripped ? message.slice(headerSize) : message;
    const total = `${headerSize > 0 && !stripped ? `${headerSize} ` : ""}${payload.length}`;
    const sizes = batch.sizesText !== null && !stripped ? batch.sizesText.toString() : total;
    this.expected.push(`${headerSize > 0 && !stripped ? "HMSG" : "MSG"} ${names}${sizes}\r\n${payload}\r\n`);
    this.bytesExpected += payload.length;
  }

  deliver(batch: MessageBatch, from: number, to: number): void {
    this.bytes += writeMessages(this as unknown as Connection, this.subscription, batch, from, to);
  }
}

/** Arguments of one call of `writeMessages`. */
type DeliveryCall = [receiver: Receiver, from: number, to: number];

/** Delivers each batch to all receivers, in one of the ways of a publisher. */
class Delivery implements CommandSink {
  readonly random: Random;
  readonly turn: Turn;
  readonly receivers: readonly Receiver[];
  parser!: Parser;
  private open = false;

  constructor(random: Random, turn: Turn, receivers: readonly Receiver[]) {
    this.random = random;
    this.turn = turn;
    this.receivers = receivers;
  }

  nextSubject(): boolean {
    return this.open;
  }

  openBatch(source: Buffer): void {
    const { batch } = this.turn;
    batch.source = source;
    batch.subjectSource = source;
    batch.oneReceiver = this.receivers.length === 1;
    batch.bytesMax = batch.oneReceiver ? 512 * 1024 : 64 * 1024;
    this.open = true;
  }

  flushMessages(): void {
    const { batch } = this.turn;
    const plan = this.plan(batch.count);
    for (const [receiver, from, to] of plan) for (let index = from; index < to; index++) receiver.expect(batch, index);
    for (const [receiver, from, to] of plan) receiver.deliver(batch, from, to);
    batch.clear();
    this.open = false;
  }

  private plan(count: number): DeliveryCall[] {
    const { random, receivers } = this;
    const range = (receiver: Receiver, from: number, to: number): DeliveryCall[] => (to > from ? [[receiver, from, to]] : []);
    const each = (receiver: Receiver, from: number, to: number): DeliveryCall[] =>
      Array.from({ length: to - from }, (_, index) => [receiver, from + index, from + index + 1]);
    if (random.chance(0.2)) {
      // A queue group: each message goes to one receiver.
      return Array.from({ length: count }, (_, index) => [random.pick(receivers), index, index + 1]);
    }
    return receivers.flatMap(receiver => {
      const way = random.below(6);
      if (way < 3) return range(receiver, 0, count);
      if (way === 3) return each(receiver, 0, count);
      // In pieces; the last messages may be left out.
      const middle = random.below(count + 1);
      const end = random.chance(0.5) ? count : random.between(middle, count);
      return [...range(receiver, 0, middle), ...(way === 4 ? range : each)(receiver, middle, end)];
    });
  }

  checkMessage(): Refusal {
    return Refusal.None;
  }

  onMessage(source: Buffer): Refusal {
    this.openBatch(source);
    this.flushMessages();
    return Refusal.None;
  }

  onLine(): Refusal {
    return Refusal.None;
  }
  onPing(): void {}
  onPong(): void {}
  onUnauthenticated(): Refusal {
    return Refusal.None;
  }
}

function randomPayloadSize(random: Random, large: boolean): number {
  if (!large) return random.pick([0, 1, 2, 5, 16, 61, 62, 63, 64, 65, 66, 128, 300, random.below(600)]);
  return random.pick([
    598, 600, 602, 1_024, 4_093, 4_094, 4_095, 4_096, 16_381, 16_382, 16_383, 16_384, 16_385, 65_535, 65_536, 70_000, 150_000,
  ]);
}

function publication(random: Random, subjects: readonly string[], large: boolean): string {
  const subject = random.pick(subjects);
  const reply = random.chance(0.2) ? `${random.pick(["r", "_INBOX.abcdef.1", "x".repeat(100)])} ` : "";
  const size = randomPayloadSize(random, large);
  const payload = String.fromCharCode(97 + random.below(26)).repeat(size);
  const zeros = random.chance(0.02) ? "00" : "";
  if (random.chance(0.25)) {
    const header = random.chance(0.1) ? "" : `NATS/1.0\r\nA: ${"h".repeat(random.below(90))}\r\n\r\n`;
    return `HPUB ${subject} ${reply}${zeros}${header.length} ${header.length + size}\r\n${header}${payload}\r\n`;
  }
  return `PUB ${subject} ${reply}${zeros}${size}\r\n${payload}\r\n`;
}

function conversation(random: Random): string {
  const longLines = random.chance(0.1);
  const subjects = ["a", "foo.bar", random.pick(["b", "x".repeat(70)])];
  if (longLines) subjects.push("y".repeat(random.pick([4_000, 59_000, 61_400, 65_400, 65_536, 70_000, 140_000])));
  const large = random.chance(0.5);
  const parts: string[] = [];
  while (parts.length < random.pick([3, 30, 200]) && parts.reduce((sum, part) => sum + part.length, 0) < 900_000) {
    const part = publication(random, subjects, large && random.chance(0.3));
    for (let copies = random.pick([1, 1, 1, 5, 40]); copies > 0; copies--) parts.push(part);
  }
  return parts.join("");
}

/** Cuts the text into chunks of any size, mostly large, as reads do. */
function cut(wire: string, random: Random): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < wire.length; ) {
    const size = random.pick([random.between(1, 100), random.between(1, 20_000), 512 * 1024]);
    chunks.push(Buffer.from(wire.slice(at, at + size), "latin1"));
    at += size;
  }
  return chunks;
}

test("fuzz: every receiver gets every message, in order and in its form", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 400; round++) {
    const message = `SEED=${seed} round=${round}`;
    const clock = new FakeClock();
    const turn = new Turn(clock, new TimingWheel(clock), random);
    const sids = random.pick([["1"], ["1", "2"], ["1", "sid-of-some-length", "s".repeat(200)]]);
    const receivers = Array.from(
      { length: random.pick([1, 1, 2, 4]) },
      () => new Receiver(turn, random.pick(sids), random.chance(0.6), random.chance(0.5)),
    );
    const delivery = new Delivery(random, turn, receivers);
    const parser = new Parser(delivery, turn.batch, VERB_TABLES[ConnectionKind.Client], 200_000, 1_000_000);
    delivery.parser = parser;
    parser.headers = true;
    parser.fast = random.chance(0.8);
    const slow = random.chance(0.3);
    for (const chunk of cut(conversation(random), random)) {
      if (slow) for (const receiver of receivers) receiver.transport.room = random.pick([0, 10, 30_000, Number.POSITIVE_INFINITY]);
      expect(parser.parse(chunk, 0), message).toBe(chunk.length);
      turn.end();
      chunk.fill(0xee);
      if (random.chance(0.5)) for (const receiver of receivers) receiver.outbound.onDrain();
    }
    for (const [index, receiver] of receivers.entries()) {
      receiver.transport.room = Number.POSITIVE_INFINITY;
      receiver.outbound.onDrain();
      turn.end();
      const got = receiver.transport.text;
      const wanted = receiver.expected.join("");
      if (got !== wanted) expect(difference(got, wanted), `${message} receiver ${index}`).toBe("");
      expect(receiver.bytes, message).toBe(receiver.bytesExpected);
    }
    expect(turn.pool.taken, message).toBe(0);
  }
});

/** The first difference between two long texts. */
function difference(got: string, wanted: string): string {
  let at = 0;
  while (got[at] === wanted[at]) at++;
  return `at ${at} of ${wanted.length}: got ${JSON.stringify(got.slice(at - 60, at + 60))}, wanted ${JSON.stringify(wanted.slice(at - 60, at + 60))}`;
}
