/** Requests about streams. Source: reference, jetstream §1.3, §1.4, §1.11. */

import { encode } from "../../base/bytes/ascii.ts";
import type { Nanoseconds } from "../../base/clock/nanoseconds.ts";
import { StreamedList } from "../../base/go/json-stream.ts";
import type { Job } from "../../base/scheduling/job.ts";
import { HeaderKey } from "../../messaging/header/header-read.ts";
import { collide } from "../../messaging/subject/subject-overlap.ts";
import { StoreState } from "../../store/contract/store-state.ts";
import type { OfflineStream } from "../account/offline-stream.ts";
import { decideCreate } from "../config/create-stream.ts";
import { answeredMetadata } from "../config/metadata.ts";
import { type Integer, STREAM_CONFIG_REQUEST } from "../config/stream-config.ts";
import { decideUpdate } from "../config/update-stream.ts";
import { ApiError, apiError, type WrappingErrorName, wrapped } from "../error/api-error.ts";
import { sequenceOf } from "../stream/get-request.ts";
import type { Stream } from "../stream/stream.ts";
import { type StateDetails, streamInfoValue, streamStateValue } from "./answers.ts";
import { type ApiRequest, DelayedError, type Endpoint } from "./api-request.ts";
import { isEmptyRequest, isJson } from "./decode-request.ts";
import {
  checkPurge,
  pageOf,
  STREAM_INFO_REQUEST,
  STREAM_LIST_REQUEST,
  STREAM_NAMES_REQUEST,
  STREAM_PURGE_REQUEST,
  type StreamPurgeRequest,
} from "./requests.ts";

const NAMES_LIMIT = 1024;
const LIST_LIMIT = 256;
const SUBJECTS_LIMIT = 100_000;
const RESPONSE_TYPE = new HeaderKey("Nats-Response-Type");

/** What answers say about the server. */
export interface AnsweringServer {
  readonly version: string;
  readonly name: string;
}

/** Resolves when everything that the stream has applied is durable. */
export function durable(stream: Stream): Promise<void> {
  return new Promise(resolve => stream.whenDurable(resolve));
}

/** Changes a stream durably. @throws ApiError of that name if the disk fails */
export async function changed<T>(stream: Stream, failure: WrappingErrorName, job: Job<T>): Promise<T> {
  try {
    return await stream.changeDurably(job);
  } catch (error) {
    throw wrapped(failure, (error as Error).message);
  }
}

function infoOf(
  stream: Stream,
  server: AnsweringServer,
  more: { details?: StateDetails; leader?: string; dynamic?: boolean; domain?: string },
): object {
  const { config, created, host, store } = stream;
  const now = host.nanoseconds.read();
  const { details = {}, dynamic = true, leader = "", domain = host.domain } = more;
  return streamInfoValue({
    config: dynamic ? { ...config, metadata: answeredMetadata(config.metadata, server.version) } : config,
    createdHigh: created.high,
    createdLow: created.low,
    state: streamStateValue(store.state, 0, details),
    domain,
    leader,
    timeHigh: now.high,
    timeLow: now.low,
  });
}

/** As in the reference, a create with the configuration of a stream that is not supported is answered as if the stream were empty. */
function offlineInfoOf({ config, created }: OfflineStream, now: Nanoseconds, { version }: AnsweringServer): object {
  return streamInfoValue({
    config: { ...config, metadata: answeredMetadata(config.metadata, version) },
    createdHigh: created.high,
    createdLow: created.low,
    state: streamStateValue(new StoreState(), 0),
    domain: "",
    leader: "",
    timeHigh: now.high,
    timeLow: now.low,
  });
}

export function streamEndpoints(server: AnsweringServer): Readonly<Record<string, Endpoint>> {
  return {
    "STREAM.CREATE.*": { kind: "streamCreate", changes: true, handle: request => create(request, server) },
    "STREAM.UPDATE.*": { kind: "streamUpdate", changes: true, handle: request => update(request, server) },
    "STREAM.NAMES": { kind: "streamNames", changes: false, handle: names },
    "STREAM.LIST": { kind: "streamList", changes: false, handle: request => list(request, server) },
    "STREAM.INFO.*": { kind: "streamInfo", changes: false, handle: request => info(request, server) },
    "STREAM.DELETE.*": { kind: "streamDelete", changes: true, handle: remove },
    "STREAM.PURGE.*": { kind: "streamPurge", changes: true, handle: purge },
  };
}

