/**
 * The trace of one message: what happened to it, in order. Each server on its way publishes one event message.
 *
 *   in ─▶ sm (mapped) ─▶ se (stream of another account), si (service of another account) ─▶ eg (each receiver), js (each JetStream stream)
 * It is attached to the message's batch during delivery. Code that decides something about a traced message adds a line to it.
 * A stream decides after the delivery: the event message is published when all streams have.
 * Not implemented yet: `hop` and `hops` of routes, gateways and leaf nodes.
 * Source: reference, msgtrace (behaviour); core §9.6, ADR-41.
 */
import { compactGoJson, escapeGoJson } from "../../base/go/json-writer.ts";
import { goTime } from "../../base/go/time.ts";

export const ERROR_NO_ECHO = "Not delivered because of no echo";
export const ERROR_DENIED = "Not delivered because subscription denies this subject";
export const ERROR_SUBSCRIPTION_CLOSED = "Not delivered because subscription is closed";
export const ERROR_CLIENT_CLOSED = "Not delivered because client is closed";
export const ERROR_UNSUBSCRIBED = "Not delivered because auto-unsubscribe exceeded";
export const ERROR_NOT_STALLED = "Not delivered because fast producer not stalled and consumer is slow";

/** The publisher or a receiver. */
export interface TracedParty {
  /** As `ConnectionKind`. */
  readonly kind: number;
  readonly id: number;
  /** Name of the client; empty: none. */
  readonly name: string;
  readonly accountName: string;
}

export interface TracedReceiver extends TracedParty {
  readonly closed: boolean;
}

/** The traced message, as its trace shows it. */
export interface TracedMessage {
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** Headers and payload. */
  readonly bytes: number;
  readonly subject: string;
}

/** Texts of letters, digits and the characters of subjects need no escaping in JSON. */
const PLAIN_TEXT = /^[\w.*$\- ]*$/;

export class MessageTrace {
  /** Subject of the events, in the account in which the message currently is. */
  destination: string;
  /** The message is traced but not delivered. */
  readonly only: boolean;
  private readonly origin: TracedParty;
  private readonly message: TracedMessage;
  private readonly now: () => number;
  /** Nothing is recorded, because nobody subscribes to the destination. */
  private readonly silent: boolean;
  private refusal = "";
  /** JSON of the events, each with a comma before it. A message may have a hundred thousand receivers, so there is no object for each event. */
  private events = "";
  /** Streams that take the message, and the events before each. */
  private readonly streams: { readonly before: string; readonly taken: StreamTrace }[] = [];
  /** Streams that have not decided yet. */
  private undecided = 0;
  private report: (() => void) | null = null;
  /** Wall clock of the last event, and its text. */
  private lastAt = -1;
  private lastTime = "";
  private readonly startedAt: string;

  /**
   * @param now wall clock, ms
   * @param silent nothing is recorded
   */
  constructor(destination: string, only: boolean, origin: TracedParty, message: TracedMessage, now: () => number, silent = false) {
    this.destination = destination;
    this.only = only;
    this.origin = origin;
    this.message = message;
    this.now = now;
    this.silent = silent;
    this.startedAt = this.timeText();
  }

  /** @param more JSON of its other fields */
  private add(type: string, more: string): void {
    if (!this.silent) this.events += `,{"type":"${type}","ts":"${this.timeText()}",${more}}`;
  }

  private timeText(): string {
    const now = this.now();
    if (now !== this.lastAt) {
      this.lastAt = now;
      this.lastTime = goTime(now);
    }
    return this.lastTime;
  }

  /** Compression allowed for the event: the value of `Accept-Encoding`; empty: none. */
  get acceptedEncoding(): string {
    return this.message.fields.get("Accept-Encoding")?.[0] ?? "";
  }

  /** Records why the server refused the message. */
  refuse(error: string): void {
    this.refusal = error;
  }

  addMapping(to: string): void {
    this.add("sm", `"to":${json(to)}`);
  }

