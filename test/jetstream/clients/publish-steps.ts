/** Publishing through `@nats-io/jetstream` with every option, and direct gets of what was stored. */
import type { JetStreamClient, PubAck } from "@nats-io/jetstream";
import { headers, nanos } from "@nats-io/nats-core";
import { itemsOf, type Step } from "./step.ts";

export const PUBLISH_STEPS: readonly Step[] = [
  [
    "add",
    ({ jsm }) =>
      jsm.streams.add({
        name: "p",
        subjects: ["p.>"],
        allow_direct: true,
        allow_msg_ttl: true,
        allow_rollup_hdrs: true,
        max_msg_size: 400,
      }),
  ],
  ["add without the options", ({ jsm }) => jsm.streams.add({ name: "q", subjects: ["q.>"], duplicate_window: nanos(60_000) })],

  ["an id", ({ js }) => js.publish("p.a", "one", { msgID: "1" })],
  ["the same id", ({ js }) => js.publish("p.a", "other", { msgID: "1" })],
  ["the same id in another stream", ({ js }) => js.publish("q.a", "one", { msgID: "1" })],
  ["another id", ({ js }) => js.publish("p.a", "two", { msgID: "2" })],

  ["expect the last id", ({ js }) => js.publish("p.a", "x", { msgID: "3", expect: { lastMsgID: "2" } })],
  ["expect the stream", ({ js }) => js.publish("p.a", "x", { expect: { streamName: "p" } })],
  ["expect another stream", ({ js }) => js.publish("p.a", "x", { expect: { streamName: "q" } })],
  ["expect an id that is not known", ({ js }) => js.publish("p.a", "x", { expect: { lastMsgID: "none" } })],
  ["expect the last sequence", ({ js }) => js.publish("p.b", "x", { expect: { lastSequence: 4 } })],
  ["expect an old sequence", ({ js }) => js.publish("p.b", "x", { expect: { lastSequence: 1 } })],
  ["expect the last sequence of the subject", ({ js }) => js.publish("p.b", "x", { expect: { lastSubjectSequence: 5 } })],
  ["expect an old sequence of the subject", ({ js }) => js.publish("p.b", "x", { expect: { lastSubjectSequence: 5 } })],
  ["expect an empty subject", ({ js }) => js.publish("p.c", "x", { expect: { lastSubjectSequence: 0 } })],
  ["expect an empty subject that is not", ({ js }) => js.publish("p.c", "x", { expect: { lastSubjectSequence: 0 } })],
  [
    "expect the last sequence of a filter",
    ({ js }) => js.publish("p.d.1", "x", { expect: { lastSubjectSequence: 0, lastSubjectSequenceSubject: "p.d.*" } }),
  ],
  [
    "expect an old sequence of a filter",
    ({ js }) => js.publish("p.d.2", "x", { expect: { lastSubjectSequence: 0, lastSubjectSequenceSubject: "p.d.*" } }),
  ],
  [
    "all expectations at once",
    ({ js }) => js.publish("p.e", "x", { msgID: "4", expect: { streamName: "p", lastSequence: 8, lastSubjectSequence: 0 } }),
  ],

  ["a time to live", ({ js }) => js.publish("p.ttl", "x", { ttl: "1h" })],
  ["a time to live of seconds", ({ js }) => js.publish("p.ttl", "x", { ttl: "60" })],
  ["a time to live that never ends", ({ js }) => js.publish("p.ttl", "x", { ttl: "never" })],
  ["a time to live below a second", ({ js }) => js.publish("p.ttl", "x", { ttl: "500ms" })],
  ["a time to live that is none", ({ js }) => js.publish("p.ttl", "x", { ttl: "soon" })],
  ["a time to live where none is allowed", ({ js }) => js.publish("q.ttl", "x", { ttl: "1h" })],

  ["too large", ({ js }) => js.publish("p.a", "x".repeat(401))],
  ["not too large", ({ js }) => js.publish("p.a", "x".repeat(350))],
  ["a timeout", ({ js }) => js.publish("p.a", "x", { timeout: 60_000 })],
  ["no stream", ({ js }) => js.publish("nowhere", "x")],
  ["no stream, with retries", ({ js }) => js.publish("nowhere", "x", { retries: 2 })],
  ["a roll-up of a subject", ({ js }) => js.publish("p.a", "rolled", { headers: rollup("sub") })],
  ["a roll-up of nothing", ({ js }) => js.publish("p.a", "rolled", { headers: rollup("none") })],
  ["a roll-up where none is allowed", ({ js }) => js.publish("q.a", "rolled", { headers: rollup("sub") })],
  ["many at once", async ({ js }) => countOf(await publishMany(js, 500))],
  ["the state after all", ({ jsm }) => jsm.streams.info("p", { subjects_filter: "p.>" })],

  ["direct by sequence", ({ jsm }) => jsm.direct.getMessage("p", { seq: 10 })],
  ["direct by a sequence that is gone", ({ jsm }) => jsm.direct.getMessage("p", { seq: 1 })],
  ["direct by a sequence that is to come", ({ jsm }) => jsm.direct.getMessage("p", { seq: 100_000 })],
  ["direct last of a subject", ({ jsm }) => jsm.direct.getMessage("p", { last_by_subj: "p.a" })],
  ["direct last of an unused subject", ({ jsm }) => jsm.direct.getMessage("p", { last_by_subj: "p.none" })],
  ["direct next of a subject", ({ jsm }) => jsm.direct.getMessage("p", { seq: 100, next_by_subj: "p.many.3" })],
  ["direct next of a subject from the start", ({ jsm }) => jsm.direct.getMessage("p", { next_by_subj: "p.many.*" })],
  ["direct next after the last", ({ jsm }) => jsm.direct.getMessage("p", { seq: 100_000, next_by_subj: "p.many.3" })],
  ["direct by start time", ({ jsm }) => jsm.direct.getMessage("p", { start_time: new Date(0) })],
  ["direct by a start time to come", ({ jsm }) => jsm.direct.getMessage("p", { start_time: new Date("2100-01-01T00:00:00Z") })],
  ["direct with nothing asked", ({ jsm }) => jsm.direct.getMessage("p", {} as { seq: number })],
  [
    "direct with sequence and last",
    ({ jsm }) => jsm.direct.getMessage("p", { seq: 1, next_by_subj: "p.a", last_by_subj: "" } as { seq: number }),
  ],
  ["direct where it is not allowed", ({ jsm }) => jsm.direct.getMessage("q", { seq: 1 })],
  ["direct of no stream", ({ jsm }) => jsm.direct.getMessage("none", { seq: 1 })],

  ["batch from sequence 0", ({ jsm }) => jsm.direct.getBatch("p", { seq: 0, batch: 3 })],
  ["batch", ({ jsm }) => jsm.direct.getBatch("p", { seq: 1, batch: 3 })],
  ["batch from a sequence", ({ jsm }) => jsm.direct.getBatch("p", { seq: 20, batch: 4 })],
  ["batch of a subject", ({ jsm }) => jsm.direct.getBatch("p", { seq: 1, batch: 3, next_by_subj: "p.many.1" })],
  ["batch of bytes", ({ jsm }) => jsm.direct.getBatch("p", { seq: 1, batch: 100, max_bytes: 400 })],
  ["batch by start time", ({ jsm }) => jsm.direct.getBatch("p", { start_time: new Date(0), batch: 2 })],
  ["batch after the last", ({ jsm }) => jsm.direct.getBatch("p", { seq: 100_000, batch: 2 })],
  ["batch of everything", async ({ jsm }) => countOf(await itemsOf(await jsm.direct.getBatch("p", { seq: 1 })))],
  ["batch with sequence and start time", ({ jsm }) => jsm.direct.getBatch("p", { seq: 5, start_time: new Date(0) } as { seq: number })],
  ["last of each", ({ jsm }) => jsm.direct.getLastMessagesFor("p", { multi_last: ["p.a", "p.c", "p.many.*"] })],
  ["last of each, in batches", ({ jsm }) => jsm.direct.getLastMessagesFor("p", { multi_last: ["p.many.*"], batch: 2 })],
  ["last of each up to a sequence", ({ jsm }) => jsm.direct.getLastMessagesFor("p", { multi_last: ["p.>"], up_to_seq: 12 })],
  [
    "last of each up to a time",
    ({ jsm }) => jsm.direct.getLastMessagesFor("p", { multi_last: ["p.c"], up_to_time: new Date("2100-01-01T00:00:00Z") }),
  ],
  [
    "last of each up to a time before all",
    ({ jsm }) => jsm.direct.getLastMessagesFor("p", { multi_last: ["p.c"], up_to_time: new Date(1) }),
  ],
  ["last of none", ({ jsm }) => jsm.direct.getLastMessagesFor("p", { multi_last: ["p.none"] })],
  ["last of an empty list", ({ jsm }) => jsm.direct.getLastMessagesFor("p", { multi_last: [] })],
];

function rollup(value: string) {
  const all = headers();
  all.set("Nats-Rollup", value);
  return all;
}

function countOf(items: readonly { readonly seq: number }[]): { count: number; last: number } {
  return { count: items.length, last: Math.max(...items.map(item => item.seq)) };
}

function publishMany(js: JetStreamClient, count: number): Promise<PubAck[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => js.publish(`p.many.${index % 7}`, `${index}`)));
}
