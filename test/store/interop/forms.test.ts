/** Streams in every form of files, written by nats-server, continued by our store, and by nats-server again. */
import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../../src/base/random/random.ts";
import { seedFromEnv } from "../../doubles/seed.ts";
import { needs } from "../../reference/programs.ts";
import { EARLIER_VERSION, REFERENCE_VERSION } from "../../reference/reference-server.ts";
import { Expected } from "./expected.ts";
import { OwnStream, streamDirectory } from "./own-stream.ts";
import { ReferenceStream, type Secrets, type StoreForm } from "./reference-stream.ts";

const TIMEOUT_MS = 120_000;
const SECRETS: Secrets = { key: "s3cr3t", previous: null };
/** Small blocks, and enough for all messages. */
const BYTES_MAX = 120_000;
/** Of our blocks: several of them, and one with zeros that were written in advance. */
const BLOCK_BYTES: Record<"SIGTERM" | "SIGKILL", number> = { SIGTERM: 10_000, SIGKILL: 1024 * 1024 };
/** More than a record or an encrypted file ends with by chance. */
const ZEROS = Buffer.alloc(16);
const FORMS: readonly StoreForm[] = [
  { cipher: null, compressed: false },
  { cipher: null, compressed: true },
  { cipher: "aes", compressed: false },
  { cipher: "chacha", compressed: false },
  { cipher: "aes", compressed: true },
  { cipher: "chacha", compressed: true },
];

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-interop-"));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function blockFiles(directory: string): Buffer[] {
  const messages = join(streamDirectory(directory), "msgs");
  const names = readdirSync(messages).filter(name => name.endsWith(".blk"));
  return names.map(name => readFileSync(join(messages, name)));
}

for (const version of [REFERENCE_VERSION, EARLIER_VERSION]) {
  needs([version === EARLIER_VERSION ? "nats-server-2.15.2" : "nats-server"], () => {
    for (const form of FORMS) for (const signal of ["SIGTERM", "SIGKILL"] as const) testMove(version, form, signal);
  });
}

function testMove(version: string, form: StoreForm, signal: "SIGKILL" | "SIGTERM"): void {
  const name = `${form.cipher ?? "plain"}${form.compressed ? " with S2" : ""}`;
  test(
    `a stream moves from nats-server ${version} to our store and back: ${name}, ${signal}`,
    () =>
      inDirectory(async directory => {
        const seed = seedFromEnv();
        const expected = new Expected(new Random(seed));
        const first = await ReferenceStream.open(directory, form, SECRETS, version);
        await first.create(form, BYTES_MAX);
        await expected.change(first, 150);
        await first.stop(signal);
        expect(blockFiles(directory).length).toBeGreaterThan(1);
        expect(blockFiles(directory).some(file => file.includes("repeated repeated"))).toBe(form.cipher === null);

        const own = await OwnStream.open(directory, form, SECRETS, BLOCK_BYTES[signal]);
        expect(JSON.parse(own.config)).toMatchObject({ name: "S", compression: form.compressed ? "s2" : "none" });
        expect(own.state()).toEqual(expected.state);
        await expected.compare(own, `SEED=${seed} ours`);
        await expected.change(own, 130);
        await expected.compare(own, `SEED=${seed} ours, changed`);
        await own.settled();
        if (signal === "SIGTERM") await own.close();
        expect(own.log).toEqual([]);
        const files = blockFiles(directory);
        if (signal === "SIGTERM") expect(files.some(file => file.subarray(-ZEROS.length).equals(ZEROS))).toBe(false);
        if (form.cipher === null) expect(files.some(file => file.toString("latin1", 0, 4) === "cmp\x01")).toBe(form.compressed);

        const second = await ReferenceStream.open(directory, form, SECRETS, version);
        expect(await second.state()).toEqual(expected.state);
        await expected.compare(second, `SEED=${seed} reference`);
        await second.stop(signal);
      }),
    TIMEOUT_MS,
  );
}
