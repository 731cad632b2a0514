/** Frames in both directions: which are accepted, which are refused and with which text, and how a connection ends. */
import { expect } from "bun:test";
import { until } from "../faults/until.ts";
import { REPLY_TIMEOUT_MS } from "../wire/wire-connection.ts";
import {
  BINARY,
  CLOSE,
  CONTINUATION,
  closePayload,
  closeText,
  DEFLATE,
  type FrameOptions,
  frame,
  PING,
  PONG,
  RawClient,
  TEXT,
} from "./raw-client.ts";
import { ALL, EXACT, OURS, ourServer, type TestedServer, TestedServers } from "./tested-server.ts";

const plain = new TestedServers({ server: { payloadBytesMax: 64 * 1024 }, serverConfig: "max_payload: 65536" });
const compressing = new TestedServers({ websocket: { compression: true }, websocketConfig: "compression: true" });

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false}\r\n';
const BROWSER = { "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36" };

/** A client that has received INFO. */
async function greetedClient(tested: TestedServer, headers: Readonly<Record<string, string>> = {}): Promise<RawClient> {
  const client = await RawClient.upgrade(tested.port, { headers });
  await client.textUntil("\r\n");
  return client;
}

/** Waits until /connz has this reason for the last closed connection; a server may list a connection some time after it has ended it. */
async function expectReason(tested: TestedServer, reason: string): Promise<void> {
  const deadline = performance.now() + REPLY_TIMEOUT_MS;
  let found = "";
  while (found !== reason && performance.now() < deadline) {
    const response = await fetch(`http://127.0.0.1:${tested.monitorPort}/connz?state=closed&limit=4096`);
    const { connections } = (await response.json()) as { connections: { cid: number; reason: string; type: string }[] };
    const last = connections.reduce((latest, one) => (one.cid > latest.cid ? one : latest));
    found = `${last.type}: ${last.reason}`;
  }
  expect(found).toBe(reason);
}

const PING_LINE = Buffer.from("PING\r\n");

plain.test("a binary frame is read", async tested => {
  using client = await greetedClient(tested);
  await client.write(frame(BINARY, "PING\r\n"));
  expect(await client.nextMessage()).toEqual(Buffer.from("PONG\r\n"));
});

plain.test("a text frame is read as a binary one is", async tested => {
  using client = await greetedClient(tested);
  await client.write(frame(TEXT, `${CONNECT}SUB größe 1\r\nPUB größe 4\r\nweiß\r\n`.replace("4\r\nw", "5\r\nw")));
  expect((await client.textUntil("\r\n")).length).toBeGreaterThan(0);
});

plain.test(
  "a text frame need not be UTF-8",
  async tested => {
    using client = await greetedClient(tested);
    await client.write(
      frame(TEXT, Buffer.concat([Buffer.from(`${CONNECT}SUB a 1\r\nPUB a 2\r\n`), Buffer.from([0xff, 0xfe]), Buffer.from("\r\n")])),
    );
    expect(await client.textUntil("\r\n")).toBe("MSG a 1 2\r\n\xff\xfe\r\n");
  },
  EXACT,
);

plain.test("a frame may begin and end anywhere in a protocol line", async tested => {
  using client = await greetedClient(tested);
  await client.write(frame(BINARY, `${CONNECT}SUB a`));
  await client.write(frame(BINARY, ""));
  await client.write(frame(BINARY, " 1\r\nPUB a 5\r\nhe"));
  await client.write(Buffer.concat([frame(BINARY, "llo\r\nPING"), frame(TEXT, "\r\n")]));
  expect(await client.textUntil("PONG\r\n")).toBe("MSG a 1 5\r\nhello\r\nPONG\r\n");
});

