import { expect, test } from "bun:test";
import { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { Outbox, OutboxPages } from "./outbox.ts";
import { PubAck } from "./pub-ack.ts";

const NOTHING = new Uint8Array(0);

function outboxWith(): { readonly outbox: Outbox; readonly sent: string[]; send(gate: number, subject: string): void } {
  const sent: string[] = [];
  const outbox = new Outbox(
    { meter: new WorkMeter(), pages: new OutboxPages(), addTask: () => {} },
    {
      publishBatch(batch, from, to) {
        for (let index = from; index < to; index++)
          sent.push(`${batch.subjectText(index)} ${batch.source.toString("latin1", batch.start(index), batch.end(index))}`.trim());
        return to - from;
      },
    },
  );
  const send = (gate: number, subject: string) => outbox.message(gate, Buffer.from(subject), 0, subject.length, null, NOTHING, 0, 0);
  return { outbox, sent, send };
}

test("messages leave in order when their change is durable, and code runs between them", () => {
  const { outbox, send, sent } = outboxWith();
  send(1, "a");
  outbox.after(1, () => sent.push("call"));
  send(2, "b");
  send(0, "c");
  outbox.release(0);
  expect(sent).toEqual([]);
  outbox.release(1);
  expect(sent).toEqual(["a", "call"]);
  outbox.release(2);
  expect([sent, outbox.isEmpty]).toEqual([["a", "call", "b", "c"], true]);
});

test("when the store has failed, what depends on lost changes is dropped, the rest leaves, and code runs", () => {
  const { outbox, send, sent } = outboxWith();
  send(1, "a");
  send(5, "lost");
  outbox.after(5, () => sent.push("call"));
  send(0, "free");
  outbox.fail(1, NOTHING);
  expect([sent, outbox.isEmpty]).toEqual([["a", "call", "free"], true]);
});

test("when the store has failed, publishers that wait get the error, after what was durable", () => {
  const { outbox, send, sent } = outboxWith();
  const reply = (gate: number, subject: string) => outbox.refusal(gate, Buffer.from(subject), 0, subject.length, null, NOTHING);
  for (let index = 0; index < 20; index++) reply(index, `r${index}`);
  send(30, "copy");
  outbox.fail(9, Buffer.from("failed"));
  const durable = Array.from({ length: 10 }, (_, index) => `r${index}`);
  const failed = Array.from({ length: 10 }, (_, index) => `r${index + 10} failed`);
  expect([sent, outbox.isEmpty]).toEqual([[...durable, ...failed], true]);
});

test("code that waits runs when the stream ends; messages are dropped", () => {
  const { outbox, send, sent } = outboxWith();
  send(5, "lost");
  outbox.after(5, () => sent.push("call"));
  outbox.clear();
  expect([sent, outbox.isEmpty]).toEqual([["call"], true]);
});

test("messages on one subject have its bytes once, also when an acknowledgement stands between them", () => {
  const texts: string[] = [];
  const subjects = new Set<number>();
  const outbox = new Outbox(
    { meter: new WorkMeter(), pages: new OutboxPages(), addTask: () => {} },
    {
      publishBatch(batch, from, to) {
        for (let index = from; index < to; index++) {
          subjects.add(batch.subjectStart(index));
          const header = batch.headerSize(index) === -1 ? "no headers" : batch.header(index).toString();
          texts.push(`${batch.subjectText(index)}|${header}|${batch.payload(index).toString()}`);
        }
        return to - from;
      },
    },
  );
  const send = (subject: string, header: string, payload: string) => {
    const bytes = Buffer.from(`??${subject}`);
    const at = outbox.begin(bytes, 2, bytes.length, header.length + payload.length + 10);
    const end = at + outbox.target.write(header, at);
    outbox.end(0, end, Buffer.from(payload), 0, payload.length);
  };
  send("in.box", "H1", "one");
  outbox.ack(0, Buffer.from("acks"), 0, 4, new PubAck("S", ""), 7, false);
  send("in.box", "", "");
  send("in.bot", "H2", "x".repeat(100));
  send("in.box", "", "four");
  outbox.release(0);
  expect(texts).toEqual([
    "in.box|H1|one",
    'acks|no headers|{"stream":"S","seq":7}',
    "in.box|no headers|",
    `in.bot|H2|${"x".repeat(100)}`,
    "in.box|no headers|four",
  ]);
  expect(subjects.size).toBe(4);
});
