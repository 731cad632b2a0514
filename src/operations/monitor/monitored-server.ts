/** What monitoring reads from the server above it, only when a request arrives. */
import type { Account } from "../../accounts/account/account.ts";
import type { Clock } from "../../base/clock/clock.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Scheduler } from "../../base/scheduling/scheduler.ts";
import { TaskQueue } from "../../base/scheduling/task-queue.ts";
import type { Options } from "../../config/schema/options.ts";
import type { ConnectionRecord } from "../../connections/client/connection-record.ts";
import type { ServerCounters } from "../../connections/link/host.ts";
import type { OcspCacheStats } from "../../wire/transport/tls/ocsp/ocsp-cache.ts";
import type { JetStreamReport } from "./jetstream-report.ts";
import type { MonitoredClient } from "./monitored-client.ts";
import { ProcessUsage } from "./process-usage.ts";

/** The connections and accounts of a server, and their totals: of its one event loop, or of all of them together. */
export interface MonitoredConnections {
  readonly authRequired: boolean;
  /** Host and port announced in INFO. */
  readonly advertisedHost: string;
  readonly advertisedPort: number;
  /** Port for WebSocket clients; null without one. */
  readonly websocketPort: number | null;
  /** When the certificates of the client port and of the WebSocket port expire, wall clock, ms; null without TLS. */
  readonly certificateExpiry: { readonly client: number | null; readonly websocket: number | null };
  readonly counters: ServerCounters;
  /** Open client connections by their id. */
  readonly connections: ReadonlyMap<number, MonitoredClient>;
  readonly closedConnections: { all(): ConnectionRecord[] };
  /** The client that owns a subscription, or has sent a message; null: it is no client. */
  clientOf(sink: object): MonitoredClient | null;
  readonly accounts: readonly Account[];
  accountNamed(name: string): Account | undefined;
  /** null: there is none. */
  readonly systemAccount: Account | null;
  /** Ended after an answer that queued output, such as PINGs for round trips. */
  readonly turn: { end(): void; readonly timers: { readonly size: number } };
  /** Logins refused because their account is not among the pinned ones. */
  readonly pinnedAccountFails: number;
}

/** A server: what exists once, besides its connections. */
export interface MonitoredServer extends MonitoredConnections {
  readonly log: Logger;
  readonly clock: Clock;
  readonly options: Options;
  readonly identity: { readonly id: string };
  readonly serverName: string;
  /** Figures of the OCSP cache for client certificates; null without one. */
  readonly ocspCacheStats: OcspCacheStats | null;
  /** null: JetStream is off. */
  readonly jetStream: JetStreamReport | null;
  /** Configured listeners that do not accept, by the reference's names (`server`, `websocket`); empty when healthy. */
  readonly missingListeners: readonly string[];
  /** Wall clock, ms. */
  readonly startedAt: number;
  readonly configLoadedAt: number;
  /** `sha256:` and hex; empty without a file. */
  readonly configDigest: string;
  readonly monitoring: MonitorState;
  /** Address of monitoring; null when it does not listen. */
  readonly monitorAddress: { readonly host: string; readonly port: number; readonly secure: boolean } | null;
}

/** Long answers in progress at a time: each holds its intermediate results. */
const LONG_ANSWERS_MAX = 4;
/** Long answers that wait; further ones are refused. */
const LONG_ANSWERS_WAITING_MAX = 1_024;

/** State of monitoring between requests; also kept while monitoring does not listen. One per server. */
export class MonitorState {
  readonly usage: ProcessUsage;
  /** Requests per endpoint, for the endpoints that the reference counts. */
  readonly requests = new Map<string, number>();

  /** Answers that take more than one share, of HTTP and of services. */
  readonly longAnswers: TaskQueue;

  /** @param scheduler of the event loop that answers */
  constructor(
    clock: Clock,
    readonly scheduler: Scheduler,
  ) {
    this.usage = new ProcessUsage(clock);
    this.longAnswers = new TaskQueue(scheduler, { activeMax: LONG_ANSWERS_MAX, waitingMax: LONG_ANSWERS_WAITING_MAX });
  }
}
