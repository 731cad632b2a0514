/** More peers than the process has descriptors: connected peers are served, others are refused, and freed descriptors are used again. */
import { expect, test } from "bun:test";
import { join } from "node:path";
import { Peer } from "./peer.ts";
import { until } from "./until.ts";

const LIMIT = 128;
const REFUSED = "-ERR 'maximum connections exceeded'\r\n";

/** A peer that keeps the text that it receives. */
class TextPeer {
  text = "";

  private constructor(readonly peer: Peer) {}

  static async open(port: number): Promise<TextPeer> {
    const textPeer = new TextPeer(await Peer.open(port));
    textPeer.peer.onData = chunk => {
      textPeer.text += chunk;
    };
    textPeer.peer.write('CONNECT {"verbose":false}\r\nPING\r\n').catch(() => {}); // the server may refuse it in the meantime
    return textPeer;
  }

  get served(): boolean {
    return this.text.endsWith("PONG\r\n");
  }

  get refused(): boolean {
    return this.text.endsWith(REFUSED);
  }

  /** Waits until it is served or refused. */
  async settled(): Promise<void> {
    await until(
      () => this.served || (this.refused && this.peer.ended),
      () => `neither served nor refused: ${JSON.stringify(this.text)}, ended ${this.peer.ended}`,
    );
  }

  /** Sends PING once more, and expects PONG. */
  async stillServed(): Promise<void> {
    this.text = "";
    await this.peer.write("PING\r\n");
    await this.settled();
    expect(this.text).toBe("PONG\r\n");
  }
}

async function connectPeers(port: number, count: number): Promise<TextPeer[]> {
  const peers = await Promise.all(Array.from({ length: count }, () => TextPeer.open(port)));
  await Promise.all(peers.map(textPeer => textPeer.settled()));
  return peers;
}

/** A server in a process with few descriptors. */
function startChild(compression: boolean) {
  const command = `ulimit -n ${LIMIT}; exec "$0" "$1" "$2"`;
  const program = join(import.meta.dir, "few-descriptors-child.ts");
  const child = Bun.spawn(["bash", "-c", command, process.execPath, program, String(compression)], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const lines = linesOf(child.stdout);
  return {
    /** The next line that contains a text. */
    async line(wanted: string): Promise<string> {
      while (true) {
        const { done, value } = await lines.next();
        if (done) throw new Error(`no line with ${wanted}`);
        if (value.includes(wanted)) return value;
      }
    },
    async end() {
      await child.stdin.end();
      expect(await child.exited).toBe(0);
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + new TextDecoder().decode(chunk)).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

test("a server without free descriptors refuses new clients, serves the others, and accepts new ones after some leave", async () => {
  await using child = startChild(false);
  const [port] = (await child.line("ports ")).split(" ").slice(1).map(Number);

  const peers = await connectPeers(port, 2 * LIMIT);
  const served = peers.filter(textPeer => textPeer.served);
  expect(peers.filter(textPeer => textPeer.refused).length).toBe(2 * LIMIT - served.length);
  expect(served.length).toBeGreaterThan(LIMIT / 2);
  expect(served.length).toBeLessThan(LIMIT);
  await Promise.all(served.map(textPeer => textPeer.stillServed()));

  const leaving = served.splice(0, 20);
  for (const { peer } of leaving) peer.leave("FIN");
  await Promise.all(leaving.map(({ peer }) => peer.gone()));
  const next = await connectPeers(port, 40);
  expect(next.filter(textPeer => textPeer.served).length).toBe(20);
  await Promise.all([...served, ...next.filter(textPeer => textPeer.served)].map(textPeer => textPeer.stillServed()));

  for (const { peer } of [...served, ...next]) peer.leave("FIN");
  await child.end();
}, 120_000);

for (const compression of [false, true]) {
  for (const [index, port] of ["monitoring", compression ? "WebSocket (own codec)" : "WebSocket (Bun.serve)"].entries()) {
    test(`many silent connections on the port for ${port} leave descriptors for clients, and are logged`, async () => {
      await using child = startChild(compression);
      const ports = (await child.line("ports ")).split(" ").slice(1).map(Number);
      const silent = await Promise.all(Array.from({ length: 2 * LIMIT }, () => Peer.open(ports[index + 1]!).catch(() => null)));
      await child.line("connections refused: too many open files");
      await until(
        () => silent.filter(peer => peer !== null && !peer.ended).length < LIMIT,
        () => "silent connections stay open",
      );
      const [client] = await connectPeers(ports[0]!, 1);
      expect(client!.served).toBe(true);
      client!.peer.leave("FIN");
      for (const peer of silent) peer?.leave("FIN");
      await child.end();
    }, 60_000);
  }
}