plain.test("frames may arrive byte by byte", async tested => {
  using client = await greetedClient(tested);
  const all = Buffer.concat([
    frame(BINARY, `${CONNECT}SUB a 1\r\n`),
    frame(PING, "still there?"),
    frame(BINARY, "PUB a 300\r\n", { final: false }),
    frame(CONTINUATION, "x".repeat(300)),
    frame(BINARY, "\r\nPING\r\n", { lengthBits: 64 }),
  ]);
  for (const byte of all) await client.write(Uint8Array.of(byte));
  const pong = await client.nextFrame();
  expect([pong!.opcode, pong!.payload.toString()]).toEqual([PONG, "still there?"]);
  expect(await client.textUntil("PONG\r\n")).toBe(`MSG a 1 300\r\n${"x".repeat(300)}\r\nPONG\r\n`);
});

plain.test("fragments of a message are read as they arrive, with control frames between them", async tested => {
  using client = await greetedClient(tested);
  await client.write(Buffer.concat([frame(BINARY, `${CONNECT}PI`, { final: false }), frame(PING, "x"), frame(PONG, "unsolicited")]));
  await client.write(Buffer.concat([frame(CONTINUATION, "NG", { final: false }), frame(CONTINUATION, ""), frame(BINARY, "\r\n")]));
  const first = await client.nextFrame();
  expect([first!.opcode, first!.payload.toString()]).toEqual([PONG, "x"]);
  expect(await client.textUntil("\r\n")).toBe("PONG\r\n");
});

plain.test("any mask is accepted", async tested => {
  using client = await greetedClient(tested);
  for (const mask of [
    [0, 0, 0, 0],
    [255, 255, 255, 255],
    [1, 128, 0, 77],
  ]) {
    await client.write(frame(BINARY, PING_LINE, { mask }));
    expect(await client.textUntil("\r\n")).toBe("PONG\r\n");
  }
});

plain.test(
  "a client that was granted unmasked frames may send them",
  async tested => {
    using client = await greetedClient(tested, { "Nats-No-Masking": "true" });
    await client.write(
      Buffer.concat([frame(BINARY, "PI", { mask: null }), frame(PING, "?", { mask: null }), frame(BINARY, "NG\r\n", { mask: null })]),
    );
    expect((await client.nextFrame())!.opcode).toBe(PONG);
    expect(await client.textUntil("\r\n")).toBe("PONG\r\n");
  },
  EXACT,
);

