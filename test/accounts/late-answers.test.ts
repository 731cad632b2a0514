/** Answers to a service import after the first one, compared with nats-server. */
import { expect } from "bun:test";
import { runOnBothServers } from "../msgtrace/both-servers.ts";
import { publish } from "../msgtrace/trace-scenario.ts";
import { Recording } from "../reference/recording.ts";

const it = new Recording(import.meta.path);

const CONFIG = `accounts {
  S { users: [ {user: sam, password: sam} ], exports: [ {service: svc} ], imports: [ {service: {account: M, subject: deep}} ] }
  R { users: [ {user: ann, password: ann} ], imports: [ {service: {account: S, subject: svc}} ] }
  M { users: [ {user: max, password: max} ], exports: [ {service: deep} ] }
}`;

it.compared("a service that answers where no answer is awaited any more does not learn that there are no responders", async () => {
  const scenario = {
    config: CONFIG,
    users: { sam: { no_responders: true, headers: true }, ann: { no_responders: true, headers: true } },
    subscriptions: { sam: ["svc", "back"], ann: ["inbox"] },
    steps: [
      { user: "ann", send: publish("svc", { reply: "inbox" }) },
      { user: "sam", send: publish("{reply}", { payload: "first", reply: "back" }) },
      { user: "sam", send: publish("{reply}", { payload: "second", reply: "back" }) },
      { user: "ann", send: publish("svc", { reply: "inbox" }) },
      { user: "ann", send: "UNSUB 1\r\n" },
      { user: "sam", send: publish("{reply}", { payload: "late", reply: "back" }) },
      { user: "ann", send: publish("svc", { reply: "elsewhere" }) },
      { user: "sam", send: publish("{reply}", { payload: "unheard", reply: "back" }) },
      { user: "sam", send: publish("elsewhere", { payload: "nothing", reply: "back" }) },
      { user: "sam", send: publish("deep", { reply: "back" }) },
    ],
  };
  const notes = (await runOnBothServers(scenario)).map(step => step.filter(note => note.includes("503")).length);
  expect(notes).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
});