  /** @param account the importing account, which sees the message on subject `to` */
  addStreamExport(account: string, to: string): void {
    this.add("se", `"acc":${json(account)},"to":${json(to)}`);
  }

  /** @param account the account that the request, or its answer, goes to */
  addServiceImport(account: string, from: string, to: string): void {
    this.add("si", `"acc":${json(account)},"from":${json(from)},"to":${json(to)}`);
  }

  /** @param queue empty: none. @param error why the receiver did not get the message; empty: it got it */
  addEgress({ kind, id, name, accountName }: TracedParty, subscription: string, queue: string, error: string): void {
    const account = accountName === this.origin.accountName ? "" : field("acc", accountName);
    const text = `"kind":${kind},"cid":${id}${optional("name", name)}${account},"sub":${json(subscription)}`;
    this.add("eg", `${text}${optional("queue", queue)}${optional("error", error)}`);
  }

  /** @returns what becomes of the message in the stream: its `end` must be called */
  addStream(stream: string): StreamTrace {
    const taken = new StreamTrace(
      stream,
      () => this.timeText(),
      () => this.onDecided(),
    );
    this.streams.push({ before: this.events, taken });
    this.events = "";
    this.undecided++;
    return taken;
  }

  private onDecided(): void {
    this.undecided--;
    if (this.undecided === 0) this.report?.();
  }

  /** Calls `report` when all streams have decided; at once if they have. */
  whenComplete(report: () => void): void {
    if (this.undecided === 0) report();
    else this.report = report;
  }

  private get ingress(): string {
    const { kind, id, name, accountName } = this.origin;
    const text = `"type":"in","ts":"${this.startedAt}","kind":${kind},"cid":${id}${optional("name", name)}`;
    return `{${text}${field("acc", accountName)}${field("subj", this.message.subject)}${optional("error", this.refusal)}}`;
  }

  /** The event message is of use to somebody. */
  get isHeard(): boolean {
    return !this.silent;
  }

  /** The event message. @param server description of this server */
  json(server: object): string {
    const { fields, bytes } = this.message;
    // Built as text, because an object would put numeric keys first.
    const header = [...fields]
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map(([key, values]) => escapeGoJson(`${JSON.stringify(key)}:${JSON.stringify(values)}`));
    const request = `{"header":{${header.join(",")}}${bytes > 0 ? `,"msgsize":${bytes}` : ""}}`;
    const streams = this.streams.map(({ before, taken }) => before + taken.json()).join("");
    return `{"server":${compactGoJson(server)},"request":${request},"events":[${this.ingress}${streams}${this.events}]}`;
  }
}

/** What becomes of a traced message in a stream: `js`. */
export class StreamTrace {
  private time: string;
  private subject = "";
  private noInterest = false;
  private error = "";
  private ended = false;

  constructor(
    private readonly stream: string,
    private readonly timeText: () => string,
    private readonly onEnd: () => void,
  ) {
    this.time = timeText();
  }

  /** The message passed the checks of the stream. @param subject under which it is stored @param noInterest it is not, because no consumer wants it */
  pass(subject: string, noInterest: boolean): void {
    this.subject = subject;
    this.noInterest = noInterest;
    this.time = this.timeText();
  }

  /** @param error why the message is not stored; empty: it is */
  end(error: string): void {
    if (this.ended) return;
    this.ended = true;
    this.error = error;
    this.onEnd();
  }

  /** The event, with a comma before it. */
  json(): string {
    const noInterest = this.noInterest ? `,"nointerest":true` : "";
    const more = `${optional("subject", this.subject)}${noInterest}${optional("error", this.error)}`;
    return `,{"type":"js","ts":"${this.time}"${field("stream", this.stream)}${more}}`;
  }
}

function json(text: string): string {
  return PLAIN_TEXT.test(text) ? `"${text}"` : compactGoJson(text);
}

function field(name: string, value: string): string {
  return `,"${name}":${json(value)}`;
}

function optional(name: string, value: string): string {
  return value === "" ? "" : field(name, value);
}
