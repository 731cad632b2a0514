/** Service imports whose target is a subject of JetStream, compared with nats-server. */
import { expect } from "bun:test";
import { runOnBothServers } from "../msgtrace/both-servers.ts";
import { publish, type TraceStep } from "../msgtrace/trace-scenario.ts";
import { Recording } from "../reference/recording.ts";

const it = new Recording(import.meta.path);

const JETSTREAM = `J { users: [ {user: jay, password: jay} ], exports: [ {service: "$JS.>"}, {service: api} ], mappings: { api: "$JS.API.INFO" } }`;
const importOf = (subject: string, to: string) => `{service: {account: J, subject: "${subject}"}, to: "${to}"}`;
const IMPORTS = [
  importOf("$JS.API.INFO", "alias"),
  importOf("$JS.hub.API.INFO", "domain"),
  importOf("$JS.ACK.S.C.1", "ack"),
  importOf("$JS.other", "other"),
  importOf("api", "mapped"),
].join(", ");

/** R imports subjects of JetStream from J under other names. Sam may only answer requests. */
const ONE_ACCOUNT = `accounts { ${JETSTREAM}
  R { users: [ {user: ann, password: ann}, {user: sam, password: sam, permissions: {subscribe: "svc", allow_responses: {max: 9}}} ]
      imports: [ ${IMPORTS} ] } }`;

/** Cat asks a service of R from C, which imports subjects of JetStream. */
const TWO_ACCOUNTS = `accounts { ${JETSTREAM}
  R { users: [ {user: ann, password: ann}, {user: sam, password: sam} ], exports: [ {service: svc} ] }
  C { users: [ {user: cat, password: cat} ], imports: [ {service: {account: R, subject: svc}, to: far}, ${IMPORTS} ] } }`;

const atJetStream = (notes: readonly (readonly string[])[]): string[] => notes.flat().filter(note => note.startsWith("jay: $JS"));

function answersTo(replies: readonly string[], requester: string, service: string): TraceStep[] {
  return replies.flatMap(reply => [
    { user: requester, send: publish(service, { reply }) },
    { user: "sam", send: publish("{reply}", { payload: "!" }) },
    { user: "sam", send: publish("{reply}", { payload: "!", reply: "inbox" }) },
  ]);
}

const ALIASES = ["alias", "domain", "ack", "other", "mapped"];
const base = { users: { ann: {}, sam: {}, jay: {} }, subscriptions: { sam: ["svc"], jay: ["$JS.>"] } };

it.compared("requests of clients reach JetStream under another name", async () => {
  const steps = ALIASES.flatMap(subject => [
    { user: "ann", send: publish(subject) },
    { user: "ann", send: publish(subject, { reply: "inbox" }) },
  ]);
  const notes = await runOnBothServers({ ...base, config: ONE_ACCOUNT, steps });
  expect(atJetStream(notes).length).toBe(10);
});

it.compared("an answer that only allow_responses allows does not reach JetStream under another name", async () => {
  const notes = await runOnBothServers({ ...base, config: ONE_ACCOUNT, steps: answersTo(ALIASES, "ann", "svc") });
  expect(atJetStream(notes).map(note => note.split(" ")[1])).toEqual(["$JS.other", "$JS.other"]);
});

it.compared("an answer from another account does not reach JetStream under another name", async () => {
  const scenario = { users: { ...base.users, cat: {} }, subscriptions: base.subscriptions };
  const notes = await runOnBothServers({ ...scenario, config: TWO_ACCOUNTS, steps: answersTo(ALIASES, "cat", "far") });
  expect(atJetStream(notes).map(note => note.split(" ")[1])).toEqual(["$JS.other"]);
});

it.compared("a message of the server itself does not reach JetStream under another name", async () => {
  const config = (metric: string) => `accounts { ${JETSTREAM}
    S { users: [ {user: sam, password: sam} ], exports: [ {service: svc, latency: "${metric}"} ], imports: [ ${IMPORTS} ] }
    R { users: [ {user: ann, password: ann} ], imports: [ {service: {account: S, subject: svc}} ] } }`;
  const users = { sam: {}, ann: {}, jay: {} };
  const subscriptions = { sam: ["svc", "other", "alias"], ann: ["inbox"], jay: ["$JS.>"] };
  const steps = answersTo(["inbox"], "ann", "svc").slice(0, 2);
  expect(atJetStream(await runOnBothServers({ users, subscriptions, config: config("alias"), steps }))).toEqual([]);
  expect(atJetStream(await runOnBothServers({ users, subscriptions, config: config("other"), steps })).length).toBe(1);
});

it.compared("pull requests and batches of fast publishers keep the requester's reply in Nats-Request-Info", async () => {
  const imports = [
    importOf("$JS.API.CONSUMER.MSG.NEXT.S.C", "pull"),
    importOf("$JS.ACK.S.C.1", "ack"),
    importOf("$JS.API.INFO", "info"),
    importOf("$JS.ACK.*", "acks.*"),
  ];
  const config = `accounts { ${JETSTREAM}
    R { users: [ {user: ann, password: ann} ], imports: [ ${imports.join(", ")} ], exports: [ {service: pull} ] }
    C { users: [ {user: cat, password: cat} ], imports: [ {service: {account: R, subject: pull}, to: far} ] } }`;
  const steps = [
    { user: "ann", send: publish("info", { reply: "inbox" }) },
    { user: "ann", send: publish("pull", { reply: "inbox" }) },
    { user: "ann", send: publish("pull") },
    { user: "ann", send: publish("ack", { reply: "inbox", payload: "+NXT 5" }) },
    { user: "ann", send: publish("ack", { reply: "inbox", payload: "+NXT", headers: { Key: "value" } }) },
    { user: "ann", send: publish("acks.1", { reply: "inbox.2", payload: "+NXT" }) },
    { user: "ann", send: publish("ack", { reply: "inbox", payload: "+ACK" }) },
    { user: "ann", send: publish("info", { reply: "inbox.$FI" }) },
    { user: "ann", send: publish("info", { reply: ".$FI" }) },
    { user: "cat", send: publish("far", { reply: "inbox" }) },
  ];
  const users = { ann: {}, cat: {}, jay: {} };
  const notes = await runOnBothServers({ users, subscriptions: { jay: ["$JS.>"] }, config, steps });
  expect(atJetStream(notes).map(note => /"reply":"([^"]*)"/.exec(note)?.[1] ?? "")).toEqual([
    "",
    "inbox",
    "",
    "inbox",
    "inbox",
    "inbox.2",
    "",
    "inbox.$FI",
    ".$FI",
    "",
  ]);
});
