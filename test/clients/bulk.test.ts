/** A publisher that sends more than one read of the event loop returns: the server reads again by itself (`Transport.readMore`). */
import { expect, test } from "bun:test";
import { Random } from "../../src/base/random/random.ts";
import { NatsServer } from "../../src/index.ts";
import { seedFromEnv } from "../doubles/seed.ts";

const MIB = 1024 * 1024;
const PING = Buffer.from("PING\r\n");

/** Messages of all sizes on two subjects, about 24 MiB, and the bytes that a subscriber to both must receive. */
function conversation(random: Random): { sent: Buffer; wanted: Buffer } {
  const sent: Buffer[] = [];
  const wanted: Buffer[] = [];
  const noise = Buffer.from(Array.from({ length: 64 * 1024 }, () => random.below(256)));
  for (let bytes = 0; bytes < 24 * MIB; ) {
    const subject = random.chance(0.9) ? "bulk.a" : "bulk.b";
    const size = random.chance(0.5) ? random.below(64) : random.below(noise.length);
    for (let repeats = random.between(1, 40); repeats > 0; repeats--) {
      const payload = noise.subarray(0, size);
      sent.push(Buffer.from(`PUB ${subject} ${size}\r\n`), payload, Buffer.from("\r\n"));
      wanted.push(Buffer.from(`MSG ${subject} 7 ${size}\r\n`), payload, Buffer.from("\r\n"));
      bytes += size + 20;
    }
  }
  return { sent: Buffer.concat(sent), wanted: Buffer.concat(wanted) };
}

/** A raw client that keeps the bytes after its PONG, without the PING by which the server measures the round trip. */
async function client(port: number, hello: string) {
  const received: Buffer[] = [];
  let bytes = 0;
  let ready = false;
  let greeting = "";
  let wake = () => {};
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, chunk) {
        if (ready) {
          received.push(Buffer.from(chunk));
          bytes += chunk.length;
        } else {
          greeting += chunk.toString("latin1");
          ready = greeting.endsWith("PONG\r\n");
        }
        wake();
      },
      drain: () => wake(),
    },
  });
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise<void>(resolve => (wake = resolve));
  };
  const write = async (source: Buffer) => {
    for (let at = 0; at < source.length; ) {
      const taken = socket.write(source, at, source.length - at);
      at += Math.max(0, taken);
      if (taken === 0) await new Promise<void>(resolve => (wake = resolve));
    }
  };
  await write(Buffer.from(`CONNECT {"verbose":false,"pedantic":false}\r\n${hello}PING\r\n`));
  await until(() => ready);
  return {
    write,
    async take(size: number): Promise<Buffer> {
      await until(() => bytes >= size);
      const ping = Buffer.concat(received).indexOf(PING);
      if (ping === -1) return Buffer.concat(received);
      await until(() => bytes >= size + PING.length);
      const all = Buffer.concat(received);
      return Buffer.concat([all.subarray(0, ping), all.subarray(ping + PING.length)]);
    },
    end: () => socket.end(),
  };
}

test("24 MiB sent as fast as the socket takes them arrive byte for byte", async () => {
  const seed = seedFromEnv();
  const { sent, wanted } = conversation(new Random(seed));
  await using server = await NatsServer.start({ host: "127.0.0.1", port: 0 });
  const subscriber = await client(server.port, "SUB bulk.* 7\r\n");
  const publisher = await client(server.port, "");
  const [, received] = await Promise.all([publisher.write(sent), subscriber.take(wanted.length)]);
  expect(received.equals(wanted), `SEED=${seed}`).toBe(true);
  publisher.end();
  subscriber.end();
}, 120_000);
