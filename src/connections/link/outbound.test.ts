import { expect, test } from "bun:test";
import { brokenAssertion } from "../../../test/doubles/broken-assertion.ts";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { FakeTransport } from "../../../test/doubles/fake-transport.ts";
import { LARGEST_CHUNK_BYTES, TIER_BYTES } from "../../base/bytes/buffer-pool.ts";
import { TimingWheel } from "../../base/clock/timing-wheel.ts";
import { Random } from "../../base/random/random.ts";
import { Outbound, type OutboundOwner } from "./outbound.ts";
import { Turn } from "./turn.ts";

const KIB = 1024;

interface Setting {
  readonly vectored?: boolean;
  readonly room?: number;
  readonly pendingBytesMax?: number;
  readonly retry?: boolean;
}

function newOutbound({ vectored = false, room, pendingBytesMax = 1_000_000, retry = false }: Setting = {}) {
  const clock = new FakeClock();
  const turn = new Turn(clock, new TimingWheel(clock), new Random(1));
  const transport = new FakeTransport({ vectored });
  if (room !== undefined) transport.room = room;
  const notified: string[] = [];
  const owner: OutboundOwner = {
    onPendingBytesExceeded: limit => {
      notified.push(`pending over ${limit}`);
      outbound.abandon();
    },
    onWriteDeadline: (tookSome, chunks, bytes) => {
      notified.push(`deadline tookSome=${tookSome} chunks=${chunks} bytes=${bytes} slow=${outbound.slow}`);
      if (!retry || !tookSome) outbound.abandon();
    },
    onSlowRecovered: (elapsedMs, chunks, bytes) => notified.push(`recovered after ${elapsedMs} chunks=${chunks} bytes=${bytes}`),
    onWriteError: () => {
      notified.push("write error");
      outbound.abandon();
    },
    onStallReleased: () => notified.push("stall released"),
    onFlushedForClose: () => {
      notified.push("flushed for close");
      outbound.abandon();
    },
  };
  const outbound = new Outbound(turn, transport, owner, { pendingBytesMax, writeDeadlineMs: 1_000 });
  const append = (text: string | Buffer) => {
    const bytes = Buffer.from(text);
    outbound.append(bytes, 0, bytes.length);
    bytes.fill(0xee); // `append` has copied it
  };
  /** The kernel has room for `room` more bytes, and announces it. */
  const drain = (room: number) => {
    transport.room = room;
    outbound.onDrain();
  };
  return { clock, turn, transport, notified, outbound, append, drain };
}

const block = (size: number, letter = "x") => Buffer.alloc(size, letter);

test("the output of a turn is written once, at its end, and an idle connection holds no chunk", () => {
  const { turn, transport, outbound, append } = newOutbound();
  append("hello ");
  append("world");
  expect([transport.writes, outbound.pendingBytes, turn.pool.taken]).toEqual([0, 11, 1]);
  turn.end();
  expect([transport.writes, transport.text, outbound.pendingBytes, turn.pool.taken]).toEqual([1, "hello world", 0, 0]);
  turn.end();
  expect(transport.writes).toBe(1);
});

test("bytes that the kernel does not take are written in order after a drain", () => {
  const { turn, transport, outbound, append, drain } = newOutbound({ room: 4 });
  append("one two ");
  turn.end();
  append("three ");
  turn.end();
  expect([transport.text, outbound.pendingBytes, outbound.hasBacklog]).toEqual(["one ", 10, true]);
  append("four");
  drain(3);
  expect([transport.text, outbound.pendingBytes]).toEqual(["one two", 11]);
  drain(1_000);
  turn.end();
  expect([transport.text, outbound.pendingBytes, outbound.hasBacklog, turn.pool.taken]).toEqual(["one two three four", 0, false, 0]);
});

test("output of more than a chunk is written chunk by chunk during the turn", () => {
  const { turn, transport, append } = newOutbound();
  for (let line = 0; line < 100; line++) append(block(1_000));
  expect([transport.writes, transport.takenBytes]).toEqual([1, LARGEST_CHUNK_BYTES]);
  turn.end();
  expect([transport.writes, transport.takenBytes, turn.pool.taken]).toEqual([2, 100_000, 0]);
});

test("a large block is written without a copy, after the bytes of the tail", () => {
  const { turn, transport, outbound, append } = newOutbound();
  append(block(20 * KIB));
  expect([transport.writes, outbound.pendingBytes, turn.pool.taken]).toEqual([1, 0, 0]);
  append("tail");
  append(block(LARGEST_CHUNK_BYTES, "y"));
  expect(transport.writes).toBe(3);
  turn.end();
  expect(transport.text).toBe(`${"x".repeat(20 * KIB)}tail${"y".repeat(LARGEST_CHUNK_BYTES)}`);
  expect(turn.pool.taken).toBe(0);
});