/** Whether the answer shall look like that of a creation. */
export function wantsCreateAnswer({ service }: ApiRequest): boolean {
  return service.headerText(RESPONSE_TYPE) === "create";
}

async function create(request: ApiRequest, server: AnsweringServer): Promise<object> {
  const { account, jetStream } = request;
  const given = request.decode(STREAM_CONFIG_REQUEST);
  const decision = decideCreate(given, request.name, account);
  const stored = account.offline.get(request.name);
  // What a damaged file said cannot be compared.
  const isUnknown = stored !== undefined && !stored.isUnsupported && (!(decision instanceof ApiError) || decision.is("StreamNameExist"));
  if (isUnknown) throw apiError("StreamOfflineReason", { err: stored.reason });
  if (decision instanceof ApiError) throw decision;
  if (decision.exists) {
    if (stored !== undefined) return { ...offlineInfoOf(stored, jetStream.nanoseconds.read(), server), did_create: true };
    const existing = request.stream;
    if (existing === undefined) throw apiError("StreamNotFound");
    await durable(existing);
    return { ...infoOf(existing, server, { domain: "" }), did_create: true };
  }
  const stream = await jetStream.create(account, decision.config);
  if (stream instanceof ApiError) throw stream;
  await durable(stream);
  return { ...infoOf(stream, server, { domain: "" }), did_create: true };
}

async function update(request: ApiRequest, server: AnsweringServer): Promise<object> {
  const { account, jetStream, name } = request;
  const given = request.decode(STREAM_CONFIG_REQUEST);
  const { stream } = request;
  const stored = account.offline.get(name);
  const existing =
    stream !== undefined
      ? { config: stream.config, offlineReason: null, consumers: () => [] }
      : stored === undefined
        ? null
        : { config: stored.config, offlineReason: stored.reason, consumers: () => [] };
  const config = decideUpdate(given, name, existing, account);
  if (config instanceof ApiError) throw config.is("StreamOfflineReason") ? new DelayedError(config) : config;
  const failed = await jetStream.update(account, stream!, config);
  if (failed !== null) throw failed;
  await durable(stream!);
  return infoOf(stream!, server, {});
}

/** @throws ApiError, DelayedError  there is no such stream, or it cannot be used */
export function streamOf(request: ApiRequest): Stream {
  const { stream } = request;
  if (stream !== undefined) return stream;
  const stored = request.account.offline.get(request.name);
  throw stored === undefined ? apiError("StreamNotFound") : new DelayedError(apiError("StreamOfflineReason", { err: stored.reason }));
}

/** Streams with a subject that collides with a filter, sorted by name. */
function matching({ account }: ApiRequest, filter: string): string[] {
  const all = [...account.streams.keys(), ...account.offline.keys()].sort();
  if (filter === "") return all;
  return all.filter(name => account.configOf(name)!.subjects.some(subject => collidesWith(filter, subject)));
}

/** @param filter of a request: it need not be valid */
function collidesWith(filter: string, subject: string): boolean {
  const tokens = filter.split(".");
  const others = subject.split(".");
  if (tokens.slice(0, -1).includes(">") && others.some(isWildcard)) return innerFullCollides(tokens, others);
  const [wanted, bytes] = [encode(filter), encode(subject)];
  return collide(wanted, 0, wanted.length, bytes, 0, bytes.length);
}

/** A `>` before the end of a filter stands for one token when the other subject has wildcards, too. Source: reference, `SubjectsCollide`. */
function innerFullCollides(filter: readonly string[], subject: readonly string[]): boolean {
  if (subject.length < filter.length && !subject.includes(">")) return false;
  const count = Math.min(filter.length, subject.length);
  return filter.slice(0, count).every((token, index) => {
    const other = subject[index]!;
    return token !== "" && other !== "" && (isWildcard(token) || isWildcard(other) || token === other);
  });
}

function isWildcard(token: string): boolean {
  return token === "*" || token === ">";
}

function names(request: ApiRequest): object {
  const { offset, subject } = isJson(request.body) ? request.decode(STREAM_NAMES_REQUEST) : STREAM_NAMES_REQUEST.zero();
  const found = matching(request, subject);
  const page = pageOf(offset, found.length, NAMES_LIMIT);
  const streams = found.slice(page.offset, page.end);
  return { total: found.length, offset: page.offset, limit: NAMES_LIMIT, streams: streams.length === 0 ? null : streams };
}

