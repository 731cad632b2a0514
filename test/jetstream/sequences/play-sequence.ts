/**
 * Plays a part of a sequence on a server and writes down what it answers.
 *
 *   step ─▶ requests and messages ─▶ answers ─▶ lines of text, without what differs between two servers
 *   end of the part ─▶ what each stream holds, and the advisories of the part
 */

import { decodeJson } from "../../../src/base/go/json-decode.ts";
import { timestamp } from "../../../src/base/go/json-scalars.ts";
import { nanosecondsSince1970, timeText } from "../../../src/base/go/rfc3339.ts";
import { type Answer, hasStatus, isAnswered, type RawClient } from "./raw-client.ts";
import { type Step, textOfStep } from "./step.ts";

/** What a server answered, by step, then the contents of its streams, then advisories. */
export interface PlayedPart {
  readonly titles: readonly string[];
  readonly answers: readonly (readonly string[])[];
  /** Contents of a stream that contradict themselves. */
  readonly faults: readonly string[];
}

/** Sequences of a stream that are read at the end of a part, at most. */
const READ_MAX = 400;
const NO_SUCH_TIME = "2020-01-01T00:00:00Z";
/** Those of streams arrive later in nats-server, in no order with answers. */
const ADVISORIES = "$JS.EVENT.ADVISORY.API";

export async function playPart(client: RawClient, steps: readonly Step[]): Promise<PlayedPart> {
  await client.subscribe("copy.>", ADVISORIES);
  const titles: string[] = [];
  const answers: string[][] = [];
  const advisories: string[] = [];
  for (const step of steps) {
    const texts = await play(client, step);
    titles.push(textOfStep(step));
    const taken = client.taken();
    advisories.push(...taken.filter(isAdvisory).map(advisoryText));
    // Copies of one stream are in order; streams publish theirs independently of each other.
    const copies = taken.filter(message => !isAdvisory(message)).sort((one, other) => streamOf(one).localeCompare(streamOf(other)));
    texts.push(...copies.map(message => `copy ${message.subject} ${answerText(message)}`));
    answers.push(texts);
  }
  const faults: string[] = [];
  for (const [title, texts] of await contents(client, faults)) {
    titles.push(title);
    answers.push(texts);
  }
  await client.untilTaken(client.audited - advisories.length, isAdvisory);
  for (const message of client.taken()) if (isAdvisory(message)) advisories.push(advisoryText(message));
  titles.push("advisories");
  answers.push(advisories.sort());
  return { titles, answers, faults };
}

function isAdvisory({ subject }: Answer): boolean {
  return subject.startsWith("$JS.EVENT.");
}

function streamOf({ header }: Answer): string {
  return /^Nats-Stream: (.*)$/m.exec(header)?.[1] ?? "";
}

async function play(client: RawClient, step: Step): Promise<string[]> {
  switch (step.kind) {
    case "api": {
      const body = await withTimes(client, step.body);
      const got = await client.ask({ subject: `$JS.API.${step.subject}`, header: step.header, payload: latin1(body), replyEnd: "" });
      return got.length === 0 ? ["no answer"] : got.map(answerText);
    }
    case "get": {
      const body = await withTimes(client, step.body);
      const message = { subject: `$JS.API.DIRECT.GET.${step.subject}`, header: "", payload: latin1(body), replyEnd: "" };
      const got = await client.ask(message, isBatch(body) ? hasStatus : isAnswered);
      return got.length === 0 ? ["no answer"] : got.map(answerText);
    }
    case "publish": {
      const all = await client.askAll(step.messages);
      return all.map(got => (got.length === 0 ? "no answer" : got.map(answerText).join(" and ")));
    }
  }
}

function request(subject: string, body: string) {
  return { subject: `$JS.API.${subject}`, header: "", payload: latin1(body), replyEnd: "" };
}

function latin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}

function isBatch(body: string): boolean {
  try {
    const {
      batch = 0,
      multi_last = [],
      last_by_subj = "",
    } = JSON.parse(body) as { batch?: number; multi_last?: unknown[]; last_by_subj?: string };
    return (batch !== 0 && (last_by_subj === "" || batch < 0)) || multi_last.length > 0;
  } catch {
    return false;
  }
}

/** Replaces the times of messages, which differ between two servers. */
async function withTimes(client: RawClient, body: string): Promise<string> {
  let text = body;
  for (const [found, name, sequence, offset] of body.matchAll(/<time of (\w+) (\d+) (-?\d+)>/g)) {
    const [answer] = await client.ask(request(`STREAM.MSG.GET.${name}`, `{"seq":${sequence}}`));
    const { message } = JSON.parse(answer!.payload.toString()) as { message?: { time: string } };
    text = text.replace(found, message === undefined ? NO_SUCH_TIME : moved(message.time, BigInt(offset!)));
  }
  return text;
}

function moved(time: string, nanoseconds: bigint): string {
  const value = nanosecondsSince1970(decodeJson(timestamp, Buffer.from(JSON.stringify(time)))) + nanoseconds;
  return timeText(Number(value >> 32n), Number(value & 0xffff_ffffn));
}

interface Info {
  readonly config: { readonly storage: string };
  readonly state: {
    readonly messages: number;
    readonly bytes: number;
    readonly first_seq: number;
    readonly first_ts: string;
    readonly last_seq: number;
    readonly last_ts: string;
    readonly num_subjects?: number;
    readonly subjects?: Readonly<Record<string, number>>;
    readonly num_deleted?: number;
    readonly deleted?: readonly number[];
  };
}

