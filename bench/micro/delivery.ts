/**
 * Encoding a batch into a connection's output, without the kernel; then the size from which a native copy is faster than a loop.
 *
 *   bun run bench/micro/delivery.ts              BENCH_SHORT=1: a run of seconds
 */
import { do_not_optimize } from "mitata";
import { SYSTEM_CLOCK } from "../../src/base/clock/clock.ts";
import { TimingWheel } from "../../src/base/clock/timing-wheel.ts";
import { Random } from "../../src/base/random/random.ts";
import type { Connection } from "../../src/connections/link/connection.ts";
import { FLAG_HEADERS } from "../../src/connections/link/connection-flag.ts";
import { writeMessages } from "../../src/connections/link/deliver.ts";
import { Outbound } from "../../src/connections/link/outbound.ts";
import { Turn } from "../../src/connections/link/turn.ts";
import type { MessageBatch } from "../../src/messaging/batch/message-batch.ts";
import { type Sink, Subscription } from "../../src/messaging/batch/subscription.ts";
import { MatchResult } from "../../src/messaging/subject/match-result.ts";
import { QueueGroup } from "../../src/messaging/subject/queue-group.ts";
import { MessageSource } from "../../src/messaging/subject/queue-selection.ts";
import type { ByteVector } from "../../src/wire/transport/byte-vector.ts";
import type { Transport } from "../../src/wire/transport/transport.ts";
import { Measurement } from "./measurement/measurement.ts";

const measurement = new Measurement();
const nothing = () => {};

/** A socket that accepts all bytes and discards them. */
function newTransport(vectored: boolean): Transport {
  return {
    write: (_source: Buffer, _offset: number, length: number) => length,
    vectored,
    writeVector: (vector: ByteVector) => vector.bytes,
    readMore: () => 0,
    pause: nothing,
    resume: nothing,
    end: nothing,
    terminate: nothing,
    remoteAddress: "",
    remotePort: 0,
    inProcess: false,
    type: "nats",
    handshaking: false,
    handshakesFirst: false,
    tls: null,
  };
}

const OWNER = {
  onPendingBytesExceeded: nothing,
  onWriteDeadline: nothing,
  onSlowRecovered: nothing,
  onWriteError: nothing,
  onStallReleased: nothing,
  onFlushedForClose: nothing,
};

function newConnection(turn: Turn, vectored: boolean): Connection {
  const transport = newTransport(vectored);
  const limits = { pendingBytesMax: 2 ** 30, writeDeadlineMs: 10_000, retryAfterDeadline: false };
  const outbound = new Outbound(turn, transport, OWNER, limits);
  return { flags: FLAG_HEADERS, host: { turn }, transport, outbound } as unknown as Connection;
}

interface Load {
  /** Messages in the batch. */
  readonly run: number;
  readonly receivers?: number;
  readonly vectored?: boolean;
  readonly header?: string;
}

function addLoad(name: string, size: number, { run, receivers = 1, vectored = false, header = "" }: Load): void {
  const turn = new Turn(SYSTEM_CLOCK, new TimingWheel(SYSTEM_CLOCK), new Random(1));
  const { batch } = turn;
  const payload = header + "x".repeat(size);
  const line = header === "" ? `PUB bench ${size}\r\n` : `HPUB bench ${header.length} ${payload.length}\r\n`;
  const source = Buffer.from(`${line}${payload}\r\n`.repeat(run));
  const targets = Array.from({ length: receivers }, () => newConnection(turn, vectored));
  const subscription = new Subscription(null as unknown as Sink, Buffer.from("bench"), null, Buffer.from("1"));
  const name0 = header === "" ? 4 : 5;
  measurement.add(name, run * receivers, () => {
    batch.source = source;
    batch.subjectSource = source;
    batch.oneReceiver = receivers === 1;
    for (let index = 0, at = 0; index < run; index++) {
      const start = at + line.length;
      batch.add(name0, name0 + 5, 0, 0, header === "" ? -1 : header.length, start, start + payload.length);
      at = start + payload.length + 2;
    }
    for (const target of targets) writeMessages(target, subscription, batch, 0, run);
    batch.clear();
    turn.end();
    return do_not_optimize(turn.pool.taken);
  });
}

for (const size of [16, 128, 1024]) {
  const run = Math.min(1_000, Math.floor(60_000 / (size + 20)));
  addLoad(`run of ${run} × ${size} B, one receiver`, size, { run });
  addLoad(`run of ${run} × ${size} B, one receiver, vectored`, size, { run, vectored: true });
  addLoad(`run of ${run} × ${size} B, 8 receivers`, size, { run, receivers: 8 });
  addLoad(`one message of ${size} B, one receiver`, size, { run: 1 });
  addLoad(`one message of ${size} B, 8 receivers`, size, { run: 1, receivers: 8 });
}
addLoad("run of 500 × 16 B with header", 16, { run: 500, header: "NATS/1.0\r\nNats-Msg-Id: 12345\r\n\r\n" });
addLoad("run of 30 × 16 KiB, one receiver, vectored", 16 * 1024, { run: 30, vectored: true });
addLoad("run of 30 × 16 KiB, one receiver", 16 * 1024, { run: 30 });

