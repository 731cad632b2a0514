/** Secrets and ciphers that were changed between two servers. */
import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../../src/base/random/random.ts";
import { seedFromEnv } from "../../doubles/seed.ts";
import { needs } from "../../reference/programs.ts";
import { Expected } from "./expected.ts";
import { OwnStream, streamDirectory } from "./own-stream.ts";
import { ReferenceStream, type Secrets, type StoreForm } from "./reference-stream.ts";

const TIMEOUT_MS = 120_000;
const BYTES_MAX = 120_000;
const BLOCK_BYTES = 10_000;
const PLAIN: StoreForm = { cipher: null, compressed: true };
const CHACHA: StoreForm = { cipher: "chacha", compressed: true };
const AES: StoreForm = { cipher: "aes", compressed: true };
const OLD: Secrets = { key: "old", previous: null };
const NEW: Secrets = { key: "new", previous: null };
const UNREADABLE_STATE = "  Stream state error reading encryption key: cipher: message authentication failed";
const CHANGED: Secrets = { key: "new", previous: "old" };

interface Row {
  readonly title: string;
  readonly from: readonly [StoreForm, Secrets];
  readonly to: readonly [StoreForm, Secrets];
  readonly conversion: string | null;
}

const ROWS: readonly Row[] = [
  { title: "another secret", from: [CHACHA, OLD], to: [CHACHA, CHANGED], conversion: "Converting to ChaCha20-Poly1305 for" },
  { title: "another cipher", from: [CHACHA, NEW], to: [AES, NEW], conversion: "Converting to AES-GCM for" },
  { title: "both", from: [AES, OLD], to: [CHACHA, CHANGED], conversion: "Converting to ChaCha20-Poly1305 for" },
  { title: "the first secret", from: [PLAIN, NEW], to: [AES, NEW], conversion: "Encrypting" },
  { title: "no change", from: [AES, NEW], to: [AES, CHANGED], conversion: null },
];

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "bunats-interop-"));
  try {
    await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function written(directory: string, [form, secrets]: Row["from"]): Promise<Expected> {
  const expected = new Expected(new Random(seedFromEnv()));
  const stream = await ReferenceStream.open(directory, form, secrets);
  await stream.create(form, BYTES_MAX);
  await expected.change(stream, 150);
  await stream.stop("SIGTERM");
  return expected;
}

/** All files of the stream, with their content. */
function filesOf(directory: string): Record<string, string> {
  const root = streamDirectory(directory);
  const names = readdirSync(root, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile());
  return Object.fromEntries(names.map(({ name, parentPath }) => [join(parentPath, name), readFileSync(join(parentPath, name), "base64")]));
}

needs(["nats-server"], () => {
  for (const { title, from, to, conversion } of ROWS) {
    test(
      `a stream of nats-server is opened, converted and continued: ${title}`,
      () =>
        inDirectory(async directory => {
          const expected = await written(directory, from);
          const [form, secrets] = to;
          const own = await OwnStream.open(directory, form, secrets, BLOCK_BYTES);
          expect(own.conversion).toBe(conversion);
          await expected.compare(own, "ours");
          await expected.change(own, 60);
          await own.settled();
          await own.close();
          // index.db was sealed with the key before.
          expect(own.log).toEqual(conversion === null ? [] : [UNREADABLE_STATE]);
          // The old secret is not needed any more.
          const later = { key: secrets.key, previous: null };
          const again = await OwnStream.open(directory, form, later, BLOCK_BYTES);
          expect(again.conversion).toBeNull();
          await expected.compare(again, "ours, again");
          await again.close();
          const reference = await ReferenceStream.open(directory, form, later);
          expect(await reference.state()).toEqual(expected.state);
          await expected.compare(reference, "reference");
          await reference.stop("SIGKILL");
        }),
      TIMEOUT_MS,
    );

    test(
      `nats-server opens and converts what our store has written: ${title}`,
      () =>
        inDirectory(async directory => {
          const expected = await written(directory, from);
          const own = await OwnStream.open(directory, ...from, BLOCK_BYTES);
          await expected.change(own, 60);
          await own.settled();
          await own.close();
          const reference = await ReferenceStream.open(directory, ...to);
          expect(await reference.state()).toEqual(expected.state);
          await expected.compare(reference, "reference");
          await expected.change(reference, 20);
          await reference.stop("SIGTERM");
          const again = await OwnStream.open(directory, ...to, BLOCK_BYTES);
          expect(again.conversion).toBeNull();
          await expected.compare(again, "ours");
          await again.close();
        }),
      TIMEOUT_MS,
    );
  }

  test(
    "an encrypted stream is refused without its secret, and not touched",
    () =>
      inDirectory(async directory => {
        await written(directory, [AES, OLD]);
        const before = filesOf(directory);
        const refusal = (form: StoreForm, secrets: Secrets) => OwnStream.open(directory, form, secrets, BLOCK_BYTES).catch(String);
        expect(await refusal(PLAIN, OLD)).toBe("Error: Error decrypting our stream metafile: encryption not enabled");
        expect(await refusal(AES, NEW)).toBe("Error: Error decrypting our stream metafile: unable to recover keys");
        expect(filesOf(directory)).toEqual(before);
      }),
    TIMEOUT_MS,
  );

  test(
    "a block whose key is lost is reported, kept, and the others are read",
    () =>
      inDirectory(async directory => {
        const expected = await written(directory, [CHACHA, NEW]);
        const messages = join(streamDirectory(directory), "msgs");
        const block = join(messages, "1.blk");
        const before = readFileSync(block);
        unlinkSync(join(messages, "1.key"));
        const own = await OwnStream.open(directory, CHACHA, NEW, BLOCK_BYTES);
        expect(own.log).toContain(`JetStream cannot read ${block}: its key is lost`);
        expect(readFileSync(block)).toEqual(before);
        expect(await own.read(expected.last)).toEqual(expected.messages.get(expected.last) ?? null);
        const [count] = own.state();
        expect(count).toBeLessThan(expected.messages.size);
        // A message is stored although the only block, if it is the last, cannot be continued.
        await expected.change(own, 5);
        expect(await own.read(expected.last)).toEqual(expected.messages.get(expected.last) ?? null);
        await own.close();
        expect(readFileSync(block)).toEqual(before);
      }),
    TIMEOUT_MS,
  );
});
