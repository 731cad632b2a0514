/** The door: which requests become WebSockets, and what the others are told. */
import { expect } from "bun:test";
import { until } from "../faults/until.ts";
import { ACCEPT, DEFLATE, frame, RawClient, type RequestOptions, upgradeRequest } from "./raw-client.ts";
import { ALL, EXACT, OURS, type Subject, Subjects } from "./subject.ts";

const plain = new Subjects({ websocket: { handshakeTimeoutMs: 300 }, websocketConfig: `handshake_timeout: "300ms"` });
const headers = new Subjects({
  websocket: { headers: { "X-Served-By": "us", "Cache-Control": "no-store" } },
  websocketConfig: `headers { "X-Served-By": us, "Cache-Control": "no-store" }`,
});
const sameOrigin = new Subjects({ websocket: { sameOrigin: true }, websocketConfig: "same_origin: true" });
const listed = new Subjects({
  websocket: { allowedOrigins: ["https://Good.example", "http://other.example:8080"] },
  websocketConfig: `allowed_origins: ["https://Good.example", "http://other.example:8080"]`,
});
const both = new Subjects({
  websocket: { sameOrigin: true, allowedOrigins: ["http://localhost", "http://elsewhere"] },
  websocketConfig: `same_origin: true, allowed_origins: ["http://localhost", "http://elsewhere"]`,
});

