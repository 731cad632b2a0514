/**
 * Calls of the JavaScript clients of JetStream, as tables. A step is a sentence and a call; what the call returns, or the error it throws,
 * becomes one line of text. Steps of one table run in order on one server, so that later ones see what earlier ones did.
 *
 *   STREAM_STEPS ── play ──▶ ["add: {\"config\":…}", "add again with other options: StreamNameExist …"]
 *   The lines of our server are compared with those of nats-server, under Bun and under Node.
 */
import { JetStreamApiError, type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import type { ConnectionOptions, NatsConnection } from "@nats-io/nats-core";

export interface StepTools {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly kvm: Kvm;
}

export type Step = readonly [sentence: string, call: (tools: StepTools) => unknown];

type Connect = (options: ConnectionOptions) => Promise<NatsConnection>;

const ANSWER_MS = 60_000;

/** Runs the steps against the server at this port. @returns one line for each */
export async function playSteps(steps: readonly Step[], connect: Connect, port: number): Promise<string[]> {
  const connection = await connect({ servers: `127.0.0.1:${port}`, user: "A0", pass: "A0", reconnect: false });
  try {
    const js = jetstream(connection, { timeout: ANSWER_MS });
    const jsm = await jetstreamManager(connection, { timeout: ANSWER_MS });
    const tools = { connection, js, jsm, kvm: new Kvm(js) };
    const lines: string[] = [];
    for (const [sentence, call] of steps) lines.push(`${sentence}: ${await resultOf(() => call(tools))}`);
    return lines;
  } finally {
    await connection.close();
  }
}

async function resultOf(call: () => unknown): Promise<string> {
  try {
    return JSON.stringify(await plain(await call())) ?? "nothing";
  } catch (error) {
    if (error instanceof TypeError) throw error; // a fault of the step
    return errorText(error);
  }
}

/** All items of a list of a client. Node 20 has no `Array.fromAsync`. */
export async function itemsOf<T>(list: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of list) items.push(item);
  return items;
}

/** Class, codes and text of an error: what a program decides by. */
function errorText(error: unknown): string {
  if (!(error instanceof Error)) return `thrown: ${String(error)}`;
  const codes = error instanceof JetStreamApiError ? ` ${error.status}/${error.code}` : "";
  const code = "code" in error && codes === "" ? ` ${String(error.code)}` : "";
  return `${error.constructor.name}${codes}${code}: ${error.message}`;
}

/** The value with everything read from it that JSON does not show: bytes as text, headers, iterators, fields behind getters. */
async function plain(value: unknown): Promise<unknown> {
  if (value === null || typeof value !== "object") return value;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return Promise.all(value.map(plain));
  if (Symbol.asyncIterator in value) return plain(await itemsOf(value as AsyncIterable<unknown>));
  if (value instanceof Map || isHeaders(value)) return Object.fromEntries([...value].sort());
  const fields: Record<string, unknown> = {};
  for (const name of shownFields(value)) fields[name] = await plain((value as Record<string, unknown>)[name]);
  return fields;
}

function isHeaders(value: object): value is Iterable<[string, string[]]> {
  return Symbol.iterator in value;
}

/** Fields of messages and of entries of buckets are getters of their classes. */
const SHOWN_GETTERS = [
  "subject",
  "seq",
  "header",
  "data",
  "timestamp",
  "lastSequence",
  "pending",
  "bucket",
  "key",
  "value",
  "revision",
  "operation",
  "length",
  "rawKey",
  "values",
  "history",
  "ttl",
  "markerTTL",
  "backingStore",
  "storage",
  "replicas",
  "description",
  "maxValueSize",
  "max_bytes",
  "compression",
  "size",
  "metadata",
  "republish",
  "streamInfo",
]; // prettier-ignore

function shownFields(value: object): string[] {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null || prototype === Object.prototype) return Object.keys(value);
  return SHOWN_GETTERS.filter(name => name in value);
}
