/**
 * Services of the server in one account: each subject has a handler, which receives the request and sends the answer.
 *
 *   client, import ─ interest ─▶ LocalSubscriber ─ copied ─▶ run: the handler at once, or a RequestQueue
 */
import type { Account } from "../accounts/account/account.ts";
import { decode } from "../base/bytes/ascii.ts";
import { LocalSubscriber } from "../messaging/batch/local-subscriber.ts";
import { type ServiceHandler, ServiceRequest } from "./service-request.ts";

export class ServiceEndpoints {
  private readonly subscriber: LocalSubscriber;

  /**
   * @param onError receives errors thrown by handlers that run at once
   * @param run decides when a handler runs; by default at once, during the delivery
   */
  constructor(
    account: Account,
    onError: (error: unknown, subject: string) => void,
    private readonly run: (request: ServiceRequest, handler: ServiceHandler) => void = (request, handler) => handler(request),
  ) {
    this.subscriber = new LocalSubscriber(account, (error, { subject }) => onError(error, decode(subject)));
  }

  /**
   * @param subject may have wildcards
   * @param group queue group that the service joins; null: none
   */
  serve(subject: string, handler: ServiceHandler, group: string | null = null): void {
    this.subscriber.subscribe(subject, group, (batch, index) => this.run(new ServiceRequest(batch, index), handler));
  }

  /** Runs `act`. Messages that it publishes do not reach these endpoints, so that the server does not answer itself. */
  pausedDuring(act: () => void): void {
    this.subscriber.deaf = true;
    try {
      act();
    } finally {
      this.subscriber.deaf = false;
    }
  }

  close(): void {
    this.subscriber.close();
  }
}
