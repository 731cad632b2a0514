/** JetStream of accounts by their claims: given, limited and taken away while the server runs, compared with nats-server. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NO_JETSTREAM } from "../../src/access/jwt/limit-shapes.ts";
import { live } from "../reference/recording.ts";
import { waitFor } from "../system/system-client.ts";
import { startOurs, startReference } from "./both-servers.ts";
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

test("what an account uses is counted in its new tiers at once", async () => {
  const directory = mkdtempSync(join(tmpdir(), "bunats-claims-"));
  const context = await startScenario(startOurs, () => config(directory));
  const peer = await login(context);
  const given = { diskBytesMax: 1_000_000, streamsMax: 1, consumersMax: -1 };
  const R1 = { ...NO_JETSTREAM, diskBytesMax: 50, streamsMax: 2, consumersMax: 3 };
  await pushed(context, peer, given, ({ error }) => error === undefined);
  await ask(peer, "STREAM.CREATE.S", STREAM);
  expect(await peer.request("s", "stored")).toBe('{"stream":"S","seq":1}');
  await pushed(context, peer, { tiers: new Map([["R1", R1]]) }, ({ tiers }) => tiers !== undefined);
  expect((await ask(peer, "INFO")).tiers.R1.storage).toBe(37);
  expect(await peer.request("s", "stored")).toContain("resource limits exceeded for account");
  await pushed(context, peer, given, ({ tiers }) => tiers === undefined);
  expect(await peer.request("s", "stored")).toBe('{"stream":"S","seq":2}');
  expect((await ask(peer, "INFO")).storage).toBe(74);
  await context.end();
  rmSync(directory, { recursive: true, force: true });
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

live.test(
  "an account with tiers moves from nats-server to this server and back, with its claims and its streams",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "bunats-claims-"));
    const first = await startScenario(startReference, () => config(directory));
    const tiers = new Map([
      ["R1", { ...NO_JETSTREAM, diskBytesMax: 2_000_000, memoryBytesMax: 1_000_000, streamsMax: 5, consumersMax: 3 }],
    ]);
    const owner = await login(first);
    await pushed(first, owner, { tiers }, ({ error }) => error === undefined);
    await ask(owner, "STREAM.CREATE.S", STREAM);
    await ask(owner, "STREAM.CREATE.M", JSON.stringify({ name: "M", subjects: ["m"], storage: "memory" }));
    for (const text of ["one", "two"]) await owner.request("s", text);
    await first.end();

    const looks: unknown[] = [];
    for (const start of [startReference, startOurs, startReference]) {
      const context = await startScenario(start, () => config(directory));
      const peer = await login(context);
      await waitFor(
        async () => (await ask(peer, "STREAM.INFO.S")).error === undefined,
        () => "the stream is not there",
      );
      const { limits, tiers: shown, streams } = await ask(peer, "INFO");
      const { config: stored, created, state } = await ask(peer, "STREAM.INFO.S");
      const { message } = await ask(peer, "STREAM.MSG.GET.S", '{"seq":2}');
      const refused = (await ask(peer, "STREAM.CREATE.L", '{"name":"L","subjects":["l"],"storage":"file","max_bytes":3000000}')).error;
      looks.push({ limits, shown, streams, stored, created, state, message, refused });
      await context.end();
    }
    expect(looks[0]).toMatchObject({ shown: { R1: { streams: 1 } }, state: { messages: 2 }, refused: { code: 500 } });
    expect(looks.slice(1)).toEqual([looks[0], looks[0]]);
    rmSync(directory, { recursive: true, force: true });
  },
  120_000,
);

interface Jsz {
  readonly accounts?: number;
  readonly disabled?: boolean;
}

const withoutJetStream = (directory: string) => config(directory).replace(/\njetstream .*/, "");

it.both("a reload turns JetStream on for accounts that are loaded already", withoutJetStream, async context => {
  const { directory, side } = context;
  const peer = await login(context);
  const given = { diskBytesMax: 1_000_000, streamsMax: 1, consumersMax: -1 };
  await push(context, ALPHA, { limits: given as never });
  const results: unknown[] = [await side.reloadWith(config(directory))];
  await waitFor(
    async () => ((await (await fetch(`http://127.0.0.1:${side.monitorPort}/jsz`)).json()) as Jsz).accounts === 1,
    () => "JetStream is on",
  );
  results.push((await ask(peer, "INFO")).limits, (await ask(peer, "STREAM.CREATE.S", STREAM)).did_create);
  return results;
});

it.both(
  "after a reload that turns JetStream on, a loaded account without it is told so, until claims give it",
  withoutJetStream,
  async context => {
    const { directory, side } = context;
    const peer = await login(context);
    const results: unknown[] = [await side.reloadWith(config(directory))];
    await waitFor(
      async () => ((await (await fetch(`http://127.0.0.1:${side.monitorPort}/jsz`)).json()) as Jsz).disabled !== true,
      () => "JetStream is on",
    );
    results.push((await ask(peer, "INFO")).error);
    results.push(
      await pushed(context, peer, { diskBytesMax: 1_000_000, streamsMax: 1, consumersMax: -1 }, ({ error }) => error === undefined),
    );
    return results;
  },
);
