/** JetStream of accounts by their claims: given, limited and taken away while the server runs, compared with nats-server. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NO_JETSTREAM } from "../../src/access/jwt/limit-shapes.ts";
import { waitFor } from "../system/system-client.ts";
import { startOurs } from "./both-servers.ts";
import { directoryConfig } from "./directory-config.ts";
import { login, OperatorTests, push, type ScenarioContext, startScenario } from "./operator-tests.ts";
import type { Peer } from "./peer.ts";
import { ALPHA } from "./tokens.ts";

const it = new OperatorTests(import.meta.path);

const config = (directory: string) =>
  `${directoryConfig()(`${directory}/jwt`)}\njetstream { store_dir: "${directory}/store", max_mem: 10M, max_file: 20M }`;

// biome-ignore lint/suspicious/noExplicitAny: tests check the fields of an answer
const ask = async (peer: Peer, subject: string, body = ""): Promise<any> => JSON.parse(await peer.request(`$JS.API.${subject}`, body));

interface Info {
  readonly limits?: object;
  readonly tiers?: { readonly R1?: { readonly limits: object } };
  readonly error?: object;
}

/** Gives the account other limits, and waits until its information shows it. */
async function pushed(context: ScenarioContext, peer: Peer, limits: object, isApplied: (info: Info) => boolean): Promise<unknown> {
  await push(context, ALPHA, { limits: limits as never });
  let info: Info = {};
  await waitFor(
    async () => {
      info = await ask(peer, "INFO");
      return isApplied(info);
    },
    () => JSON.stringify({ limits, info }),
  );
  return { limits: info.limits, tier: info.tiers?.R1?.limits, error: info.error };
}

const STREAM = JSON.stringify({ name: "S", subjects: ["s"], storage: "file" });

it.both("claims give an account JetStream, change its limits, and take it away", config, async context => {
  const peer = await login(context);
  const results: unknown[] = [(await ask(peer, "INFO")).error];
  const given = { diskBytesMax: 1_000_000, streamsMax: 1, consumersMax: -1 };
  results.push(await pushed(context, peer, given, ({ error }) => error === undefined));
  results.push((await ask(peer, "STREAM.CREATE.S", STREAM)).did_create);
  results.push((await ask(peer, "STREAM.CREATE.T", STREAM.replace('"S"', '"T"').replace('"s"', '"t"'))).error);
  const tiers = new Map([["R1", { ...NO_JETSTREAM, diskBytesMax: 2_000_000, streamsMax: 2, consumersMax: 3, ackPendingMax: 4 }]]);
  results.push(await pushed(context, peer, { tiers }, ({ tiers: shown }) => shown !== undefined));
  results.push(await pushed(context, peer, {}, ({ error }) => error !== undefined));
  return results;
});

test("a start loads the accounts that have streams, although nobody has logged in", async () => {
  const directory = mkdtempSync(join(tmpdir(), "bunats-claims-"));
  const given = { diskBytesMax: 1_000_000, streamsMax: 1, consumersMax: -1 };
  const first = await startScenario(startOurs, () => config(directory));
  const peer = await login(first);
  await pushed(first, peer, given, ({ error }) => error === undefined);
  await ask(peer, "STREAM.CREATE.S", STREAM);
  await first.end();
  const second = await startScenario(startOurs, () => config(directory));
  const jsz = await (await fetch(`http://127.0.0.1:${second.side.monitorPort}/jsz`)).json();
  expect(jsz).toMatchObject({ accounts: 1, streams: 1 });
  await second.end();
  rmSync(directory, { recursive: true, force: true });
});
