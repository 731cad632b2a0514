/** permessage-deflate without context takeover: negotiation, bounds, and that messages stay the same. Only the codec supports it. */
import { expect, test } from "bun:test";
import { constants, deflateRawSync } from "node:zlib";
import { until } from "../faults/until.ts";
import { BINARY, CONTINUATION, DEFLATE, frame, RawClient, TEXT, upgradeRequest } from "./raw-client.ts";
import { EXACT, startTestedServer, type TestedServer, TestedServers } from "./tested-server.ts";

const PAYLOAD_MAX = 64 * 1024;
const compressing = new TestedServers({
  websocket: { compression: true },
  websocketConfig: "compression: true",
  server: { payloadBytesMax: PAYLOAD_MAX },
  serverConfig: `max_payload: ${PAYLOAD_MAX}`,
});
const CONNECT = 'CONNECT {"verbose":false,"pedantic":false}\r\n';
const COMPRESSED = 0x40;

/** Compresses as a client does. */
function deflated(text: string | Uint8Array): Buffer {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

async function greetedClient(tested: TestedServer): Promise<RawClient> {
  const client = await RawClient.upgrade(tested.port, { headers: DEFLATE });
  await client.textUntil("\r\n");
  return client;
}

compressing.test(
  "any offer of permessage-deflate is accepted, without its parameters and without context takeover",
  async tested => {
    for (const offer of ["permessage-deflate", "x-other, PerMessage-Deflate; client_max_window_bits; server_max_window_bits=10"]) {
      using client = await RawClient.open(tested.port);
      await client.write(upgradeRequest({ headers: { "Sec-WebSocket-Extensions": offer } }));
      const { headers } = await client.head();
      expect(headers["sec-websocket-extensions"]).toBe("permessage-deflate; server_no_context_takeover; client_no_context_takeover");
      expect((await client.nextFrame())!.compressed).toBe(true); // INFO is longer than 64 bytes
    }
  },
  EXACT,
);

compressing.test(
  "compressed and uncompressed messages may alternate, whole and in fragments",
  async tested => {
    using client = await greetedClient(tested);
    await client.write(frame(TEXT, deflated(`${CONNECT}SUB a 1\r\nPU`), { reserved: COMPRESSED }));
    await client.write(frame(BINARY, "B a 5\r\nhe"));
    const rest = deflated("llo\r\nPING\r\n");
    await client.write(frame(BINARY, rest.subarray(0, 3), { reserved: COMPRESSED, final: false }));
    await client.write(frame(CONTINUATION, rest.subarray(3, 4), { final: false }));
    await client.write(frame(CONTINUATION, rest.subarray(4)));
    expect(await client.textUntil("PONG\r\n")).toBe("MSG a 1 5\r\nhello\r\nPONG\r\n");
  },
  EXACT,
);

compressing.test(
  "a message may contain a final deflate block; bytes after it are ignored",
  async tested => {
    using client = await greetedClient(tested);
    await client.write(frame(BINARY, Buffer.concat([deflateRawSync("PING\r\n"), deflated("PING\r\n")]), { reserved: COMPRESSED }));
    expect(await client.textUntil("\r\n")).toBe("PONG\r\n");
    const large = `${CONNECT}SUB a 1\r\nPUB a 20000\r\n${"0123456789".repeat(2_000)}\r\n`;
    await client.write(frame(BINARY, deflateRawSync(large), { reserved: COMPRESSED }));
    expect((await client.textUntil("\r\n")).length).toBeGreaterThan(14);
  },
  EXACT,
);

compressing.test(
  "messages of up to 64 bytes are sent uncompressed, longer ones compressed",
  async tested => {
    using client = await greetedClient(tested);
    await client.write(frame(BINARY, `${CONNECT}SUB a 1\r\nSUB b 2\r\nPING\r\n`));
    expect((await client.nextFrame())!.compressed).toBe(false);
    const size = 64 - "MSG a 1 48\r\n\r\n".length;
    await client.write(frame(BINARY, `PUB a ${size}\r\n${"x".repeat(size)}\r\n`));
    const small = (await client.nextFrame())!;
    expect([small.compressed, small.payload.length]).toEqual([false, 64]);
    await client.write(frame(BINARY, `PUB a ${size + 1}\r\n${"x".repeat(size + 1)}\r\n`));
    expect((await client.nextFrame())!.compressed).toBe(true);
  },
  EXACT,
);

compressing.test(
  "an inflated message may be as large as max_payload, including its protocol lines",
  async tested => {
    using client = await greetedClient(tested);
    await client.write(frame(BINARY, `${CONNECT}SUB a 1\r\n`));
    const line = "PUB a 65000\r\n";
    const size = PAYLOAD_MAX - line.length - 2;
    const whole = `${line.replace("65000", String(size))}${"x".repeat(size)}\r\n`;
    expect(whole.length).toBe(PAYLOAD_MAX);
    await client.write(frame(BINARY, deflated(whole), { reserved: COMPRESSED }));
    expect((await client.textUntil("x\r\n")).length).toBe(`MSG a 1 ${size}\r\n`.length + size + 2);
  },
  EXACT,
);

const FAILURES: [title: string, payload: () => Buffer, text: RegExp][] = [
  ["one byte more than max_payload", () => deflated(Buffer.alloc(PAYLOAD_MAX + 1, "PING\r\n")), /maximum payload exceeded$/],
  ["a bomb of 60 MB", () => deflated(Buffer.alloc(60_000_000, "PING\r\n")), /maximum payload exceeded$/],
  [
    "more compressed bytes than eight payloads",
    () => deflated(crypto.getRandomValues(new Uint8Array(PAYLOAD_MAX)).toString().repeat(8)),
    /maximum payload exceeded$/,
  ],
  ["data that is not deflate", () => Buffer.from([0xff, 0xff, 0xff, 0xff]), /flate: /],
  ["a truncated message", () => deflated("PING\r\n".repeat(50)).subarray(0, 6), /flate: /],
];
for (const [title, payload, text] of FAILURES) {
  compressing.test(
    `${title} is a read error`,
    async tested => {
      const before = tested.lines().length;
      const client = await greetedClient(tested);
      await client.write(frame(BINARY, payload(), { reserved: COMPRESSED }));
      const errors = () =>
        tested
          .lines()
          .slice(before)
          .filter(line => line.startsWith("[ERR]"));
      await until(
        () => errors().length > 0,
        () => "nothing was logged",
      );
      expect(errors()[0]).toMatch(/ - wid:\d+ - read error: /);
      expect(errors()[0]).toMatch(text);
      await until(
        () => tested.lines().some((line, index) => index >= before && line.endsWith("Client connection closed: Read Error")),
        () => "the connection is not closed",
      );
      client.terminate();
    },
    EXACT,
  );
}

compressing.test(
  "a payload above max_payload in a compressed message is answered with Maximum Payload Violation and code 1009",
  async tested => {
    using client = await greetedClient(tested);
    const message = deflated(`${CONNECT}PUB a 70000\r\n${"x".repeat(70_000)}\r\n`);
    await client.write(frame(BINARY, message, { reserved: COMPRESSED }));
    expect(await client.textUntil("\r\n")).toBe("-ERR 'Maximum Payload Violation'\r\n");
    expect(await client.closed()).toBe("1009 Maximum Message Payload Exceeded");
  },
  EXACT,
);

test("what fits into max_payload is processed before a compressed message is refused", async () => {
  const tested = await startTestedServer("codec", { websocket: { compression: true }, server: { payloadBytesMax: PAYLOAD_MAX } });
  const client = await greetedClient(tested);
  const pings = PAYLOAD_MAX / 8;
  await client.write(frame(BINARY, deflated("PING  \r\n".repeat(pings + 1)), { reserved: COMPRESSED }));
  expect((await client.textUntil("PONG\r\n".repeat(pings))).length).toBe(pings * 6);
  expect(await client.closed()).toBe("1001 Read Error");
  await tested.stop();
});

test("a hundred compressed bombs of 100 MB each cost no memory", async () => {
  const tested = await startTestedServer("codec", { websocket: { compression: true } });
  const bomb = frame(BINARY, deflated(Buffer.alloc(100_000_000)), { reserved: COMPRESSED });
  const clients = await Promise.all(Array.from({ length: 100 }, () => greetedClient(tested)));
  Bun.gc(true);
  const before = process.memoryUsage.rss();
  let most = before;
  for (const client of clients) {
    await client.write(bomb);
    expect(await client.closed()).toBe("1001 Read Error");
    most = Math.max(most, process.memoryUsage.rss());
    client.terminate();
  }
  expect(most - before).toBeLessThan(512 * 1024 * 1024);
  await tested.stop();
});
