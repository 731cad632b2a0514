/** Traces of receivers that close or are too slow during a delivery: tests over a connection cannot produce that reliably. */
import { expect, test } from "bun:test";
import { Random } from "../../base/random/random.ts";
import { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { MessageBatch } from "../batch/message-batch.ts";
import { type Sink, Subscription } from "../batch/subscription.ts";
import { MatchResult } from "../subject/match-result.ts";
import { QueueGroup } from "../subject/queue-group.ts";
import { MessageSource } from "../subject/queue-selection.ts";
import { MessageTrace, type TracedReceiver } from "../trace/message-trace.ts";
import { FanOutStack } from "./fan-out-stack.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

class Receiver implements Sink, TracedReceiver {
  mark = 0;
  readonly takesRuns = true;
  readonly kind = 0;
  readonly accountName = "A";
  closed = false;
  /** Number of messages that it still takes. */
  room = 1_000;
  taken = 0;

  constructor(
    readonly id: number,
    readonly name: string,
  ) {}

  get traced(): TracedReceiver {
    return this;
  }

  deliver(): number {
    if (this.closed || this.room === 0) return 0;
    this.room--;
    this.taken++;
    return 1;
  }

  wants(queue: string | null = null): Subscription {
    return new Subscription(this, bytes("foo"), queue === null ? null : bytes(queue), bytes("1"));
  }
}

interface Outcome {
  readonly delivered: number;
  readonly events: readonly Record<string, unknown>[];
}

function deliver(plain: Subscription[], groups: Subscription[][] = [], only = false): Outcome {
  const batch = new MessageBatch(1);
  const source = Buffer.from("foo\r\n");
  batch.source = source;
  batch.subjectSource = source;
  batch.add(0, 3, 0, 0, -1, 3, 3);
  const origin = { kind: 0, id: 9, name: "", accountName: "A" };
  batch.trace = new MessageTrace("trace", only, origin, { fields: new Map(), bytes: 0, subject: "foo" }, () => 0);
  const result = new MatchResult(plain, groups.map(QueueGroup.of));
  const publisher = { interest: { generation: 1, match: () => result }, source: MessageSource.Client, noResponders: null };
  const delivered = new FanOutStack(new Random(1), new WorkMeter()).deliver(publisher, batch, 0, 1, result, 1);
  const { events } = JSON.parse(batch.trace.json({})) as { events: Record<string, unknown>[] };
  return { delivered, events: events.slice(1) };
}

const egress = (more: object) => ({ type: "eg", ts: "1970-01-01T00:00:00Z", kind: 0, ...more });

test("the trace shows why a closed subscription, a closed client, one past its maximum or a slow one got no message", () => {
  const [gone, closed, past, slow] = [new Receiver(1, "gone"), new Receiver(2, "closed"), new Receiver(3, "past"), new Receiver(4, "slow")];
  const subscriptions = [gone!.wants(), closed!.wants(), past!.wants(), slow!.wants()];
  subscriptions[0]!.closed = true;
  closed!.closed = true;
  subscriptions[2]!.deliveredMax = 1;
  subscriptions[2]!.delivered = 1;
  past!.room = 0;
  slow!.room = 0;
  const wanted = [
    "Not delivered because subscription is closed",
    "Not delivered because client is closed",
    "Not delivered because auto-unsubscribe exceeded",
    "Not delivered because fast producer not stalled and consumer is slow",
  ];
  const { delivered, events } = deliver(subscriptions);
  expect(delivered).toBe(0);
  expect(events).toEqual(
    wanted.map((error, at) => egress({ cid: at + 1, name: ["gone", "closed", "past", "slow"][at], sub: "foo", error })),
  );
});

test("a queue group tries the next member if one does not take the message, and the trace shows both", () => {
  const closed = new Receiver(1, "");
  closed.closed = true;
  const open = new Receiver(2, "");
  for (let round = 0; round < 20; round++) {
    const { delivered, events } = deliver([], [[closed.wants("q"), open.wants("q")]]);
    expect(delivered).toBe(1);
    expect(events.at(-1)).toEqual(egress({ cid: 2, sub: "foo", queue: "q" }));
    if (events.length === 2)
      expect(events[0]).toEqual(egress({ cid: 1, sub: "foo", queue: "q", error: "Not delivered because client is closed" }));
  }
});

test("a message that is only traced counts as delivered, and no receiver gets it", () => {
  const receiver = new Receiver(1, "");
  expect(deliver([receiver.wants()], [[receiver.wants("q")]], true)).toEqual({
    delivered: 2,
    events: [egress({ cid: 1, sub: "foo" }), egress({ cid: 1, sub: "foo", queue: "q" })],
  });
  expect(receiver.taken).toBe(0);
});

test("a trace does not show receivers inside the process, and they also get messages that are only traced", () => {
  let taken = 0;
  const sink: Sink = { mark: 0, takesRuns: false, deliver: () => ++taken };
  const subscription = new Subscription(sink, bytes("foo"), null, bytes(""));
  expect(deliver([subscription], [], true)).toEqual({ delivered: 1, events: [] });
  expect(taken).toBe(1);
});
