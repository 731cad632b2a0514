/**
 * Plays a conversation in which messages are followed or measured, on ours and on the reference, and tells what everybody received.
 *
 *   step ─▶ PING of its player ─▶ fence ─▶ PING of everybody ─▶ notes
 * The reference publishes events from a queue of its own: a fence is one more event, whose arrival says that those before it are through.
 * What servers choose freely is made the same: times, numbers of connections, the tokens of `_R_`, the order of receivers.
 */
import { gunzipSync } from "node:zlib";
import { encode } from "../../src/base/bytes/ascii.ts";
import { decodeS2Stream } from "../../src/base/compression/s2-stream.ts";
import { WireConnection } from "../wire/wire-connection.ts";

const PONG = encode("PONG\r\n");
const EVENT_BYTES_MAX = 1 << 20;

export interface Scenario {
  readonly config: string;
  /** By name, which is its password too; what its CONNECT says besides. The first one sees to the fences. */
  readonly users: Readonly<Record<string, object>>;
  /** Subscribed before the first step: `subject` or `subject queue`. */
  readonly subscriptions: Readonly<Record<string, readonly string[]>>;
  readonly steps: readonly Step[];
  /** Receivers have no order that the reference keeps. */
  readonly unordered?: boolean;
}

export interface Step {
  readonly user: string;
  /** `{reply}` is the reply subject of the last message that the user received. */
  readonly send: string;
  /** Something that comes later by itself: the step goes on when the user has received it. */
  readonly awaits?: { readonly user: string; readonly text: string };
  /** What everybody answers to whatever came with a reply subject. */
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

/** For each step what everybody received: `user: what`. */
export async function play(scenario: Scenario, port: number): Promise<string[][]> {
  const players = new Map<string, Player>();
  for (const [name, connect] of Object.entries(scenario.users)) players.set(name, await Player.open(port, name, connect));
  const [fencer] = players.values();
  const all: string[][] = [];
  try {
    for (const [name, subscriptions] of Object.entries(scenario.subscriptions)) {
      const lines = subscriptions.map((subscription, at) => `SUB ${subscription} ${at + 1}\r\n`);
      await players.get(name)!.send(lines.join(""));
      await players.get(name)!.sync();
    }
    await fencer!.send("SUB fence.event fence\r\n");
    const listen = async (): Promise<string[]> => {
      await fencer!.fence();
      const notes: string[] = [];
      for (const [name, one] of players) {
        await one.sync();
        notes.push(...one.take().map(message => `${name}: ${noted(message, scenario.unordered ?? false)}`));
      }
      return notes.sort();
    };
    for (const { user, send, awaits, answer } of scenario.steps) {
      const player = players.get(user)!;
      await player.send(send.replaceAll("{reply}", player.lastReply));
      await player.sync();
      if (awaits !== undefined) await players.get(awaits.user)!.connection.waitFor(Buffer.from(awaits.text));
      const notes = await listen();
      if (answer !== undefined) {
        for (const one of players.values()) {
          for (const reply of one.unanswered()) await one.send(publish(reply, answer));
          await one.sync();
        }
        notes.push("answers:", ...(await listen()));
      }
      for (const one of players.values()) one.unanswered();
      all.push(notes);
    }
    return all;
  } finally {
    for (const { connection } of players.values()) connection.terminate();
  }
}

interface Received {
  readonly line: string;
  readonly header: string;
  readonly payload: Buffer;
}

class Player {
  private unread = Buffer.alloc(0);
  private received: Received[] = [];
  lastReply = "";
  private asked: { readonly reply: string; readonly note: string }[] = [];
  private fences = 0;

  private constructor(readonly connection: WireConnection) {}

  static async open(port: number, name: string, connect: object): Promise<Player> {
    const player = new Player(await WireConnection.open(port, name));
    await player.connection.takeLine(); // INFO
    const options = { verbose: false, pedantic: false, user: name, pass: name, name: `N-${name}`, headers: true, protocol: 1, ...connect };
    await player.send(`CONNECT ${JSON.stringify(options)}\r\n`);
    await player.sync();
    return player;
  }

  async send(text: string): Promise<void> {
    await this.connection.write(Buffer.from(text, "latin1"));
  }

