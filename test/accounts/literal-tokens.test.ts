/** Tokens that begin with `*` or `>` and have more bytes are literal, wherever patterns are compared. Compared with nats-server. */
import { expect } from "bun:test";
import { runOnBothServers } from "../msgtrace/both-servers.ts";
import { publish } from "../msgtrace/trace-scenario.ts";
import { Recording } from "../reference/recording.ts";

const it = new Recording(import.meta.path);

const received = (notes: readonly (readonly string[])[]) => notes.map(step => step.map(note => note.split(" sid ")[0]));

it.compared("in permissions", async () => {
  const config = `authorization { users: [ {user: ann, password: ann}
    {user: bob, password: bob, permissions: { publish: {allow: ["p.*x", "q.>"], deny: ["q.*x", "q.>x"]}, subscribe: {allow: ["a.*x", "b.>", "c.*"], deny: ["b.*x", "c.>x", "b.*x grp"]} }} ] }`;
  const subjects = ["a.*x", "a.yx", "b.*x", "b.yx", "c.>x", "c.yx", "p.*x", "p.yx", "q.*x", "q.yx", "q.>x"];
  const notes = await runOnBothServers({
    config,
    users: { ann: {}, bob: {} },
    subscriptions: { ann: ["p.>", "q.>"], bob: ["a.*x", "a.yx", "b.>", "b.*", "b.*x", "b.yx", "c.*", "b.> grp"] },
    steps: subjects.flatMap(subject => [
      { user: "ann", send: publish(subject) },
      { user: "bob", send: publish(subject) },
    ]),
  });
  const delivered = received(notes).flat();
  expect(delivered.filter(note => note === "bob: b.*x" || note === "bob: c.>x" || note === "bob: a.yx")).toEqual([]);
  expect(delivered).toContain("bob: b.yx");
});

it.compared("in mappings, exports and imports", async () => {
  const config = `accounts {
    A { users: [ {user: ann, password: ann} ], mappings: { "m.*x": "literal", "m.*": "wild" }
        exports: [ {stream: "s.*x"}, {service: "q.*x"}, {service: "w.*"} ] }
    B { users: [ {user: bob, password: bob} ]
        imports: [ {stream: {account: A, subject: "s.*x"}}, {service: {account: A, subject: "q.*x"}}, {service: {account: A, subject: "w.*x"}, to: lit} ] } }`;
  const steps = [
    ...["m.*x", "m.yx", "s.*x", "s.yx"].map(subject => ({ user: "ann", send: publish(subject) })),
    ...["q.*x", "q.yx", "lit"].map(subject => ({ user: "bob", send: publish(subject) })),
  ];
  const subscriptions = { ann: ["literal", "wild", "q.>", "w.>"], bob: ["s.>"] };
  const notes = received(await runOnBothServers({ config, users: { ann: {}, bob: {} }, subscriptions, steps }));
  expect(notes).toEqual([["ann: literal"], ["ann: wild"], ["bob: s.*x"], [], ["ann: q.*x"], [], ["ann: w.*x"]]);
});
