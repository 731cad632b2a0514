/**
 * Plays a scenario against our server or the reference, and throws at the first difference from the file.
 *
 * This code does not know which server it plays against: the text is the expectation for both, and the reference reveals wrong expectations.
 */
import { bytesOf, piecesOf, textOf } from "./byte-text.ts";
import type { InfoFields, Scenario, ScenarioStep, Step } from "./scenario.ts";
import { REPLY_TIMEOUT_MS, WireConnection } from "./wire-connection.ts";

/** Where a server listens. */
export interface ServerAddress {
  readonly port: number;
  readonly monitorPort: number;
}

/** An INFO that a connection was sent, parsed; `place` is the step that took it. */
export interface SeenInfo {
  readonly place: string;
  readonly info: Record<string, unknown>;
}

/**
 * Plays all steps, then ends every connection and expects that the server sent nothing else.
 * @returns the INFO lines in the order they were taken, to be compared between servers
 * @throws with the step's file and line, the expected and the received bytes
 */
export async function playScenario(scenario: Scenario, server: ServerAddress): Promise<SeenInfo[]> {
  const play = new Play(
    server,
    scenario.config.some(line => line.startsWith("ping_interval")),
  );
  try {
    for (const step of scenario.steps) await play.step(step);
    await play.finish();
    return play.infos;
  } finally {
    play.terminate();
  }
}

const PING = Buffer.from("PING\r\n");
const PONG = Buffer.from("PONG\r\n");
const NOTHING = new Uint8Array(0);

class Play {
  readonly infos: SeenInfo[] = [];
  private readonly connections = new Map<string, WireConnection>();
  private readonly clientIds = new Map<WireConnection, number>();
  /** Connections that are not checked when the scenario ends: closed by us, or already ended. */
  private readonly over = new Set<WireConnection>();
  private readonly paused = new Set<WireConnection>();
  /** Connections by their last send, the latest last. */
  private readonly senders = new Set<WireConnection>();
  /** Connections that have received the PING for the round trip. */
  private readonly pinged = new Set<WireConnection>();
  private pacer: WireConnection | null = null;

  /** @param countsPings whether the server's PINGs are part of the scenario */
  constructor(
    private readonly server: ServerAddress,
    private readonly countsPings: boolean,
  ) {}

  async step({ connection: name, step, place }: ScenarioStep): Promise<void> {
    let connection = this.connections.get(name);
    if (connection === undefined) {
      connection = await WireConnection.open(this.server.port, `${place} ${name}`);
      this.connections.set(name, connection);
      this.senders.add(connection);
      if (step.kind !== "open") await this.expectInfo(connection, {}, place);
    }
    await this.run(connection, step, place);
  }

  /** Ends the remaining connections and expects that the server sent them nothing more. */
  async finish(): Promise<void> {
    // The latest sender first: the others have received what it caused when they are checked.
    for (const connection of [...this.senders].reverse()) {
      if (this.over.has(connection) || this.paused.has(connection)) continue;
      connection.endInput();
      await this.expectEnd(connection, `at the end, ${connection.name}`);
    }
  }

  terminate(): void {
    this.pacer?.terminate();
    for (const connection of this.connections.values()) connection.terminate();
  }

  private async run(connection: WireConnection, step: Step, place: string): Promise<void> {
    switch (step.kind) {
      case "send":
        return this.send(connection, step.text, step.everyByte);
      case "expect":
        return this.expect(connection, bytesOf(step.text), place);
      case "expectAnyOrder":
        return this.expectAnyOrder(connection, step.texts, place);
      case "expectInfo":
        return this.expectInfo(connection, step.fields, place);
      case "connect":
        await this.write(connection, Buffer.from(`CONNECT ${step.json}\r\nPING\r\n`));
        return this.expect(connection, PONG, place);
      case "silent":
        await this.write(connection, PING);
        return this.expect(connection, PONG, place);
      case "eof":
        return this.expectEnd(connection, place);
      case "closed":
        await this.expectEnd(connection, place);
        return this.expectReason(connection, step.reason, place);
      case "reason":
        this.over.add(connection);
        return this.expectReason(connection, step.reason, place);
      case "pause":
        this.paused.add(connection);
        return connection.pause();
      case "resume":
        this.paused.delete(connection);
        return connection.resume();
      case "end":
        return connection.endInput();
      case "close":
        this.over.add(connection);
        return connection.close();
      case "reset":
        this.over.add(connection);
        return connection.terminate();
      case "open":
        return;
    }
  }