/** A connection as a fan-out sees it. */
class Output implements Sink {
  mark = 0;
  readonly takesRuns = true;

  constructor(private readonly target: Connection) {}

  deliver(subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
    writeMessages(this.target, subscription, batch, from, to);
    return to - from;
  }
}

/** A receiver inside the process that only reads its messages. */
class Inside implements Sink {
  mark = 0;
  readonly takesRuns = false;
  bytes = 0;

  deliver(_subscription: Subscription, batch: MessageBatch, from: number, to: number): number {
    for (let index = from; index < to; index++) this.bytes += batch.end(index) - batch.start(index);
    return to - from;
  }
}

const NAME = Buffer.from("bench");
const SID = Buffer.from("1");

interface FanOutLoad {
  readonly plain?: number;
  readonly inside?: number;
  /** Members of one queue group. */
  readonly members?: number;
  /** Messages handed to the fan-out at once. */
  readonly step?: number;
}

/** A fan-out of a run of 500 messages of 16 B to connections and others. */
function addFanOut(name: string, { plain = 0, inside = 0, members = 0, step = 500 }: FanOutLoad): void {
  const turn = new Turn(SYSTEM_CLOCK, new TimingWheel(SYSTEM_CLOCK), new Random(1));
  const { batch } = turn;
  const line = "PUB bench 16\r\n";
  const source = Buffer.from(`${line}${"x".repeat(16)}\r\n`.repeat(500));
  const wants = (sink: Sink, queue: Buffer | null) => new Subscription(sink, NAME, queue, SID);
  const connections = (count: number) => Array.from({ length: count }, () => new Output(newConnection(turn, false)));
  const result = new MatchResult(
    [...connections(plain).map(sink => wants(sink, null)), ...Array.from({ length: inside }, () => wants(new Inside(), null))],
    members === 0 ? [] : [QueueGroup.of(connections(members).map(sink => wants(sink, NAME)))],
  );
  const publisher = { interest: { generation: 1, match: () => result }, source: MessageSource.Client, noResponders: null };
  measurement.add(name, 500 * (plain + inside + Math.min(1, members)), () => {
    batch.source = source;
    batch.subjectSource = source;
    for (let index = 0, at = 0; index < 500; index++, at += line.length + 18) {
      batch.add(4, 9, 0, 0, -1, at + line.length, at + line.length + 16);
    }
    for (let from = 0; from < 500; from += step) turn.fanOuts.deliver(publisher, batch, from, from + step, result, 1);
    batch.clear();
    turn.end();
    return do_not_optimize(turn.pool.taken);
  });
}

addFanOut("fan-out of 500: 1 connection", { plain: 1 });
addFanOut("fan-out of 500: 8 connections", { plain: 8 });
addFanOut("fan-out of 500: 8 connections and 1 callback", { plain: 8, inside: 1 });
addFanOut("the same, message by message", { plain: 8, inside: 1, step: 1 });
addFanOut("fan-out of 500: queue group of 4", { members: 4 });
addFanOut("fan-out of 1: 1 connection", { plain: 1, step: 1 });
addFanOut("fan-out of 1: 8 connections", { plain: 8, step: 1 });

/** Copies of one size between changing offsets, as with payloads. */
const COPIES = 1_000;
const source = Buffer.alloc(COPIES * 520, 1);
const target = Buffer.alloc(COPIES * 520);
const sourceView = new DataView(source.buffer, source.byteOffset, source.length);
const targetView = new DataView(target.buffer, target.byteOffset, target.length);
for (const size of [8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]) {
  const stride = size + 3; // mostly unaligned
  measurement.add(`copy of ${size} B: bytes`, COPIES, () => {
    for (let copy = 0, at = 0; copy < COPIES; copy++, at += stride) {
      const stop = at + size;
      for (let i = at, j = at + 1; i < stop; i++, j++) target[j] = source[i];
    }
    return do_not_optimize(target[5]);
  });
  measurement.add(`copy of ${size} B: words`, COPIES, () => {
    for (let copy = 0, at = 0; copy < COPIES; copy++, at += stride) {
      const stop = at + size;
      for (let i = at, j = at + 1; i < stop; i += 4, j += 4) targetView.setInt32(j, sourceView.getInt32(i, true), true);
    }
    return do_not_optimize(target[5]);
  });
  measurement.add(`copy of ${size} B: native copy`, COPIES, () => {
    for (let copy = 0, at = 0; copy < COPIES; copy++, at += stride) source.copy(target, at + 1, at, at + size);
    return do_not_optimize(target[5]);
  });
  measurement.add(`copy of ${size} B: native set(subarray)`, COPIES, () => {
    for (let copy = 0, at = 0; copy < COPIES; copy++, at += stride) target.set(source.subarray(at, at + size), at + 1);
    return do_not_optimize(target[5]);
  });
}

await measurement.run();