const TEXTS: Record<number, string> = { 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed" };

/** The request is refused with this status, and the log says why. */
async function refused(subject: Subject, options: RequestOptions, status: number, reason: string): Promise<void> {
  const before = subject.lines().length;
  using client = await RawClient.open(subject.port);
  await client.write(upgradeRequest(options));
  const head = await client.head();
  const {
    "content-type": type,
    "sec-websocket-version": version,
    "x-content-type-options": sniffing,
    "content-length": size,
  } = head.headers;
  const body = await client.body(Number(size));
  expect({ line: head.line, type, version, sniffing, body }).toEqual({
    line: `HTTP/1.1 ${status} ${TEXTS[status]}`,
    type: "text/plain; charset=utf-8",
    version: "13",
    sniffing: "nosniff",
    body: `${TEXTS[status]}\n`,
  });
  const logged = () =>
    subject
      .lines()
      .slice(before)
      .filter(line => line.startsWith("[ERR]"));
  await until(
    () => logged().length > 0,
    () => "nothing was logged",
  );
  expect(logged().map(line => line.replace(/127\.0\.0\.1:\d+/, "PEER"))).toEqual([`[ERR] PEER - websocket handshake error: ${reason}`]);
}

/** It becomes a WebSocket, and INFO comes. */
async function accepted(subject: Subject, options: RequestOptions = {}): Promise<Readonly<Record<string, string>>> {
  using client = await RawClient.open(subject.port);
  await client.write(upgradeRequest(options));
  const head = await client.head();
  expect(head.line).toBe("HTTP/1.1 101 Switching Protocols");
  expect((await client.nextFrame())!.payload.toString()).toStartWith('INFO {"server_id"');
  return head.headers;
}

plain.test("an upgrade is answered with the accepted key, and INFO comes in a frame of its own", async subject => {
  const { date: _, ...rest } = await accepted(subject);
  expect(rest).toEqual({ upgrade: "websocket", connection: "Upgrade", "sec-websocket-accept": ACCEPT });
});

plain.test("only GET", subject => refused(subject, { method: "POST" }, 405, "request method must be GET"));
plain.test("a host must be named", subject => refused(subject, { headers: { Host: "" } }, 400, "'Host' missing in request"));
plain.test("Upgrade must be there", subject => refused(subject, { headers: { Upgrade: null } }, 400, "invalid value for header 'Upgrade'"));
plain.test("Upgrade must contain websocket", subject =>
  refused(subject, { headers: { Upgrade: "h2c, websockets" } }, 400, "invalid value for header 'Upgrade'"),
);
plain.test("Connection must contain Upgrade", subject =>
  refused(subject, { headers: { Connection: "keep-alive" } }, 400, "invalid value for header 'Connection'"),
);
plain.test("a key must be there", subject => refused(subject, { headers: { "Sec-WebSocket-Key": null } }, 400, "key missing"));
for (const key of ["AAAA", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZSE=", "!!!!IHNhbXBsZSBub25jZQ=="]) {
  plain.test(`a key must be 16 bytes in base64, not ${key}`, subject =>
    refused(subject, { headers: { "Sec-WebSocket-Key": key } }, 400, "invalid websocket key"),
  );
}
plain.test("version 13 must be among those offered", subject =>
  refused(subject, { headers: { "Sec-WebSocket-Version": "8, 12" } }, 400, "invalid version"),
);
plain.test("the checks come in order: the first that fails is told", subject =>
  refused(subject, { method: "PUT", headers: { Host: "", Upgrade: null, "Sec-WebSocket-Key": null } }, 405, "request method must be GET"),
);
plain.test("MQTT is not there", subject =>
  refused(subject, { path: "/some/mqtt?a=b", method: "POST" }, 404, "mqtt websocket endpoint not enabled"),
);

plain.test("header values are lists, in any case", async subject => {
  await accepted(subject, {
    headers: { Upgrade: "h2c, WebSocket", Connection: "keep-alive, UPGRADE", "Sec-WebSocket-Version": "8, 13", Host: "any.where" },
  });
});

plain.test("the path is of no importance, nor are sub-protocols", async subject => {
  const answer = await accepted(subject, { path: "/mqtt/leafnode/x?y=/leafnode", headers: { "Sec-WebSocket-Protocol": "nats, other" } });
  expect(answer["sec-websocket-protocol"]).toBeUndefined();
});

plain.test("compression is not agreed upon where it is off", async subject => {
  expect((await accepted(subject, { headers: DEFLATE }))["sec-websocket-extensions"]).toBeUndefined();
});

plain.test("leaf nodes are upgraded, logged and closed", async subject => {
  const before = subject.lines().length;
  using client = await RawClient.upgrade(subject.port, { path: "/leafnode" });
  expect(await client.nextFrame()).toBeNull();
  expect(subject.lines().slice(before)).toContain("[ERR] Not configured to accept leaf node connections");
});

plain.test(
  "frames that come with the request, before the answer to it: closed",
  async subject => {
    using client = await RawClient.open(subject.port);
    await client.write(Buffer.concat([Buffer.from(upgradeRequest()), frame(2, "PING\r\n")]));
    expect(await client.closed()).toBeNull();
  },
  EXACT,
);

plain.test("what is no request is answered so, and closed", async subject => {
  for (const bytes of ["\x16\x03\x01\x02\r\n\r\n", "hello\r\n\r\n", upgradeRequest({ headers: { "X Y": "z" } })]) {
    using client = await RawClient.open(subject.port);
    await client.write(bytes);
    expect((await client.head()).status).toBe(400);
    expect(await client.nextFrame()).toBeNull();
  }
});

plain.test(
  "two hosts are no request, nor is none",
  async subject => {
    for (const Host of [["a", "b"], null]) {
      using client = await RawClient.open(subject.port);
      await client.write(upgradeRequest({ headers: { Host } }));
      expect((await client.head()).line).toStartWith("HTTP/1.1 400 Bad Request");
    }
  },
  EXACT,
);

plain.test("a head of a size that nobody needs is refused", async subject => {
  using client = await RawClient.open(subject.port);
  const flood = `X-Filler: ${"x".repeat(1_000)}\r\n`.repeat(1_200);
  await client.write(upgradeRequest().replace("Upgrade: websocket\r\n", `${flood}Upgrade: websocket\r\n`));
  expect((await client.head()).status).toBe(431);
});

plain.test(
  "whoever does not finish the request in time is closed",
  async subject => {
    using silent = await RawClient.open(subject.port);
    using slow = await RawClient.open(subject.port);
    await slow.write("GET / HTTP/1.1\r\nHost:");
    expect([await silent.nextFrame(), await slow.nextFrame()]).toEqual([null, null]);
  },
  EXACT,
);

plain.test("a request may come byte by byte", async subject => {
  using client = await RawClient.open(subject.port);
  for (const byte of Buffer.from(upgradeRequest())) await client.write(Uint8Array.of(byte));
  expect((await client.head()).status).toBe(101);
  expect(await client.textUntil("\r\n")).toStartWith("INFO ");
});

headers.test("configured headers are in the answer", async subject => {
  const { "x-served-by": by, "cache-control": cache } = await accepted(subject);
  expect({ by, cache }).toEqual({ by: "us", cache: "no-store" });
});

sameOrigin.test("the same origin is the same scheme, host and port", async subject => {
  const from = (Origin: string, Host = "here.example") => ({ headers: { Origin, Host } });
  await accepted(subject);
  await accepted(subject, from("http://Here.example"));
  await accepted(subject, from("http://here.example:80"));
  await accepted(subject, from("http://here.example:8080", "here.example:8080"));
  for (const wrong of ["https://here.example", "http://here.example:81", "http://there.example", "http://x.here.example"]) {
    await refused(subject, from(wrong), 403, "origin not allowed: not same origin");
  }
  await refused(subject, from("null"), 403, `origin not allowed: parse "null": invalid URI for request`);
});

listed.test("only origins on the list", async subject => {
  await accepted(subject);
  for (const Origin of ["https://good.example", "https://GOOD.example:443", "http://other.example:8080"]) {
    await accepted(subject, { headers: { Origin } });
  }
  for (const Origin of ["http://good.example", "https://good.example:444", "http://other.example", "https://bad.example"]) {
    await refused(subject, { headers: { Origin } }, 403, "origin not allowed: not in the allowed list");
  }
  await refused(subject, { headers: { "Sec-WebSocket-Origin": "http://bad" } }, 403, "origin not allowed: not in the allowed list");
});

both.test("with both rules an origin must pass both", async subject => {
  await accepted(subject, { headers: { Origin: "http://localhost" } });
  await refused(subject, { headers: { Origin: "http://elsewhere" } }, 403, "origin not allowed: not same origin");
  await refused(subject, { headers: { Origin: "http://here", Host: "here" } }, 403, "origin not allowed: not in the allowed list");
});

plain.test(
  "it is said at start where it listens, and that nothing protects it",
  async subject => {
    expect(subject.lines()).toContain(`[INF] Listening for websocket clients on ws://127.0.0.1:${subject.port}`);
    expect(subject.lines()).toContain("[WRN] Websocket not configured with TLS. DO NOT USE IN PRODUCTION!");
  },
  ALL,
);

plain.test(
  "unmasked frames are promised only where they are read",
  async subject => {
    const granted = (await accepted(subject, { headers: { "Nats-No-Masking": "true" } }))["nats-no-masking"];
    expect(granted === "true").toBe(subject.name !== "Bun.serve");
  },
  ALL,
);

plain.test(
  "a closed port is closed: no more handshakes after stop",
  async subject => {
    using client = await RawClient.upgrade(subject.port);
    expect(await client.textUntil("\r\n")).toStartWith("INFO ");
    await subject.stop();
    expect(await client.closed()).toBe("1001 Server Shutdown");
    await expect(RawClient.open(subject.port)).rejects.toThrow();
  },
  OURS,
);
