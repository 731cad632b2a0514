/**
 * Events about clients and the server, published in the system account.
 *
 *   client connects, disconnects ─▶ $SYS.ACCOUNT.<account>.CONNECT, DISCONNECT
 *   client refused ─▶ $SYS.ACCOUNT.CLIENT.AUTH.ERR in its account, $SYS.SERVER.<id>.CLIENT.AUTH.ERR
 *   account's connections ─▶ $SYS.ACCOUNT.<account>.SERVER.CONNS, at each change and every 30 s while there are any
 *   server ─▶ $SYS.SERVER.<id>.LAMEDUCK, SHUTDOWN, OCSP.PEER.…
 * Without a listener an event costs one interest look-up: subjects are kept per account, and the message is not built.
 * Source: reference, core §8.2.
 */
import type { Account } from "../../accounts/account/account.ts";
import { encode } from "../../base/bytes/ascii.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { Sender } from "../../services/sender.ts";
import { CLOSE_TEXTS, type CloseReason } from "../../wire/protocol/close-reason.ts";
import { REFUSALS, type Refusal } from "../../wire/protocol/refusal.ts";
import { accountStat } from "../monitor/accountz.ts";
import type { Fields } from "../monitor/endpoint.ts";
import type { MonitoredClient } from "../monitor/monitored-client.ts";
import { eventClient } from "./event-client.ts";
import type { SystemHost } from "./system-host.ts";

const ADVISORY = "io.nats.server.advisory.v1";
const COUNT_INTERVAL_MS = 30_000;
const ACCOUNT_REFUSED = encode("$SYS.ACCOUNT.CLIENT.AUTH.ERR");

/** Subjects and timer of one account. */
class AccountEvents {
  readonly connect: Uint8Array;
  readonly disconnect: Uint8Array;
  readonly counts: Uint8Array;
  /** The subject that older servers listen to. */
  readonly formerCounts: Uint8Array;
  readonly timer: WheelTimer;

  constructor(name: string, onTimer: () => void) {
    this.connect = encode(`$SYS.ACCOUNT.${name}.CONNECT`);
    this.disconnect = encode(`$SYS.ACCOUNT.${name}.DISCONNECT`);
    this.counts = encode(`$SYS.ACCOUNT.${name}.SERVER.CONNS`);
    this.formerCounts = encode(`$SYS.SERVER.ACCOUNT.${name}.CONNS`);
    this.timer = new WheelTimer(onTimer);
  }
}

export class Events {
  private readonly host: SystemHost;
  private readonly sender: Sender;
  private readonly account: Account;
  private readonly refusedSubject: Uint8Array;
  private readonly byAccount = new WeakMap<Account, AccountEvents>();
  /** Clients whose refusal is published in another account than their own, or with another reason. */
  private readonly refusedElsewhere = new WeakMap<MonitoredClient, { readonly account: Account; readonly reason: string | null }>();

  constructor(host: SystemHost, sender: Sender, account: Account) {
    this.host = host;
    this.sender = sender;
    this.account = account;
    this.refusedSubject = this.serverSubject("CLIENT.AUTH.ERR");
  }

  connected(client: MonitoredClient): void {
    const { account, sender } = this;
    sender.send(account, this.of(client.account).connect, () => ({
      ...sender.head(`${ADVISORY}.client_connect`, this.host.clock.now()),
      server: sender.server(),
      client: eventClient(client, 0),
    }));
  }

  /** Publishes a refusal, before the client is closed. @param inAccount whether the event is also published in the client's account */
  refused(client: MonitoredClient, refusal: Refusal, inAccount: boolean): void {
    const event = (reason: string, account: Account) => () => {
      const fields = this.departure(client, this.host.clock.now(), reason);
      return { ...fields, client: { ...(fields.client as Fields), acc: account.name } };
    };
    const { account, reason } = this.refusedElsewhere.get(client) ?? { account: client.account, reason: null };
    if (inAccount) this.sender.send(account, ACCOUNT_REFUSED, event(reason ?? reasonOf(refusal), account));
    this.sender.send(this.account, this.refusedSubject, event(reasonOf(refusal), client.account));
  }

