/**
 * Services of the server in one account: each subject has a handler, which gets the request and sends the answer itself.
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
   * @param onError gets what a handler that runs at once has thrown
   * @param run when handlers run: at once, within the delivery, unless it says otherwise
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

  /** Messages that `act` publishes do not reach these services: the server does not ask or answer itself. */
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
