/**
 * Requests that wait for the end of the delivery that brought them.
 *
 *   delivery ─▶ ServiceEndpoints ─▶ RequestQueue ─ ─ next turns of the event loop, some per turn ─ ─▶ handler ─▶ answer
 * A handler does not run within the delivery because it may close connections, load another configuration, or list ten thousand clients.
 * An error thrown by a handler is a programming error: it is logged, and the requester gets no answer.
 */
import type { ServiceHandler, ServiceRequest } from "./service-request.ts";

/** Requests handled in one turn of the event loop: many requests of one client do not hold up the others. */
const RUN_MAX = 16;

export interface QueueLog {
  warnRateLimited(text: string): void;
  error(text: string): void;
}

export interface QueueOptions {
  /** Name of the services in log lines, in the singular. */
  readonly label: string;
  /** Most waiting requests; further ones are dropped. */
  readonly waitingMax: number;
}

export class RequestQueue {
  private waiting: { readonly request: ServiceRequest; readonly handler: ServiceHandler }[] = [];
  /** The first of them that has not run yet. */
  private next = 0;
  private scheduled = false;
  private stopped = false;

  /** @param endTurn writes the output of the handlers */
  constructor(
    private readonly log: QueueLog,
    private readonly endTurn: () => void,
    private readonly options: QueueOptions,
  ) {}

  push(request: ServiceRequest, handler: ServiceHandler): void {
    const { label, waitingMax } = this.options;
    if (this.stopped) return;
    if (this.waiting.length - this.next >= waitingMax) return this.log.warnRateLimited(`${label}s: too many requests, some are dropped`);
    this.waiting.push({ request, handler });
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.run());
  }

  /** Drops waiting and later requests. */
  stop(): void {
    this.stopped = true;
    this.waiting = [];
    this.next = 0;
  }

  private run(): void {
    this.scheduled = false;
    for (let ran = 0; ran < RUN_MAX && this.next < this.waiting.length; ran++) {
      const { request, handler } = this.waiting[this.next++];
      this.guard(request, () => handler(request));
      if (this.stopped) return;
    }
    if (this.next === this.waiting.length) {
      this.waiting = [];
      this.next = 0;
    } else this.schedule();
    this.endTurn();
  }

  /** Runs a part of a handler and logs its errors. Also used by handlers that continue later. */
  guard(request: ServiceRequest, part: () => void): void {
    try {
      part();
    } catch (error) {
      this.log.error(`${this.options.label} ${request.subject} failed: ${(error as Error).stack ?? error}`);
    }
  }
}