  /** What this player sent so far was seen to. */
  async sync(): Promise<void> {
    if (this.connection.ended) return this.parse();
    await this.send("PING\r\n");
    for (;;) {
      await this.connection.waitFor(PONG);
      const bytes = Buffer.from(this.connection.received());
      const at = bytes.indexOf(PONG);
      this.unread = Buffer.concat([this.unread, at === -1 ? bytes : bytes.subarray(0, at)]);
      this.connection.take(at === -1 ? bytes.length : at + PONG.length);
      if (at === -1 && !this.connection.ended) continue;
      return this.parse();
    }
  }

  /** Events that were sent before are through when it returns. */
  async fence(): Promise<void> {
    const mark = `fence${++this.fences}`;
    await this.send(publish("fence", { headers: { "Nats-Trace-Dest": "fence.event", "Nats-Trace-Only": "true", Mark: mark } }));
    await this.connection.waitFor(Buffer.from(mark));
    await this.sync();
  }

  /** Reply subjects of what came, in an order that both servers have. */
  unanswered(): string[] {
    const { asked } = this;
    this.asked = [];
    return asked.sort((a, b) => (a.note < b.note ? -1 : 1)).map(({ reply }) => reply);
  }

  take(): Received[] {
    const { received } = this;
    this.received = [];
    return received;
  }

  private parse(): void {
    let at = 0;
    const all = this.unread;
    while (at < all.length) {
      const end = all.indexOf("\r\n", at);
      const line = all.toString("latin1", at, end);
      at = end + 2;
      const [verb, ...words] = line.split(" ");
      if (verb === "INFO" || verb === "PING") continue;
      if (verb !== "MSG" && verb !== "HMSG") {
        this.received.push({ line, header: "", payload: Buffer.alloc(0) });
        continue;
      }
      const size = Number(words.pop());
      const headerSize = verb === "HMSG" ? Number(words.pop()) : 0;
      const [subject, sid, reply = ""] = words;
      const header = all.toString("latin1", at, at + headerSize);
      const payload = Buffer.from(all.subarray(at + headerSize, at + size));
      at += size + 2;
      if (sid === "fence") continue;
      // "No responders" comes to any subscription that the reply matches.
      const by = header.startsWith("NATS/1.0 503") ? "…" : sid;
      const received = { line: `${subject} sid ${by} reply ${reply}`, header, payload };
      this.received.push(received);
      if (reply === "") continue;
      this.lastReply = reply;
      this.asked.push({ reply, note: noted(received, true) });
    }
    this.unread = Buffer.alloc(0);
  }
}

function noted({ line, header, payload }: Received, unordered: boolean): string {
  const content = contentOf(header, payload).toString("latin1");
  const shown = content.startsWith('{"') ? eventText(content, unordered) : content;
  return anonymous(`${line}${header === "" ? "" : ` header ${headerText(header)}`} payload ${shown}`);
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

/** Values that differ between any two servers or runs. */
const FREE = new Set(["ts", "cid", "id", "time", "timestamp", "start", "rtt", "service", "system", "total", "seq"]);
const DURATIONS = new Set(["service", "system", "total"]);
const SERVER_OWN = new Set(["name", "host", "id", "seq", "time"]);

function eventText(json: string, unordered: boolean): string {
  const event = JSON.parse(json, function (this: Record<string, unknown>, key, value) {
    if (key === "rtt") return undefined; // left out while it is not known
    if (key === "server" && typeof value === "object") {
      return Object.fromEntries(Object.entries(value as object).map(([name, own]) => [name, SERVER_OWN.has(name) ? "…" : own]));
    }
    if (key === "server" || (key === "host" && typeof value === "string")) return "…";
    // A round trip that was guessed too long leaves nothing for the service: only where nothing was measured it must be 0.
    if (FREE.has(key)) return this.status !== 200 && typeof value === "number" && DURATIONS.has(key) ? value : "…";
    return value;
  }) as { events?: unknown[] };
  if (unordered) event.events?.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return JSON.stringify(event);
}

/** Tokens that each server draws for itself. */
function anonymous(text: string): string {
  return text.replace(/_R_\.[0-9A-Za-z]{6}\.[0-9A-Za-z]{6}(\.[0-9A-Za-z]{8}\.T)?/g, (_, tracked) =>
    tracked ? "_R_.x.y.hash.T" : "_R_.x.y",
  );
}
