/**
 * Latency metrics of a service, published in the exporting account: one message per measured request, for every outcome.
 *
 *   request ──▶ LatencyWatch, on the pending answer ──▶ answered 200 · no receiver 503 · timed out 504 · requester unsubscribed 408
 *   request without a reply ──▶ 400, at once
 *             ├── requestor's round trip ──┼────── service ──────┼─ responder's round trip ─┤     total: the sum, plus gaps
 * The round trips of both ends are measured on first need (`Originator.askRoundTrip`).
 * Answers of the server's own services are not measured: the reference waits for another server's half of the metric, which never arrives.
 * Source: reference, accounts (behaviour); core §5.4.
 */

import type { Clock } from "../../base/clock/clock.ts";
import { compactGoJson } from "../../base/go/json-writer.ts";
import { goTime } from "../../base/go/time.ts";
import type { MessageBatch } from "../../messaging/batch/message-batch.ts";
import { type Originator, presentClientInfo } from "../../messaging/batch/originator.ts";
import { ConnectionKind } from "../../wire/protocol/connection-kind.ts";
import type { LatencyOptions } from "../trade/trade-options.ts";
import type { Sample } from "./latency-sampling.ts";
import { type AnswerWatcher, type Response, ResponseEnd, type TradingAccount } from "./response.ts";

export const LATENCY_TYPE = "io.nats.server.metric.v1.service_latency";
const NS_PER_MS = 1e6;

/** The variable part of a metric. Durations in nanoseconds. */
interface Outcome {
  readonly status: number;
  /** Empty: no error. */
  readonly description: string;
  readonly responder?: Readonly<Record<string, unknown>>;
  readonly service: number;
  readonly system: number;
  readonly total: number;
}

const NO_TIMES = { service: 0, system: 0, total: 0 } as const;

const FAILURES: Record<ResponseEnd, Outcome> = {
  // Removed without an answer, because the request was only a trace.
  [ResponseEnd.Answered]: { status: 0, description: "", ...NO_TIMES },
  [ResponseEnd.Undelivered]: { status: 503, description: "Service Unavailable", ...NO_TIMES },
  [ResponseEnd.TimedOut]: { status: 504, description: "Service Timeout", ...NO_TIMES },
  [ResponseEnd.InterestLost]: { status: 408, description: "Request Timeout", ...NO_TIMES },
};

/** Facts about a request to a service. */
export interface MeasuredCall {
  /** The responder's account, which gets the metric. */
  readonly account: TradingAccount;
  /** null: the server itself. */
  readonly requester: Originator | null;
  /** Whether the metric shows the requester's details. */
  readonly share: boolean;
  /** null: not measured. */
  readonly sample: Sample | null;
}

/** The request part of a metric. */
class MeasuredRequest {
  private readonly account: TradingAccount;
  private readonly requester: Originator | null;
  private readonly share: boolean;
  private readonly sample: Sample | null;
  private readonly clock: Clock;
  /** Wall clock, ms. */
  private readonly at: number;
  private readonly since: number;

  constructor(
    private readonly subject: string,
    { account, requester, share, sample }: MeasuredCall,
  ) {
    this.account = account;
    this.requester = requester;
    this.share = share;
    this.sample = sample;
    this.clock = account.host.clock;
    this.at = this.clock.now();
    this.since = this.clock.monotonic();
  }

  /** The requester; undefined for the server itself. */
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
export class LatencyWatch implements AnswerWatcher {
  readonly options: LatencyOptions;
  private readonly request: MeasuredRequest;
  private isAnswered = false;
  private metric: string | null = null;

  constructor(options: LatencyOptions, call: MeasuredCall) {
    this.options = options;
    this.request = new MeasuredRequest(options.subject, call);
  }

  /** The answer arrived, from the batch's originator. @returns whether the entry may be removed after delivery */
  onAnswer({ originator }: MessageBatch): boolean {
    if (this.isAnswered) return false;
    this.isAnswered = true;
    if (originator === null || originator.kind !== ConnectionKind.Client) return false;
    this.metric = this.request.answered(originator);
    return true;
  }

  /** The answer was delivered or had no receiver. Called after delivery, so that the metric follows the answer. */
  afterAnswer(): void {
    const { metric } = this;
    this.metric = null;
    if (metric !== null) this.request.publish(metric);
  }

  onEnd(end: ResponseEnd): void {
    if (!this.isAnswered) this.request.publish(this.request.json(FAILURES[end]));
  }
}

/** Measures the requester's round trip in advance, for a service with sampled latency. */
export function measureAnswer(response: Response, options: LatencyOptions, call: MeasuredCall): void {
  call.requester?.askRoundTrip();
  if (call.sample !== null && response.type === "Singleton") response.watcher = new LatencyWatch(options, call);
}

/** Publishes the metric of a request without a reply subject. */
export function reportBadRequest(options: LatencyOptions, call: MeasuredCall): void {
  if (call.sample === null) return;
  const request = new MeasuredRequest(options.subject, call);
  request.publish(request.json({ status: 400, description: "Bad Request", ...NO_TIMES }));
}
