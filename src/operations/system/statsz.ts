/**
 * STATSZ: statistics of the server, published regularly and on request.
 *
 *   timer: 250 ms after the start, then at intervals that double up to 10 s   ─▶ $SYS.SERVER.<id>.STATSZ, if it has a subscriber
 *   request to $SYS.REQ.SERVER.PING.STATSZ without a reply subject             ─▶ $SYS.SERVER.<id>.STATSZ, immediately
 *   request with a reply subject                                               ─▶ the reply subject
 * The timer publishes at most once a second.
 * Source: reference, core §8.2.
 */
import { encode } from "../../base/bytes/ascii.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import { compactGoJson } from "../../base/go/json-writer.ts";
import { goTime } from "../../base/go/time.ts";
import type { Sender } from "../../services/sender.ts";
import { type Fields, unlessEmpty } from "../monitor/endpoint.ts";
import { jetStreamFields } from "../monitor/jetstream-fields.ts";
import { connectionStats } from "../monitor/varz.ts";
import type { SystemHost } from "./system-host.ts";

const INTERVAL_MS_MIN = 250;
const INTERVAL_MS_MAX = 10_000;
const PAUSE_MS_MAX = 1_000;

export class Statsz {
  private readonly host: SystemHost;
  private readonly sender: Sender;
  private readonly subject: Uint8Array;
  private readonly timer = new WheelTimer(() => this.onTimer());
  private intervalMs = INTERVAL_MS_MIN;
  private stopped = false;
  /** Time of the latest publication, monotonic ms. */
  private publishedAt = Number.NEGATIVE_INFINITY;

  constructor(host: SystemHost, sender: Sender) {
    this.host = host;
    this.sender = sender;
    this.subject = encode(`$SYS.SERVER.${host.identity.id}.STATSZ`);
  }

  start(): void {
    this.host.timers.set(this.timer, this.intervalMs);
  }

  /** Publishes no longer; requests are still answered. */
  stop(): void {
    this.stopped = true;
    this.host.timers.cancel(this.timer);
  }

  private onTimer(): void {
    this.intervalMs = Math.min(INTERVAL_MS_MAX, 2 * this.intervalMs);
    this.host.timers.set(this.timer, this.intervalMs);
    this.publish();
  }

  /** Publishes on request, without the pause between messages. */
  publishNow(): void {
    this.publishedAt = Number.NEGATIVE_INFINITY;
    this.publish();
  }

  private publish(): void {
    if (this.stopped) return;
    const { clock, systemAccount, timers } = this.host;
    const pauseMs = Math.min(PAUSE_MS_MAX, this.intervalMs);
    const elapsedMs = clock.monotonic() - this.publishedAt;
    if (elapsedMs < pauseMs) return timers.set(this.timer, pauseMs - elapsedMs);
    this.publishedAt = clock.monotonic();
    if (systemAccount !== null) this.sender.send(systemAccount, this.subject, () => this.message());
  }

  answer(reply: string): void {
    this.sender.answer(reply, null, compactGoJson(this.message()));
  }

  private message(): Fields {
    return { server: this.sender.server(), statsz: this.stats() };
  }

  private stats(): Fields {
    const { accounts, connections, counters, jetStream, monitoring, startedAt, systemAccount } = this.host;
    const { usage } = monitoring;
    // The reference counts its own clients, one per stream, as connections.
    const hasStreams = (name: string) => (jetStream?.accounts.get(name)?.streams.size ?? 0) > 0;
    const isActive = (account: (typeof accounts)[number]) =>
      account.connections > 0 || account === systemAccount || hasStreams(account.name);
    const slow = connectionStats(counters.slowConsumersOf);
    const stale = connectionStats(counters.staleConnectionsOf);
    return {
      start: goTime(startedAt),
      mem: usage.residentBytes(),
      cores: usage.cores(),
      cpu: usage.cpuPercent(),
      connections: connections.size,
      total_connections: counters.totalConnections,
      active_accounts: accounts.filter(isActive).length,
      subscriptions: accounts.reduce((sum, account) => sum + account.interest.count, 0),
      sent: { msgs: counters.outMessages, bytes: counters.outBytes },
      sent_to_clients: { msgs: counters.outClientMessages, bytes: counters.outClientBytes },
      received: { msgs: counters.inMessages, bytes: counters.inBytes },
      received_from_clients: { msgs: counters.inClientMessages, bytes: counters.inClientBytes },
      slow_consumers: counters.slowConsumers,
      ...(counters.slowConsumers === 0 ? {} : { slow_consumer_stats: slow }),
      ...unlessEmpty("stale_connections", counters.staleConnections),
      ...(counters.staleConnections === 0 ? {} : { stale_connection_stats: stale }),
      ...unlessEmpty("stalled_clients", counters.stalls),
      active_servers: 1,
      ...(jetStream === null ? {} : { jetstream: jetStreamFields(jetStream, false) }),
      gomaxprocs: 1, // one event loop does the work
    };
  }
}