  /** The next refusal of this client is published in `account`. @param reason shown there; null: the usual one */
  refusedBy(client: MonitoredClient, account: Account, reason: string | null): void {
    this.refusedElsewhere.set(client, { account, reason });
  }

  disconnected(client: MonitoredClient, reason: CloseReason): void {
    const { account, sender } = this;
    sender.send(account, this.of(client.account).disconnect, () => this.departure(client, client.stoppedAt, CLOSE_TEXTS[reason]));
  }

  private departure(client: MonitoredClient, at: number, reason: string): Fields {
    const { sender } = this;
    return {
      ...sender.head(`${ADVISORY}.client_disconnect`, at),
      server: sender.server(),
      client: eventClient(client, at),
      sent: { msgs: client.inMessages, bytes: client.inBytes },
      received: { msgs: client.outMessages, bytes: client.outBytes },
      reason,
    };
  }

  /** Does nothing for the global account, as in the reference. */
  connectionsChanged(account: Account): void {
    if (account === this.host.globalAccount) return;
    const events = this.of(account);
    const { timers } = this.host;
    if (account.connections === 0) timers.cancel(events.timer);
    else timers.set(events.timer, COUNT_INTERVAL_MS);
    for (const subject of [events.formerCounts, events.counts]) this.sender.send(this.account, subject, () => this.counts(account));
  }

  /** The event with an account's number of connections. */
  counts(account: Account): Fields {
    const { sender } = this;
    const head = sender.head(`${ADVISORY}.account_connections`, this.host.clock.now());
    return { ...head, server: sender.server(), ...accountStat(account) };
  }

  lameDuckStarted(): void {
    this.sender.send(this.account, this.serverSubject("LAMEDUCK"), () => this.sender.server());
  }

  shuttingDown(): void {
    this.sender.send(this.account, this.serverSubject("SHUTDOWN"), () => this.sender.server());
  }

  /** A peer's certificate was refused. @param kind of the connection, as in the log */
  ocspRejected(kind: string, peer: CertificateFacts, reason: string): void {
    const { sender } = this;
    sender.send(this.account, this.serverSubject("OCSP.PEER.CONN.REJECT"), () => ({
      ...sender.head(`${ADVISORY}.ocsp_peer_reject`, this.host.clock.now()),
      kind,
      peer: certificate(peer),
      server: sender.server(),
      reason,
    }));
  }

  /** A certificate of a peer's chain is invalid. */
  ocspLinkInvalid(peer: CertificateFacts, link: CertificateFacts, reason: string): void {
    const { sender } = this;
    sender.send(this.account, this.serverSubject("OCSP.PEER.LINK.INVALID"), () => ({
      ...sender.head(`${ADVISORY}.ocsp_peer_link_invalid`, this.host.clock.now()),
      link: certificate(link),
      peer: certificate(peer),
      server: sender.server(),
      reason,
    }));
  }

  private serverSubject(what: string): Uint8Array {
    return encode(`$SYS.SERVER.${this.host.identity.id}.${what}`);
  }

  private of(account: Account): AccountEvents {
    let events = this.byAccount.get(account);
    if (events === undefined) {
      events = new AccountEvents(account.name, () => this.connectionsChanged(account));
      this.byAccount.set(account, events);
    }
    return events;
  }
}

/** The close reason that belongs to a refusal; empty: the client stays connected. */
function reasonOf(refusal: Refusal): string {
  const { close } = REFUSALS[refusal];
  return close === null ? "" : CLOSE_TEXTS[close];
}

/** The fields of events that describe a certificate. */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  readonly fingerprint: string;
  /** DER. */
  readonly raw: Uint8Array;
}

function certificate({ subject, issuer, fingerprint, raw }: CertificateFacts): Fields {
  return { subject, issuer, fingerprint, raw: Buffer.from(raw).toString("base64") };
}
