/**
 * Metrics of a service's latency, published in the account that offers it: one message per measured request, whatever became of it.
 *
 *   request ──▶ LatencyWatch, on the answer that is owed ──▶ answered 200 · nobody took it 503 · too late 504 · not awaited any more 408
 *   request without a reply ──▶ 400, at once
 *             ├── requestor's round trip ──┼────── service ──────┼─ responder's round trip ─┤     total: all of it, and the time between
 * Both ends are asked for their round trip when it matters first (`Originator.askRoundTrip`).
 * Answers of the server's own services are not measured: the reference waits for another server's half of the metric, which never comes.
 * Source: reference, accounts (behaviour); core §5.4.
 */

import type { Clock } from "../../base/clock/clock.ts";
import { compactGoJson } from "../../base/go/json-writer.ts";
import { goTime } from "../../base/go/time.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import { type Originator, presentClientInfo } from "../../messaging/batch/originator.ts";
import { ConnectionKind } from "../../wire/protocol/connection-kind.ts";
import type { LatencyOptions } from "../trade/trade-options.ts";
import type { Account } from "./account.ts";
import type { Sample } from "./latency-sampling.ts";
import { type Response, ResponseEnd } from "./response.ts";

export const LATENCY_TYPE = "io.nats.server.metric.v1.service_latency";
const NS_PER_MS = 1e6;

/** What a metric says besides who asked and when. Durations in nanoseconds. */
interface Outcome {
  readonly status: number;
  /** Empty: nothing is wrong. */
  readonly description: string;
  readonly responder?: Readonly<Record<string, unknown>>;
  readonly service: number;
  readonly system: number;
  readonly total: number;
}

const NO_TIMES = { service: 0, system: 0, total: 0 } as const;

const FAILURES: Record<ResponseEnd, Outcome> = {
  // Given up without an answer, by whoever only followed its way.
  [ResponseEnd.Answered]: { status: 0, description: "", ...NO_TIMES },
  [ResponseEnd.Undelivered]: { status: 503, description: "Service Unavailable", ...NO_TIMES },
  [ResponseEnd.TimedOut]: { status: 504, description: "Service Timeout", ...NO_TIMES },
  [ResponseEnd.InterestLost]: { status: 408, description: "Request Timeout", ...NO_TIMES },
};

/** A request to a service. */
export interface Asked {
  /** The account that the answer is owed in: it gets the metric. */
  readonly account: Account;
  /** null: the server itself. */
  readonly requester: Originator | null;
  /** The requester is shown in detail. */
  readonly share: boolean;
  /** null: it is not measured. */
  readonly sample: Sample | null;
}

/** A request, as its metric shows it. */
class MeasuredRequest {
  private readonly account: Account;
  private readonly requester: Originator | null;
  private readonly share: boolean;
  private readonly sample: Sample | null;
  private readonly clock: Clock;
  /** Wall clock, ms. */
  private readonly at: number;
  private readonly since: number;

  constructor(
    private readonly subject: string,
    { account, requester, share, sample }: Asked,
  ) {
    this.account = account;
    this.requester = requester;
    this.share = share;
    this.sample = sample;
    this.clock = account.host.clock;
    this.at = this.clock.now();
    this.since = this.clock.monotonic();
  }

  /** Who asked; undefined where the server did. */
  private requesterInfo() {
    return this.requester?.clientInfo(this.share);
  }

  answered(responder: Originator): string {
    const now = this.clock.monotonic();
    const requesterNs = this.requesterInfo()?.rtt ?? 0;
    const info = responder.clientInfo(true);
    const responderNs = info.rtt ?? 0;
    const spentNs = ns(now - this.since);
    const systemNs = responderNs > 0 ? ns(this.clock.monotonic() - now) : 0;
    return this.json({
      status: 200,
      description: "",
      responder: presentClientInfo(info),
      service: Math.max(0, spentNs - responderNs),
      system: systemNs,
      total: requesterNs + spentNs + systemNs,
    });
  }

  json({ status, description, responder, service, system, total }: Outcome): string {
    const info = this.requesterInfo();
    return compactGoJson({
      type: LATENCY_TYPE,
      id: this.account.nextEventId(),
      timestamp: goTime(this.clock.now()),
      status,
      ...(description !== "" && { description }),
      ...(info !== undefined && { requestor: presentClientInfo(info) }),
      ...(responder !== undefined && { responder }),
      ...(this.sample?.header && { header: this.sample.header }),
      start: goTime(this.at - (info?.rtt ?? 0) / NS_PER_MS),
      service,
      system,
      total,
    });
  }

  publish(metric: string): void {
    this.account.publishEvent(this.subject, null, metric);
  }
}

function ns(ms: number): number {
  return Math.round(ms * NS_PER_MS);
}

/** Measures one answer. */
export class LatencyWatch {
  readonly options: LatencyOptions;
  private readonly request: MeasuredRequest;
  private isAnswered = false;
  private metric: string | null = null;

  constructor(options: LatencyOptions, asked: Asked) {
    this.options = options;
    this.request = new MeasuredRequest(options.subject, asked);
  }

  /** The answer comes, from the client whose batch it is. @returns whether it may be forgotten when it is delivered */
  onAnswer({ originator }: MessageBatch): boolean {
    if (this.isAnswered) return false;
    this.isAnswered = true;
    if (originator === null || originator.kind !== ConnectionKind.Client) return false;
    this.metric = this.request.answered(originator);
    return true;
  }

  /** It was delivered, or nobody took it: first the answer, then its metric. */
  afterAnswer(): void {
    const { metric } = this;
    this.metric = null;
    if (metric !== null) this.request.publish(metric);
  }

  onEnd(end: ResponseEnd): void {
    if (!this.isAnswered) this.request.publish(this.request.json(FAILURES[end]));
  }
}

/** An answer of a service whose latency is measured, perhaps not this time: how far away the requester is will matter. */
export function measureAnswer(response: Response, options: LatencyOptions, asked: Asked): void {
  asked.requester?.askRoundTrip();
  if (asked.sample !== null && response.type === "Singleton") response.watcher = new LatencyWatch(options, asked);
}

/** A request that does not say where it wants its answer. */
export function reportBadRequest(options: LatencyOptions, asked: Asked): void {
  if (asked.sample === null) return;
  const request = new MeasuredRequest(options.subject, asked);
  request.publish(request.json({ status: 400, description: "Bad Request", ...NO_TIMES }));
}
