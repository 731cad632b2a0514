/**
 * Subjects on which the server receives answers to its own requests. They cannot be guessed, so only the requested service can answer.
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
  /** Answers after this call are discarded. A second call does nothing. */
  close(): void;
}

export class Inboxes {
  private readonly prefix: string;
  private readonly subscribers = new WeakMap<Account, LocalSubscriber>();

  /** @param onError receives errors thrown by callbacks */
  constructor(
    serverName: string,
    private readonly onError: (error: unknown) => void,
  ) {
    this.prefix = `$SYS._INBOX.${serverHash(serverName)}.`;
  }

  /**
   * @param onAnswer receives the payload, borrowed until it returns
   * @param answersMax the inbox closes after this number of answers; 0: never
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
