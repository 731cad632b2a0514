import { expect, test } from "bun:test";
import { FakeClock } from "../../../test/doubles/fake-clock.ts";
import { FakeTransport } from "../../../test/doubles/fake-transport.ts";
import { LARGEST_CHUNK_BYTES } from "../../base/bytes/buffer-pool.ts";
import { TimingWheel } from "../../base/clock/timing-wheel.ts";
import { Random } from "../../base/random/random.ts";
import { type Sink, Subscription } from "../../messaging/batch/subscription.ts";
import type { Connection } from "./connection.ts";
import { FLAG_HEADERS } from "./connection-flag.ts";
import { writeMessages, writeNoResponders } from "./deliver.ts";
import { Outbound } from "./outbound.ts";
import { Turn } from "./turn.ts";

interface Message {
  readonly subject: string;
  readonly reply?: string;
  readonly header?: string;
  readonly payload?: string;
}

const NOTHING = () => {};

/** A turn whose batch holds the messages, and a function that delivers them to a connection of a given kind. */
function newBatch(...messages: Message[]) {
  const clock = new FakeClock();
  const turn = new Turn(clock, new TimingWheel(clock), new Random(1));
  const { batch } = turn;
  batch.source = Buffer.from(
    messages.map(({ subject, reply = "", header = "", payload = "" }) => `${subject}${reply}${header}${payload}\r\n`).join(""),
  );
  batch.subjectSource = batch.source;
  let at = 0;
  for (const { subject, reply = "", header, payload = "" } of messages) {
    const start = at + subject.length + reply.length;
    const end = start + (header ?? "").length + payload.length;
    batch.add(at, at + subject.length, at + subject.length, start, header?.length ?? -1, start, end);
    at = end + 2;
  }
  const connect = ({ headers = true, vectored = false } = {}) => {
    const transport = new FakeTransport({ vectored });
    const owner = {
      onPendingBytesExceeded: NOTHING,
      onWriteDeadline: NOTHING,
      onSlowRecovered: NOTHING,
      onWriteError: () => outbound.abandon(),
      onStallReleased: NOTHING,
      onFlushedForClose: NOTHING,
    };
    const limits = { pendingBytesMax: 2 ** 30, writeDeadlineMs: 1_000 };
    const outbound: Outbound = new Outbound(turn, transport, owner, limits);
    const connection = { flags: headers ? FLAG_HEADERS : 0, host: { turn }, transport, outbound } as unknown as Connection;
    return { connection, transport };
  };
  const deliver = (sid: string, { headers = true, vectored = false, from = 0, to = batch.count } = {}) => {
    const { connection, transport } = connect({ headers, vectored });
    const subscription = new Subscription(null as unknown as Sink, Buffer.from(">"), null, Buffer.from(sid));
    const bytes = writeMessages(connection, subscription, batch, from, to);
    turn.end();
    return { text: transport.text, bytes };
  };
  return { turn, batch, connect, deliver };
}

const HEADER = "NATS/1.0\r\nA: b\r\n\r\n"; // 18 bytes

test("a message without header is MSG, with reply and size", () => {
  expect(newBatch({ subject: "foo", payload: "hello" }).deliver("7")).toEqual({ text: "MSG foo 7 5\r\nhello\r\n", bytes: 5 });
  expect(newBatch({ subject: "foo", reply: "in.1" }).deliver("x y")).toEqual({ text: "MSG foo x y in.1 0\r\n\r\n", bytes: 0 });
});

test("a message with header is HMSG for receivers with headers, and MSG without header for others", () => {
  const { deliver } = newBatch({ subject: "foo", reply: "r", header: HEADER, payload: "hi" }, { subject: "foo", header: HEADER });
  expect(deliver("1")).toEqual({ text: `HMSG foo 1 r 18 20\r\n${HEADER}hi\r\nHMSG foo 1 18 18\r\n${HEADER}\r\n`, bytes: 38 });
  expect(deliver("1", { headers: false })).toEqual({ text: "MSG foo 1 r 2\r\nhi\r\nMSG foo 1 0\r\n\r\n", bytes: 2 });
  expect(deliver("1", { from: 1 })).toEqual({ text: `HMSG foo 1 18 18\r\n${HEADER}\r\n`, bytes: 18 });
});

test("an empty header block is no header", () => {
  expect(newBatch({ subject: "foo", header: "", payload: "hi" }).deliver("1").text).toBe("MSG foo 1 2\r\nhi\r\n");
});

test("receivers with headers get sizes as the publisher wrote them; others get new sizes", () => {
  const { batch, deliver } = newBatch({ subject: "foo", header: HEADER, payload: "hi" });
  batch.sizesText = Buffer.from("018 0020");
  expect(deliver("1").text).toBe(`HMSG foo 1 018 0020\r\n${HEADER}hi\r\n`);
  expect(deliver("1", { headers: false }).text).toBe("MSG foo 1 2\r\nhi\r\n");
});

