/** Message traces, compared with nats-server. */
import { expect, test } from "bun:test";
import { Recording } from "../reference/recording.ts";
import { startOurServer } from "../wire/our-server.ts";
import { WireConnection } from "../wire/wire-connection.ts";
import { runOnBothServers } from "./both-servers.ts";
import { publish, runTraceScenario } from "./trace-scenario.ts";

const it = new Recording(import.meta.path);

const TRACED = { "Nats-Trace-Dest": "trace.event" };
const TRACE_ONLY = { ...TRACED, "Nats-Trace-Only": "true" };
const PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** One account; its user eve receives the trace events. */
const ONE = "accounts { A { users: [ {user: eve, password: eve}, {user: ann, password: ann}, {user: bob, password: bob} ] } }";
const users = { eve: {}, ann: {}, bob: {} };
const subscriptions = { eve: ["trace.>"], bob: ["foo.*", "work bees"] };

it.compared(`the events of a traced message show the ingress and each receiver, and the message is delivered unchanged`, async () => {
  const notes = await runOnBothServers({
    config: ONE,
    users,
    subscriptions,
    steps: [
      { user: "ann", send: publish("foo.1", { headers: TRACED, payload: "hello" }) },
      { user: "ann", send: publish("work", { headers: { ...TRACED, Key: "<a&b>", "10": "x", "2": "y" }, reply: "there" }) },
      { user: "ann", send: publish("nobody", { headers: TRACED }) },
      {
        user: "ann",
        send: publish("foo.1") + publish("foo.2", { headers: TRACED }) + publish("foo.3") + publish("foo.4", { headers: TRACED }),
      },
    ],
  });
  expect(notes[0]!.map(note => note.slice(0, 5))).toEqual(["bob: ", "eve: "]);
});

it.compared(`trace only: the events are the same and the message is not delivered, for each spelling of true`, async () => {
  const only = (value: string) => publish("foo.1", { headers: { ...TRACED, "Nats-Trace-Only": value }, payload: value });
  const notes = await runOnBothServers({
    config: ONE,
    users,
    subscriptions,
    steps: [...["1", "true", "on", "ON", "yes", "0"].map(only), publish("work", { headers: TRACE_ONLY })].map(send => ({
      user: "ann",
      send,
    })),
  });
  expect(notes.map(step => step.filter(note => note.startsWith("bob")).length)).toEqual([0, 0, 0, 0, 1, 1, 0]);
});

it.compared(`headers that are not a trace request: another case, no value, disabled, a status line, a line without a colon`, async () => {
  const raw = (block: string) => `HPUB foo.1 ${block.length} ${block.length + 2}\r\n${block}hi\r\n`;
  await runOnBothServers({
    config: ONE,
    users,
    subscriptions,
    steps: [
      "NATS/1.0\r\nnats-trace-dest: trace.event\r\n\r\n",
      "NATS/1.0\r\nNats-Trace-Dest:\r\n\r\n",
      "NATS/1.0\r\nNats-Trace-Dest: \t \r\n\r\n",
      "NATS/1.0\r\nNats-Trace-Dest: trace disabled\r\n\r\n",
      "NATS/1.0\r\nNats-Trace-Dest: trace.event\r\nNats-Trace-Dest: trace disabled\r\n\r\n",
      "NATS/1.0\r\nNats-Trace-Dest: trace.one\r\nNats-Trace-Dest: trace.two\r\n\r\n",
      "NATS/1.0 200 OK\r\nNats-Trace-Dest: trace.event\r\n\r\n",
      "NATS/1.0\r\nNo colon\r\nNats-Trace-Dest: trace.event\r\n\r\n",
      "NATS/1.0\r\nNats-Trace-Dest:trace.event \t\r\nEmpty:\r\nA: 1\r\nA: 2\r\na:  3 \r\n\r\n",
      "NATS/1.0\r\nNats-Trace-Only: true\r\n\r\n",
      "NATS/1.0\r\nNats-Trace-Dest-Not: trace.event\r\n\r\n",
      "garbage\r\nNats-Trace-Dest: trace.event\r\n\r\n",
      "NATS/1.0\r\nNats-Trace-Dest: trace.event",
    ].map(block => ({ user: "ann", send: raw(block) })),
  });
});

