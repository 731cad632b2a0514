/**
 * Plays a world on a server: everybody connects and subscribes, then one after the other does something, and everybody tells what came.
 *
 *   step ─▶ PING of everybody: what it caused has arrived ─▶ whoever was asked answers ─▶ PING of everybody ─▶ notes
 * What servers choose freely is made the same: the order within a step, the tokens of `_R_`, times and numbers of connections.
 */
import { encode } from "../../src/base/bytes/ascii.ts";
import { WireConnection } from "../wire/wire-connection.ts";
import type { World, WorldStep } from "./random-world.ts";

const PONG = encode("PONG\r\n");

/** One list per step, sorted, of `user: what it received`. */
export type Notes = readonly (readonly string[])[];

interface Received {
  readonly reply: string;
  /** As both servers say it. */
  readonly note: string;
}

/** @param change what happens in the middle, as a reload; nothing when not given */
export async function playWorld(world: World, port: number, change?: () => Promise<void>): Promise<Notes> {
  const names = world.accounts.flatMap(({ users }) => users.map(({ name }) => name));
  const players = await Promise.all(names.map((name, user) => Player.open(port, name, world.echo[user]!, world.headers[user]!)));
  try {
    const notes: string[][] = [];
    const everybody = async (): Promise<Received[][]> => {
      const all: Received[][] = [];
      for (const player of players) all.push(await player.take());
      return all;
    };
    for (const [user, player] of players.entries()) {
      await player.send(
        world.subscriptions[user]!.map(({ subject, queue }, sid) => `SUB ${subject} ${queue ?? ""} ${sid + 1}\r\n`).join(""),
      );
    }
    notes.push(noted(names, await everybody()));
    for (const [number, step] of world.steps.entries()) {
      if (change !== undefined && number === Math.floor(world.steps.length / 2)) {
        await change();
        notes.push(noted(names, await everybody()));
      }
      await players[step.user]!.send(publishText(step, step.asks ? `_INBOX.${step.user}.${number}` : ""));
      await players[step.user]!.sync();
      const came = await everybody();
      notes.push(noted(names, came));
      if (step.answers === 0) continue;
      for (const [user, messages] of came.entries()) {
        const replies = messages.filter(({ reply }) => reply !== "").sort((a, b) => (a.note < b.note ? -1 : 1));
        for (const { reply } of replies) {
          await players[user]!.send(`PUB ${reply} 4\r\nans${user}\r\n`.repeat(step.answers));
          await players[user]!.sync();
        }
      }
      notes.push(noted(names, await everybody()));
    }
    return notes;
  } finally {
    for (const player of players) player.connection.terminate();
  }
}

function noted(names: readonly string[], came: readonly Received[][]): string[] {
  return came.flatMap((messages, user) => messages.map(({ note }) => `${names[user]}: ${note}`)).sort();
}

function publishText({ subject, payload, header }: WorldStep, reply: string): string {
  if (header === null) return `PUB ${subject} ${reply} ${payload.length}\r\n${payload}\r\n`;
  const block = `NATS/1.0\r\nKey: ${header}\r\n\r\n`;
  return `HPUB ${subject} ${reply} ${block.length} ${block.length + payload.length}\r\n${block}${payload}\r\n`;
}

class Player {
  private unread = "";

  private constructor(readonly connection: WireConnection) {}

  static async open(port: number, name: string, echo: boolean, headers: boolean): Promise<Player> {
    const connection = await WireConnection.open(port, name);
    const player = new Player(connection);
    await connection.takeLine(); // INFO
    // Headers are always taken: a message of another without them is a protocol error that ends the connection.
    const options = { verbose: false, pedantic: false, user: name, pass: name, echo, headers: true, no_responders: headers, protocol: 0 };
    await player.send(`CONNECT ${JSON.stringify(options)}\r\n`);
    await player.sync();
    return player;
  }

  /** The server closed it, which was noted. */
  private gone = false;

  async send(text: string): Promise<void> {
    if (this.connection.ended) return;
    await this.connection.write(encode(text));
  }

  /** What this player sent so far was seen to. */
  async sync(): Promise<void> {
    await this.send("PING\r\n");
    while (!this.gone) {
      await this.connection.waitFor(PONG);
      const bytes = Buffer.from(this.connection.received());
      const at = bytes.indexOf("PONG\r\n");
      this.unread += bytes.subarray(0, Math.max(0, at)).toString("latin1");
      this.connection.take(at === -1 ? bytes.length : at + PONG.length);
      if (at !== -1) return;
      if (!this.connection.ended) continue;
      this.unread += `${bytes.toString("latin1")}closed\r\n`;
      this.gone = true;
    }
  }

  async take(): Promise<Received[]> {
    await this.sync();
    const text = this.unread;
    this.unread = "";
    return parse(text);
  }
}

function parse(text: string): Received[] {
  const received: Received[] = [];
  let at = 0;
  while (at < text.length) {
    const end = text.indexOf("\r\n", at);
    const line = text.slice(at, end);
    at = end + 2;
    const [verb, ...words] = line.split(" ");
    if (verb !== "MSG" && verb !== "HMSG") {
      if (verb !== "PING") received.push({ reply: "", note: anonymous(line) });
      continue;
    }
    const size = Number(words.pop());
    const headerSize = verb === "HMSG" ? Number(words.pop()) : 0;
    const [subject, sid, reply = ""] = words;
    const header = headersOf(text.slice(at, at + headerSize));
    const payload = text.slice(at + headerSize, at + size);
    at += size + 2;
    // Any subscription that the reply matches may tell of it.
    const by = header.startsWith("NATS/1.0 503") ? "…" : sid;
    received.push({ reply, note: anonymous(`${subject} sid ${by} reply ${reply} header ${header} payload ${payload}`) });
  }
  return received;
}

/** Tokens that each server draws for itself. */
function anonymous(text: string): string {
  return text.replace(/_R_\.[0-9A-Za-z]{6}\.[0-9A-Za-z]{6}/g, "_R_.x.y");
}

function headersOf(block: string): string {
  return block
    .split("\r\n")
    .filter(line => line !== "")
    .map(line => {
      const info = /^Nats-Request-Info: (.*)$/.exec(line);
      return info === null ? line : `Nats-Request-Info: ${requestInfo(info[1]!)}`;
    })
    .join("|");
}

/** Without what differs between any two servers or runs. */
function requestInfo(json: string): string {
  const info = JSON.parse(json) as Record<string, unknown>;
  for (const key of ["start", "id", "rtt", "server"]) if (key in info) info[key] = "…";
  delete info.rtt; // 0, and left out, on a fast machine
  return JSON.stringify(info);
}
