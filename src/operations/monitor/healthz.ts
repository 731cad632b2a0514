/**
 * `/healthz`: the server's health. It accepts connections, JetStream runs if it is on, and each of its streams can be used:
 *
 *   options ─▶ listeners ─ js-server-only? ─▶ JetStream ─ js-enabled-only? ─▶ accounts ─▶ streams on the disk, of all or of the one asked for
 * The first fault is the answer, or with `details` the list of all. Without a cluster `js-meta-only` checks everything, as in the reference.
 * What damage took from a stream is listed in `lost` and is no fault: the rest of the stream can be used, and waiting does not help.
 * Source: reference, core §7.8.
 */
import { quoted } from "../../base/go/strconv.ts";
import { inOneGo, PAUSE, Pace, type Sliced } from "../../base/scheduling/sliced.ts";
import { apiError } from "../../jetstream/error/api-error.ts";
import type { HttpAnswer } from "../http/http-answer.ts";
import { countRequest, jsonAnswer, type MonitorContext } from "./endpoint.ts";
import type { JetStreamReport, ReportedAccount } from "./jetstream-report.ts";
import type { MonitoredServer } from "./monitored-server.ts";
import type { Query } from "./query.ts";

/** Streams that are checked at once, in a few milliseconds; more are checked in slices, behind other long answers. */
const THINGS_AT_ONCE_MAX = 20_000;
/** The directory of an account takes as long to read as this number of streams to check. */
const DIRECTORY_WEIGHT = 50;
/** Directory in the store that is no account: where nats-server puts backups while it restores them. */
const SNAPSHOTS = ".snap-staging";
/** Lost sequences that are listed of one stream. */
const LOST_LISTED_MAX = 1_000;

export function healthz(context: MonitorContext, query: Query): HttpAnswer | Sliced<HttpAnswer> {
  countRequest(context, "/healthz");
  const { log } = context.server;
  const enabled = query.flag("js-enabled");
  if (enabled) log.warn("Healthcheck: js-enabled deprecated, use js-enabled-only instead");
  const enabledOnly = query.flag("js-enabled-only") || enabled;
  const serverOnly = query.flag("js-server-only");
  query.flag("js-meta-only");
  query.flag("leaf-remotes-connected"); // there are no leaf remotes yet
  const details = query.flag("details");
  const asked = { account: query.text("account"), stream: query.text("stream"), consumer: query.text("consumer") };
  const checking = answered(context.server, { ...asked, details, enabledOnly, serverOnly });
  return isShort(context.server) ? inOneGo(checking) : checking;
}

function isShort({ jetStream }: MonitoredServer): boolean {
  if (jetStream === null) return true;
  let things = jetStream.storedNames().length * DIRECTORY_WEIGHT;
  for (const account of jetStream.accounts.values()) things += account.streams.size;
  return things <= THINGS_AT_ONCE_MAX;
}

function* answered(server: MonitoredServer, options: HealthzOptions): Sliced<HttpAnswer> {
  const { status_code, ...answer } = yield* healthzOf(server, options);
  if (answer.error !== undefined) server.log.warn(`Healthcheck failed: ${quoted(answer.error)}`);
  if (answer.errors !== undefined) server.log.warn(`Healthcheck failed: ${answer.errors.length} errors`);
  return jsonAnswer(answer, 0, status_code);
}

export interface HealthzOptions {
  /** Empty: all. */
  readonly account: string;
  readonly stream: string;
  readonly consumer: string;
  /** Reports errors as a list. */
  readonly details: boolean;
  /** Checks only that JetStream runs, not its streams. */
  readonly enabledOnly: boolean;
  /** Checks nothing of JetStream. */
  readonly serverOnly: boolean;
}

export interface Health {
  readonly status: string;
  readonly status_code: number;
  readonly error?: string;
  readonly errors?: readonly HealthError[];
  /** Streams that lost messages by damage. */
  readonly lost?: readonly LostMessages[];
}

interface HealthError {
  readonly type: "ACCOUNT" | "BAD_REQUEST" | "CONNECTION" | "CONSUMER" | "JETSTREAM" | "STREAM";
  readonly account?: string;
  readonly stream?: string;
  readonly consumer?: string;
  readonly error: string;
}

interface LostMessages {
  readonly account: string;
  readonly stream: string;
  readonly messages: number;
  /** The first ones, ascending. */
  readonly sequences: readonly number[];
}

/** Errors that end a check, with the status of the answer. */
interface Verdict {
  readonly code: 400 | 404 | 500 | 503;
  readonly errors: readonly HealthError[];
}

const one = (code: Verdict["code"], error: HealthError): Verdict => ({ code, errors: [error] });

