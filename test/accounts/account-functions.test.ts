/** `{{account-hash()}}` and its relatives in mappings, exports and imports, compared with nats-server. */
import { expect } from "bun:test";
import { serverHash } from "../../src/base/keys/server-hash.ts";
import { runOnBothServers } from "../msgtrace/both-servers.ts";
import { publish } from "../msgtrace/trace-scenario.ts";
import { directoryConfig } from "../operator/directory-config.ts";
import { exportOf, importFrom } from "../operator/exports-and-imports.ts";
import { login, OperatorTests, push } from "../operator/operator-tests.ts";
import { ALPHA, BETA } from "../operator/tokens.ts";

const it = new OperatorTests(import.meta.path);

const CONFIG = `
mappings: { "global.{{account-hash()}}": "g.{{Account-Hash()}}" }
authorization { users: [ {user: gus, password: gus} ] }
accounts {
  A { users: [ {user: ann, password: ann} ]
      mappings: { "in.{{account-hash()}}.*": "out.{{account-hash()}}.$1", "weighted": [ {destination: "{{account-hash()}}.half", weight: 100%} ] }
      exports: [ {service: "svc.{{account-hash()}}"}, {service: "each.*.{{account-hash()}}"}, {stream: "str.{{account-hash()}}.>"} ] }
  B { users: [ {user: bob, password: bob} ]
      imports: [ {service: {account: A, subject: "svc.{{account-hash-import()}}"}, to: "ask.{{account-hash()}}"}
                 {service: {account: A, subject: "each.*.{{account-hash-import()}}"}, to: "each.{{account-hash-import()}}.$1"}
                 {stream: {account: A, subject: "str.{{account-hash-import()}}.x.>"}, prefix: "from.{{account-hash-import()}}"}
                 {stream: {account: A, subject: "str.{{account-hash-import()}}.y.*"}, to: "y.{{account-hash()}}.$1"} ] }
}`;

it.compared("in a configuration they are replaced by the hashes of the accounts", async () => {
  const [a, b, global] = ["A", "B", "$G"].map(serverHash);
  const notes = await runOnBothServers({
    config: CONFIG,
    users: { ann: {}, bob: {}, gus: {} },
    subscriptions: { ann: [`out.${a}.*`, `${a}.half`, `svc.${a}`, `each.*.${a}`], bob: [">"], gus: [`g.${global}`] },
    steps: [
      { user: "ann", send: publish(`in.${a}.1`) },
      { user: "ann", send: publish("weighted") },
      { user: "bob", send: publish(`ask.${b}`) },
      { user: "bob", send: publish(`each.${a}.z`) },
      { user: "ann", send: publish(`str.${a}.x.1`) },
      { user: "ann", send: publish(`str.${a}.y.2`) },
      { user: "gus", send: publish(`global.${global}`) },
    ],
  });
  expect(notes.map(step => step.map(note => note.split(" sid ")[0]))).toEqual([
    [`ann: out.${a}.1`],
    [`ann: ${a}.half`],
    [`ann: svc.${a}`, `bob: ask.${b}`],
    [`ann: each.z.${a}`, `bob: each.${a}.z`],
    [`bob: from.${a}.str.${a}.x.1`],
    [`bob: y.${b}.2`],
    [`gus: g.${global}`],
  ]);
});

it.both(
  "monitoring shows the literals",
  () => CONFIG,
  async ({ side }) => {
    const detail = async (name: string) => {
      const answer = await fetch(`http://127.0.0.1:${side.monitorPort}/accountz?acc=${name}`);
      const { account_detail } = (await answer.json()) as { account_detail: { mappings: object; exports: object[]; imports: object[] } };
      const subjects = JSON.stringify([account_detail.mappings ?? {}, account_detail.exports ?? [], account_detail.imports ?? []]);
      return [...new Set([...subjects.matchAll(/"(?:subject|dest|local_subject|to)":"([^"]*)"/g)].map(match => match[1]))].sort();
    };
    return [await detail("A"), await detail("B"), await detail("$G")];
  },
);

it.both("in claims they are replaced by the hashes of the accounts", directoryConfig(), async context => {
  const [alpha, beta] = [ALPHA, BETA].map(one => serverHash(one.publicKey));
  const mapped = (subject: string) => [{ subject, weight: 100, cluster: "" }];
  const exports = [exportOf("str.{{account-hash()}}.>"), exportOf("svc.{{account-hash()}}", { type: "service" })];
  const mappings = new Map([["in.{{account-hash()}}", mapped("str.{{account-hash()}}.mapped")]]);
  const pushed = [await push(context, BETA, { exports, mappings })];
  const imports = [
    importFrom(BETA, "str.{{account-hash-import()}}.>", { localSubject: "from.{{account-hash()}}.>" }),
    importFrom(BETA, "svc.{{account-hash-import()}}", { type: "service", localSubject: "ask.{{account-hash-import()}}" }),
  ];
  pushed.push(await push(context, ALPHA, { imports, issuedAgo: 0 }));
  const [importer, exporter] = [await login(context), await login(context, { by: BETA })];
  importer.send("SUB from.> 1\r\n");
  exporter.send("SUB svc.> 1\r\n");
  await Promise.all([importer.ping(), exporter.ping()]);
  exporter.send(`PUB str.${beta}.1 0\r\n\r\nPUB in.${beta} 0\r\n\r\n`);
  await exporter.ping();
  importer.send(`PUB ask.${beta} 0\r\n\r\n`);
  await importer.ping();
  await exporter.ping();
  const seen = [...importer.take(), ...exporter.take()]
    .filter(line => line.includes("MSG "))
    .map(line => line.split(" ").slice(0, 2).join(" "));
  expect(seen.filter(line => line.startsWith("MSG from"))).toEqual([`MSG from.${alpha}.1`, `MSG from.${alpha}.mapped`]);
  return [pushed, seen];
});

it.both("in claims, wrong ones are logged, and the rest works", directoryConfig(), async context => {
  const exports = [exportOf("a.{{account-hash(1)}}"), exportOf("b.{{account-hash-import()}}", { type: "service" }), exportOf("good.>")];
  const pushed = [await push(context, BETA, { exports })];
  const imports = [
    importFrom(BETA, "good.{{account-hash-leaf-remote()}}", { localSubject: "l1" }),
    importFrom(BETA, "good.1", { type: "stream", localSubject: "l2.{{account-hash(x)}}" }),
    importFrom(BETA, "good.2", { type: "stream", localSubject: "l3" }),
    importFrom(BETA, "bad", { type: "service", localSubject: "l4" }),
    importFrom(BETA, "l5", { type: "service", to: "worse" }),
    importFrom(BETA, "bad.stream"),
  ];
  pushed.push(await push(context, ALPHA, { imports, issuedAgo: 0 }));
  await login(context, { by: BETA });
  await login(context);
  const lines = context.side
    .log()
    .filter(line => /Error adding .*port/.test(line))
    .sort(); // nats-server logs both kinds in turn
  const mapped = [{ subject: "x.{{account-hash-import()}}", weight: 100, cluster: "" }];
  const refused = await push(context, BETA, { mappings: new Map([["in.{{account-hash()}}", mapped]]), data: { name: "later" } });
  return [pushed, lines, refused];
});
