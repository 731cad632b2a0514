/**
 * What publishers were told of the messages of one stream, and whether a server that was killed and started again has all of it.
 *
 *   acknowledged, no removal requested    ─▶ is there, with its bytes
 *   acknowledged, removal requested       ─▶ may be there; removal acknowledged ─▶ is not
 *   not acknowledged                      ─▶ may be there
 * Of a stream that keeps one message per subject the last one is compared, unless a later one was sent and not acknowledged. Earlier ones may
 * come back when the last one is removed, because the format records no removals by limits.
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
  /** Of a stream that keeps one message per subject: the sequence of the last one that was acknowledged. */
  private readonly lasts = new Map<string, number>();
  /** Number of messages that were sent and not acknowledged, by subject. */
  private readonly sent = new Map<string, number>();

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

  sending(subject: string): void {
    this.sent.set(subject, (this.sent.get(subject) ?? 0) + 1);
  }

  stored(sequence: number, subject: string, payload: string): void {
    if (this.messages.has(sequence)) throw new Error(`${this.stream}: sequence ${sequence} was acknowledged twice`);
    this.sent.set(subject, this.sent.get(subject)! - 1);
    this.lastSequence = Math.max(this.lastSequence, sequence);
    if (this.keepsLast) {
      const last = this.lasts.get(subject) ?? 0;
      if (sequence < last) return;
      this.messages.delete(last);
      this.lasts.set(subject, sequence);
    }
    this.messages.set(sequence, { subject, payload, removal: Removal.None });
  }

  /** The removal of all messages with these sequences was requested. */
  requested(isRemoved: (sequence: number) => boolean): void {
    for (const [sequence, message] of this.messages) {
      if (isRemoved(sequence)) message.removal = Math.max(message.removal, Removal.Requested);
    }
  }

  /** It was acknowledged. */
  removed(isRemoved: (sequence: number) => boolean): void {
    for (const [sequence, message] of this.messages) if (isRemoved(sequence)) message.removal = Removal.Acknowledged;
  }

  /** Compares with the server that was started again, and forgets what it has removed. @returns what is wrong */
  async compare(client: RawClient): Promise<string[]> {
    const wrong: string[] = [];
    const last = await this.lastSequenceOf(client);
    if (last < this.lastSequence) wrong.push(`${this.stream}: the last sequence is ${last}, ${this.lastSequence} was acknowledged`);
    const { sequences } = this;
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
    this.sent.clear();
    return wrong;
  }

  private compareOne(sequence: number, header: string, payload: string): string[] {
    const known = this.messages.get(sequence)!;
    const name = `${this.stream}: message ${sequence}`;
    const { removal } = known;
    if (!header.startsWith("NATS/1.0\r\n")) {
      this.messages.delete(sequence);
      const mayBeReplaced = this.keepsLast && (this.sent.get(known.subject) ?? 0) > 0;
      return removal !== Removal.None || mayBeReplaced ? [] : [`${name} is lost: ${JSON.stringify(header)}`];
    }
    known.removal = Removal.None;
    if (removal === Removal.Acknowledged) return [`${name} is back`];
    return payload === known.payload ? [] : [`${name} has other bytes`];
  }

  private async lastSequenceOf(client: RawClient): Promise<number> {
    const [answer] = await client.ask({ subject: `$JS.API.STREAM.INFO.${this.stream}`, header: "", payload: "", replyEnd: "" });
    return JSON.parse(answer!.payload.toString()).state.last_seq;
  }
}
