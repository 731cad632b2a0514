/** Random and invalid requests to the system account's services make no handler fail. */
import { expect, test } from "bun:test";
import { SILENT } from "../../src/base/log/silent-logger.ts";
import { Random } from "../../src/base/random/random.ts";
import { NatsServer } from "../../src/index.ts";
import { seedFromEnv } from "../doubles/seed.ts";
import { SystemClient } from "./system-client.ts";

const SERVER = "IDZ STATSZ VARZ SUBSZ CONNZ ROUTEZ GATEWAYZ LEAFZ ACCOUNTZ JSZ HEALTHZ EXPVARZ IPQUEUESZ RAFTZ KICK LDM RELOAD".split(" ");
const ACCOUNT = "SUBSZ CONNZ LEAFZ JSZ INFO STATZ CONNS".split(" ");
const KEYS =
  "sort auth subscriptions offset limit cid state user acc filter_subject test account tags server_name subject queue accounts name".split(
    " ",
  );
const VALUES = [
  '""',
  '"x"',
  '"a.>"',
  '"a..b"',
  "0",
  "-1",
  "1e400",
  "99999999999999999999",
  "true",
  "null",
  "[]",
  '["x",1]',
  "{}",
  '"\\ud800"',
  '"\\u0000"',
];

test("fuzz: hostile requests are answered or ignored, and no handler fails", async () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const errors: string[] = [];
  const server = await NatsServer.start({
    host: "127.0.0.1",
    port: 0,
    log: { ...SILENT, error: text => void errors.push(text) },
    systemAccount: "SYS",
    accounts: [{ name: "SYS", users: [{ user: "sys", password: "p" }] }],
  });
  const client = await SystemClient.open(server.port, "sys");
  const { id } = (await client.ask("$SYS.REQ.SERVER.PING.IDZ")) as { id: string };
  const subjects = [
    ...SERVER.map(name => `$SYS.REQ.SERVER.${id}.${name}`),
    ...ACCOUNT.flatMap(name => ["SYS", "nobody", "PING"].map(account => `$SYS.REQ.ACCOUNT.${account}.${name}`)),
    "$SYS.REQ.ACCOUNT.NSUBS",
    "$SYS.REQ.USER.INFO",
    "$SYS.REQ.USER.SYS.INFO",
    "$SYS.DEBUG.SUBSCRIBERS",
  ];
  for (let round = 0; round < 3_000; round++) {
    const fields = Array.from({ length: random.below(4) }, () => `"${random.pick(KEYS)}":${random.pick(VALUES)}`).join(",");
    const body = random.pick([`{${fields}}`, fields, random.pick(VALUES), "foo.>", "\u0000", "* >"]);
    client.connection.publish(random.pick(subjects), body, random.chance(0.9) ? { reply: "nobody.waits" } : {});
  }
  await client.connection.flush();
  expect(await client.ask("$SYS.REQ.SERVER.PING.IDZ")).toMatchObject({ id });
  expect(
    errors.filter(text => text.includes("failed")),
    `SEED=${seed}`,
  ).toEqual([]);
  expect(errors.length).toBeGreaterThan(0); // about invalid requests
  await client.close();
  await server.stop();
});
