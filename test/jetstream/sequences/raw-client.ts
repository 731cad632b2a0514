/**
 * A client that sends headers as they are given and keeps the bytes that it receives. Answers are found by their subject.
 *
 *   ask, askAll ─▶ PUB or HPUB with reply `_INBOX.<n>` ─▶ all answers to `_INBOX.<n>`, until they are complete
 *   messages on other subjects (copies of republishing, advisories) ─▶ `taken`
 */
import type { Publication } from "./step.ts";

/** Long enough for a slow disk; a request without an answer is rare. */
const ANSWER_MS = 10_000;
const VERSION = "NATS/1.0";

export interface Answer {
  readonly subject: string;
  /** latin1, empty: none. */
  readonly header: string;
  readonly payload: Buffer;
}

interface Waiting {
  readonly answers: Answer[];
  readonly isComplete: (answers: readonly Answer[]) => boolean;
  readonly done: () => void;
}

export class RawClient {
  private socket!: Bun.Socket;
  private unread = Buffer.alloc(0);
  private readonly waiting = new Map<string, Waiting>();
  private inboxes = 0;
  /** Requests to the API that were answered and of which the account is told: all but the messages that are read. */
  audited = 0;
  private others: Answer[] = [];
  private ended: Error | null = null;
  private unwritten: Buffer[] = [];
  private pongs: (() => void)[] = [];
  private wake: (() => void)[] = [];