interface Violation {
  readonly title: string;
  readonly bytes: Buffer;
  readonly text: string;
  /** Bun's text; its code is 1002 unless the text begins with another one. */
  readonly bun: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const violation = (
  title: string,
  text: string,
  bun: string,
  opcode: number,
  payload: string | Buffer = "x",
  options: FrameOptions = {},
): Violation => ({
  title,
  text,
  bun,
  bytes: frame(opcode, payload, options),
});

const TOO_LONG = "control frame length bigger than maximum allowed of 125 bytes";
const VIOLATIONS: Violation[] = [
  violation("reserved bit 2", "RSV2 and RSV3 must be clear", "Received unexpected RSV2 or RSV3 bit", BINARY, "x", { reserved: 0x20 }),
  violation("reserved bit 3", "RSV2 and RSV3 must be clear", "Received unexpected RSV2 or RSV3 bit", PING, "x", { reserved: 0x10 }),
  violation(
    "a compressed frame without negotiated compression",
    "compressed frame received without negotiated permessage-deflate",
    "Received unexpected RSV1 bit",
    BINARY,
    "x",
    { reserved: 0x40 },
  ),
  violation("a frame without mask", "mask bit missing", "Received an incorrectly masked frame", BINARY, "x", { mask: null }),
  violation("a control frame of 126 bytes", TOO_LONG, "Received too big control frame", PING, "x".repeat(126)),
  violation("a control frame in fragments", "control frame does not have final bit set", "Received fragmented control frame", PONG, "x", {
    final: false,
  }),
  {
    title: "a new message within one",
    bytes: Buffer.concat([frame(BINARY, "PI", { final: false }), frame(TEXT, "NG\r\n")]),
    text: "new message started before final frame for previous message was received",
    bun: "Received new message inside a fragmented message",
  },
  violation(
    "a continuation of nothing",
    "invalid continuation frame",
    "Received continuation frame outside a fragmented message",
    CONTINUATION,
  ),
  violation("opcode 3", "unknown opcode 3", "Received invalid opcode", 3),
  violation("opcode 7", "unknown opcode 7", "Received invalid opcode", 7),
  violation("opcode 11", "unknown opcode 11", "Received invalid opcode", 11),
  violation("opcode 15", "unknown opcode 15", "Received invalid opcode", 15),
  violation("a negative length", "invalid 64-bit payload length", "1009 Received too big message", BINARY, "x", {
    claimedLength: 1n << 63n,
    lengthBits: 64,
  }),
  violation("a close frame of one byte", "close frame payload cannot be 1 byte", "Received invalid close payload", CLOSE),
];
for (const code of [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]) {
  VIOLATIONS.push(
    violation(`close code ${code}`, `invalid close status code ${code}`, "Received invalid close code", CLOSE, closePayload(code)),
  );
}

for (const { title, bytes, text, bun } of VIOLATIONS) {
  plain.test(`${title} is refused with a reason`, async tested => {
    const before = tested.lines().length;
    const client = await greetedClient(tested);
    await client.write(bytes);
    const ours = tested.name === "Bun.serve" ? bun : text;
    const received = await client.closed();
    // The reference often closes before its close frame is out.
    if (received !== null || tested.name !== "nats-server") expect(received).toBe(/^\d{4} /.test(ours) ? ours : `1002 ${ours}`);
    client.terminate();
    const wanted = `read error: ${ours.replace(/^\d{4} /, "")}`;
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
    expect(errors()[0]).toEndWith(wanted);
    await until(
      () => tested.lines().some((line, index) => index >= before && line.endsWith("Client connection closed: Read Error")),
      () => "the connection is not closed",
    );
  });
}

plain.test(
  "commands before a violation are executed, and their answers come before the close frame",
  async tested => {
    using client = await greetedClient(tested);
    await client.write(Buffer.concat([frame(BINARY, "PING\r\n"), frame(3), frame(BINARY, "PING\r\n")]));
    expect(await client.textUntil("\r\n")).toBe("PONG\r\n");
    expect(await client.closed()).toStartWith("1002 ");
  },
  OURS,
);

for (const code of [1000, 1001, 1003, 1007, 1014, 3000, 4999]) {
  plain.test(`a close frame with code ${code} is echoed, and the close reason is Client Closed`, async tested => {
    using client = await greetedClient(tested);
    await client.write(frame(CLOSE, closePayload(code, "grüß dich")));
    expect(await client.closed()).toBe(`${code} grüß dich`);
    await expectReason(tested, "websocket: Client Closed");
  });
}

plain.test("a close frame without a code is echoed without one", async tested => {
  using client = await greetedClient(tested);
  await client.write(frame(CLOSE));
  expect(await client.closed()).toBe("");
});

plain.test("a close frame whose text is not UTF-8 is answered with code 1007", async tested => {
  using client = await greetedClient(tested);
  await client.write(frame(CLOSE, closePayload(1000, new Uint8Array([0xff, 0xfe]))));
  expect(await client.closed()).toBe(tested.name === "Bun.serve" ? "1007 Received invalid UTF-8" : "1007 invalid utf8 body in close frame");
});

plain.test(
  "commands before a close frame are answered before it is echoed",
  async tested => {
    using client = await greetedClient(tested);
    await client.write(Buffer.concat([frame(BINARY, `${CONNECT}SUB a 1\r\nPUB a 1\r\nx\r\nPING\r\n`), frame(CLOSE, closePayload(1000))]));
    expect(await client.textUntil("PONG\r\n")).toBe("MSG a 1 1\r\nx\r\nPONG\r\n");
    expect(await client.closed()).toBe("1000 ");
  },
  ALL,
);

plain.test(
  "a client that ends the connection without a close frame gets one",
  async tested => {
    using client = await greetedClient(tested);
    client.endInput();
    expect(await client.closed()).toBe("1000 Client Closed");
  },
  EXACT,
);

// Refusals of the NATS protocol, as the close frame reports them.

const ENDS: [title: string, lines: string, error: string | null, close: string, reason: string][] = [
  [
    "a payload that is too large",
    "PUB a 65537\r\n",
    "Maximum Payload Violation",
    "1009 Maximum Message Payload Exceeded",
    "Maximum Message Payload Exceeded",
  ],
  [
    "a line that is too long",
    `PUB ${"a".repeat(5_000)} 1\r\n`,
    "maximum control line exceeded",
    "1008 Maximum Control Line Exceeded",
    "Maximum Control Line Exceeded",
  ],
  [
    "an unknown protocol version",
    'CONNECT {"protocol":5}\r\n',
    "invalid client protocol",
    "1002 Bad Client Protocol Version",
    "Bad Client Protocol Version",
  ],
];
for (const [title, lines, error, close, reason] of ENDS) {
  plain.test(`${title} is reported in an -ERR line and in the close frame`, async tested => {
    using client = await greetedClient(tested);
    await client.write(frame(BINARY, lines));
    expect(await client.textUntil("\r\n")).toBe(`-ERR '${error}'\r\n`);
    expect(await client.closed()).toBe(close);
    await expectReason(tested, `websocket: ${reason}`);
  });
}

plain.test("an unknown command is a read error on a WebSocket", async tested => {
  const before = tested.lines().length;
  using client = await greetedClient(tested);
  await client.write(frame(BINARY, "NONSENSE\r\n"));
  const frames = [await client.nextFrame(), await client.nextFrame()];
  if (tested.name !== "nats-server") {
    expect(frames[0]!.payload.toString()).toBe("-ERR 'Unknown Protocol Operation'\r\n");
    expect(closeText(frames[1]!)).toBe("1001 Read Error");
  }
  const closed = () => tested.lines().slice(before);
  await until(
    () => closed().some(line => line.endsWith("Client connection closed: Read Error")),
    () => closed().join("\n"),
  );
  expect(closed().some(line => / - wid:\d+ - read error: Client parser ERROR, state=/.test(line))).toBe(true);
});

plain.test("malformed arguments are a read error, too", async tested => {
  const before = tested.lines().length;
  using client = await greetedClient(tested);
  await client.write(frame(BINARY, "PUB a b c d\r\n"));
  await client.closed();
  await until(
    () => tested.lines().some((line, index) => index >= before && line.endsWith('read error: processPub Parse Error: "a b c d"')),
    () => tested.lines().slice(before).join("\n"),
  );
  await expectReason(tested, "websocket: Read Error");
});

// Frames that the server sends.

/** Subscribes to `a` and publishes a message of this size to it. */
async function publishToItself(client: RawClient, size: number): Promise<void> {
  await client.write(frame(BINARY, `${CONNECT}SUB a 1\r\nPUB a ${size}\r\n${"x".repeat(size)}\r\n`));
}

plain.test("a browser gets frames of at most 4096 bytes", async tested => {
  using client = await greetedClient(tested, BROWSER);
  await publishToItself(client, 20_000);
  const sizes: number[] = [];
  let text = "";
  while (text.length < 20_000 + "MSG a 1 20000\r\n\r\n".length) {
    const next = (await client.nextFrame())!;
    expect([next.opcode, next.final, next.compressed]).toEqual([BINARY, true, false]);
    sizes.push(next.payload.length);
    text += next.payload.toString("latin1");
  }
  expect(Math.max(...sizes)).toBe(4096);
  expect(text).toBe(`MSG a 1 20000\r\n${"x".repeat(20_000)}\r\n`);
});

plain.test("other clients get a message in one frame", async tested => {
  using client = await greetedClient(tested);
  await publishToItself(client, 60_000);
  const first = (await client.nextFrame())!;
  const all = first.payload.length < 1_000 ? Buffer.concat([first.payload, (await client.nextFrame())!.payload]) : first.payload;
  expect(all.toString("latin1")).toBe(`MSG a 1 60000\r\n${"x".repeat(60_000)}\r\n`);
});

compressing.test(
  "nothing is compressed unless the client offers compression",
  async tested => {
    using client = await greetedClient(tested);
    await publishToItself(client, 1_000);
    const first = (await client.nextFrame())!;
    expect(first.compressed).toBe(false);
  },
  EXACT,
);

compressing.test(
  "a browser gets compressed messages in fragments of 4096 bytes, Safari whole ones",
  async tested => {
    const safari = "Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15";
    for (const [agent, most] of [
      [BROWSER["User-Agent"], 4096],
      [safari, 60_000],
    ] as const) {
      using client = await greetedClient(tested, { ...DEFLATE, "User-Agent": agent });
      const noise = crypto.getRandomValues(new Uint8Array(30_000));
      await client.write(
        frame(
          BINARY,
          Buffer.concat([Buffer.from(`${CONNECT}SUB a 1\r\nPUB a ${noise.length}\r\n`), Buffer.from(noise), Buffer.from("\r\n")]),
        ),
      );
      let largest = 0;
      let received = 0;
      while (received < noise.length) {
        for (let next = (await client.nextFrame())!; ; next = (await client.nextFrame())!) {
          largest = Math.max(largest, next.payload.length);
          received += next.payload.length;
          if (next.final) break;
        }
      }
      if (most === 4096) expect(largest).toBe(4096);
      else expect(largest).toBeGreaterThan(4096);
    }
  },
  EXACT,
);

plain.test(
  "a client that does not read delays no other client, and later gets everything in whole frames",
  async tested => {
    using slow = await greetedClient(tested);
    await slow.write(frame(BINARY, `${CONNECT}SUB flood 1\r\nPING\r\n`));
    await slow.textUntil("PONG\r\n");
    slow.pause();
    using publisher = await greetedClient(tested);
    const payload = "0123456789abcdef".repeat(3_000);
    await publisher.write(frame(BINARY, CONNECT));
    const count = 400; // 19 MB: more than the kernel takes
    for (let index = 0; index < count; index++) await publisher.write(frame(BINARY, `PUB flood ${payload.length}\r\n${payload}\r\n`));
    await publisher.write(frame(BINARY, "PING\r\n"));
    expect(await publisher.textUntil("PONG\r\n")).toBe("PONG\r\n");
    const server = ourServer(tested);
    expect([...server.connections.values()].some(({ outbound }) => outbound.hasBacklog)).toBe(true);
    slow.resume();
    await slow.write(frame(PING, "in between"));
    const one = `MSG flood 1 ${payload.length}\r\n${payload}\r\n`;
    let messages = 0;
    let pongs = 0;
    let rest = "";
    while (messages < count) {
      const next = (await slow.nextFrame())!;
      if (next.opcode === PONG) {
        pongs++;
        continue;
      }

      rest += next.payload.toString("latin1");
      while (rest.length >= one.length || rest.startsWith("PING\r\n")) {
        if (rest.startsWith("PING\r\n")) {
          rest = rest.slice("PING\r\n".length); // the server measures the round trip
          continue;
        }
        expect(rest.startsWith(one)).toBe(true);
        rest = rest.slice(one.length);
        messages++;
      }
    }
    expect([messages, rest]).toEqual([count, ""]);
    if (pongs === 0) expect((await slow.nextFrame())!.opcode).toBe(PONG);
  },
  OURS,
);
