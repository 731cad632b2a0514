/**
 * Answers of the JetStream API as plain values in the order in which they are written.
 *
 *   answer("streamDelete", { success: true })       {"type":"io.nats.jetstream.api.v1.stream_delete_response","success":true}
 *   refusal("streamNames", error)                   {"type":…,"error":{…},"total":0,"offset":0,"limit":0,"streams":null}
 * Write them with `compactGoJson`; those with `StreamedList` or `StreamedMap` in them piece by piece with `jsonPieces`. A field with the value
 * undefined is omitted.
 * Source: jetstream §1.3, §2.4, §7.1, §11.
 */
import { StreamedList, StreamedMap } from "../../base/go/json-stream.ts";
import { exactInteger } from "../../base/go/json-writer.ts";
import { timeText } from "../../base/go/rfc3339.ts";
import type { Message } from "../../store/contract/message.ts";
import type { StoreState } from "../../store/contract/store-state.ts";
import type { JetStreamLimits } from "../config/account-limits.ts";
import { API_LEVEL } from "../config/metadata.ts";
import { type StreamConfig, streamConfigValue } from "../config/stream-config.ts";
import type { ApiError } from "../error/api-error.ts";

const PAGED = { total: 0, offset: 0, limit: 0 };

/** Per request: its type, and the fields that its answer has even when it is refused. */
const ANSWERS = {
  system: ["system_response", {}],
  accountInfo: ["account_info_response", {}],
  streamCreate: ["stream_create_response", {}],
  streamUpdate: ["stream_update_response", {}],
  streamNames: ["stream_names_response", { ...PAGED, streams: null }],
  streamList: ["stream_list_response", { ...PAGED, streams: [] }],
  streamInfo: ["stream_info_response", PAGED],
  streamDelete: ["stream_delete_response", {}],
  streamPurge: ["stream_purge_response", { purged: 0 }],
  messageGet: ["stream_msg_get_response", {}],
  messageDelete: ["stream_msg_delete_response", {}],
  streamSnapshot: ["stream_snapshot_response", {}],
  streamRestore: ["stream_restore_response", { deliver_subject: "" }],
  streamRemovePeer: ["stream_remove_peer_response", {}],
  streamEvacuatePeer: ["stream_evacuate_peer_response", {}],
  streamCancelMove: ["stream_cancel_move_response", {}],
  streamStepDown: ["stream_leader_stepdown_response", {}],
  consumerStepDown: ["consumer_leader_stepdown_response", {}],
  consumerRemovePeer: ["consumer_remove_peer_response", {}],
  consumerEvacuatePeer: ["consumer_evacuate_peer_response", {}],
  consumerCreate: ["consumer_create_response", {}],
  consumerNames: ["consumer_names_response", { ...PAGED, consumers: [] }],
  consumerList: ["consumer_list_response", { ...PAGED, consumers: [] }],
  consumerInfo: ["consumer_info_response", {}],
  consumerDelete: ["consumer_delete_response", {}],
  consumerPause: ["consumer_pause_response", { paused: false, pause_until: "0001-01-01T00:00:00Z" }],
  consumerReset: ["consumer_reset_response", {}],
  consumerUnpin: ["consumer_unpin_response", {}],
  accountPurge: ["account_purge_response", {}],
} as const satisfies Record<string, readonly [type: string, refused: object]>;

export type AnswerKind = keyof typeof ANSWERS;

/** The value of the field `type`. */
export function answerType(kind: AnswerKind): string {
  return `io.nats.jetstream.api.v1.${ANSWERS[kind][0]}`;
}

export function answer(kind: AnswerKind, fields: object): object {
  return { type: answerType(kind), ...fields };
}

export function refusal(kind: AnswerKind, error: ApiError): object {
  return { type: answerType(kind), error, ...ANSWERS[kind][1] };
}

const ZERO_TIME_TEXT = "0001-01-01T00:00:00Z";

/** Go's zero time, if both halves are 0. */
function timeOrNone(high: number, low: number): string {
  return high === 0 && low === 0 ? ZERO_TIME_TEXT : timeText(high, low);
}

function* sequencesIn(runs: readonly number[]): Generator<number> {
  for (let index = 0; index < runs.length; index += 2) {
    for (let offset = 0; offset < runs[index + 1]!; offset++) yield runs[index]! + offset;
  }
}

function unlessZero(count: number): number | undefined {
  return count === 0 ? undefined : count;
}

/** Details that a request may ask for. */
export interface StateDetails {
  /** Sorted by their bytes; empty: omitted. */
  readonly subjects?: readonly (readonly [subject: string, messages: number])[];
  /** Runs of sequences without a message, ascending: first sequence, length, first sequence, length … */
  readonly deleted?: readonly number[];
}

