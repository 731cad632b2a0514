/** Every service of the system account, compared with nats-server. */
import { expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { decodeS2Stream } from "../../src/base/compression/s2-stream.ts";
import { lookAtBoth, type MonitoredBoth } from "../monitor/same-config.ts";
import { Recording } from "../reference/recording.ts";
import { CONFIG } from "./config.ts";
import { lines, SystemClient, withoutVariableValues } from "./system-client.ts";

const it = new Recording(import.meta.path);

const NAMES = ["STATSZ", "VARZ", "SUBSZ", "CONNZ", "ROUTEZ", "GATEWAYZ", "LEAFZ", "ACCOUNTZ", "JSZ", "HEALTHZ", "PROFILEZ", "RAFTZ"];
const PING = "$SYS.REQ.SERVER.PING";

/** Subjects and bodies of requests. `<id>` stands for the server's id. */
const REQUESTS: readonly (readonly [subject: string, body: string])[] = [
  ...["IDZ", ...NAMES].flatMap(name => [[`$SYS.REQ.SERVER.<id>.${name}`, ""] as const, [`${PING}.${name}`, "{}"] as const]),
  [PING, ""],
  ...[
    '{"offset":"x"}',
    '{"sort":5}',
    '{"state":"x"}',
    '{"cid":-1}',
    '{"limit":1.5}',
    '{"limit":1e2}',
    '{"limit":99999999999999999999}',
    '{"tags":"x"}',
    '{"tags":[1]}',
    '{"tags":[null,"az:one"]}',
    '{"auth":"true","limit":{}}',
    '{"AUTH":true,"Sort":"CID"}',
    "[]",
    '"x"',
    "5",
    "null",
    "true",
    "hello",
    "nulx",
    "tru",
    '{"a":1,}',
    '{"a" 1}',
    '{"a":1 "b":2}',
    "[1 2]",
    '{"a"',
    "{} x",
    "'",
    '{"a":"\\x"}',
    '{"a":"\\u12g4"}',
    '{"a":"\t"}',
    '{"a":-}',
    '{"a":1.}',
    '{"a":1e}',
    '{"a":01}',
    "é",
    '{"sort":"zz"}',
    '{"sort":"stop"}',
    '{"filter_subject":"a"}',
    '{"acc":"A","filter_subject":"foo.baz","subscriptions":true}',
    '{"acc":"A","filter_subject":"bar"}',
    '{"acc":"A","filter_subject":">"}',
    '{"acc":"nobody"}',
    '{"acc":"A","auth":true,"subscriptions_detail":true}',
    '{"auth":true,"user":"b"}',
    '{"state":1}',
    '{"state":2,"auth":true}',
    '{"state":7}',
    '{"mqtt_client":"x"}',
    '{"limit":1,"offset":1}',
    '{"offset":-5,"limit":-5}',
  ].map(body => [`${PING}.CONNZ`, body] as const),
  [`${PING}.VARZ`, '{"exact_match":1}'],
  [`${PING}.STATSZ`, '{"exact_match":1}'],
  [`${PING}.STATSZ`, "{"],
  [`${PING}.PROFILEZ`, '{"name":"cpu","duration":"1s"}'],
  [`${PING}.PROFILEZ`, '{"name":"cpu","duration":16000000000}'],
  [`${PING}.PROFILEZ`, '{"name":"cpu"}'],
  [`${PING}.PROFILEZ`, '{"name":"<zz>"}'],
  [`${PING}.HEALTHZ`, '{"stream":"x"}'],
  [`${PING}.HEALTHZ`, '{"stream":"x","details":true}'],
  [`${PING}.HEALTHZ`, '{"account":"A","consumer":"x"}'],
  [`${PING}.HEALTHZ`, '{"js-enabled":true,"js-enabled-only":true,"js-server-only":true,"js-meta-only":true}'],
  [`${PING}.ACCOUNTZ`, '{"account":"nobody"}'],
  ...["A", "B", "SYS", "$G"].map(account => [`${PING}.ACCOUNTZ`, JSON.stringify({ account })] as const),
  [`${PING}.SUBSZ`, '{"test":"a.*"}'],
  [`${PING}.SUBSZ`, '{"account":"B","subscriptions":true,"test":"pre.str.a"}'],
  [`${PING}.SUBSZ`, '{"account":"A","subscriptions":true,"test":"str.a"}'],
  [`${PING}.JSZ`, '{"accounts":true,"streams":true,"consumer":true,"offset":1}'],
  [`${PING}.LEAFZ`, '{"subscriptions":true,"account":"A"}'],
  [`${PING}.GATEWAYZ`, '{"accounts":true,"name":"x"}'],
  [`${PING}.RAFTZ`, '{"account":"A","group":"x"}'],
  ...["KICK", "LDM"].map(name => [`$SYS.REQ.SERVER.<id>.${name}`, '{"cid":99999}'] as const),
  ["$SYS.REQ.SERVER.<id>.KICK", '{"cid":99999,"exact_match":1}'],
  ...["CONNZ", "LEAFZ", "JSZ", "INFO", "STATZ", "CONNS"].map(name => [`$SYS.REQ.ACCOUNT.A.${name}`, ""] as const),
  ["$SYS.REQ.ACCOUNT.A.SUBSZ", '{"test":"foo.bar"}'],
  ["$SYS.REQ.ACCOUNT.A.CONNS", '{"acc":"A"}'],
  ...["CONNZ", "LEAFZ", "JSZ", "INFO"].map(name => [`$SYS.REQ.ACCOUNT.nobody.${name}`, ""] as const),
  ["$SYS.REQ.ACCOUNT.nobody.STATZ", '{"include_unused":true}'],
  ["$SYS.REQ.ACCOUNT.A.STATZ", '{"accounts":["B"]}'],
  ["$SYS.REQ.ACCOUNT.PING.STATZ", ""],
  ["$SYS.REQ.ACCOUNT.PING.STATZ", '{"accounts":["A","nobody"]}'],
  ["$SYS.REQ.ACCOUNT.PING.STATZ", '{"include_unused":true}'],
  ["$SYS.REQ.ACCOUNT.PING.STATZ", '{"accounts":[1]}'],
  ["$SYS.REQ.ACCOUNT.PING.CONNZ", ""],
  ["$SYS.REQ.ACCOUNT.NSUBS", '{"acc":"A","subject":"foo.bar"}'],
  ["$SYS.REQ.ACCOUNT.NSUBS", '{"acc":"A","subject":"foo.bar","queue":"cQ=="}'],
  ["$SYS.REQ.ACCOUNT.NSUBS", '{"acc":"A","subject":"foo.>"}'],
  ["$SYS.REQ.USER.INFO", ""],
  ["$SYS.REQ.USER.A.INFO", ""],
  ["$SYS.DEBUG.SUBSCRIBERS", "foo.bar"],
  ["$SYS.DEBUG.SUBSCRIBERS", "$SYS.REQ.>"],
];

/** Requests that get no answer. */
const IGNORED: readonly (readonly [subject: string, body: string])[] = [
  [`${PING}.VARZ`, '{"server_name":"other"}'],
  [`${PING}.VARZ`, '{"server_name":"sam","exact_match":true}'],
  [`${PING}.VARZ`, '{"cluster":"b"}'],
  [`${PING}.VARZ`, '{"host":"127.0.0","exact_match":true}'],
  [`${PING}.VARZ`, '{"tags":["az:one","az:three"]}'],
  [`${PING}.VARZ`, '{"domain":"hub"}'],
  [`${PING}.STATSZ`, '{"server_name":"other"}'],
  [`${PING}.JSZ`, '{"leader_only":true}'],
  ["$SYS.REQ.SERVER.<id>.KICK", ""],
  ["$SYS.REQ.SERVER.<id>.KICK", '{"cid":"x"}'],
  ["$SYS.REQ.SERVER.PING.KICK", '{"cid":1}'],
  ["$SYS.REQ.ACCOUNT.A.CONNS", '{"acc":"B"}'],
  ["$SYS.REQ.ACCOUNT.nobody.CONNS", ""],
  ["$SYS.REQ.ACCOUNT.nobody.STATZ", ""],
  ["$SYS.REQ.ACCOUNT.NSUBS", ""],
  ["$SYS.REQ.ACCOUNT.NSUBS", '{"acc":"nobody","subject":"x"}'],
];

/** Requests in an ordinary account, which reach the services through the imports that every account has. */
const ACCOUNT_REQUESTS: readonly (readonly [subject: string, body: string])[] = [
  ["$SYS.REQ.USER.INFO", ""],
  [`${PING}.CONNZ`, '{"acc":"SYS","auth":true}'],
  ["$SYS.REQ.ACCOUNT.PING.CONNZ", '{"subscriptions":true}'],
  ["$SYS.REQ.ACCOUNT.PING.CONNZ", '{"sort":"zz"}'],
  ["$SYS.REQ.ACCOUNT.PING.STATZ", '{"accounts":["SYS"]}'],
];

const users = ["sys", "a", "b", "plain"] as const;
type Users = Record<(typeof users)[number], SystemClient>;

async function withUsers<T>(server: MonitoredBoth, use: (users: Users, id: string) => Promise<T>): Promise<T> {
  const all = {} as Users;
  for (const user of users) all[user] = await SystemClient.open(server.port, user);
  await all.plain.listen("foo.*", "bar");
  all.plain.connection.subscribe("foo.bar", { queue: "q" });
  await all.plain.connection.flush();
  await all.b.listen("pre.str.a");
  const { id } = (await all.sys.ask(`${PING}.IDZ`)) as { id: string };
  try {
    return await use(all, id);
  } finally {
    for (const user of users) await all[user].close();
  }
}

const answers = await it.page("answers", () =>
  lookAtBoth(CONFIG, server =>
    withUsers(server, async ({ sys, a, b }, id) => {
      const seen = new Map<string, unknown>();
      for (const [subject, body] of REQUESTS)
        seen.set(`${subject} ${body}`, withoutVariableValues(await sys.ask(subject.replace("<id>", id), body)));
      for (const [subject, body] of ACCOUNT_REQUESTS) {
        seen.set(`a: ${subject} ${body}`, withoutVariableValues(await a.ask(subject, body)));
        seen.set(`b: ${subject} ${body}`, withoutVariableValues(await b.ask(subject, body)));
      }
      for (const body of ["pre.str.a", "pre.>", "pre.str.a q", ""]) {
        seen.set(`b: $SYS.DEBUG.SUBSCRIBERS ${body}`, await b.ask("$SYS.DEBUG.SUBSCRIBERS", body));
      }
      const ignored = IGNORED.map(async ([subject, body]) => [
        `${subject} ${body}`,
        await sys.isIgnored(subject.replace("<id>", id), body),
      ]);
      for (const [question, silent] of await Promise.all(ignored)) seen.set(question as string, silent ? "silence" : "an answer");
      return Object.fromEntries(seen);
    }),
  ),
);

for (const question of Object.keys(answers[1])) {
  test(`${question} is answered as the reference answers it`, () => {
    const [ours, theirs] = answers.map(one => lines(one[question]));
    expect(ours).toEqual(theirs!);
  });
}

test("both servers ignore the same requests", () => {
  for (const [subject, body] of IGNORED) expect([subject, body, answers[0][`${subject} ${body}`]]).toEqual([subject, body, "silence"]);
});

it.compared(`answers are compressed with an encoding that the request accepts`, async () => {
  const [ours, theirs] = await lookAtBoth(CONFIG, server =>
    withUsers(server, async ({ sys }) => {
      const seen = [];
      for (const accepted of ["snappy", "S2", "gzip, snappy", "gzip", "br", "identity"]) {
        const { encoding, data } = await sys.askEncoded(`${PING}.VARZ`, accepted);
        const content =
          encoding === "snappy" ? decodeS2Stream(data, 1_000_000) : encoding === "gzip" ? gunzipSync(data) : Buffer.from(data);
        const { server_name } = JSON.parse(content.toString()).data;
        seen.push({ accepted, encoding, server_name, smaller: data.length < content.length });
      }
      const refused = await sys.askEncoded(`${PING}.ACCOUNTZ`, "");
      return [...seen, refused.encoding];
    }),
  );
  expect(ours).toEqual(theirs);
});

it.compared(`KICK closes a client, LDM sends it a lame duck INFO`, async () => {
  const [ours, theirs] = await lookAtBoth(CONFIG, server =>
    withUsers(server, async ({ sys, b }, id) => {
      const statuses: string[] = [];
      void (async () => {
        for await (const { type } of b.connection.status()) if (type === "ldm" || type === "disconnect") statuses.push(type);
      })();
      const cid = b.connection.info!.client_id;
      const answers = [await sys.ask(`$SYS.REQ.SERVER.${id}.LDM`, { cid })];
      await b.connection.flush();
      answers.push(await sys.ask(`$SYS.REQ.SERVER.${id}.KICK`, { cid }));
      await b.connection.closed();
      // The client may notice the end of its connection before the server has listed it as closed.
      let reasons: string[] = [];
      for (let asks = 0; reasons.length === 0 && asks < 100; asks++) {
        const { data } = (await sys.ask(`${PING}.CONNZ`, { state: 1 })) as { data: { connections: { reason: string }[] } };
        reasons = data.connections.map(({ reason }) => reason);
      }
      return { answers: withoutVariableValues(answers), statuses: statuses.filter(one => one === "ldm"), reasons };
    }),
  );
  expect(ours).toEqual(theirs);
  expect(ours.reasons).toEqual(["Kicked"]);
});
