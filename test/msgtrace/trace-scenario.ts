/**
 * Runs a scenario with traced or measured messages on one server, and returns what each client received.
 *
 *   step ─▶ PING of its client ─▶ fence ─▶ PING of all clients ─▶ notes
 * The reference publishes events later, from a queue. A fence is one more event: when it arrives, all earlier events have arrived.
 * Values that servers choose freely are replaced: times, numbers of connections, the tokens of `_R_`, the order of receivers.
 */
import { gunzipSync } from "node:zlib";
import { decodeS2Stream } from "../../src/base/compression/s2-stream.ts";
import { type Received, RecordingClient, withoutRandomTokens } from "../differential/recording-client.ts";
import { WireConnection } from "../wire/wire-connection.ts";

const EVENT_BYTES_MAX = 1 << 20;

export interface TraceScenario {
  readonly config: string;
  /** By name, which is the password too: more fields of the CONNECT. The first user handles the fences. */
  readonly users: Readonly<Record<string, object>>;
  /** Subscribed before the first step: `subject` or `subject queue`. */
  readonly subscriptions: Readonly<Record<string, readonly string[]>>;
  readonly steps: readonly TraceStep[];
  /** The reference delivers to the receivers in random order, so the order of the events of a trace is not compared. */
  readonly unordered?: boolean;
}

export interface TraceStep {
  readonly user: string;
  /** `{reply}` is the reply subject of the last message that the user received. */
  readonly send: string;
  /** A text that the server sends, maybe later: the step continues when the user has received it. */
  readonly awaits?: { readonly user: string; readonly text: string };
  /** The answer of all users to messages with a reply subject. */
  readonly answer?: Outgoing;
}

export interface Outgoing {
  readonly reply?: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly payload?: string;
}

/** PUB, or HPUB with these headers. */
export function publish(subject: string, { reply = "", headers, payload = "" }: Outgoing = {}): string {
  if (headers === undefined) return `PUB ${subject} ${reply} ${payload.length}\r\n${payload}\r\n`;
  const lines = Object.entries(headers).map(([key, value]) => `${key}: ${value}\r\n`);
  const block = `NATS/1.0\r\n${lines.join("")}\r\n`;
  return `HPUB ${subject} ${reply} ${block.length} ${block.length + payload.length}\r\n${block}${payload}\r\n`;
}

/** Runs a scenario on one server. @returns for each step what all users received: `user: what` */
export async function runTraceScenario(scenario: TraceScenario, port: number): Promise<string[][]> {
  const clients = new Map<string, TraceClient>();
  for (const [name, connect] of Object.entries(scenario.users)) clients.set(name, await TraceClient.open(port, name, connect));
  const [fencer] = clients.values();
  const all: string[][] = [];
  try {
    for (const [name, subscriptions] of Object.entries(scenario.subscriptions)) {
      const lines = subscriptions.map((subscription, at) => `SUB ${subscription} ${at + 1}\r\n`);
      await clients.get(name)!.send(lines.join(""));
      await clients.get(name)!.sync();
    }
    await fencer!.send("SUB fence.event fence\r\n");
    const takeNotes = async (): Promise<string[]> => {
      await fencer!.fence();
      const notes: string[] = [];
      for (const [name, client] of clients) {
        await client.sync();
        notes.push(...client.take().map(message => `${name}: ${noteOf(message, scenario.unordered ?? false)}`));
      }
      return notes.sort();
    };
    for (const { user, send, awaits, answer } of scenario.steps) {
      const client = clients.get(user)!;
      await client.send(send.replaceAll("{reply}", client.lastReply));
      await client.sync();
      if (awaits !== undefined) await clients.get(awaits.user)!.until(awaits.text);
      const notes = await takeNotes();
      if (answer !== undefined) {
        for (const one of clients.values()) {
          for (const reply of one.takeReplySubjects()) await one.send(publish(reply, answer));
          await one.sync();
        }
        notes.push("answers:", ...(await takeNotes()));
      }
      for (const one of clients.values()) one.takeReplySubjects();
      all.push(notes);
    }
    return all;
  } finally {
    for (const { connection } of clients.values()) connection.terminate();
  }
}

