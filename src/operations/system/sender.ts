/**
 * Sends what the server itself has to say: JSON that names it, numbered, to whoever listens. Nothing is made for nobody.
 * Source: reference, core §8.1.
 */
import type { Account } from "../../accounts/account/account.ts";
import { encode } from "../../base/bytes/ascii.ts";
import { goJson } from "../../base/go/json-writer.ts";
import { goTime } from "../../base/go/time.ts";
import { Nuid } from "../../base/random/nuid.ts";
import type { Fields } from "../monitor/endpoint.ts";
import type { SystemHost } from "./system-host.ts";

export class Sender {
  private readonly host: SystemHost;
  private readonly ids = new Nuid();
  private stopped = false;

  constructor(host: SystemHost) {
    this.host = host;
  }

  /** From here on the server has nothing to say any more. */
  stop(): void {
    this.stopped = true;
  }

  /** Whether anybody in the account listens. */
  isHeard(account: Account, subject: Uint8Array): boolean {
    return account.interest.hasInterest(subject, 0, subject.length);
  }

  /** @param content made only when somebody listens */
  send(account: Account, subject: Uint8Array, content: () => unknown): void {
    if (!this.stopped && this.isHeard(account, subject)) account.publisher.publish(subject, "", null, goJson(content(), 0));
  }

  /** In the system account. @param header null: none */
  answer(reply: string, header: Uint8Array | null, payload: string | Uint8Array): void {
    const account = this.host.systemAccount;
    if (!this.stopped && account !== null && reply !== "") account.publisher.publish(encode(reply), "", header, payload);
  }

  /** How this server calls itself in a message: each time with another number. */
  server(): object {
    return this.host.serverInfo();
  }

  /** What an event begins with. @param at wall clock, ms */
  head(type: string, at: number): Fields {
    return { type, id: this.ids.next(), timestamp: goTime(at) };
  }
}
