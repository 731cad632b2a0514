/**
 * An isolated space of subjects: its own interest, its own counters, and what it gives to other accounts and takes from them.
 *
 *   clients, local subscribers ── interest ◀── ServiceImport, Responses, shadows of other accounts' subscriptions
 * The object lives as long as the account does; what a configuration or claims say of it is replaced in place, so that whoever holds
 * the account (a connection, an import) never holds an old one.
 */

import type { PermissionOptions } from "../../access/permission/permission-options.ts";
import { Nuid } from "../../base/random/nuid.ts";
import { LocalPublisher } from "../../messaging/batch/local-subscriber.ts";
import type { Subscription } from "../../messaging/batch/subscription.ts";
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

/** `$G`: where clients live that name no account. */
export const GLOBAL_ACCOUNT = "$G";
/** The system account's name when none is configured. */
export const SYSTEM_ACCOUNT = "$SYS";

/** What passed through an account or a server. Messages and bytes (headers and payload, no protocol lines). */
export class TrafficCounters {
  inMessages = 0;
  inBytes = 0;
  outMessages = 0;
  outBytes = 0;
}

/** What the claims behind an account say of it, for monitoring and events. */
export interface AccountClaim {
  readonly jwt: string;
  /** Public nkey of the operator, or of one of its signing keys. */
  readonly issuer: string;
  readonly nameTag: string;
  readonly tags: readonly string[];
}

export class Account {
  readonly name: string;
  readonly host: AccountHost;
  readonly interest: SubjectTrie<Subscription>;
  readonly traffic = new TrafficCounters();
  /** Publishes into it, from inside the process. */
  readonly publisher: LocalPublisher;
  /** Publishes its events. */
  readonly client: AccountClient = new AccountClient(this);
  /** Answers that its services owe to other accounts, and those that others owe to it. */
  readonly responses: Responses;
  /** Client connections bound to it. */
  connections = 0;
  slowConsumers = 0;
  /** Public account nkey; empty: none. */
  nkey = "";
  limits: AccountLimits = NO_LIMITS;
  /** Of users that have none of their own. */
  defaultPermissions: PermissionOptions | null = null;
  /** Where messages on some subjects go instead; null: none do. */
  mappings: SubjectMappings | null = null;
  trace: TraceOptions | null = null;
  trade: Trade;
  readonly serviceExports = new Map<string, ServiceExport>();
  serviceImports: readonly ServiceImport[] = [];
  streamImports: readonly StreamImport[] = [];
  /** null: it was configured. */
  claim: AccountClaim | null = null;
  /** Its claims have run out: nobody gets in, nothing is answered. */
  expired = false;
  /** Wall clock, ms. */
  updatedAt: number;
  private eventIds: Nuid | null = null;

  constructor(name: string, host: AccountHost) {
    this.name = name;
    this.host = host;
    this.interest = new SubjectTrie<Subscription>({ cache: host.cachesInterest, random: host.turn.random, schedule: setImmediate });
    this.publisher = new LocalPublisher(this, host);
    this.responses = new Responses(this);
    this.trade = new Trade(name);
    this.updatedAt = host.clock.now();
  }

  /** How log lines call it. */
  get label(): string {
    const tag = this.claim?.nameTag ?? "";
    return tag === "" ? this.name : `${this.name}/${tag}`;
  }

  /** Nobody else gets in. */
  get isFull(): boolean {
    const { connectionsMax } = this.limits;
    return connectionsMax >= 0 && this.connections >= connectionsMax;
  }

  /** Names an event that is published in it. */
  nextEventId(): string {
    this.eventIds ??= new Nuid();
    return this.eventIds.next();
  }

  /** An event that is published in it, by itself. */
  publishEvent(subject: string, header: Uint8Array | null, payload: string | Uint8Array): void {
    this.publisher.publish(subject, "", header, payload, this.client);
  }

  /** A subscription of it has gone: answers that it was meant for are not awaited any more. */
  onSubscriptionRemoved(subject: Uint8Array): void {
    if (this.responses.awaited > 0) this.responses.onInterestLost(subject);
  }
}
