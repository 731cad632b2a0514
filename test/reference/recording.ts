/**
 * Recorded answers of nats-server, so that tests compare with it on a machine that does not have it.
 *
 *   fields.test.ts ── asks ──▶ nats-server ──▶ fields.recorded.txt     `make record`, which needs nats-server: `make reference`
 *   fields.test.ts ◀── reads ─────────────────  fields.recorded.txt    `make test`
 * - A test always asserts that our answer is the recorded one.
 * - Where nats-server is installed the test also asks it, and asserts that it still answers what is recorded. So a recording that is out
 *   of date is found, and two servers that both answer nothing do not pass.
 * - `make record` writes all recordings, `make record ARGS=test/operator` those of one folder. A recording is written as a whole: do not
 *   combine it with a filter by title. Look at the difference before it is committed.
 * - Of generated scenarios and conversations a few fixed seeds are recorded. Others are only compared where nats-server is installed.
 * Values that change from run to run (ports, ids, times, temporary paths, tokens) are replaced, in our answer as in the recorded one.
 *
 * File format: `== title`, then the answer as JSON; `= title` stands for the same answer as under that title.
 */

import { afterAll, expect, test } from "bun:test";
import { AsyncLocalStorage } from "node:async_hooks";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { findReference, REFERENCE_VERSION, referenceIsRequired } from "./reference-server.ts";

const LINE_WIDTH = 140;
const ROOT = join(import.meta.dir, "../..");
/** A test that fails while it is recorded gets no answer. */
const FAILED_HINT = "if that was done, the test failed with nats-server: see its error there";
const RECORDS = process.env.RECORD === "1";

/** A replacement in every answer, as JSON text. */
type Replacement = readonly [pattern: RegExp, by: string];

const REPLACEMENTS: readonly Replacement[] = [
  [new RegExp(`${tmpdir()}/bunats-[\\w-]+`, "g"), "<directory>"],
  [/\bN[A-Z2-7]{55}\b/g, "<server>"],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, "<jwt>"],
  [/(127\.0\.0\.1|\[::1\]|localhost):\d{4,5}\b/g, "$1:<port>"],
  [/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "<time>"],
  [/\bsha256:[0-9a-f]{64}/g, "sha256:<digest>"],
  [new RegExp(`\\b${REFERENCE_VERSION.replaceAll(".", "\\.")}\\b`, "g"), "<version>"],
];

/** Whether a test may ask nats-server now. */
export function referenceIsLive(): boolean {
  return findReference().path !== null || referenceIsRequired();
}

/** Answers asked for while a test runs belong to this page of its file's recording. */
interface Page {
  readonly recording: Recording;
  readonly title: string;
  /** Answers that the test has asked for so far. */
  count: number;
}

const pages = new AsyncLocalStorage<Page>();

/** Tests that only make sense with a live nats-server; `scripts/test.ts` says when they are left out. */
export const live = {
  test(title: string, body: () => void | Promise<void>, timeoutMs?: number): void {
    if (referenceIsLive()) test(title, body, timeoutMs);
  },
};

export class Recording {
  /** How this recording is written, for messages. */
  readonly command: string;
  private readonly path: string;
  private readonly answers: Map<string, string>;

  /** @param testFile `import.meta.path` of the test; `more` replaces what else changes from run to run in its answers */
  constructor(
    testFile: string,
    private readonly more: readonly Replacement[] = [],
  ) {
    this.command = `run \`make record ARGS=${relative(ROOT, testFile)}\``;
    this.path = testFile.replace(/(\.fuzz)?\.test\.ts$/, ".recorded.txt");
    this.answers = RECORDS || !existsSync(this.path) ? new Map() : parseAnswers(readFileSync(this.path, "utf8"));
    if (RECORDS) afterAll(() => this.write());
  }

  /** Registers a test that may ask for recorded answers. */
  compared(title: string, body: () => unknown, timeoutMs?: number): void {
    test(title, () => this.page(title, async () => void (await body())), timeoutMs);
  }

  /** Runs `body`, whose answers are recorded under this title; for answers that several tests check. */
  page<T>(title: string, body: () => T): T {
    return pages.run({ recording: this, title, count: 0 }, body);
  }

  /** The value as it is read from the file: with everything replaced that changes from run to run. */
  comparable<T>(value: T): T {
    let text = JSON.stringify(value) ?? "null";
    for (const [pattern, by] of [...this.more, ...REPLACEMENTS]) text = text.replace(pattern, by);
    return JSON.parse(text) as T;
  }

  has(key: string): boolean {
    return this.answers.has(key);
  }