test("a vector is written in one call after the tail; bytes that are not taken are copied", () => {
  const { turn, transport, outbound, append, drain } = newOutbound({ vectored: true, room: 9 });
  append("tail ");
  outbound.startVector(turn.vector);
  const lines = Buffer.from("line1line2");
  const payload = Buffer.from("payload");
  turn.vector.add(lines, 0, 5);
  turn.vector.add(payload, 0, 7);
  turn.vector.add(lines, 5, 10);
  turn.vector.add(payload, 3, 7);
  outbound.appendVector(turn.vector);
  lines.fill(0);
  payload.fill(0);
  append(" end");
  turn.end();
  expect([transport.vectors, transport.text]).toEqual([1, "tail line"]);
  drain(1_000);
  expect([transport.text, turn.pool.taken]).toEqual(["tail line1payloadline2load end", 0]);
});

test("a blocked connection holds chunks of about the size of its pending bytes, also after many small turns", () => {
  const { turn, transport, outbound, append } = newOutbound();
  append(block(60 * KIB)); // from now on its chunks are large
  for (let line = 0; line < 60; line++) append(block(1_000));
  turn.end();
  transport.room = 0;
  for (let round = 0; round < 5_000; round++) {
    append("MSG foo 1 5\r\nhello\r\n");
    turn.end();
  }
  expect(outbound.pendingBytes).toBe(100_000);
  expect(turn.pool.taken).toBeLessThanOrEqual(4);
  outbound.abandon();
  expect(turn.pool.taken).toBe(0);
});

test("if more than the limit is pending after a write, the owner is notified once", () => {
  const { turn, transport, notified, outbound, append } = newOutbound({ room: 0, pendingBytesMax: 10 * KIB });
  append(block(10 * KIB));
  turn.end();
  expect(notified).toEqual([]);
  append("x");
  expect(notified).toEqual([]);
  turn.end();
  append("y");
  turn.end();
  expect([notified, outbound.closed, outbound.pendingBytes, turn.pool.taken]).toEqual([
    ["stall released", `pending over ${10 * KIB}`].reverse(),
    true,
    0,
    0,
  ]);
  expect(transport.takenBytes).toBe(0);
});

test("a turn may be larger than the limit if the kernel takes its output", () => {
  const { turn, transport, notified, append } = newOutbound({ pendingBytesMax: 10 * KIB });
  for (let line = 0; line < 500; line++) append(block(1_000));
  append(block(300 * KIB));
  turn.end();
  expect([notified, transport.takenBytes]).toEqual([[], 500_000 + 300 * KIB]);
});

test("producers stall from 75 % of the limit on, and continue below it", () => {
  const { turn, notified, outbound, append, drain } = newOutbound({ room: 0, pendingBytesMax: 10_000 });
  append(block(7_500));
  turn.end();
  expect(outbound.stalling).toBe(false);
  append("x");
  turn.end();
  expect(outbound.stalling).toBe(true);
  drain(1);
  expect([outbound.stalling, notified]).toEqual([true, []]);
  drain(1);
  expect([outbound.stalling, notified]).toEqual([false, ["stall released"]]);
});

test("bytes that wait only for the end of the turn do not stall producers", () => {
  const { turn, notified, outbound, append } = newOutbound({ pendingBytesMax: 10_000 });
  append(block(9_000));
  expect(outbound.stalling).toBe(false);
  turn.end();
  expect([outbound.stalling, notified]).toEqual([false, []]);
});

test("a batch has one deadline: progress does not restart it, a new batch does", () => {
  const { clock, turn, notified, append, drain } = newOutbound({ room: 0 });
  append("0123456789");
  turn.end();
  clock.advance(600);
  drain(5);
  clock.advance(390);
  expect(notified).toEqual([]);
  append("later"); // another batch: the first one's deadline stays
  turn.end();
  drain(5);
  clock.advance(990);
  expect(notified).toEqual([]);
  clock.advance(20);
  expect(notified).toEqual(["deadline tookSome=false chunks=1 bytes=5 slow=false"]);
});

test("a batch that was partly taken within its deadline is reported as such", () => {
  for (const size of [100, 20 * KIB]) {
    const { clock, turn, notified, append } = newOutbound({ room: 10 });
    append(block(size));
    turn.end();
    clock.advance(1_010);
    expect(notified, `${size} bytes`).toEqual([`deadline tookSome=true chunks=1 bytes=${size - 10} slow=false`]);
  }
});

test("a vector that was partly taken within its deadline is reported as such", () => {
  const { clock, turn, notified, outbound } = newOutbound({ room: 10, vectored: true });
  outbound.startVector(turn.vector);
  turn.vector.add(block(100), 0, 100);
  outbound.appendVector(turn.vector);
  turn.end();
  clock.advance(1_010);
  expect(notified).toEqual(["deadline tookSome=true chunks=1 bytes=90 slow=false"]);
});

test("if the kernel takes all output in time, no deadline timer remains", () => {
  const { clock, turn, notified, append, drain } = newOutbound({ room: 0 });
  append("x");
  turn.end();
  expect(turn.timers.size).toBe(1);
  drain(10);
  expect(turn.timers.size).toBe(0);
  clock.advance(5_000);
  expect(notified).toEqual([]);
});