class TraceClient extends RecordingClient {
  /** Reply subject of the last message. */
  lastReply = "";
  private received: Received[] = [];
  private requests: { readonly reply: string; readonly note: string }[] = [];
  private fences = 0;

  static async open(port: number, name: string, connect: object): Promise<TraceClient> {
    const client = new TraceClient(await WireConnection.open(port, name));
    await client.login(name, { name: `N-${name}`, headers: true, protocol: 1, ...connect });
    return client;
  }

  override async sync(): Promise<void> {
    await super.sync();
    for (const received of this.takeReceived()) {
      if (received.verb === "INFO" || received.verb === "PING" || received.sid === "fence") continue;
      this.received.push(received);
      if (received.reply === "") continue;
      this.lastReply = received.reply;
      this.requests.push({ reply: received.reply, note: noteOf(received, true) });
    }
  }

  /** Waits until a text was received in this step. */
  async until(text: string): Promise<void> {
    const isThere = this.received.some(({ header, line, payload }) =>
      [line, header, payload.toString("latin1")].some(part => part.includes(text)),
    );
    if (!isThere) await this.connection.waitFor(Buffer.from(text));
  }

  /** Waits until the server has published all events that earlier messages caused. */
  async fence(): Promise<void> {
    const mark = `fence${++this.fences}`;
    await this.send(publish("fence", { headers: { "Nats-Trace-Dest": "fence.event", "Nats-Trace-Only": "true", Mark: mark } }));
    await this.connection.waitFor(Buffer.from(mark));
    await this.sync();
  }

  /** Takes the reply subjects of received requests, in the same order on both servers. */
  takeReplySubjects(): string[] {
    const { requests } = this;
    this.requests = [];
    return requests.sort((a, b) => (a.note < b.note ? -1 : 1)).map(({ reply }) => reply);
  }

  take(): Received[] {
    const { received } = this;
    this.received = [];
    return received;
  }
}

function noteOf({ line, header, payload }: Received, unordered: boolean): string {
  const content = contentOf(header, payload).toString("latin1");
  const shown = content.startsWith('{"') ? eventText(content, unordered) : content;
  return withoutRandomTokens(`${line}${header === "" ? "" : ` header ${headerText(header)}`} payload ${shown}`);
}

function contentOf(header: string, payload: Buffer): Buffer {
  if (/Content-Encoding: gzip\r\n/.test(header)) return gunzipSync(payload);
  return /Content-Encoding: snappy\r\n/.test(header) ? decodeS2Stream(payload, EVENT_BYTES_MAX) : payload;
}

function headerText(block: string): string {
  const lines = block.split("\r\n").filter(line => line !== "");
  return lines
    .map(line => line.replace(/^Nats-Request-Info: (.*)$/, (_, json) => `Nats-Request-Info: ${eventText(json, false)}`))
    .join("|");
}

/** Fields whose values differ between two servers or runs. */
const VARIABLE_FIELDS = new Set(["ts", "cid", "id", "time", "timestamp", "start", "rtt", "service", "system", "total", "seq"]);
const DURATION_FIELDS = new Set(["service", "system", "total"]);
const SERVER_FIELDS = new Set(["name", "host", "id", "seq", "time"]);

function eventText(json: string, unordered: boolean): string {
  const event = JSON.parse(json, function (this: Record<string, unknown>, key, value) {
    if (key === "rtt") return undefined; // left out while it is not known
    if (key === "server" && typeof value === "object") {
      return Object.fromEntries(Object.entries(value as object).map(([name, item]) => [name, SERVER_FIELDS.has(name) ? "…" : item]));
    }
    if (key === "server" || (key === "host" && typeof value === "string")) return "…";
    // With status 200 durations vary, and are 0 if the measured round trip was too long. With another status they are compared.
    if (VARIABLE_FIELDS.has(key)) return this.status !== 200 && typeof value === "number" && DURATION_FIELDS.has(key) ? value : "…";
    return value;
  }) as { events?: unknown[] };
  if (unordered) event.events?.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return JSON.stringify(event);
}
