/**
 * The trace of one message: what happened to it, in order. Each server on its way publishes one event message.
 *
 *   in ─▶ sm (mapped) ─▶ se (stream of another account), si (service of another account) ─▶ eg (each receiver)
 * It is attached to the message's batch during delivery. Code that decides something about a traced message adds a line to it.
 * Not implemented yet: `hop` and `hops` of routes, gateways and leaf nodes, `js` of streams.
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

type EventLine = Record<string, string | number>;

export class MessageTrace {
  /** Subject of the events, in the account in which the message currently is. */
  destination: string;
  /** The message is traced but not delivered. */
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

  /** Compression allowed for the event: the value of `Accept-Encoding`; empty: none. */
  get acceptedEncoding(): string {
    return this.message.fields.get("Accept-Encoding")?.[0] ?? "";
  }

  /** Records why the server refused the message. */
  refuse(error: string): void {
    this.ingress.error = error;
  }

  addMapping(to: string): void {
    this.add("sm", { to });
  }

  /** @param account the importing account, which sees the message on subject `to` */
  addStreamExport(account: string, to: string): void {
    this.add("se", { acc: account, to });
  }

  /** @param account the account that the request, or its answer, goes to */
  addServiceImport(account: string, from: string, to: string): void {
    this.add("si", { acc: account, from, to });
  }

  /** @param queue empty: none. @param error why the receiver did not get the message; empty: it got it */
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

  /** The event message. @param server description of this server */
  json(server: object): string {
    const { fields, bytes } = this.message;
    // Built as text, because an object would put numeric keys first.
    const header = [...fields]
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map(([key, values]) => escapeGoJson(`${JSON.stringify(key)}:${JSON.stringify(values)}`));
    const request = `{"header":{${header.join(",")}}${bytes > 0 ? `,"msgsize":${bytes}` : ""}}`;
    return `{"server":${compactGoJson(server)},"request":${request},"events":${compactGoJson(this.events)}}`;
  }
}