async function list(request: ApiRequest, server: AnsweringServer): Promise<object> {
  const { account } = request;
  const { offset, subject } = isJson(request.body) ? request.decode(STREAM_LIST_REQUEST) : STREAM_LIST_REQUEST.zero();
  const found = matching(request, subject);
  const { offset: first } = pageOf(offset, found.length, LIST_LIMIT);
  const shown: Stream[] = [];
  const unusable: string[] = [];
  for (const name of found.slice(first)) {
    const stream = account.streams.get(name);
    if (stream === undefined) unusable.push(name);
    else shown.push(stream);
    if (shown.length >= LIST_LIMIT) break;
  }
  await Promise.all(shown.map(durable));
  return {
    total: found.length,
    offset: first,
    limit: LIST_LIMIT,
    streams: new StreamedList(shown.map(stream => infoOf(stream, server, { dynamic: false }))),
    missing: unusable.length === 0 ? undefined : unusable,
    offline: unusable.length === 0 ? undefined : Object.fromEntries(unusable.map(name => [name, account.offline.get(name)!.reason])),
  };
}

async function info(request: ApiRequest, server: AnsweringServer): Promise<object> {
  const given = isJson(request.body) ? request.decode(STREAM_INFO_REQUEST) : STREAM_INFO_REQUEST.zero();
  const stream = streamOf(request);
  await durable(stream);
  let paged: { total: number; offset: Integer; limit: number } = { total: 0, offset: 0, limit: 0 };
  let subjects: StateDetails["subjects"];
  if (given.subjectsFilter !== "") {
    const { offset } = pageOf(given.offset, Number.MAX_SAFE_INTEGER, SUBJECTS_LIMIT);
    const { found, totals } = await stream.host.run(stream.store.subjectTotals(given.subjectsFilter, offset, SUBJECTS_LIMIT));
    if (found > 0) {
      paged = { total: found, offset: given.offset < 0 ? offset : given.offset, limit: SUBJECTS_LIMIT };
      subjects = totals.map(({ messages, subject }) => [subject, messages] as const);
    }
  }
  const deleted = given.deletedDetails ? await stream.host.run(stream.store.deleted()) : undefined;
  const details: StateDetails = { ...(subjects === undefined ? {} : { subjects }), ...(deleted === undefined ? {} : { deleted }) };
  return { ...paged, ...infoOf(stream, server, { details, leader: server.name }) };
}

async function remove(request: ApiRequest): Promise<object> {
  if (!isEmptyRequest(request.body)) throw apiError("NotEmptyRequest");
  const { account, jetStream, stream } = request;
  const failed = stream === undefined ? await jetStream.deleteOffline(account, request.name) : await jetStream.delete(account, stream);
  if (failed !== null) throw failed;
  return { success: true };
}

async function purge(request: ApiRequest): Promise<object> {
  const given = isJson(request.body) ? request.decode(STREAM_PURGE_REQUEST) : STREAM_PURGE_REQUEST.zero();
  const refused = checkPurge(given);
  if (refused !== null) throw refused;
  const { stream } = request;
  if (stream === undefined) {
    throw request.account.offline.has(request.name) ? apiError("StreamGeneral", { err: "stream closed" }) : apiError("StreamNotFound");
  }
  const { config } = stream;
  if (config.sealed) throw apiError("StreamSealed");
  if (config.denyPurge) throw apiError("StreamPurgeFailed", { err: "stream purge not permitted" });
  const filter = given.filter === "" ? null : given.filter;
  const job = stream.store.purge(filter, sequenceOf(given.sequence), sequenceOf(given.keep));
  const purged = await changed(stream, "StreamPurgeFailed", job);
  if (reportsUsage(stream, given)) request.account.addUsage(stream, 0);
  return { success: true, purged };
}

/**
 * Whether a purge reports to the account what it removed, even if that is nothing: from then on the limits of the account are in force. As in
 * the reference.
 */
function reportsUsage({ config, store }: Stream, { filter, keep, sequence }: StreamPurgeRequest): boolean {
  if ((filter !== "" && filter !== ">") || keep !== 0) return false;
  return sequence === 0 || (config.storage === "memory" && sequence > 1 && store.state.firstSequence <= sequence);
}
