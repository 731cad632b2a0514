/** The handshake: which requests become WebSockets, and how the others are answered. */
import { expect } from "bun:test";
import { until } from "../faults/until.ts";
import { ACCEPT, DEFLATE, frame, RawClient, type RequestOptions, upgradeRequest } from "./raw-client.ts";
import { ALL, EXACT, OURS, type TestedServer, TestedServers } from "./tested-server.ts";

const plain = new TestedServers({ websocket: { handshakeTimeoutMs: 60_000 }, websocketConfig: `handshake_timeout: "60s"` });
const impatient = new TestedServers({ websocket: { handshakeTimeoutMs: 300 }, websocketConfig: `handshake_timeout: "300ms"` });
const headers = new TestedServers({
  websocket: { headers: { "X-Served-By": "us", "Cache-Control": "no-store" } },
  websocketConfig: `headers { "X-Served-By": us, "Cache-Control": "no-store" }`,
});
const sameOrigin = new TestedServers({ websocket: { sameOrigin: true }, websocketConfig: "same_origin: true" });
const listed = new TestedServers({
  websocket: { allowedOrigins: ["https://Good.example", "http://other.example:8080"] },
  websocketConfig: `allowed_origins: ["https://Good.example", "http://other.example:8080"]`,
});
const both = new TestedServers({
  websocket: { sameOrigin: true, allowedOrigins: ["http://localhost", "http://elsewhere"] },
  websocketConfig: `same_origin: true, allowed_origins: ["http://localhost", "http://elsewhere"]`,
});

