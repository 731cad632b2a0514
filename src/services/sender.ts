/**
 * Sends the server's own messages: answers and events. They are JSON that names the server, with a sequence number. An event
 * without subscribers is not built, unless it is traced.
 * Source: reference, core §8.1.
 */
import type { Account } from "../accounts/account/account.ts";
import { decode, encode } from "../base/bytes/ascii.ts";
import { compactGoJson } from "../base/go/json-writer.ts";
import { goTime } from "../base/go/time.ts";
import { Nuid } from "../base/random/nuid.ts";
import type { SentTrace } from "./sent-trace.ts";

export class Sender {
  private readonly ids = new Nuid();
  private stopped = false;

  /**
   * @param account of the services: answers are published here
   * @param serverInfo describes this server in a message; contains a sequence number, so each call returns another value
   */
  constructor(
    private readonly account: Account,
    private readonly serverInfo: () => object,
    private readonly trace: SentTrace,
  ) {}

  /** Later messages are not sent. */
  stop(): void {
    this.stopped = true;
  }

  /** Publishes an event. @param content called only when the account has a listener, or the event is traced */
  send(account: Account, subject: Uint8Array, content: () => unknown): void {
    const { enabled } = this.trace;
    if (this.stopped || !(enabled || account.interest.hasInterest(subject, 0, subject.length))) return;
    const json = compactGoJson(content());
    if (enabled) this.trace.write(decode(subject), null, json);
    account.publisher.publish(subject, "", null, json);
  }

  /** @param reply empty: no answer is wanted @param header a whole header block; null: none */
  answer(reply: string, header: Uint8Array | null, payload: string | Uint8Array): void {
    if (this.stopped || reply === "") return;
    if (this.trace.enabled) this.trace.write(reply, header, payload);
    this.account.publisher.publish(encode(reply), "", header, payload);
  }

  /** Description of this server in a message; call it once per message. */
  server(): object {
    return this.serverInfo();
  }

  /** The first fields of an event. @param at wall clock, ms */
  head(type: string, at: number): Record<string, unknown> {
    return { type, id: this.ids.next(), timestamp: goTime(at) };
  }
}
