/**
 * An isolated subject space: its interest, its counters, its exports and imports.
 *
 *   clients, local subscribers ── interest ◀── ServiceImport, Responses, shadows of other accounts' subscriptions
 * The object lives as long as the account. Settings from a configuration or claims are replaced in place, so that holders of
 * the account (connections, imports) never have an outdated one.
 */

import type { PermissionOptions } from "../../access/permission/permission-options.ts";
import { Nuid } from "../../base/random/nuid.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
import { LocalPublisher } from "../../messaging/fanout/local-publisher.ts";
import type { SubjectMappings } from "../../messaging/mapping/subject-mappings.ts";
import { SubjectTrie } from "../../messaging/subject/subject-trie.ts";
import { Trade } from "../trade/trade.ts";
import { AccountClient } from "./account-client.ts";
import type { AccountHost } from "./account-host.ts";
import { type AccountLimits, NO_LIMITS, type TraceOptions } from "./account-options.ts";
import { Responses } from "./responses.ts";
import type { ServiceExport } from "./service-export.ts";
import type { ServiceImport } from "./service-import.ts";
import type { StreamImport } from "./stream-import.ts";

/** `$G`: the account of clients that name none. */
export const GLOBAL_ACCOUNT = "$G";
/** Default name of the system account. */
export const SYSTEM_ACCOUNT = "$SYS";

/** Traffic of an account or a server: messages and bytes (headers and payload, no protocol lines). */
export class TrafficCounters {
  inMessages = 0;
  inBytes = 0;
  outMessages = 0;
  outBytes = 0;
}

/** Facts from an account's claims, for monitoring and events. */
export interface AccountClaim {
  readonly jwt: string;
  /** Public nkey of the issuer: the operator, or one of its signing keys. */
  readonly issuer: string;
  readonly nameTag: string;
  readonly tags: readonly string[];
}

export class Account {
  readonly name: string;
  readonly host: AccountHost;
  readonly interest: SubjectTrie<Subscription>;
  readonly traffic = new TrafficCounters();
  /** Publishes into the account from inside the process. */
  readonly publisher: LocalPublisher;
  /** Originator of its events. */
  readonly client: AccountClient;
  /** Pending answers of its services to other accounts, and of other accounts' services to it. */
  readonly responses: Responses;
  /** Client connections bound to the account. */
  connections = 0;
  slowConsumers = 0;
  /** When its limit of subscriptions may be logged again, monotonic ms. */
  subscriptionLimitLogAt = 0;
  /** Public account nkey; empty: none. */
  nkey = "";
  limits: AccountLimits = NO_LIMITS;
  /** Default permissions of its users. */
  defaultPermissions: PermissionOptions | null = null;
  /** Subject mappings; null: none. */
  mappings: SubjectMappings | null = null;
  trace: TraceOptions | null = null;
  trade: Trade;
  readonly serviceExports = new Map<string, ServiceExport>();
  serviceImports: readonly ServiceImport[] = [];
  streamImports: readonly StreamImport[] = [];
  /** null: the account comes from a configuration. */
  claim: AccountClaim | null = null;
  /** Its claims have expired: logins are refused and its services do not answer. */
  expired = false;
  /** Wall clock, ms. */
  updatedAt: number;
  private eventIds: Nuid | null = null;

  constructor(name: string, host: AccountHost) {
    this.name = name;
    this.host = host;
    const { meter, random } = host.turn;
    this.interest = new SubjectTrie<Subscription>({ cache: host.cachesInterest, random, schedule: setImmediate, meter });
    this.publisher = new LocalPublisher(this, host);
    this.client = new AccountClient(name, host);
    this.responses = new Responses(this);
    this.trade = new Trade(name);
    this.updatedAt = host.clock.now();
  }

  /** The name tag of its claims; its name when there is none. */
  get nameTag(): string {
    return this.claim?.nameTag || this.name;
  }

  /** Name in log lines. */
  get label(): string {
    const tag = this.claim?.nameTag ?? "";
    return tag === "" ? this.name : `${this.name}/${tag}`;
  }

  /** No further connections are accepted. */
  get isFull(): boolean {
    const { connectionsMax } = this.limits;
    return connectionsMax !== -1 && this.connections >= connectionsMax;
  }

  /** It has more connections than its limit, which was lowered. */
  get isOverfull(): boolean {
    const { connectionsMax } = this.limits;
    return connectionsMax !== -1 && this.connections > connectionsMax;
  }

  /** Creates the id of an event. */
  nextEventId(): string {
    this.eventIds ??= new Nuid();
    return this.eventIds.next();
  }

  /** Publishes an event in the account. */
  publishEvent(subject: string, header: Uint8Array | null, payload: string | Uint8Array): void {
    this.publisher.publish(subject, "", header, payload, this.client);
  }

  /** Called after a subscription was removed: pending answers that only it waited for are dropped. */
  onSubscriptionRemoved(subject: Uint8Array): void {
    if (this.responses.awaited > 0) this.responses.onInterestLost(subject);
  }
}