test("under policy retry a missed deadline marks the connection as slow, and the end of the batch clears the mark", () => {
  const { clock, turn, notified, outbound, append, drain } = newOutbound({ room: 4, retry: true });
  append("0123456789");
  turn.end();
  clock.advance(1_010);
  expect(outbound.slow).toBe(true);
  drain(1);
  clock.advance(1_010);
  drain(100);
  expect(notified).toEqual([
    "deadline tookSome=true chunks=1 bytes=6 slow=false",
    "deadline tookSome=true chunks=1 bytes=6 slow=true",
    expect.stringMatching(/^recovered after \d+(\.\d+)? chunks=1 bytes=5$/),
  ]);
  expect([outbound.slow, turn.timers.size, turn.pool.taken]).toEqual([false, 0, 0]);
});

test("under policy retry the connection is closed if the kernel took nothing of the batch", () => {
  const { clock, turn, notified, outbound, append } = newOutbound({ room: 4, retry: true });
  append("0123456789");
  turn.end();
  clock.advance(2_100);
  expect([notified.length, outbound.closed]).toEqual([2, true]);
  expect(notified[1]).toBe("deadline tookSome=false chunks=1 bytes=6 slow=true");
});

test("the owner is notified once of a write error at any place, and no bytes are kept", () => {
  const wheres: ((outbound: ReturnType<typeof newOutbound>) => void)[] = [
    ({ append, turn }) => {
      append("x");
      turn.end();
    },
    ({ append, turn }) => {
      append(block(20 * KIB));
      turn.end();
    },
    ({ append, turn }) => {
      append("tail");
      append(block(64 * KIB));
      turn.end();
    },
    ({ append, turn }) => {
      for (let line = 0; line < 100; line++) append(block(1_000));
      turn.end();
    },
    ({ turn, outbound }) => {
      outbound.startVector(turn.vector);
      turn.vector.add(block(10), 0, 10);
      outbound.appendVector(turn.vector);
      turn.end();
    },
    ({ append, turn, drain, transport }) => {
      transport.broken = false;
      transport.room = 0;
      append("x");
      turn.end();
      transport.broken = true;
      drain(10);
    },
  ];
  for (const vectored of [false, true]) {
    for (const [index, where] of wheres.entries()) {
      const all = newOutbound({ vectored });
      all.transport.broken = true;
      where(all);
      expect(all.notified, `case ${index}`).toEqual(["write error"]);
      expect([all.turn.pool.taken, all.turn.timers.size, all.outbound.pendingBytes], `case ${index}`).toEqual([0, 0, 0]);
    }
  }
});

test("a closing output appends nothing more, writes the pending bytes and then notifies the owner", () => {
  const { turn, transport, notified, outbound, append, drain } = newOutbound({ room: 3 });
  append("bye bye");
  outbound.closeAfterFlush();
  append("too late");
  turn.end();
  expect([notified, transport.text]).toEqual([[], "bye"]);
  drain(100);
  turn.end();
  expect([notified, transport.text, turn.pool.taken]).toEqual([["flushed for close"], "bye bye", 0]);
});

test("closing without pending bytes notifies the owner at the end of the turn", () => {
  const { turn, notified, outbound } = newOutbound();
  outbound.closeAfterFlush();
  expect(notified).toEqual([]);
  turn.end();
  expect(notified).toEqual(["flushed for close"]);
});

test("abandon() releases stalled producers and drops pending bytes", () => {
  const { clock, turn, transport, notified, outbound, append, drain } = newOutbound({ room: 0, pendingBytesMax: 1_000 });
  append(block(900));
  turn.end();
  append("tail");
  outbound.abandon();
  outbound.abandon();
  append("x");
  turn.end();
  drain(1_000);
  clock.advance(5_000);
  expect([notified, transport.takenBytes, turn.pool.taken, turn.timers.size]).toEqual([["stall released"], 0, 0, 0]);
});

test("the size of a turn's first chunk follows the traffic: it grows at once and shrinks slowly", () => {
  const { turn, outbound, append } = newOutbound();
  const firstChunk = () => {
    append("x");
    const size = outbound.tail.length;
    turn.end();
    return size;
  };
  expect(firstChunk()).toBe(TIER_BYTES[0]);
  append(block(3_000));
  turn.end();
  expect(firstChunk()).toBe(TIER_BYTES[1]);
  append(block(3_000));
  append(block(3_000));
  turn.end();
  const sizes = Array.from({ length: 40 }, firstChunk);
  expect(sizes[0]).toBe(TIER_BYTES[2]);
  expect(sizes[39]).toBe(TIER_BYTES[0]);
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
});

test("assertions: the kernel takes at most what it was offered", () => {
  const offered = "Assertion broken: the kernel takes at most what it was offered";
  const direct = newOutbound();
  direct.transport.write = (_source, _start, length) => length + 1;
  direct.append("hello");
  expect(brokenAssertion(() => direct.turn.end())).toBe(`${offered}: 6, 5`);
  const { append, outbound, transport, turn } = newOutbound({ room: 0 });
  append("hello");
  turn.end();
  transport.write = (_source, _start, length) => length + 2;
  expect(brokenAssertion(() => outbound.onDrain())).toBe(`${offered}: 7, 5`);
});