interface Stored {
  readonly subject: string;
  readonly seq: number;
  readonly hdrs?: string;
  readonly data?: string;
  readonly time: string;
}

/** What each stream holds: its information and all messages. Notes where a stream contradicts itself. */
async function contents(client: RawClient, faults: string[]): Promise<[title: string, answers: string[]][]> {
  const [names] = await client.ask(request("STREAM.NAMES", ""));
  const { streams } = JSON.parse(names!.payload.toString()) as { streams: readonly string[] | null };
  const all: [string, string[]][] = [["streams", [answerText(names!)]]];
  for (const name of streams ?? []) {
    const [answer] = await client.ask(request(`STREAM.INFO.${name}`, '{"deleted_details":true,"subjects_filter":">"}'));
    const info = JSON.parse(answer!.payload.toString()) as Info;
    const { last_seq } = info.state;
    const first = Math.max(1, info.state.first_seq);
    const sequences = Array.from({ length: Math.min(READ_MAX, last_seq - first + 1) }, (_, index) => first + index);
    const got = await client.askAll(sequences.map(seq => request(`STREAM.MSG.GET.${name}`, JSON.stringify({ seq }))));
    const answers = got.map(([message]) => message!);
    all.push([`contents of ${name}`, [answerText(answer!), ...answers.map(answerText)]]);
    const messages = answers.flatMap(({ payload }) => (JSON.parse(payload.toString()) as { message?: Stored }).message ?? []);
    for (const fault of contradictions(info, messages)) faults.push(`${name}: ${fault}`);
  }
  return all;
}

const HEADER_LENGTH_BYTES = 4;
const FILE_BYTES = 30;
const MEMORY_BYTES = 16;

function* contradictions({ config, state }: Info, messages: readonly Stored[]): Iterable<string> {
  const isFile = config.storage === "file";
  const size = (base64 = "") => Buffer.from(base64, "base64").length;
  const bytes = messages.reduce((sum, { data, hdrs, subject }) => {
    const header = size(hdrs) + (isFile && hdrs !== undefined ? HEADER_LENGTH_BYTES : 0);
    return sum + Buffer.byteLength(subject) + header + size(data) + (isFile ? FILE_BYTES : MEMORY_BYTES);
  }, 0);
  const subjects: Record<string, number> = {};
  for (const { subject } of messages) subjects[subject] = (subjects[subject] ?? 0) + 1;
  const sequences = new Set(messages.map(({ seq }) => seq));
  const deleted: number[] = state.last_seq === 0 && isFile ? [...(state.deleted ?? [])] : [];
  if (messages.length > 0) for (let seq = state.first_seq; seq <= state.last_seq; seq++) if (!sequences.has(seq)) deleted.push(seq);
  const facts = {
    messages: [state.messages, messages.length],
    bytes: [state.bytes, bytes],
    num_subjects: [state.num_subjects ?? 0, Object.keys(subjects).length],
    num_deleted: [state.num_deleted ?? 0, deleted.length],
    deleted: [JSON.stringify(state.deleted ?? []), JSON.stringify(deleted)],
    subjects: [JSON.stringify(Object.entries(state.subjects ?? {}).sort()), JSON.stringify(Object.entries(subjects).sort())],
    first_ts: messages.length === 0 ? ["", ""] : [state.first_ts, messages[0]!.time],
    last_ts: messages.at(-1)?.seq === state.last_seq ? [state.last_ts, messages.at(-1)!.time] : ["", ""],
  };
  for (const [fact, [said, is]] of Object.entries(facts)) if (said !== is) yield `${fact} is ${is} and ${said} is said`;
}

function advisoryText(message: Answer): string {
  return `${message.subject} ${comparable(message.payload.toString())}`;
}

function answerText({ header, payload }: Answer): string {
  const text = header === "" ? "" : `${comparable(header)} | `;
  const body = payload.toString("latin1");
  return text + (body.startsWith("{") ? comparable(payload.toString()) : body);
}

const REPLACEMENTS: readonly (readonly [pattern: RegExp, by: string])[] = [
  // The file store of nats-server counts sequence 0 of a stream that never had a message as deleted (docs/differences.md).
  [/\\?"num_deleted\\?":1,\\?"deleted\\?":\[0\],/g, ""],
  // A stream that never had a message, but a first sequence, has a last time in nats-server after a restart only (docs/differences.md).
  [/(\\?"messages\\?":0,[^{}]*?\\?"last_ts\\?":)\\?"[^"]*"/g, "$1…"],
  // A purge before the first message makes the first sequence 1; ours forgets that when it restarts (docs/differences.md).
  [
    /(\\?"messages\\?":0,\\?"bytes\\?":0,\\?"first_seq\\?":)[01](,\\?"first_ts\\?":\\?"0001-01-01T00:00:00Z\\?",\\?"last_seq\\?":0)/g,
    "$1…$2",
  ],
  // The zero time stays.
  [/(?!0001)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "<time>"],
  [/\\?"(id|start|rtt|server|server_id|inflight|_nats\.ver|host)\\?":(\\?"[^"\\]*\\?"|\d+)/g, '"$1":…'],
];

/** Without what differs between two servers. */
function comparable(text: string): string {
  return REPLACEMENTS.reduce((left, [pattern, by]) => left.replace(pattern, by), text);
}