test("a run is encoded once for all receivers with the same sid and the same support of headers", () => {
  const { turn, batch, deliver } = newBatch({ subject: "a", payload: "1" }, { subject: "a", payload: "2" }, { subject: "b", payload: "3" });
  const run = "MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\nMSG b 1 1\r\n3\r\n";
  expect(deliver("1").text).toBe(run);
  turn.scratch.write("!", 8); // a changed byte shows whether the encoded run is used again
  expect(deliver("1").text).toBe(run.replace("1\r\n1", "!\r\n1"));
  expect(deliver("2").text).toBe(run.replaceAll(" 1 ", " 2 "));
  expect(deliver("1", { headers: false }).text).toBe(run);
  expect(deliver("1").text).toBe(run);
  expect(deliver("1", { from: 1 }).text).toBe("MSG a 1 1\r\n2\r\nMSG b 1 1\r\n3\r\n");
  const { source } = batch;
  batch.clear();
  batch.source = batch.subjectSource = source;
  batch.add(0, 1, 0, 0, -1, 1, 2);
  batch.add(0, 1, 0, 0, -1, 1, 2);
  expect(deliver("1").text).toBe("MSG a 1 1\r\n1\r\nMSG a 1 1\r\n1\r\n");
});

test("large messages are written in one vector without a copy", () => {
  const payload = "x".repeat(5_000);
  const { turn, batch, connect } = newBatch({ subject: "a", payload }, { subject: "b", payload });
  batch.oneReceiver = true;
  const { connection, transport } = connect({ vectored: true });
  const subscription = new Subscription(null as unknown as Sink, Buffer.from(">"), null, Buffer.from("1"));
  writeMessages(connection, subscription, batch, 0, 2);
  expect([transport.vectors, transport.writes, turn.pool.taken]).toEqual([1, 0, 0]);
  expect(transport.text).toBe(`MSG a 1 5000\r\n${payload}\r\nMSG b 1 5000\r\n${payload}\r\n`);
});

test("a run of more large messages than a vector has room for is written in several vectors, after earlier output", () => {
  const messages = Array.from({ length: 600 }, (_, index) => ({ subject: "a", payload: `${index}`.padEnd(700, ".") }));
  const { turn, batch, connect } = newBatch(...messages);
  batch.oneReceiver = true;
  const { connection, transport } = connect({ vectored: true });
  connection.outbound.append(Buffer.from("+OK\r\n"), 0, 5);
  const subscription = new Subscription(null as unknown as Sink, Buffer.from(">"), null, Buffer.from("1"));
  expect(writeMessages(connection, subscription, batch, 0, 600)).toBe(600 * 700);
  turn.end();
  expect(transport.text).toBe(`+OK\r\n${messages.map(({ payload }) => `MSG a 1 700\r\n${payload}\r\n`).join("")}`);
  expect([transport.vectors, transport.writes, turn.pool.taken]).toEqual([3, 0, 0]);
});

test("after a failed write in the middle of a run, the rest of the run is dropped", () => {
  const messages = Array.from({ length: 100 }, () => ({ subject: "a", payload: "x".repeat(2_000) }));
  const { turn, batch, connect } = newBatch(...messages);
  const { connection, transport } = connect();
  transport.broken = true;
  const subscription = new Subscription(null as unknown as Sink, Buffer.from(">"), null, Buffer.from("1"));
  writeMessages(connection, subscription, batch, 0, 100);
  turn.end();
  expect([connection.outbound.closed, connection.outbound.pendingBytes, turn.pool.taken]).toEqual([true, 0, 0]);
});

test("the payload after a line of about a chunk's length, or more, is complete", () => {
  for (const size of [
    LARGEST_CHUNK_BYTES - 4_200,
    LARGEST_CHUNK_BYTES - 2_000,
    LARGEST_CHUNK_BYTES - 20,
    LARGEST_CHUNK_BYTES,
    3 * LARGEST_CHUNK_BYTES,
  ]) {
    const subject = "s".repeat(size);
    const payload = "p".repeat(4_000);
    expect(newBatch({ subject, payload }).deliver("1").text, `${size}`).toBe(`MSG ${subject} 1 4000\r\n${payload}\r\n`);
  }
});

test("no responders: status 503 with the subject, on the reply subject", () => {
  const { turn, batch, connect } = newBatch({ subject: "service.x", reply: "in.1", payload: "hi" });
  const { connection, transport } = connect();
  writeNoResponders(connection, Buffer.from("42"), batch, 0);
  turn.end();
  const header = "NATS/1.0 503\r\nNats-Subject: service.x\r\n\r\n";
  expect(transport.text).toBe(`HMSG in.1 42 ${header.length} ${header.length}\r\n${header}\r\n`);
});
