/** Bun's frame reader against ours: both answer the same bytes, cut anywhere, with the same bytes and the same close code. */
import { expect, test } from "bun:test";
import { Random } from "../../src/base/random/random.ts";
import { seedFromEnv } from "../doubles/seed.ts";
import { BINARY, CLOSE, CONTINUATION, closePayload, frame, PING, PONG, RawClient, TEXT, withoutPings } from "./raw-client.ts";
import { OURS, startTestedServer, type TestedServer } from "./tested-server.ts";

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false}\r\n';

/** Random protocol lines that end with PING. */
function randomLines(random: Random): string {
  let lines = CONNECT;
  for (let count = random.below(12); count > 0; count--) {
    const target = `s.${random.below(4)}`;
    const size = [0, 1, 50, 126, 4_000, 70_000][random.below(6)]!;
    switch (random.below(4)) {
      case 0:
        lines += `SUB ${target} ${random.below(1_000)}\r\n`;
        break;
      case 1:
        lines += "PING\r\n";
        break;
      default:
        lines += `PUB ${target} ${size}\r\n${String.fromCharCode(97 + random.below(26)).repeat(size)}\r\n`;
    }
  }
  return `SUB s.> all\r\n${lines}PING\r\n`;
}

/** Frames that carry the lines in random pieces, with control frames between them. */
function framesOf(lines: string, random: Random): Buffer[] {
  const frames: Buffer[] = [];
  let fragmented = false;
  for (let at = 0; at < lines.length; ) {
    const end = Math.min(lines.length, at + 1 + random.below([3, 40, 400, 100_000][random.below(4)]!));
    const final = end === lines.length || random.below(3) > 0;
    const opcode = fragmented ? CONTINUATION : random.below(2) === 0 ? TEXT : BINARY;
    frames.push(
      frame(opcode, lines.slice(at, end), { final, mask: [random.below(256), random.below(256), random.below(256), random.below(256)] }),
    );
    fragmented = !final;
    at = end;
    if (random.below(5) === 0) frames.push(frame(random.below(3) === 0 ? PONG : PING, `${frames.length}`));
  }
  return frames;
}

const ENDS: (() => Buffer)[] = [
  () => frame(CLOSE, closePayload(1000, "done")),
  () => frame(CLOSE),
  () => frame(CLOSE, closePayload(4_321)),
  () => frame(CLOSE, closePayload(1005)),
  () => frame(CLOSE, "x"),
  () => frame(BINARY, "x", { mask: null }),
  () => frame(BINARY, "x", { reserved: 0x20 }),
  () => frame(BINARY, "x", { reserved: 0x40 }),
  () => frame(CONTINUATION, "x"),
  () => frame(PING, "x".repeat(126)),
  () => frame(PING, "x", { final: false }),
  () => frame(5, "x"),
  () => frame(12, "x"),
];

interface Received {
  data: string;
  pongs: string[];
  /** null: no close frame. */
  code: number | null;
}

/** Sends the pieces. @returns everything that the server sends until it ends the connection */
async function play(tested: TestedServer, pieces: readonly Buffer[]): Promise<Received> {
  using client = await RawClient.upgrade(tested.port);
  await client.nextFrame(); // INFO
  const sent = (async () => {
    for (const piece of pieces) await client.write(piece);
  })();
  const received: Received = { data: "", pongs: [], code: null };
  for (let next = await client.nextFrame(); next !== null; next = await client.nextFrame()) {
    if (next.opcode === PONG) received.pongs.push(next.payload.toString());
    else if (next.opcode === CLOSE) received.code = next.payload.length < 2 ? 0 : next.payload.readUInt16BE(0);
    else received.data += next.payload.toString("latin1");
  }
  await sent;
  received.data = withoutPings(received.data); // a server that measures the round trip does it after two seconds
  return received;
}

test("fuzz: Bun.serve and the codec understand and answer the same", async () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const servers = await Promise.all(OURS.map(name => startTestedServer(name)));
  for (let round = 0; round < 200; round++) {
    const wire = Buffer.concat([...framesOf(randomLines(random), random), ENDS[random.below(ENDS.length)]!()]);
    const most = [7, 1_000, wire.length][random.below(3)]!;
    const pieces: Buffer[] = [];
    for (let at = 0, pause = wire.length > 50_000 ? 10_000 : most; at < wire.length; ) {
      const size = 1 + random.below(Math.max(most, pause));
      pieces.push(wire.subarray(at, at + size));
      at += size;
    }
    const [ours, buns] = await Promise.all(servers.map(tested => play(tested, pieces)));
    expect(ours, `SEED=${seed} round=${round}`).toEqual(buns!);
    expect(ours!.data.endsWith("PONG\r\n"), `SEED=${seed} round=${round}`).toBe(true);
    expect(ours!.code, `SEED=${seed} round=${round}`).not.toBeNull();
  }
  await Promise.all(servers.map(tested => tested.stop()));
}, 120_000);