  read<T>(key: string): T {
    const text = this.answers.get(key);
    if (text === undefined) throw new Error(`no answer is recorded for "${key}": ${this.command}; ${FAILED_HINT}`);
    return JSON.parse(text) as T;
  }

  keep(key: string, answer: unknown): void {
    if (this.answers.has(key)) throw new Error(`two answers are called "${key}"`);
    this.answers.set(key, pretty(answer, 0));
  }

  private write(): void {
    const titles = new Map<string, string>();
    const parts: string[] = [];
    for (const [title, text] of this.answers) {
      const earlier = titles.get(text);
      const short = text.length < 80;
      if (earlier === undefined) titles.set(text, title);
      parts.push(`== ${JSON.stringify(title)}\n${earlier === undefined || short ? text : `= ${JSON.stringify(earlier)}`}\n`);
    }
    if (parts.length === 0) rmSync(this.path, { force: true });
    else writeFileSync(this.path, parts.join(""));
  }
}

function parseAnswers(file: string): Map<string, string> {
  const answers = new Map<string, string>();
  for (const part of file.split(/^== /m).slice(1)) {
    const end = part.indexOf("\n");
    const text = part.slice(end + 1).trimEnd();
    answers.set(JSON.parse(part.slice(0, end)), text.startsWith("= ") ? answers.get(JSON.parse(text.slice(2)))! : text);
  }
  return answers;
}

/** JSON with everything on one line that fits there: short, and a change of one value is a change of one line. */
function pretty(value: unknown, indent: number): string {
  const flat = JSON.stringify(value);
  if (value === null || typeof value !== "object" || flat.length + indent <= LINE_WIDTH) return flat;
  const space = " ".repeat(indent + 1);
  const items = Array.isArray(value)
    ? value.map(item => `${space}${pretty(item, indent + 1)}`)
    : Object.entries(value).map(([key, item]) => `${space}${JSON.stringify(key)}: ${pretty(item, indent + 1)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${items.join(",\n")}\n${" ".repeat(indent)}${close}`;
}

function currentKey(): [recording: Recording, key: string] {
  const page = pages.getStore();
  if (page === undefined) throw new Error("recorded answers are read inside Recording.compared or Recording.page only");
  page.count++;
  return [page.recording, page.count === 1 ? page.title : `${page.title} #${page.count}`];
}

/** Our answer with everything replaced that changes from run to run, to be compared with a recorded one. */
export function comparable<T>(value: T): T {
  return pages.getStore()!.recording.comparable(value);
}

/**
 * The recorded answer of nats-server. Where it is installed, it must still give this answer.
 * @param ask gets the answer from nats-server; called only where it is installed
 * @returns the recorded answer, to be compared with `comparable(ours)`
 */
export async function answerOfReference<T>(ask: () => T | Promise<T>): Promise<T> {
  const [recording, key] = currentKey();
  return (await answerUnder(recording, key, ask)).recorded;
}

async function answerUnder<T>(recording: Recording, key: string, ask: () => T | Promise<T>): Promise<{ recorded: T; live: T | undefined }> {
  if (!RECORDS && !referenceIsLive()) return { recorded: recording.read<T>(key), live: undefined };
  const live = await ask();
  const answer = recording.comparable(live);
  if (RECORDS) recording.keep(key, answer);
  else
    expect<unknown>(answer, `nats-server does not answer what is recorded for "${key}": ${recording.command}`).toEqual(
      recording.read<T>(key),
    );
  return { recorded: answer, live };
}

/**
 * Gets an answer of ours and the same of nats-server, at the same time unless `inTurn`.
 * @returns both answers, to be compared by the test: as they are where nats-server is installed, else ours and the recorded one with
 *   what changes from run to run replaced
 */
export async function askBoth<T>(
  askOurs: () => T | Promise<T>,
  askReference: () => T | Promise<T>,
  { inTurn = false } = {},
): Promise<[ours: T, reference: T]> {
  const [recording, key] = currentKey();
  if (inTurn) {
    const ours = await askOurs();
    return pair(recording, ours, await answerUnder(recording, key, askReference));
  }
  const [ours, theirs] = await Promise.allSettled([(async () => askOurs())(), answerUnder(recording, key, askReference)]);
  if (ours.status === "rejected") throw ours.reason;
  if (theirs.status === "rejected") throw theirs.reason;
  return pair(recording, ours.value, theirs.value);
}

function pair<T>(recording: Recording, ours: T, { recorded, live }: { recorded: T; live: T | undefined }): [T, T] {
  return live === undefined ? [recording.comparable(ours), recorded] : [ours, live];
}