  static async open(port: number, user: string): Promise<RawClient> {
    const client = new RawClient();
    client.socket = await Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        data: (_socket, chunk) => client.onData(chunk),
        drain: () => client.write(),
        close: () => client.onEnd(new Error(`the connection of ${user} was closed`)),
        error: (_socket, error) => client.onEnd(error),
      },
    });
    const options = { verbose: false, pedantic: false, headers: true, no_responders: true, lang: "test", version: "1", protocol: 1 };
    client.send(Buffer.from(`CONNECT ${JSON.stringify({ ...options, user, pass: user })}\r\nSUB _INBOX.> 1\r\n`));
    await client.sync();
    return client;
  }

  async subscribe(...subjects: string[]): Promise<void> {
    for (const [index, subject] of subjects.entries()) this.send(Buffer.from(`SUB ${subject} ${index + 2}\r\n`));
    await this.sync();
  }

  /** Sends a message and waits for its answers. @returns those that arrived in time */
  ask(message: Publication, isComplete: (answers: readonly Answer[]) => boolean = isAnswered): Promise<readonly Answer[]> {
    return this.askAll([message], isComplete).then(([answers]) => answers!);
  }

  /** Sends messages at once, and waits for the answers of each. */
  askAll(
    messages: readonly Publication[],
    isComplete: (answers: readonly Answer[]) => boolean = isAnswered,
  ): Promise<(readonly Answer[])[]> {
    const all = messages.map(message => {
      const inbox = `_INBOX.${++this.inboxes}${message.replyEnd}`;
      const answers = this.answersOf(inbox, isComplete).then(got => {
        if (isAudited(message.subject, got[0])) this.audited++;
        return got;
      });
      return { inbox, bytes: bytesOf(message, inbox), answers };
    });
    this.send(Buffer.concat(all.map(({ bytes }) => bytes)));
    return Promise.all(all.map(({ answers }) => answers));
  }

  /** Messages on subjects other than inboxes that arrived since the last call. */
  taken(): readonly Answer[] {
    const { others } = this;
    this.others = [];
    return others;
  }

  /** Waits until this number of such messages has arrived. */
  async untilTaken(count: number, isWanted: (message: Answer) => boolean): Promise<void> {
    const deadline = performance.now() + ANSWER_MS;
    while (this.others.filter(isWanted).length < count) {
      if (this.ended !== null) throw this.ended;
      const woken = Promise.withResolvers<void>();
      this.wake.push(woken.resolve);
      const timer = setTimeout(() => woken.resolve(), deadline - performance.now());
      await woken.promise;
      clearTimeout(timer);
      if (performance.now() >= deadline) throw new Error(`a message did not arrive; last: ${this.others.at(-1)?.payload}`);
    }
  }

  get hasEnded(): boolean {
    return this.ended !== null;
  }

  close(): void {
    this.ended ??= new Error("closed");
    this.socket.terminate();
  }

  private answersOf(inbox: string, isComplete: (answers: readonly Answer[]) => boolean): Promise<readonly Answer[]> {
    const { promise, reject, resolve } = Promise.withResolvers<readonly Answer[]>();
    const answers: Answer[] = [];
    const timer = setTimeout(() => done(), ANSWER_MS);
    const done = () => {
      clearTimeout(timer);
      this.waiting.delete(inbox);
      if (this.ended === null) resolve(answers);
      else reject(this.ended);
    };
    this.waiting.set(inbox, { answers, isComplete, done });
    if (this.ended !== null) done();
    return promise;
  }

  private sync(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.pongs.push(resolve);
    this.send(Buffer.from("PING\r\n"));
    return promise;
  }

  private send(bytes: Buffer): void {
    this.unwritten.push(bytes);
    this.write();
  }

  private write(): void {
    while (this.unwritten.length > 0) {
      const bytes = this.unwritten[0]!;
      const taken = this.socket.write(bytes);
      if (taken < 0) return;
      if (taken < bytes.length) {
        this.unwritten[0] = bytes.subarray(taken);
        return;
      }
      this.unwritten.shift();
    }
  }

  private onEnd(error: Error): void {
    this.ended ??= error;
    for (const { done } of [...this.waiting.values()]) done();
    for (const wake of this.wake.splice(0)) wake();
  }

  private onData(chunk: Uint8Array): void {
    this.unread = Buffer.concat([this.unread, chunk]);
    let at = 0;
    while (true) {
      const next = this.take(at);
      if (next === -1) break;
      at = next;
    }
    this.unread = this.unread.subarray(at);
    if (this.others.length > 0) for (const wake of this.wake.splice(0)) wake();
  }

  /** Handles what begins at `at`. @returns the offset after it; -1: it is not there as a whole */
  private take(at: number): number {
    const { unread } = this;
    const lineEnd = unread.indexOf("\r\n", at);
    if (lineEnd === -1) return -1;
    const [verb, ...words] = unread.toString("latin1", at, lineEnd).split(" ");
    const start = lineEnd + 2;
    if (verb === "PING") this.send(Buffer.from("PONG\r\n"));
    else if (verb === "PONG") this.pongs.shift()?.();
    else if (verb === "-ERR") this.onEnd(new Error(unread.toString("latin1", at, lineEnd)));
    if (verb !== "MSG" && verb !== "HMSG") return start;
    const size = Number(words.pop());
    const headerSize = verb === "HMSG" ? Number(words.pop()) : 0;
    if (unread.length < start + size + 2) return -1;
    const header = unread.toString("latin1", start, start + headerSize);
    this.onMessage({ subject: words[0]!, header, payload: Buffer.from(unread.subarray(start + headerSize, start + size)) });
    return start + size + 2;
  }

  private onMessage(answer: Answer): void {
    const waiting = this.waiting.get(answer.subject);
    if (waiting === undefined) {
      this.others.push(answer);
      return;
    }
    waiting.answers.push(answer);
    if (waiting.isComplete(waiting.answers)) waiting.done();
  }
}

function isAudited(subject: string, answer: Answer | undefined): boolean {
  if (answer === undefined || !subject.startsWith("$JS.API.") || subject.startsWith("$JS.API.DIRECT.")) return false;
  return !answer.payload.includes('"message":{');
}

/** Whether there is an answer. */
export function isAnswered(answers: readonly Answer[]): boolean {
  return answers.length > 0;
}

/** Whether the last answer has a status: the end of several messages, or an error. */
export function hasStatus(answers: readonly Answer[]): boolean {
  return /^NATS\/1\.0 \d/.test(answers.at(-1)?.header ?? "");
}

function bytesOf({ header, payload, subject }: Publication, reply: string): Buffer {
  const body = Buffer.from(header + payload, "latin1");
  const sizes = header === "" ? `${body.length}` : `${header.length} ${body.length}`;
  return Buffer.concat([
    Buffer.from(`${header === "" ? "PUB" : "HPUB"} ${subject} ${reply} ${sizes}\r\n`, "latin1"),
    body,
    Buffer.from("\r\n"),
  ]);
}

/** A header block of lines `Key: value`. */
export function headerBlock(lines: readonly string[]): string {
  return lines.length === 0 ? "" : `${VERSION}\r\n${lines.map(line => `${line}\r\n`).join("")}\r\n`;
}