export function streamStateValue(state: StoreState, consumers: number, details: StateDetails = {}): object {
  const { subjects = [], deleted = [] } = details;
  const { lostSequences, lostBytes } = state;
  return {
    messages: state.messages,
    bytes: state.bytes,
    first_seq: state.firstSequence,
    first_ts: timeOrNone(state.firstTimeHigh, state.firstTimeLow),
    last_seq: state.lastSequence,
    last_ts: timeOrNone(state.lastTimeHigh, state.lastTimeLow),
    num_subjects: unlessZero(state.subjects),
    subjects: subjects.length === 0 ? undefined : new StreamedMap(subjects),
    num_deleted: unlessZero(state.deleted),
    deleted: deleted.length === 0 ? undefined : new StreamedList(sequencesIn(deleted)),
    lost: lostSequences.length === 0 ? undefined : { msgs: lostSequences, bytes: lostBytes },
    consumer_count: consumers,
  };
}

/** What is known about one stream. Times are nanoseconds since 1970, in halves. */
export interface StreamInfo {
  /** With the metadata that the answer shall have. */
  readonly config: StreamConfig;
  readonly createdHigh: number;
  readonly createdLow: number;
  /** See `streamStateValue`. */
  readonly state: object;
  /** Empty: omitted. Only in answers of INFO and UPDATE. */
  readonly domain: string;
  /** The server's name, in answers of INFO, where the reference writes it also without a cluster; empty: omitted. */
  readonly leader: string;
  /** Now. */
  readonly timeHigh: number;
  readonly timeLow: number;
}

export function streamInfoValue(info: StreamInfo): object {
  return {
    config: streamConfigValue(info.config),
    created: timeText(info.createdHigh, info.createdLow),
    state: info.state,
    domain: info.domain === "" ? undefined : info.domain,
    cluster: info.leader === "" ? undefined : { leader: info.leader },
    ts: timeText(info.timeHigh, info.timeLow),
  };
}

/** The field `message` of STREAM.MSG.GET. @param noHeaders the request asked for none */
export function storedMessageValue(message: Message, noHeaders: boolean): object {
  const base64 = (bytes: Uint8Array, start: number, end: number) =>
    start === end ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("base64");
  const { subject, header, payload } = message;
  return {
    subject: Buffer.from(subject.buffer, subject.byteOffset + message.subjectStart, message.subjectSize).toString(),
    seq: message.sequence,
    hdrs: noHeaders ? undefined : base64(header, message.headerStart, message.headerEnd),
    data: base64(payload, message.payloadStart, message.payloadEnd),
    time: timeText(message.timeHigh, message.timeLow),
  };
}

/** Use of JetStream by an account, or by one of its tiers. */
export interface TierUsage {
  readonly memoryBytes: number;
  readonly storageBytes: number;
  readonly memoryReserved: number | bigint;
  readonly storageReserved: number | bigint;
  readonly streams: number;
  readonly consumers: number;
  /** Null: no limits are shown, as for the totals of an account with tiers. */
  readonly limits: JetStreamLimits | null;
}

export interface AccountUsage {
  readonly totals: TierUsage;
  /** Empty: omitted. */
  readonly domain: string;
  readonly requests: number;
  readonly errors: number;
  readonly inFlight: number;
  /** By tier, `R1` …; empty: omitted. */
  readonly tiers: ReadonlyMap<string, TierUsage>;
}

export function accountInfoValue({ totals, domain, requests, errors, inFlight, tiers }: AccountUsage): object {
  return {
    ...tierValue(totals),
    domain: domain === "" ? undefined : domain,
    api: { level: API_LEVEL, total: requests, errors, inflight: unlessZero(inFlight) },
    tiers: tiers.size === 0 ? undefined : Object.fromEntries([...tiers].sort(byName).map(([name, usage]) => [name, tierValue(usage)])),
  };
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}

function tierValue(usage: TierUsage): object {
  return {
    memory: usage.memoryBytes,
    storage: usage.storageBytes,
    reserved_memory: exactInteger(usage.memoryReserved),
    reserved_storage: exactInteger(usage.storageReserved),
    streams: usage.streams,
    consumers: usage.consumers,
    limits: limitsValue(usage.limits ?? NO_LIMITS),
  };
}

const NO_LIMITS: JetStreamLimits = {
  memoryBytesMax: 0,
  storageBytesMax: 0,
  streamsMax: 0,
  consumersMax: 0,
  ackPendingMax: 0,
  memoryStreamBytesMax: 0,
  storageStreamBytesMax: 0,
  streamBytesRequired: false,
};

/** Limits of an account as in its information, and in /jsz. */
export function limitsValue(limits: JetStreamLimits): object {
  return {
    max_memory: exactInteger(limits.memoryBytesMax),
    max_storage: exactInteger(limits.storageBytesMax),
    max_streams: exactInteger(limits.streamsMax),
    max_consumers: exactInteger(limits.consumersMax),
    max_ack_pending: exactInteger(limits.ackPendingMax),
    memory_max_stream_bytes: exactInteger(limits.memoryStreamBytesMax),
    storage_max_stream_bytes: exactInteger(limits.storageStreamBytesMax),
    max_bytes_required: limits.streamBytesRequired,
  };
}