it.compared(`an invalid destination causes no trace, and a trace-only message is then discarded`, async () => {
  await runOnBothServers({
    config: ONE,
    users,
    subscriptions,
    steps: ["trace.*", "trace..x", "trace with blanks", "trace.>"].flatMap(destination =>
      [{}, { "Nats-Trace-Only": "true" }].map(more => ({
        user: "ann",
        send: publish("foo.1", { headers: { "Nats-Trace-Dest": destination, ...more } }),
      })),
    ),
  });
});

it.compared(`the trace header of old servers disables tracing, also for the receivers`, async () => {
  const old = { "Nats-Trace-Origin-Account": "A" };
  await runOnBothServers({
    config: ONE,
    users,
    subscriptions,
    steps: [{ ...TRACED, ...old }, { ...TRACE_ONLY, ...old }, old, { traceparent: PARENT, ...old }].map(headers => ({
      user: "ann",
      send: publish("foo.1", { headers, payload: "hi", reply: "there" }),
    })),
  });
});

it.compared(`events are compressed with the encoding that Accept-Encoding requests`, async () => {
  await runOnBothServers({
    config: ONE,
    users,
    subscriptions,
    steps: ["gzip", "snappy", "S2", "gzip, snappy", "br", "identity"].map(encoding => ({
      user: "ann",
      send: publish("foo.1", { headers: { ...TRACED, "Accept-Encoding": encoding } }),
    })),
  });
});

it.compared(
  `a publish without permission is an error in the ingress event, and a trace destination without permission is refused`,
  async () => {
    await runOnBothServers({
      config: `accounts { A { users: [
      {user: eve, password: eve}
      {user: ann, password: ann, permissions: {publish: {deny: ["secret.>", "trace.secret"]}}}
      {user: bob, password: bob, permissions: {subscribe: {allow: ["foo.*", "work"], deny: "foo.no"}}}
      {user: cid, password: cid, permissions: {publish: "trace.event", subscribe: "foo.*", allow_responses: {max: 1}}}
    ] } }`,
      users: { ...users, cid: {} },
      subscriptions: { ...subscriptions, cid: ["foo.ask"] },
      steps: [
        { user: "ann", send: publish("secret.1", { headers: TRACED }) },
        { user: "ann", send: publish("foo.1", { headers: { "Nats-Trace-Dest": "trace.secret" } }) },
        { user: "ann", send: publish("foo.1", { headers: { "Nats-Trace-Dest": "_GR_.a.b" } }) },
        { user: "ann", send: publish("foo.1", { headers: { "Nats-Trace-Dest": "$NRG.a" } }) },
        { user: "ann", send: publish("_GR_.a.b", { headers: TRACED }) },
        { user: "ann", send: publish("$NRG.a", { headers: TRACED }) },
        { user: "ann", send: publish("foo.1", { headers: TRACED, reply: "_R_.a" }) },
        { user: "ann", send: publish("foo.1", { headers: TRACED, reply: "$JS.ACK.a" }) },
        { user: "ann", send: publish("foo.no", { headers: TRACED }) },
        { user: "ann", send: publish("foo.no", { headers: TRACE_ONLY }) },
        { user: "ann", send: publish("foo.ask", { headers: TRACED, reply: "trace.inbox" }) },
        { user: "cid", send: publish("trace.inbox", { headers: TRACED }) },
        { user: "cid", send: publish("trace.inbox", { headers: TRACED }) },
      ],
    });
  },
);

it.compared(`a message over max_payload causes an event, and its publisher is disconnected`, async () => {
  await runOnBothServers({
    config: `max_payload: 1024\n${ONE}`,
    users,
    subscriptions,
    steps: [{ user: "ann", send: publish("foo.1", { headers: TRACED, payload: "x".repeat(2_000) }) }],
  });
});

