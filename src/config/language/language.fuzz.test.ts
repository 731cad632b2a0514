import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomConfig, type Tree } from "../../../test/config/random-config.ts";
import { verdictOn } from "../../../test/config/reference-check.ts";
import { findReference, referenceIsRequired } from "../../../test/reference/reference-server.ts";
import { bytesOfText, textOfBytes } from "../../base/go/text.ts";
import { Random } from "../../base/random/random.ts";
import { seedFromEnv } from "../../base/random/seed.ts";
import { loadConfigFile } from "../schema/load-config.ts";
import { ConfigErrors } from "../schema/problems.ts";
import type { ConfigData } from "./config-value.ts";
import { LanguageError } from "./language-error.ts";
import { readConfigFile, readConfigText } from "./read-config.ts";

function treeOf(data: ConfigData): Tree {
  if (Array.isArray(data)) return data.map(value => treeOf(value.data));
  if (data instanceof Map) return Object.fromEntries([...data].map(([key, value]) => [key, treeOf(value.data)]));
  return data as Tree;
}

/** Bytes changed, cut and doubled: mostly not in the language any more. */
function damaged(text: string, random: Random): string {
  let bytes = bytesOfText(text);
  for (let count = random.between(1, 3); count > 0; count--) {
    const at = random.below(bytes.length + 1);
    const behind = Math.min(bytes.length, at + random.below(4));
    const kinds = [
      () => bytes.slice(0, at),
      () => bytes.slice(0, at) + bytes.slice(behind),
      () =>
        bytes.slice(0, at) +
        random.pick([..."{}[]()\"'\\/#:=,;$-.0 \n\r\t\0", "\xff", "\xc3", "include ", "\\x4", "\u00a0"]) +
        bytes.slice(at),
      () => bytes.slice(0, behind) + bytes.slice(at),
    ];
    bytes = random.pick(kinds)();
  }
  return bytes;
}

test("fuzz: what was written in any way is read back as it was meant", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 2_000; round++) {
    const { text, tree } = randomConfig(random);
    const { map } = readConfigText(text, {});
    expect(treeOf(map), `SEED=${seed} round=${round}\n${text}`).toEqual(tree);
  }
});

test("fuzz: damaged text gives a tree or a LanguageError, never anything else", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 5_000; round++) {
    const bytes = damaged(randomConfig(random).text, random);
    try {
      readConfigText(textOfBytes(bytes), {});
    } catch (error) {
      expect(error, `SEED=${seed} round=${round}\n${bytes}`).toBeInstanceOf(LanguageError);
    }
  }
});

const reference = findReference();
const skips = reference.path === null && !referenceIsRequired();
const skipped = skips ? ` (skipped: ${reference.missing})` : "";
/** A process of the reference takes some 10 ms. */
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 300);

test.skipIf(skips)(
  `fuzz: the reference gives damaged and whole files the same digest or the same error${skipped}`,
  () => {
    const seed = seedFromEnv();
    const random = new Random(seed);
    const directory = mkdtempSync(join(tmpdir(), "bunats-language-"));
    const file = join(directory, "random.conf");
    let digests = 0;
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const { text, tree } = randomConfig(random);
        const bytes = (random.chance(0.3) ? bytesOfText(text) : damaged(text, random)) + bytesOfText(asVariables(Object.keys(tree)));
        writeFileSync(file, Buffer.from(bytes, "latin1"));
        const { digest, text: said } = verdictOn(reference.path!, file);
        const context = `SEED=${seed} round=${round}\n${JSON.stringify(bytes)}\n${said}`;
        const ours = outcomeOf(file);
        if (digest !== null) {
          digests++;
          expect(ours, context).toBe(digest);
        } else if (isLanguageError(said, file)) expect(valid(ours), context).toStartWith(valid(said.trimEnd()));
        else expect(fieldErrors(file), context).toEqual(said.trimEnd().split("\n").sort());
      }
      expect(digests, `SEED=${seed}`).toBeGreaterThan(ROUNDS / 10);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
  120_000,
);

/** The reference only tells the digest of files without unknown fields, and those that variables refer to are not unknown. */
function asVariables(names: readonly string[]): string {
  return `\n${names.map(name => `z: $${name}\n`).join("")}z: 4222\nport: $z\n`;
}

/** Without what stands for bytes that are no UTF-8: each side shows them in its own way. */
function valid(text: string): string {
  return text.replace(/[\ufffd\udc80-\udcff]/g, "");
}

/** One line that does not begin with a place in the file. */
function isLanguageError(said: string, file: string): boolean {
  return !said.startsWith(file);
}

/** Without the hints, which the reference does not give; in any order, as its own is random. */
function fieldErrors(file: string): string[] {
  try {
    return [...loadConfigFile(file, {}).warnings];
  } catch (error) {
    if (!(error instanceof ConfigErrors)) throw error;
    return error.lines.map(line => line.replace(/; did you mean .*/, "")).sort();
  }
}

function outcomeOf(file: string): string {
  try {
    return readConfigFile(file, {}).digest;
  } catch (error) {
    if (error instanceof LanguageError) return error.message;
    throw error;
  }
}
