/** Random text in the language of the configuration file: the reference gives it the same digest or the same error. */

import { expect } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesOfText } from "../../src/base/go/text.ts";
import { Random } from "../../src/base/random/random.ts";
import { LanguageError } from "../../src/config/language/config-value.ts";
import { readConfigFile } from "../../src/config/language/read-config.ts";
import { loadConfigFile } from "../../src/config/schema/load-config.ts";
import { ConfigErrors } from "../../src/config/schema/row/problems.ts";
import { seedFromEnv } from "../doubles/seed.ts";
import { answerOfReference, comparable, Recording, referenceIsLive } from "../reference/recording.ts";
import { damaged, randomConfig } from "./random-config.ts";
import { type Verdict, verdictOn } from "./reference-check.ts";

const it = new Recording(import.meta.path);
/** Files that are compared with a live reference, which takes about 10 ms for each. */
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 300);
/** Files that are recorded, so that they are compared without the reference too. */
const RECORDED_SEED = 1;
const RECORDED_ROUNDS = 80;

it.compared(
  "fuzz: the reference gives valid and damaged files the same digest or the same error",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "bunats-language-"));
    const file = join(directory, "random.conf");
    const fileWith = (bytes: string) => {
      writeFileSync(file, Buffer.from(bytes, "latin1"));
      return file;
    };
    try {
      const recorded = randomFiles(RECORDED_SEED, RECORDED_ROUNDS);
      const reference = await answerOfReference(() => recorded.map(bytes => withoutPrefix(verdictOn(fileWith(bytes)))));
      const digests = reference.filter(({ digest }) => digest !== null).length;
      expect(digests).toBeGreaterThan(RECORDED_ROUNDS / 10);
      for (const [round, bytes] of recorded.entries())
        compareFile(fileWith(bytes), reference[round]!, `round=${round}\n${JSON.stringify(bytes)}`);
      if (!referenceIsLive()) return;
      const seed = seedFromEnv();
      for (const [round, bytes] of randomFiles(seed, ROUNDS).entries()) {
        const verdict = comparable(withoutPrefix(verdictOn(fileWith(bytes))));
        compareFile(file, verdict, `SEED=${seed} round=${round}\n${JSON.stringify(bytes)}\n${verdict.text}`);
      }
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
  300_000,
);

/** The digest without its prefix, by which the recording recognises and replaces digests. */
function withoutPrefix({ digest, text }: Verdict): Verdict {
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

/** Refers to every field by a variable: the reference prints no digest for files with unknown fields, and such fields are not unknown. */
function asVariables(names: readonly string[]): string {
  return `\n${names.map(name => `z: $${name}\n`).join("")}z: 4222\nport: $z\n`;
}

/** Removes the characters that stand for invalid UTF-8, which the two servers print differently. */
function valid(text: string): string {
  return text.replace(/[\ufffd\udc80-\udcff]/g, "");
}

/** Whether a report is one line that does not begin with a place in the file. */
function isLanguageError(report: string): boolean {
  return !report.startsWith("<directory>");
}

/** Our report without hints, which the reference does not have, and sorted, as the reference's order is random. */
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