  private async send(connection: WireConnection, text: string, everyByte: boolean): Promise<void> {
    const pieces = everyByte ? [...bytesOf(text)].map(byte => Uint8Array.of(byte)) : piecesOf(text);
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) await this.pace();
      await this.write(connection, piece);
    }
  }

  private async write(connection: WireConnection, bytes: Uint8Array): Promise<void> {
    this.senders.delete(connection);
    this.senders.add(connection);
    await connection.write(bytes);
  }

  /** Gives the server time to read what was written: waits until another connection has got PONGs. */
  private async pace(): Promise<void> {
    if (this.pacer === null) {
      this.pacer = await WireConnection.open(this.server.port, "pacer");
      await this.pacer.takeLine();
      await this.pacer.write(Buffer.from('CONNECT {"verbose":false,"pedantic":false}\r\n'));
    }
    for (let round = 0; round < 2; round++) {
      await this.pacer.write(PING);
      while (!PONG.equals(await this.pacer.takeLine())) if (this.pacer.ended) return; // a PING of the server may come before it
    }
  }

  private async expect(connection: WireConnection, expected: Uint8Array, place: string): Promise<void> {
    // A wrong answer may be shorter than the right one: then show it instead of the timeout.
    const take = (size: number) => connection.takeUpTo(size).catch(() => connection.take(connection.received().length));
    let received = Buffer.from(await take(expected.length));
    const ping = this.roundTripPing(connection, received, expected);
    if (ping !== -1) {
      const rest = await take(PING.length);
      received = Buffer.concat([received.subarray(0, ping), received.subarray(ping + PING.length), rest]);
    }
    if (Buffer.compare(received, expected) !== 0) throw mismatch(place, textOf(expected), received, connection);
  }

  /**
   * Offset of the server's first PING in `received`, or -1. It comes once, two seconds after CONNECT: on a busy machine that may be
   * during a scenario. It is only tested by scenarios that set `ping_interval`.
   */
  private roundTripPing(connection: WireConnection, received: Buffer, expected: Uint8Array): number {
    if (this.countsPings || this.pinged.has(connection)) return -1;
    let same = 0;
    while (same < received.length && received[same] === expected[same]) same++;
    for (let at = Math.max(0, same - PING.length); at <= same; at++) {
      const startsLine = at === 0 || received[at - 1] === 0x0a;
      if (!startsLine || !received.subarray(at, at + PING.length).equals(PING)) continue;
      if (same === received.length) return -1; // it was expected
      this.pinged.add(connection);
      return at;
    }
    return -1;
  }

  private async expectAnyOrder(connection: WireConnection, texts: readonly string[], place: string): Promise<void> {
    const missing = texts.map(text => Buffer.from(bytesOf(text)));
    const total = missing.reduce((sum, bytes) => sum + bytes.length, 0);
    const received = Buffer.from(await connection.takeUpTo(total).catch(() => connection.take(connection.received().length)));
    let at = 0;
    while (missing.length > 0) {
      const index = missing.findIndex(bytes => received.subarray(at, at + bytes.length).equals(bytes));
      if (index === -1) throw mismatch(place, `in any order: ${texts.join(" and ")}`, received, connection);
      at += missing.splice(index, 1)[0]!.length;
    }
  }

  private async expectInfo(connection: WireConnection, fields: InfoFields, place: string): Promise<void> {
    const line = await connection.takeLine();
    const json = /^INFO (\{.*\}) \r\n$/.exec(Buffer.from(line).toString())?.[1];
    if (json === undefined) throw mismatch(place, "INFO {…} \\r\\n", line, connection);
    const info = JSON.parse(json) as Record<string, unknown>;
    for (const [name, value] of Object.entries(fields)) {
      if (JSON.stringify(info[name]) !== JSON.stringify(value)) throw mismatch(place, `INFO with ${name}=${value}`, line, connection);
    }
    if (typeof info.client_id === "number") this.clientIds.set(connection, info.client_id);
    this.infos.push({ place, info });
  }

  private async expectEnd(connection: WireConnection, place: string): Promise<void> {
    this.over.add(connection);
    let received: Uint8Array;
    try {
      received = await connection.takeAll();
    } catch {
      throw mismatch(place, "the end of the connection", connection.received(), connection);
    }
    if (this.roundTripPing(connection, Buffer.from(received), NOTHING) === 0) received = received.subarray(PING.length);
    if (received.length > 0) throw mismatch(place, "nothing but the end of the connection", received, connection);
  }

  private async expectReason(connection: WireConnection, reason: string, place: string): Promise<void> {
    const clientId = this.clientIds.get(connection);
    const deadline = performance.now() + REPLY_TIMEOUT_MS;
    let found: string | undefined;
    // A server may list a closed connection some time after it has ended it.
    while (found === undefined && performance.now() < deadline) {
      const response = await fetch(`http://127.0.0.1:${this.server.monitorPort}/connz?state=closed&limit=16384`);
      const { connections } = (await response.json()) as { connections: { cid: number; reason: string }[] | null };
      found = connections?.find(closed => closed.cid === clientId)?.reason;
    }
    if (found !== reason) throw new Error(`${place}\n  expected close reason: ${reason}\n  found in /connz:       ${found}`);
  }
}

function mismatch(place: string, expected: string, received: Uint8Array, connection: WireConnection): Error {
  const ended = connection.ended ? ", then the end of the connection" : "";
  return new Error(
    `${place}\n  expected: ${expected}\n  received: ${textOf(received)}${ended}\n  waiting:  ${textOf(connection.received())}`,
  );
}
