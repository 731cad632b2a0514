/**
 * Subjects on which the server receives answers to its own requests. Nobody can guess them, so only the service that was asked can answer.
 *
 *   $SYS._INBOX.<hash of the server's name>.<random>
 */
import { randomBytes } from "node:crypto";
import type { Account } from "../accounts/account/account.ts";
import { serverHash } from "../base/keys/server-hash.ts";
import { LocalSubscriber } from "../messaging/batch/local-subscriber.ts";

const RANDOM_BYTES = 16;

export interface Inbox {
  readonly subject: string;
  /** Later answers are discarded. Does nothing the second time. */
  close(): void;
}

export class Inboxes {
  private readonly prefix: string;
  private readonly subscribers = new WeakMap<Account, LocalSubscriber>();

  /** @param onError gets what a callback has thrown */
  constructor(
    serverName: string,
    private readonly onError: (error: unknown) => void,
  ) {
    this.prefix = `$SYS._INBOX.${serverHash(serverName)}.`;
  }

  /**
   * @param onAnswer gets the payload, borrowed until it returns
   * @param answersMax closes by itself after so many answers; 0: never
   */
  open(account: Account, onAnswer: (payload: Buffer) => void, answersMax = 0): Inbox {
    const subject = this.prefix + randomBytes(RANDOM_BYTES).toString("hex");
    const subscriber = this.subscriberOf(account);
    const subscription = subscriber.subscribe(subject, null, (batch, index) => onAnswer(batch.payload(index)), answersMax);
    return { subject, close: () => subscription !== null && subscriber.unsubscribe(subscription) };
  }

  private subscriberOf(account: Account): LocalSubscriber {
    let subscriber = this.subscribers.get(account);
    if (subscriber === undefined) {
      subscriber = new LocalSubscriber(account, this.onError);
      this.subscribers.set(account, subscriber);
    }
    return subscriber;
  }
}
