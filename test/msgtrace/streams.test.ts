/** Message traces of messages for JetStream streams, compared with nats-server. */
import { expect } from "bun:test";
import { type ServerKind, TestedServer } from "../jetstream/sequences/tested-server.ts";
import { live } from "../reference/recording.ts";
import { publish, runTraceScenario, type TraceStep } from "./trace-scenario.ts";

const STREAMS: Readonly<Record<string, object>> = {
  S: { subjects: ["s.>"], max_msg_size: 200, max_msgs: 2, discard: "new" },
  T: { subjects: ["t.*"], subject_transform: { src: "t.*", dest: "moved.{{wildcard(1)}}" }, republish: { src: ">", dest: "copy.>" } },
  I: { subjects: ["i"], retention: "interest" },
  M: { subjects: ["m"], storage: "memory", sealed: false, no_ack: true },
};

const creations = Object.entries(STREAMS).map(([name, config]): TraceStep => {
  const payload = JSON.stringify({ name, ...config });
  return {
    user: "A0",
    send: publish(`$JS.API.STREAM.CREATE.${name}`, { reply: `made.${name}`, payload }),
    awaits: { user: "A0", text: `made.${name}` },
  };
});

let marks = 0;

/** A traced message, whose event is awaited. */
function traced(subject: string, headers: Readonly<Record<string, string>> = {}, payload = "x"): TraceStep {
  const mark = `mark${++marks}.`;
  const all = { "Nats-Trace-Dest": "trace.event", ...headers, Mark: mark };
  return { user: "A0", send: publish(subject, { reply: "ack", headers: all, payload }), awaits: { user: "A0", text: `"${mark}"` } };
}

const only = (subject: string, headers: Readonly<Record<string, string>> = {}, payload = "x") =>
  traced(subject, { "Nats-Trace-Only": "true", ...headers }, payload);

const infos = Object.keys(STREAMS).map((name): TraceStep => {
  const reply = `info.${name}`;
  return { user: "A0", send: publish(`$JS.API.STREAM.INFO.${name}`, { reply }), awaits: { user: "A0", text: `"name":"${name}"` } };
});

const STEPS: readonly TraceStep[] = [
  ...creations,
  only("s.1"),
  only("s.1", {}, "x".repeat(300)),
  traced("s.1"),
  traced("s.1", {}, "x".repeat(300)),
  traced("s.1", { "Nats-Expected-Stream": "X" }),
  traced("s.1", { "Nats-Expected-Last-Sequence": "7" }),
  traced("s.1", { "Nats-Expected-Last-Subject-Sequence": "7" }),
  traced("s.1", { "Nats-Expected-Last-Msg-Id": "other" }),
  traced("s.1", { "Nats-Rollup": "sub" }),
  traced("s.1", { "Nats-TTL": "1h" }),
  traced("s.1", { "Nats-TTL": "nothing" }),
  traced("s.2", { "Nats-Msg-Id": "one" }),
  traced("s.2", { "Nats-Msg-Id": "one" }),
  only("s.2", { "Nats-Msg-Id": "one" }),
  traced("s.3"),
  only("s.3"),
  traced("s.3", { "Nats-Batch-Id": "b", "Nats-Batch-Sequence": "1" }),
  traced("s.3", { "Nats-Incr": "1" }),
  traced("t.1"),
  only("t.2"),
  traced("i"),
  only("i"),
  traced("m"),
  ...infos,
];

/** Notes of all steps: an acknowledgement may come before or after the trace. */
async function notesOf(kind: ServerKind): Promise<string[]> {
  await using server = await TestedServer.start(kind, ["enabled"]);
  const scenario = { config: "", users: { A0: {} }, subscriptions: { A0: ["trace.>", "ack", "made.*", "info.*", "copy.>"] }, steps: STEPS };
  const notes = await runTraceScenario(scenario, server.port);
  return notes
    .flat()
    .map(note => note.replace(/\d{4}-\d\d-\d\dT[^"|]*/g, "<time>"))
    .sort();
}

live.test(
  "the trace of a message for a stream says what becomes of it, and a message that is only traced is not stored",
  async () => {
    const [ours, theirs] = await Promise.all([notesOf("ours"), notesOf("nats-server")]);
    expect(ours).toEqual(theirs);
    const traces = theirs.filter(note => note.includes('"type":"js"'));
    expect(traces.length).toBe(marks);
  },
  6_000,
);
