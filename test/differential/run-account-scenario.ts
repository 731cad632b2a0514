/**
 * Runs a scenario on a server: all clients connect and subscribe, then the steps run one after the other. Returns what each client received.
 *
 *   step ─▶ PING of all clients: what the step caused has arrived ─▶ receivers of a request answer ─▶ PING of all clients ─▶ notes
 * Values that servers choose freely are replaced: the order within a step, the tokens of `_R_`, times and numbers of connections.
 */
import { WireConnection } from "../wire/wire-connection.ts";
import type { AccountScenario, AccountStep } from "./account-scenario.ts";
import { RecordingClient, withoutRandomTokens } from "./recording-client.ts";

/** For each step a sorted list of `user: what it received`. */
export type Notes = readonly (readonly string[])[];

interface Note {
  /** Reply subject of a message; empty: none. */
  readonly reply: string;
  /** The same for both servers. */
  readonly text: string;
}

/** @param change runs before the middle step, for example a reload */
export async function runAccountScenario(scenario: AccountScenario, port: number, change?: () => Promise<void>): Promise<Notes> {
  const names = scenario.accounts.flatMap(({ users }) => users.map(({ name }) => name));
  const clients = await Promise.all(
    names.map((name, user) => AccountClient.open(port, name, scenario.echo[user]!, scenario.headers[user]!)),
  );
  try {
    const notes: string[][] = [];
    const takeAll = async (): Promise<Note[][]> => {
      const all: Note[][] = [];
      for (const client of clients) all.push(await client.take());
      return all;
    };
    for (const [user, client] of clients.entries()) {
      await client.send(
        scenario.subscriptions[user]!.map(({ subject, queue }, sid) => `SUB ${subject} ${queue ?? ""} ${sid + 1}\r\n`).join(""),
      );
    }
    notes.push(sortedTexts(names, await takeAll()));
    for (const [number, step] of scenario.steps.entries()) {
      if (change !== undefined && number === Math.floor(scenario.steps.length / 2)) {
        await change();
        notes.push(sortedTexts(names, await takeAll()));
      }
      await clients[step.user]!.send(publishText(step, step.asks ? `_INBOX.${step.user}.${number}` : ""));
      await clients[step.user]!.sync();
      const received = await takeAll();
      notes.push(sortedTexts(names, received));
      if (step.answers === 0) continue;
      for (const [user, messages] of received.entries()) {
        const requests = messages.filter(({ reply }) => reply !== "").sort((a, b) => (a.text < b.text ? -1 : 1));
        for (const { reply } of requests) {
          await clients[user]!.send(`PUB ${reply} 4\r\nans${user}\r\n`.repeat(step.answers));
          await clients[user]!.sync();
        }
      }
      notes.push(sortedTexts(names, await takeAll()));
    }
    return notes;
  } finally {
    for (const { connection } of clients) connection.terminate();
  }
}

function sortedTexts(names: readonly string[], received: readonly Note[][]): string[] {
  return received.flatMap((notes, user) => notes.map(({ text }) => `${names[user]}: ${text}`)).sort();
}

function publishText({ subject, payload, header }: AccountStep, reply: string): string {
  if (header === null) return `PUB ${subject} ${reply} ${payload.length}\r\n${payload}\r\n`;
  const block = `NATS/1.0\r\nKey: ${header}\r\n\r\n`;
  return `HPUB ${subject} ${reply} ${block.length} ${block.length + payload.length}\r\n${block}${payload}\r\n`;
}

class AccountClient extends RecordingClient {
  private closeRecorded = false;

  static async open(port: number, name: string, echo: boolean, noResponders: boolean): Promise<AccountClient> {
    const client = new AccountClient(await WireConnection.open(port, name));
    // All clients support headers: an HPUB of a client without them is a protocol error that closes the connection.
    await client.login(name, { echo, headers: true, no_responders: noResponders, protocol: 0 });
    return client;
  }

  /** Takes what was received until now, and once "closed" if the server has closed the connection. */
  async take(): Promise<Note[]> {
    await this.sync();
    const notes = this.takeReceived()
      .filter(({ verb }) => verb !== "PING")
      .map(({ line, verb, reply, header, payload }) => {
        const content = ` header ${headersOf(header)} payload ${payload.toString("latin1")}`;
        return { reply, text: withoutRandomTokens(verb === "MSG" || verb === "HMSG" ? line + content : line) };
      });
    if (this.closed && !this.closeRecorded) {
      this.closeRecorded = true;
      notes.push({ reply: "", text: "closed" });
    }
    return notes;
  }
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

/** Replaces the values that differ between two servers or runs. */
function requestInfo(json: string): string {
  const info = JSON.parse(json) as Record<string, unknown>;
  for (const key of ["start", "id", "rtt", "server"]) if (key in info) info[key] = "…";
  delete info.rtt; // left out when it is 0, on a fast machine
  return JSON.stringify(info);
}
