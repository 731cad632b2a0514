/**
 * Bits of the files of a small store are flipped, and files are cut: the server starts, each message is right or its loss is reported, and no
 * sequence is used twice. `FAULTS=all` tries every bit and every length; otherwise a sample.
 */
import { expect, test } from "bun:test";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../../src/base/random/random.ts";
import { completeOptions } from "../../../src/config/schema/complete-options.ts";
import type { JetStreamOptions } from "../../../src/jetstream/config/jetstream-options.ts";
import { Server } from "../../../src/server/process/server.ts";
import { KeptLog } from "../../doubles/kept-log.ts";
import { seedFromEnv } from "../../doubles/seed.ts";
import { RawClient } from "../../jetstream/sequences/raw-client.ts";

const ALL = process.env.FAULTS === "all";
/** Number of damages that are tried per store, of all that there are. */
const SAMPLE = 20;
const TEST_MS = 60 * 60_000;
const MESSAGES = 8;
/** This one was deleted. */
const DELETED = 3;
/** Lines that report damage. */
const REPORT = /^(WRN|ERR) /;

interface Damage {
  /** Path of the file below the store directory. */
  readonly file: string;
  /** Changes the file's content. */
  readonly change: (content: Buffer) => Buffer;
  readonly text: string;
}

class LevelLog extends KeptLog {
  readonly debugEnabled = false;
  readonly traceEnabled = false;

  fatal(text: string): void {
    this.lines.push(`FTL ${text}`);
  }
  trace(): void {}
  warnRateLimited(text: string): void {
    this.warn(text);
  }
}

interface Running extends AsyncDisposable {
  readonly client: RawClient;
  readonly log: LevelLog;
}

async function start(storeDirectory: string, jetStream: Partial<JetStreamOptions>): Promise<Running> {
  const log = new LevelLog();
  const server = new Server(completeOptions({ host: "127.0.0.1", port: 0, jetStream, storeDirectory }), { log });
  await server.start();
  const client = await RawClient.open(server.port, "");
  return {
    client,
    log,
    async [Symbol.asyncDispose]() {
      client.close();
      await server.stop();
    },
  };
}

async function ask(client: RawClient, subject: string, payload: string): Promise<string> {
  const [answer] = await client.ask({ subject, payload, header: "", replyEnd: "" });
  if (answer === undefined) throw new Error(`no answer to ${subject}`);
  return answer.header + answer.payload.toString("latin1");
}

const payloadOf = (sequence: number) => `${sequence}:`.repeat(4);

/** A store that was closed, with a stream of some messages. */
async function filled(jetStream: Partial<JetStreamOptions>, config: object): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-damage-"));
  await using running = await start(directory, jetStream);
  const { client } = running;
  const all = { name: "S", subjects: ["s.*"], storage: "file", allow_direct: true, ...config };
  expect(await ask(client, "$JS.API.STREAM.CREATE.S", JSON.stringify(all))).toContain('"did_create":true');
  for (let sequence = 1; sequence <= MESSAGES; sequence++) await ask(client, `s.${sequence % 3}`, payloadOf(sequence));
  expect(await ask(client, "$JS.API.STREAM.MSG.DELETE.S", JSON.stringify({ seq: DELETED, no_erase: true }))).toContain("true");
  return directory;
}

function damagesOf(directory: string): Damage[] {
  const damages: Damage[] = [];
  for (const name of readdirSync(directory, { recursive: true }) as string[]) {
    const path = join(directory, name);
    if (!statSync(path).isFile()) continue;
    const { length } = readFileSync(path);
    for (let size = 0; size < length; size++) {
      damages.push({ file: name, text: `${name} cut to ${size} of ${length} bytes`, change: content => content.subarray(0, size) });
      for (let bit = 0; bit < 8; bit++) {
        const flip = (content: Buffer) => {
          content[size]! ^= 1 << bit;
          return content;
        };
        damages.push({ file: name, text: `${name}: bit ${bit} of byte ${size} of ${length}`, change: flip });
      }
    }
  }
  return damages;
}

/** @returns what the server does wrong with the damaged store; empty: nothing */
async function faultWith(pristine: string, { change, file }: Damage, jetStream: Partial<JetStreamOptions>): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-damaged-"));
  try {
    cpSync(pristine, directory, { recursive: true });
    writeFileSync(join(directory, file), change(readFileSync(join(directory, file))));
    await using running = await start(directory, jetStream);
    const { client, log } = running;
    const isReported = log.lines.some(line => REPORT.test(line));
    if (JSON.parse(await ask(client, "$JS.API.STREAM.LIST", "")).streams?.length !== 1) return isReported ? "" : "the stream is gone";
    for (let sequence = 1; sequence <= MESSAGES; sequence++) {
      const answer = await ask(client, "$JS.API.DIRECT.GET.S", JSON.stringify({ seq: sequence }));
      const isThere = answer.startsWith("NATS/1.0\r\n");
      if (log.lines.some(line => REPORT.test(line))) continue;
      if (isThere && !answer.endsWith(`\r\n\r\n${payloadOf(sequence)}`)) return `message ${sequence} has other bytes`;
      if (isThere !== (sequence !== DELETED)) return `message ${sequence} is ${isThere ? "back" : "lost"}`;
    }
    const ack = JSON.parse(await ask(client, "s.new", "new"));
    return ack.error === undefined && ack.seq <= MESSAGES ? `sequence ${ack.seq} is used again` : "";
  } catch (error) {
    return String(error);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const STORES: readonly [string, Partial<JetStreamOptions>, object][] = [
  ["plain", {}, {}],
  ["compressed", {}, { compression: "s2" }],
];

for (const [title, jetStream, config] of STORES) {
  test(
    `a store with damaged files is opened, and what is lost is reported: ${title}`,
    async () => {
      const random = new Random(seedFromEnv());
      const pristine = await filled(jetStream, config);
      try {
        let damages = damagesOf(pristine);
        if (!ALL) damages = Array.from({ length: SAMPLE }, () => random.pick(damages));
        const faults: string[] = [];
        for (const damage of damages) {
          const fault = await faultWith(pristine, damage, jetStream);
          if (fault !== "") faults.push(`${damage.text}: ${fault}`);
        }
        expect(faults).toEqual([]);
      } finally {
        rmSync(pristine, { recursive: true, force: true });
      }
    },
    TEST_MS,
  );
}