it.compared(`a trace does not change echo, verbose mode and no responders`, async () => {
  await runOnBothServers({
    config: ONE,
    users: { eve: {}, ann: { echo: false, no_responders: true }, bob: { verbose: true } },
    subscriptions: { eve: ["trace.>"], ann: ["foo.*", "inbox", "foo.2 group"] },
    steps: [
      { user: "ann", send: publish("foo.1", { headers: TRACED }) },
      { user: "ann", send: publish("foo.1", { headers: TRACED, reply: "inbox" }) },
      { user: "ann", send: publish("foo.2", { headers: TRACE_ONLY, reply: "inbox" }) },
      { user: "ann", send: publish("nobody", { headers: TRACE_ONLY, reply: "inbox" }) },
      { user: "bob", send: publish("foo.1", { headers: TRACED }) },
      { user: "bob", send: publish("foo.1", { headers: { "Nats-Trace-Dest": "trace.*", "Nats-Trace-Only": "on" } }) },
    ],
  });
});

it.compared(`the last message before an auto-unsubscribe is delivered and traced; messages that are only traced do not count`, async () => {
  await runOnBothServers({
    config: ONE,
    users,
    subscriptions,
    steps: [
      { user: "bob", send: "UNSUB 1 2\r\n" },
      { user: "ann", send: publish("foo.1", { headers: TRACE_ONLY }) },
      { user: "ann", send: publish("foo.1", { headers: TRACED }) },
      { user: "ann", send: publish("foo.2", { headers: TRACED }) + publish("foo.3", { headers: TRACED }) },
      { user: "ann", send: publish("foo.4", { headers: TRACE_ONLY }) },
    ],
  });
});

it.compared(`events show subject mappings, also one that drops the message`, async () => {
  await runOnBothServers({
    config: `accounts { A { users: [ {user: eve, password: eve}, {user: ann, password: ann}, {user: bob, password: bob} ]
      mappings: { "in.*": "foo.$1", "lost": {destination: "lost", weight: 0}, "half": [{destination: "foo.half", weight: 100}] } } }`,
    users,
    subscriptions,
    steps: ["in.7", "lost", "half", "foo.3"].flatMap(subject =>
      [TRACED, TRACE_ONLY].map(headers => ({ user: "ann", send: publish(subject, { headers, payload: "x" }) })),
    ),
  });
});

it.compared(`a traceparent header in any letter case starts a trace if the account has a trace destination`, async () => {
  const account = (trace: string) =>
    `accounts { A { ${trace}\n users: [ {user: eve, password: eve}, {user: ann, password: ann}, {user: bob, password: bob} ] } }`;
  const headers = [
    ["traceparent", PARENT],
    ["TraceParent", PARENT],
    ["traceparent", PARENT.replace(/1$/, "0")],
    ["traceparent", PARENT.replace(/01$/, "7f")],
    ["traceparent", PARENT.replace(/01$/, "81")],
    ["traceparent", PARENT.replace(/01$/, "+1")],
    ["traceparent", PARENT.replace(/01$/, "1")],
    ["traceparent", `${PARENT}-x`],
    ["traceparent", "---01"],
    ["trace-parent", PARENT],
  ].map(([key, value]) => ({ [key!]: value! }));
  const more = [
    { traceparent: PARENT, "Nats-Trace-Only": "true" },
    { traceparent: PARENT, "Nats-Trace-Dest": "trace.other" },
    { traceparent: PARENT, "Nats-Trace-Dest": "trace disabled" },
  ];
  const steps = [...headers, ...more].map(header => ({ user: "ann", send: publish("foo.1", { headers: header }) }));
  for (const trace of ["", "msg_trace: trace.account", "msg_trace: {dest: trace.account, sampling: 100}"]) {
    await runOnBothServers({ config: account(trace), users, subscriptions, steps }, trace);
  }
});

