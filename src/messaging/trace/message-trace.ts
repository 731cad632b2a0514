/**
 * What became of one message, told in the order in which it happened: one event message per server that it passes.
 *
 *   in ─▶ sm (mapped) ─▶ se (stream of another account), si (service of another account) ─▶ eg (each receiver)
 * Hangs off the message's batch while it is delivered. Whoever decides something about a message that is followed adds a line here.
 * Places without code yet: `hop` and `hops` of routes, gateways and leaf nodes, `js` of streams.
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

/** Who published, or receives. */
export interface TracedParty {
  /** As `ConnectionKind`. */
  readonly kind: number;
  readonly id: number;
  /** What it calls itself; empty: nothing. */
  readonly name: string;
  readonly accountName: string;
}

export interface TracedReceiver extends TracedParty {
  readonly closed: boolean;
}

/** What a trace needs of the message it is about. */
export interface TracedMessage {
  readonly fields: ReadonlyMap<string, readonly string[]>;
  /** Headers and payload. */
  readonly bytes: number;
  readonly subject: string;
}

type EventLine = Record<string, string | number>;

export class MessageTrace {
  /** Where the events go: in the publisher's account, or what stands for that in the account where the message is now. */
  destination: string;
  /** Nobody gets the message, only its way is told. */
  readonly only: boolean;
  private readonly origin: TracedParty;
  private readonly message: TracedMessage;
  private readonly now: () => number;
  private readonly ingress: EventLine;
  private readonly events: EventLine[] = [];

  /** @param now wall clock, ms */
  constructor(destination: string, only: boolean, origin: TracedParty, message: TracedMessage, now: () => number) {
    this.destination = destination;
    this.only = only;
    this.origin = origin;
    this.message = message;
    this.now = now;
    const { kind, id, name, accountName } = origin;
    this.ingress = this.add("in", { kind, cid: id, ...(name !== "" && { name }), acc: accountName, subj: message.subject });
  }

  private add(type: string, more: EventLine): EventLine {
    const line = { type, ts: goTime(this.now()), ...more };
    this.events.push(line);
    return line;
  }

  /** How the event may be compressed: the value of `Accept-Encoding`; empty: not at all. */
  get acceptedEncoding(): string {
    return this.message.fields.get("Accept-Encoding")?.[0] ?? "";
  }

  /** Why the server did not take it. */
  refuse(error: string): void {
    this.ingress.error = error;
  }

  addMapping(to: string): void {
    this.add("sm", { to });
  }

  /** @param account whose subscription sees it, as `to` */
  addStreamExport(account: string, to: string): void {
    this.add("se", { acc: account, to });
  }

  /** @param account where it goes to, or its answer comes back to */
  addServiceImport(account: string, from: string, to: string): void {
    this.add("si", { acc: account, from, to });
  }

  /** @param queue empty: none. @param error empty: it got the message */
  addEgress({ kind, id, name, accountName }: TracedParty, subscription: string, queue: string, error: string): void {
    this.add("eg", {
      kind,
      cid: id,
      ...(name !== "" && { name }),
      ...(accountName !== this.origin.accountName && { acc: accountName }),
      sub: subscription,
      ...(queue !== "" && { queue }),
      ...(error !== "" && { error }),
    });
  }

  /** The event message. @param server who says so */
  json(server: object): string {
    const { fields, bytes } = this.message;
    // Not as an object: it would put keys that are numbers first.
    const header = [...fields]
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map(([key, values]) => escapeGoJson(`${JSON.stringify(key)}:${JSON.stringify(values)}`));
    const request = `{"header":{${header.join(",")}}${bytes > 0 ? `,"msgsize":${bytes}` : ""}}`;
    return `{"server":${compactGoJson(server)},"request":${request},"events":${compactGoJson(this.events)}}`;
  }
}