const TEXTS: Record<number, string> = { 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed" };

/** Expects that the request is refused with this status, and that the log says why. */
async function refused(tested: TestedServer, options: RequestOptions, status: number, reason: string): Promise<void> {
  const before = tested.lines().length;
  using client = await RawClient.open(tested.port);
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
    tested
      .lines()
      .slice(before)
      .filter(line => line.startsWith("[ERR]"));
  await until(
    () => logged().length > 0,
    () => "nothing was logged",
  );
  expect(logged().map(line => line.replace(/127\.0\.0\.1:\d+/, "PEER"))).toEqual([`[ERR] PEER - websocket handshake error: ${reason}`]);
}

/** Expects that the request becomes a WebSocket and that INFO arrives. @returns the headers of the answer */
async function accepted(tested: TestedServer, options: RequestOptions = {}): Promise<Readonly<Record<string, string>>> {
  using client = await RawClient.open(tested.port);
  await client.write(upgradeRequest(options));
  const head = await client.head();
  expect(head.line).toBe("HTTP/1.1 101 Switching Protocols");
  expect((await client.nextFrame())!.payload.toString()).toStartWith('INFO {"server_id"');
  return head.headers;
}

plain.test("the answer to an upgrade has the accepted key, and INFO comes in a separate frame", async tested => {
  const { date: _, ...rest } = await accepted(tested);
  expect(rest).toEqual({ upgrade: "websocket", connection: "Upgrade", "sec-websocket-accept": ACCEPT });
});

plain.test("a method other than GET is refused", tested => refused(tested, { method: "POST" }, 405, "request method must be GET"));
plain.test("a request without Host is refused", tested => refused(tested, { headers: { Host: "" } }, 400, "'Host' missing in request"));
plain.test("a request without Upgrade is refused", tested =>
  refused(tested, { headers: { Upgrade: null } }, 400, "invalid value for header 'Upgrade'"),
);
plain.test("Upgrade must contain websocket", tested =>
  refused(tested, { headers: { Upgrade: "h2c, websockets" } }, 400, "invalid value for header 'Upgrade'"),
);
plain.test("Connection must contain Upgrade", tested =>
  refused(tested, { headers: { Connection: "keep-alive" } }, 400, "invalid value for header 'Connection'"),
);
plain.test("a request without a key is refused", tested => refused(tested, { headers: { "Sec-WebSocket-Key": null } }, 400, "key missing"));
for (const key of ["AAAA", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZSE=", "!!!!IHNhbXBsZSBub25jZQ=="]) {
  plain.test(`a key must be 16 bytes in base64, not ${key}`, tested =>
    refused(tested, { headers: { "Sec-WebSocket-Key": key } }, 400, "invalid websocket key"),
  );
}
plain.test("version 13 must be among the offered versions", tested =>
  refused(tested, { headers: { "Sec-WebSocket-Version": "8, 12" } }, 400, "invalid version"),
);
plain.test("the checks run in order, and the first failure is the one reported", tested =>
  refused(tested, { method: "PUT", headers: { Host: "", Upgrade: null, "Sec-WebSocket-Key": null } }, 405, "request method must be GET"),
);
plain.test("a request for MQTT is refused", tested =>
  refused(tested, { path: "/some/mqtt?a=b", method: "POST" }, 404, "mqtt websocket endpoint not enabled"),
);

plain.test("header values are lists and may be in upper or lower case", async tested => {
  await accepted(tested, {
    headers: { Upgrade: "h2c, WebSocket", Connection: "keep-alive, UPGRADE", "Sec-WebSocket-Version": "8, 13", Host: "any.where" },
  });
});

plain.test("the path and the sub-protocols are ignored", async tested => {
  const answer = await accepted(tested, { path: "/mqtt/leafnode/x?y=/leafnode", headers: { "Sec-WebSocket-Protocol": "nats, other" } });
  expect(answer["sec-websocket-protocol"]).toBeUndefined();
});

plain.test("compression is not negotiated where it is off", async tested => {
  expect((await accepted(tested, { headers: DEFLATE }))["sec-websocket-extensions"]).toBeUndefined();
});

plain.test("leaf nodes are upgraded, logged and closed", async tested => {
  const before = tested.lines().length;
  using client = await RawClient.upgrade(tested.port, { path: "/leafnode" });
  expect(await client.nextFrame()).toBeNull();
  await until(
    () => tested.lines().slice(before).includes("[ERR] Not configured to accept leaf node connections"),
    () => "nothing was logged",
  );
});

plain.test(
  "a client that sends frames before the answer to its request is closed",
  async tested => {
    using client = await RawClient.open(tested.port);
    await client.write(Buffer.concat([Buffer.from(upgradeRequest()), frame(2, "PING\r\n")]));
    expect(await client.closed()).toBeNull();
  },
  EXACT,
);

plain.test("bytes that are not an HTTP request get status 400, and the connection is closed", async tested => {
  for (const bytes of ["\x16\x03\x01\x02\r\n\r\n", "hello\r\n\r\n", upgradeRequest({ headers: { "X Y": "z" } })]) {
    using client = await RawClient.open(tested.port);
    await client.write(bytes);
    expect((await client.head()).status).toBe(400);
    expect(await client.nextFrame()).toBeNull();
  }
});

plain.test(
  "a request with two Host headers, or with none, gets status 400",
  async tested => {
    for (const Host of [["a", "b"], null]) {
      using client = await RawClient.open(tested.port);
      await client.write(upgradeRequest({ headers: { Host } }));
      expect((await client.head()).line).toStartWith("HTTP/1.1 400 Bad Request");
    }
  },
  EXACT,
);

plain.test("a request head of a megabyte is refused", async tested => {
  using client = await RawClient.open(tested.port);
  const flood = `X-Filler: ${"x".repeat(1_000)}\r\n`.repeat(1_200);
  await client.write(upgradeRequest().replace("Upgrade: websocket\r\n", `${flood}Upgrade: websocket\r\n`));
  expect((await client.head()).status).toBe(431);
});

impatient.test(
  "a client that does not finish its request in time is closed",
  async tested => {
    using silent = await RawClient.open(tested.port);
    using slow = await RawClient.open(tested.port);
    await slow.write("GET / HTTP/1.1\r\nHost:");
    expect([await silent.nextFrame(), await slow.nextFrame()]).toEqual([null, null]);
  },
  EXACT,
);

plain.test("a request may arrive byte by byte", async tested => {
  using client = await RawClient.open(tested.port);
  for (const byte of Buffer.from(upgradeRequest())) await client.write(Uint8Array.of(byte));
  expect((await client.head()).status).toBe(101);
  expect(await client.textUntil("\r\n")).toStartWith("INFO ");
});

headers.test("configured headers are in the answer", async tested => {
  const { "x-served-by": by, "cache-control": cache } = await accepted(tested);
  expect({ by, cache }).toEqual({ by: "us", cache: "no-store" });
});

sameOrigin.test("same_origin compares scheme, host and port", async tested => {
  const from = (Origin: string, Host = "here.example") => ({ headers: { Origin, Host } });
  await accepted(tested);
  await accepted(tested, from("http://Here.example"));
  await accepted(tested, from("http://here.example:80"));
  await accepted(tested, from("http://here.example:8080", "here.example:8080"));
  for (const wrong of ["https://here.example", "http://here.example:81", "http://there.example", "http://x.here.example"]) {
    await refused(tested, from(wrong), 403, "origin not allowed: not same origin");
  }
  await refused(tested, from("null"), 403, `origin not allowed: parse "null": invalid URI for request`);
});

listed.test("allowed_origins accepts only the listed origins", async tested => {
  await accepted(tested);
  for (const Origin of ["https://good.example", "https://GOOD.example:443", "http://other.example:8080"]) {
    await accepted(tested, { headers: { Origin } });
  }
  for (const Origin of ["http://good.example", "https://good.example:444", "http://other.example", "https://bad.example"]) {
    await refused(tested, { headers: { Origin } }, 403, "origin not allowed: not in the allowed list");
  }
  await refused(tested, { headers: { "Sec-WebSocket-Origin": "http://bad" } }, 403, "origin not allowed: not in the allowed list");
});

both.test("with both rules an origin must pass both", async tested => {
  await accepted(tested, { headers: { Origin: "http://localhost" } });
  await refused(tested, { headers: { Origin: "http://elsewhere" } }, 403, "origin not allowed: not same origin");
  await refused(tested, { headers: { Origin: "http://here", Host: "here" } }, 403, "origin not allowed: not in the allowed list");
});

plain.test(
  "the start log names the address, and warns that there is no TLS",
  async tested => {
    expect(tested.lines()).toContain(`[INF] Listening for websocket clients on ws://127.0.0.1:${tested.port}`);
    expect(tested.lines()).toContain("[WRN] Websocket not configured with TLS. DO NOT USE IN PRODUCTION!");
  },
  ALL,
);

plain.test(
  "unmasked frames are granted only where the server reads them",
  async tested => {
    const granted = (await accepted(tested, { headers: { "Nats-No-Masking": "true" } }))["nats-no-masking"];
    expect(granted === "true").toBe(tested.name !== "Bun.serve");
  },
  ALL,
);

plain.test(
  "a stopped server closes its connections and accepts no more handshakes",
  async tested => {
    using client = await RawClient.upgrade(tested.port);
    expect(await client.textUntil("\r\n")).toStartWith("INFO ");
    await tested.stop();
    expect(await client.closed()).toBe("1001 Server Shutdown");
    await expect(RawClient.open(tested.port)).rejects.toThrow();
  },
  OURS,
);
