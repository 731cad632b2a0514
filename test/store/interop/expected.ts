/** What a stream must hold, whoever has written it. */
import { expect } from "bun:test";
import type { Random } from "../../../src/base/random/random.ts";
import type { SeenMessage } from "./reference-stream.ts";

/** What both servers offer here. */
export interface Stream {
  publish(message: SeenMessage): Promise<number>;
  remove(sequence: number, overwrites: boolean): Promise<void>;
  read(sequence: number): Promise<SeenMessage | null>;
}

/** Messages by sequence, as they must be. */
export class Expected {
  readonly messages = new Map<number, SeenMessage>();
  last = 0;

  constructor(private readonly random: Random) {}

  async change(stream: Stream, count: number): Promise<void> {
    const { messages, random } = this;
    for (let made = 0; made < count; made++) {
      const message = {
        subject: `s.${random.below(9)}.x`,
        header: random.below(3) === 0 ? `NATS/1.0\r\nA: ${random.below(99)}\r\nB: b\r\n\r\n` : "",
        payload: `{"level":"info","n":${made},"text":"${"repeated ".repeat(random.below(60))}"}`,
      };
      this.last = await stream.publish(message);
      messages.set(this.last, message);
    }
    for (let removed = 0; removed < count / 10; removed++) {
      const sequence = random.pick([...messages.keys()]);
      await stream.remove(sequence, removed % 3 === 0);
      messages.delete(sequence);
    }
  }

  async compare(stream: Stream, where: string): Promise<void> {
    for (let sequence = 1; sequence <= this.last; sequence++)
      expect(await stream.read(sequence), `${where} sequence=${sequence}`).toEqual(this.messages.get(sequence) ?? null);
  }

  get state(): [messages: number, first: number, last: number] {
    return [this.messages.size, Math.min(...this.messages.keys()), this.last];
  }
}