export function* healthzOf(server: MonitoredServer, options: HealthzOptions): Sliced<Health> {
  const lost: LostMessages[] = [];
  const verdict = invalidOption(options) ?? notReady(server) ?? (yield* jetStreamVerdict(server, options, lost));
  const shownLost = lost.length === 0 ? {} : { lost };
  if (verdict === null) return { status: "ok", status_code: 200, ...shownLost };
  const { code, errors } = verdict;
  if (options.details) return { status: "error", status_code: code, errors, ...shownLost };
  const unavailable = code === 404 || code === 503;
  return { status: unavailable ? "unavailable" : "error", status_code: code, error: errors[0]!.error, ...shownLost };
}

function invalidOption({ account, stream, consumer }: HealthzOptions): Verdict | null {
  const missing = (name: string, what: string) =>
    one(400, { type: "BAD_REQUEST", error: `"${name}" must not be empty when checking ${what} health` });
  if (account === "" && stream !== "") return missing("account", "stream");
  if (stream === "" && consumer !== "") return missing("stream", "consumer");
  return null;
}

/** Null when all listeners accept connections. */
function notReady({ missingListeners }: MonitoredServer): Verdict | null {
  if (missingListeners.length === 0) return null;
  return one(500, { type: "CONNECTION", error: `failed to be ready for connections after 1ms: ${missingListeners.join(", ")}` });
}

/** @param lost the lost messages of the streams that were checked are added */
function* jetStreamVerdict(server: MonitoredServer, options: HealthzOptions, lost: LostMessages[]): Sliced<Verdict | null> {
  const { jetStream } = server;
  if (options.serverOnly || !server.options.jetStream.enabled) return null;
  if (jetStream === null) {
    return one(503, { type: "JETSTREAM", error: String(apiError("NotEnabled")) });
  }
  return options.enabledOnly ? null : yield* streamsVerdict(jetStream, options, lost);
}

function* streamsVerdict(jetStream: JetStreamReport, options: HealthzOptions, lost: LostMessages[]): Sliced<Verdict | null> {
  const { account, stream, consumer, details } = options;
  const names = accountNames(jetStream).filter(name => account === "" || name === account);
  const errors: HealthError[] = [];
  const pace = new Pace();
  let [hasAccount, found] = [false, false];
  for (const name of names) {
    if (pace.due(DIRECTORY_WEIGHT)) yield PAUSE;
    // nats-server removes empty directories at its start.
    if (!jetStream.accounts.has(name) && !jetStream.holdsFiles(name)) continue;
    hasAccount = true;
    const known = jetStream.accountOf(name);
    if (known?.expired) {
      if (account === "") continue;
      return { code: 503, errors: [...errors, { type: "ACCOUNT", account: name, error: `JetStream account '${name}' is expired` }] };
    }
    if (known === null) {
      errors.push({ type: "ACCOUNT", account: name, error: `JetStream account '${name}' could not be resolved` });
      if (details) continue;
      return { code: 503, errors };
    }
    const reported = jetStream.accounts.get(name);
    for (const streamName of jetStream.storedStreams(name)) {
      if (pace.due()) yield PAUSE;
      if (stream !== "" && streamName !== stream) continue;
      found = true;
      const error = streamFault(name, reported, streamName);
      if (error !== null) errors.push({ type: "STREAM", account: name, stream: streamName, error });
      const damage = lostOf(name, reported, streamName);
      if (damage !== null) lost.push(damage);
      if (errors.length > 0 && !details) return { code: 503, errors };
    }
  }
  if (account !== "" && !hasAccount) {
    return one(404, { type: "ACCOUNT", account, error: `JetStream account ${quoted(account)} not found` });
  }
  if (stream !== "" && !found) {
    const error = `JetStream stream ${quoted(stream)} not found on account ${quoted(account)}`;
    return one(404, { type: "STREAM", account, stream, error });
  }
  if (consumer !== "") {
    const error = `JetStream consumer ${quoted(consumer)} not found for stream ${quoted(stream)} on account ${quoted(account)}`;
    return one(404, { type: "CONSUMER", account, stream, consumer, error }); // there are no consumers yet
  }
  return errors.length === 0 ? null : { code: 503, errors };
}

/** As in the reference, each directory in the store's counts as an account, which has a directory there as soon as it has JetStream. */
function accountNames(jetStream: JetStreamReport): string[] {
  return [...new Set([...jetStream.storedNames(), ...jetStream.accounts.keys()])].filter(name => name !== SNAPSHOTS).sort();
}

/** @returns the error of a stream that cannot be used, or null */
function streamFault(account: string, reported: ReportedAccount | undefined, name: string): string | null {
  const label = `JetStream stream '${account} > ${name}'`;
  if (reported?.offline.get(name)?.isUnsupported) return null;
  const stream = reported?.streams.get(name);
  if (stream === undefined) return `${label} could not be recovered`;
  const { failure } = stream.store;
  return failure === null ? null : `${label} write error: ${failure.message}`;
}

function lostOf(account: string, reported: ReportedAccount | undefined, name: string): LostMessages | null {
  const sequences = reported?.streams.get(name)?.store.state.lostSequences ?? [];
  if (sequences.length === 0) return null;
  return { account, stream: name, messages: sequences.length, sequences: sequences.slice(0, LOST_LISTED_MAX) };
}
