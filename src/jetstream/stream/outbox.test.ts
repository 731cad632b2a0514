import { expect, test } from "bun:test";
import { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { Outbox, OutboxPages } from "./outbox.ts";

const NOTHING = new Uint8Array(0);

function outboxWith(): { readonly outbox: Outbox; readonly sent: string[]; send(gate: number, subject: string): void } {
  const sent: string[] = [];
  const outbox = new Outbox(
    { meter: new WorkMeter(), pages: new OutboxPages(), addTask: () => {} },
    {
      publishBatch(batch, from, to) {
        for (let index = from; index < to; index++) sent.push(batch.subjectText(index));
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
  outbox.drop(1);
  expect([sent, outbox.isEmpty]).toEqual([["a", "call", "free"], true]);
});

test("code that waits runs when the stream ends; messages are dropped", () => {
  const { outbox, send, sent } = outboxWith();
  send(5, "lost");
  outbox.after(5, () => sent.push("call"));
  outbox.clear();
  expect([sent, outbox.isEmpty]).toEqual([["call"], true]);
});
