/** A pending answer from one account to another, and the interfaces that it needs of the service and of both accounts. */
import { latin1 } from "../../base/bytes/ascii.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import type { LocalPublisher } from "../../messaging/fanout/local-publisher.ts";
import type { SubjectMappings } from "../../messaging/mapping/subject-mappings.ts";
import type { SubjectTrie } from "../../messaging/subject/subject-trie.ts";
import type { Trade } from "../trade/trade.ts";
import type { LatencyOptions, ResponseType } from "../trade/trade-options.ts";
import type { AccountHost } from "./account-host.ts";

/** Outcome of a pending answer. */
export enum ResponseEnd {
  /** The answer arrived. */
  Answered,
  /** The answer arrived but had no receiver. */
  Undelivered,
  TimedOut,
  /** The requester no longer waits. */
  InterestLost,
}

/** Measures the latency of a pending answer. */
export interface AnswerWatcher {
  readonly options: LatencyOptions;
  /** The answer arrived, from the batch's originator. @returns whether the entry may be removed after delivery */
  onAnswer(batch: MessageBatch): boolean;
  /** The answer was delivered or had no receiver. */
  afterAnswer(): void;
  onEnd(end: ResponseEnd): void;
}

/** A service that an account offers to others. */
export interface OfferedService {
  readonly responseType: ResponseType;
  /** null: not measured. */
  readonly latency: LatencyOptions | null;
  readonly allowTrace: boolean;
  /** Starts the expiry check for a new pending answer. */
  watch(): void;
}

/** The pending answers of an account: those that its services must send, and those that its clients await. */
export interface PendingAnswers {
  /** Registers an answer that a service of this account must send to the requester. */
  add(
    requester: TradingAccount,
    reply: Uint8Array,
    from: OfferedService | null,
    type: ResponseType,
    share: boolean,
    measured?: boolean,
  ): Response;
  /** Removes a pending answer of this account's services. */
  remove(response: Response, end: ResponseEnd): void;
  /** Removes answers of one service that are not newer than `before`. @param onDone called at the end with the number of those that remain */
  expire(of: OfferedService, before: number, onDone: (left: number) => void): void;
  /** Registers an answer that this account's clients await. */
  await(response: Response): void;
  stopAwaiting(response: Response): void;
}

/** The view of an account that exports, imports and pending answers use. */
export interface TradingAccount {
  readonly name: string;
  readonly host: AccountHost;
  readonly interest: SubjectTrie<Subscription>;
  readonly publisher: LocalPublisher;
  /** null: none. */
  readonly mappings: SubjectMappings | null;
  readonly trade: Trade;
  readonly serviceExports: ReadonlyMap<string, OfferedService>;
  readonly responses: PendingAnswers;
  /** The account's claims have expired: its services do not answer. */
  readonly expired: boolean;
  nextEventId(): string;
  publishEvent(subject: string, header: Uint8Array | null, payload: string | Uint8Array): void;
}

/** One pending answer, or one stream of answers. */
export class Response {
  /** Subject in the responder's account. */
  readonly address: Uint8Array;
  /** Reply subject in the requester's account. Answers on one reply subject share its bytes. */
  reply: Uint8Array;
  readonly responder: TradingAccount;
  readonly requester: TradingAccount;
  /** null: a server-internal import without an export. */
  readonly export: OfferedService | null;
  readonly type: ResponseType;
  readonly share: boolean;
  /** Answers keep the responder's headers, so this step adds no Nats-Request-Info. */
  readonly addsRequestInfo = false;
  /** Time of the request or of the last answer. Monotonic, ms. */
  at: number;
  /** null: the latency is not measured. */
  watcher: AnswerWatcher | null = null;
  /** Neighbours in the responder's list of pending answers, by the time of their requests. */
  older: Response | null = null;
  newer: Response | null = null;
  /** Neighbours in the requester's list of answers on the same reply subject. */
  previousAwaited: Response | null = null;
  nextAwaited: Response | null = null;

  constructor(
    address: Uint8Array,
    reply: Uint8Array,
    responder: TradingAccount,
    requester: TradingAccount,
    from: OfferedService | null,
    type: ResponseType,
    share: boolean,
    at: number,
  ) {
    this.address = address;
    this.reply = reply;
    this.responder = responder;
    this.requester = requester;
    this.export = from;
    this.type = type;
    this.share = share;
    this.at = at;
  }

  /** The address as text, one character per byte. */
  get subject(): string {
    return latin1(this.address, 0, this.address.length);
  }
}