test("the sampling percentage of messages with traceparent is traced, and the server disables tracing of the others", async () => {
  const server = await startOurServer([
    "accounts { A { msg_trace: {dest: trace.account, sampling: 30}\n users: [ {user: eve, password: eve}, {user: ann, password: ann} ] } }",
  ]);
  try {
    const send = publish("foo.1", { headers: { traceparent: PARENT } }).repeat(500);
    const scenario = {
      config: "",
      users: { eve: {}, ann: {} },
      subscriptions: { eve: ["trace.>", "foo.*"] },
      steps: [{ user: "ann", send }],
    };
    const notes = (await runTraceScenario(scenario, server.port)).flat();
    const followed = notes.filter(note => note.startsWith("eve: trace.account")).length;
    expect(followed).toBeGreaterThan(80);
    expect(followed).toBeLessThan(250);
    expect(notes.filter(note => note.endsWith("|Nats-Trace-Dest: trace disabled payload ")).length).toBe(500 - followed);
    expect(notes.length).toBe(500 + followed);
  } finally {
    await server.stop();
  }
});

test("without a system account messages are delivered as usual and not traced", async () => {
  const server = await startOurServer(["no_system_account: true"]);
  try {
    const connection = await WireConnection.open(server.port, "alone");
    await connection.takeLine(); // INFO
    const wanted = publish("foo", { headers: TRACED, payload: "all of it" });
    const only = publish("foo", { headers: TRACE_ONLY, payload: "nothing" });
    await connection.write(Buffer.from(`CONNECT {"headers":true,"verbose":false}\r\nSUB > 1\r\n${wanted}${only}PING\r\n`));
    await connection.waitFor(Buffer.from("PONG\r\n"));
    const received = Buffer.from(connection.received()).toString();
    expect(received).toBe(`HMSG foo 1 42 51\r\n${wanted.slice(wanted.indexOf("NATS"))}PONG\r\n`);
    connection.terminate();
  } finally {
    await server.stop();
  }
});

/** A exports a stream and services to B, and B exports a service to C. */
const TWO = (allow: boolean) => `accounts {
  A { users: [ {user: ann, password: ann}, {user: amy, password: amy} ]
      exports: [ {stream: "stream.>"}, {service: "service.*", allow_trace: ${allow}}, {service: "mapped", allow_trace: ${allow}} ]
      mappings: { "mapped": "service.mapped" } }
  B { users: [ {user: eve, password: eve}, {user: bob, password: bob} ]
      exports: [ {service: "chain.*", allow_trace: ${allow}} ]
      imports: [ {stream: {account: A, subject: "stream.>"}, prefix: "from.a", allow_trace: ${allow}}
                 {service: {account: A, subject: "service.*"}, to: "chain.*"}, {service: {account: A, subject: mapped}, to: "other.name"} ] }
  C { users: [ {user: cat, password: cat} ]
      imports: [ {service: {account: B, subject: "chain.*"}, to: "far.*"} ] }
}`;
const twoUsers = { eve: {}, ann: {}, amy: {}, bob: { no_responders: true }, cat: { no_responders: true } };

for (const allow of [true, false]) {
  it.compared(`traces ${allow ? "continue" : "end"} at streams and services of other accounts, as allow_trace determines`, async () => {
    const ask = (user: string, subject: string) =>
      [TRACED, TRACE_ONLY].flatMap(headers => [
        { user, send: publish(subject, { headers, payload: "ask", reply: `inbox.${user}` }) },
        // The answer, which is traced too.
        { user: "amy", send: publish("{reply}", { headers, payload: "answer" }) },
        { user: "amy", send: publish("{reply}", { payload: "late" }) },
      ]);
    await runOnBothServers({
      config: TWO(allow),
      users: twoUsers,
      subscriptions: {
        eve: ["trace.>", "from.a.>"],
        ann: ["trace.>", "stream.*"],
        amy: ["service.* workers", "none"],
        bob: ["inbox.bob", "from.a.stream.1 group"],
        cat: ["inbox.cat", "trace.>"],
      },
      unordered: true,
      steps: [
        { user: "amy", send: publish("none", { reply: "nowhere" }) },
        ...[TRACED, TRACE_ONLY].map(headers => ({ user: "ann", send: publish("stream.1", { headers, payload: "s" }) })),
        ...ask("bob", "chain.1"),
        ...ask("bob", "other.name"),
        ...ask("cat", "far.2"),
        { user: "bob", send: publish("chain.3", { headers: TRACED, payload: "no reply" }) },
      ],
    });
  });
}
