/** Random text in the language of the configuration file: the reference gives it the same digest or the same error. */

import { expect } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOfText } from "../../src/base/go/text.ts";
import { Random } from "../../src/base/random/random.ts";
import { seedFromEnv } from "../../src/base/random/seed.ts";
import { LanguageError } from "../../src/config/language/config-value.ts";
import { readConfigFile } from "../../src/config/language/read-config.ts";
import { loadConfigFile } from "../../src/config/schema/load-config.ts";
import { ConfigErrors } from "../../src/config/schema/row/problems.ts";
import { answerOfReference, comparable, Recording, referenceIsLive } from "../reference/recording.ts";
import { damaged, randomConfig } from "./random-config.ts";
import { type Verdict, verdictOn } from "./reference-check.ts";

const it = new Recording(import.meta.path);
/** A process of the reference takes some 10 ms. */
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 300);
/** Recorded, so that they are compared where there is no reference, too. */
const RECORDED_SEED = 1;
const RECORDED_ROUNDS = 80;

it.compared(
  "fuzz: the reference gives damaged and whole files the same digest or the same error",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "bunats-language-"));
    const file = join(directory, "random.conf");
    const fileWith = (bytes: string) => {
      writeFileSync(file, Buffer.from(bytes, "latin1"));
      return file;
    };
    try {
      const recorded = randomFiles(RECORDED_SEED, RECORDED_ROUNDS);
      const reference = await answerOfReference(() => recorded.map(bytes => shown(verdictOn(fileWith(bytes)))));
      const digests = reference.filter(({ digest }) => digest !== null).length;
      expect(digests).toBeGreaterThan(RECORDED_ROUNDS / 10);
      for (const [round, bytes] of recorded.entries())
        compareFile(fileWith(bytes), reference[round]!, `round=${round}\n${JSON.stringify(bytes)}`);
      if (!referenceIsLive()) return;
      const seed = seedFromEnv();
      for (const [round, bytes] of randomFiles(seed, ROUNDS).entries()) {
        const verdict = comparable(shown(verdictOn(fileWith(bytes))));
        compareFile(file, verdict, `SEED=${seed} round=${round}\n${JSON.stringify(bytes)}\n${verdict.text}`);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
  300_000,
);

/** The digest without the word in front of it, by which digests are left out of other recordings. */
function shown({ digest, text }: Verdict): Verdict {
  return digest === null ? { digest, text } : { digest: digest.replace("sha256:", ""), text: "" };
}

function randomFiles(seed: number, count: number): string[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => {
    const { text, tree } = randomConfig(random);
    return (random.chance(0.3) ? bytesOfText(text) : damaged(text, random)) + bytesOfText(asVariables(Object.keys(tree)));
  });
}

function compareFile(file: string, { digest, text }: Verdict, context: string): void {
  if (digest !== null) expect(outcomeOf(file), context).toBe(`sha256:${digest}`);
  else if (isLanguageError(text)) expect(valid(comparable(outcomeOf(file))), context).toStartWith(valid(text.trimEnd()));
  else expect(comparable(fieldErrors(file)), context).toEqual(text.trimEnd().split("\n").sort());
}

/** The reference only tells the digest of files without unknown fields, and those that variables refer to are not unknown. */
function asVariables(names: readonly string[]): string {
  return `\n${names.map(name => `z: $${name}\n`).join("")}z: 4222\nport: $z\n`;
}

/** Without what stands for bytes that are no UTF-8: each side shows them in its own way. */
function valid(text: string): string {
  return text.replace(/[\ufffd\udc80-\udcff]/g, "");
}

/** One line that does not begin with a place in the file. */
function isLanguageError(said: string): boolean {
  return !said.startsWith("<directory>");
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
