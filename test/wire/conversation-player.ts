/**
 * Plays a random conversation against a server and returns what every connection received, in a form that is the same for two servers:
 * frame by frame, with the deliveries of one message sorted, as their order is not defined.
 */
import type { Conversation } from "./conversation.ts";
import type { ServerAddress } from "./play.ts";
import { REPLY_TIMEOUT_MS, WireConnection } from "./wire-connection.ts";

export interface Received {
  readonly clientId: number;
  /** The lines, and the messages with their payloads, as latin1 text. INFO is left out. */
  readonly frames: readonly string[];
}

const PING = Buffer.from("PING\r\n");
const PONG = Buffer.from("PONG\r\n");

export class ConversationPlayer {
  private constructor(
    private readonly server: ServerAddress,
    private readonly pacer: WireConnection,
  ) {}

  static async open(server: ServerAddress): Promise<ConversationPlayer> {
    const pacer = await WireConnection.open(server.port, "pacer");
    await pacer.takeLine();
    await pacer.write(Buffer.from('CONNECT {"verbose":false,"pedantic":false}\r\n'));
    return new ConversationPlayer(server, pacer);
  }

  close(): void {
    this.pacer.terminate();
  }

  async play(conversation: Conversation): Promise<Received[]> {
    const connections: WireConnection[] = [];
    const clientIds: number[] = [];
    try {
      for (const [index, { setup }] of conversation.entries()) {
        const connection = await WireConnection.open(this.server.port, `connection ${index}`);
        connections.push(connection);
        const info = Buffer.from(await connection.takeLine()).toString();
        clientIds.push((JSON.parse(info.slice("INFO ".length)) as { client_id: number }).client_id);
        await connection.write(Buffer.from(setup, "latin1"));
        await connection.waitFor(PONG);
      }
      const received: Received[] = [];
      for (const [index, { pieces }] of conversation.entries()) {
        const connection = connections[index]!;
        for (const piece of pieces) {
          await connection.write(Buffer.from(piece, "latin1"));
          await this.pace();
        }
        connection.endInput();
        received.push({ clientId: clientIds[index]!, frames: framesOf(Buffer.from(await connection.takeAll())) });
      }
      return received;
    } finally {
      for (const connection of connections) connection.terminate();
    }
  }

  /** Gives the server time to read what was written: waits until another connection has got a PONG. */
  private async pace(): Promise<void> {
    await this.pacer.write(PING);
    for (;;) {
      const line = Buffer.from(await this.pacer.takeLine());
      if (line.equals(PONG)) return;
      if (line.equals(PING))
        await this.pacer.write(PONG); // the server measures the round trip two seconds after CONNECT
      else throw new Error(`the pacer received ${line}`);
    }
  }
}

/** The close reasons of connections. Waits until the server lists them all. */
export async function closeReasons(server: ServerAddress, clientIds: readonly number[]): Promise<Map<number, string>> {
  const deadline = performance.now() + REPLY_TIMEOUT_MS;
  for (;;) {
    const response = await fetch(`http://127.0.0.1:${server.monitorPort}/connz?state=closed&limit=16384`);
    const { connections } = (await response.json()) as { connections: { cid: number; reason: string }[] };
    const reasons = new Map(connections.map(({ cid, reason }) => [cid, reason]));
    if (clientIds.every(id => reasons.has(id)) || performance.now() > deadline) return reasons;
  }
}

const PEDANTIC = "-ERR 'Invalid Publish Subject'\r\n";

/** Splits what a connection received into frames, without the server's PINGs. An incomplete frame at the end is the last one. */
export function framesOf(bytes: Buffer): string[] {
  const frames: string[] = [];
  let deliveries: string[] = []; // of one message, as far as subject and payload tell
  let message = "";
  const endMessage = (): void => {
    frames.push(...deliveries.sort());
    deliveries = [];
  };
  for (let at = 0; at < bytes.length; ) {
    const lf = bytes.indexOf(0x0a, at);
    const lineEnd = lf === -1 ? bytes.length : lf + 1;
    const line = bytes.toString("latin1", at, lineEnd);
    const [, verb, subject, size] = /^(H?MSG) (\S+) .*?(\d+)\r\n$/.exec(line) ?? [];
    const end = verb === undefined ? lineEnd : Math.min(bytes.length, lineEnd + Number(size) + 2);
    const frame = bytes.toString("latin1", at, end);
    at = end;
    if (frame === "PING\r\n") continue; // the server measures the round trip two seconds after CONNECT
    if (verb === undefined) {
      endMessage();
      // The reference repeats this error when line and payload arrive separately: it counts once for both servers.
      if (frame !== PEDANTIC || frames.at(-1) !== PEDANTIC) frames.push(frame);
      continue;
    }
    const delivered = `${subject} ${frame.slice(line.length)}`;
    if (delivered !== message) endMessage();
    message = delivered;
    deliveries.push(frame);
  }
  endMessage();
  return frames;
}
