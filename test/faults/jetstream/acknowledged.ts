/**
 * What publishers were told of the messages of one stream, and whether a server that was killed and started again has all of it.
 *
 *   acknowledged, no removal requested    ─▶ is there, with its bytes
 *   acknowledged, removal requested       ─▶ may be there; removal acknowledged ─▶ is not
 *   not acknowledged                      ─▶ may be there
 */
import type { RawClient } from "../../jetstream/sequences/raw-client.ts";

/** Messages that are asked for at once. */
const GETS_AT_ONCE = 500;

enum Removal {
  None,
  Requested,
  Acknowledged,
}

interface Stored {
  readonly subject: string;
  readonly payload: string;
  removal: Removal;
}

export class Acknowledged {
  private readonly messages = new Map<number, Stored>();
  private lastSequence = 0;

  /** @param keepsLast the stream keeps one message per subject */
  constructor(
    readonly stream: string,
    private readonly keepsLast: boolean,
  ) {}

  get size(): number {
    return this.messages.size;
  }

  get sequences(): number[] {
    return [...this.messages.keys()];
  }

  stored(sequence: number, subject: string, payload: string): void {
    if (this.messages.has(sequence)) throw new Error(`${this.stream}: sequence ${sequence} was acknowledged twice`);
    this.lastSequence = Math.max(this.lastSequence, sequence);
    this.messages.set(sequence, { subject, payload, removal: Removal.None });
  }

  /** All messages with these sequences will be removed. */
  requested(isRemoved: (sequence: number) => boolean): void {
    for (const [sequence, message] of this.messages)
      if (isRemoved(sequence)) message.removal = Math.max(message.removal, Removal.Requested);
  }

  removed(isRemoved: (sequence: number) => boolean): void {
    for (const [sequence, message] of this.messages) if (isRemoved(sequence)) message.removal = Removal.Acknowledged;
  }

  /** Compares with the server, and forgets what it has removed. @returns what is wrong */
  async compare(client: RawClient): Promise<string[]> {
    const wrong: string[] = [];
    const info = await this.state(client);
    if (info.last_seq < this.lastSequence)
      wrong.push(`${this.stream}: the last sequence is ${info.last_seq}, ${this.lastSequence} was acknowledged`);
    const sequences = this.sequences;
    for (let at = 0; at < sequences.length; at += GETS_AT_ONCE) {
      const asked = sequences.slice(at, at + GETS_AT_ONCE);
      const answers = await client.askAll(
        asked.map(seq => ({ subject: `$JS.API.DIRECT.GET.${this.stream}`, header: "", payload: JSON.stringify({ seq }), replyEnd: "" })),
      );
      for (const [index, sequence] of asked.entries()) {
        const answer = answers[index]?.[0];
        if (answer === undefined) wrong.push(`${this.stream}: no answer to a request for ${sequence}`);
        else wrong.push(...this.compareOne(sequence, answer.header, answer.payload.toString("latin1")));
      }
    }
    for (const [sequence, { removal }] of this.messages) if (removal !== Removal.None) this.messages.delete(sequence);
    return wrong;
  }

  private compareOne(sequence: number, header: string, payload: string): string[] {
    const known = this.messages.get(sequence)!;
    const isFound = header.startsWith("NATS/1.0\r\n");
    const name = `${this.stream}: message ${sequence}`;
    if (!isFound) {
      if (known.removal === Removal.None && !this.isReplaced(sequence, known.subject))
        return [`${name} is lost: ${JSON.stringify(header)}`];
      this.messages.delete(sequence);
      return [];
    }
    if (known.removal === Removal.Acknowledged) return [`${name} is back`];
    known.removal = Removal.None;
    return payload === known.payload ? [] : [`${name} has other bytes`];
  }

  /** A later message of the subject may have taken its place, also one that was not acknowledged. */
  private isReplaced(sequence: number, subject: string): boolean {
    if (!this.keepsLast) return false;
    for (const [other, known] of this.messages) if (other > sequence && known.subject === subject) return true;
    return this.unacknowledged.has(subject);
  }

  /** Subjects of messages that were sent and not acknowledged. */
  readonly unacknowledged = new Set<string>();

  private async state(client: RawClient): Promise<{ last_seq: number }> {
    const [answer] = await client.ask({ subject: `$JS.API.STREAM.INFO.${this.stream}`, header: "", payload: "", replyEnd: "" });
    return JSON.parse(answer!.payload.toString()).state;
  }
}
