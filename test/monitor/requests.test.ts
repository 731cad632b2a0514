/** Unusual HTTP requests, as health checks and scripts send them: both servers give the same answers. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { referenceIsLive } from "../reference/recording.ts";
import { WireConnection } from "../wire/wire-connection.ts";
import { type Monitored, startOurs, startReference } from "./monitored-pair.ts";

const OK = '200 OK {"status":"ok"}';

/** Raw requests, and the status and bodies of all answers until the server closes the connection. */
const REQUESTS: readonly (readonly [what: string, request: string, answers: readonly string[]])[] = [
  ["HTTP/1.0 without Host", "GET /healthz HTTP/1.0\n\n", [OK]],
  ["HTTP/1.0 that stays open", "GET /healthz HTTP/1.0\nConnection: keep-alive\n\nGET /healthz HTTP/1.0\n\n", [OK, OK]],
  ["HTTP/1.1 without Host", "GET /healthz HTTP/1.1\n\n", ["400 Bad Request: missing required Host header"]],
  ["an empty Host", "GET /healthz HTTP/1.1\nHost:\nConnection: close\n\n", [OK]],
  ["a Host with a large port", "GET /healthz HTTP/1.1\nHost: a:99999\nConnection: close\n\n", [OK]],
  ["a Host with half a bracket", "GET /healthz HTTP/1.1\nHost: [::1\nConnection: close\n\n", [OK]],
  ["a Host with an invalid escape", "GET /healthz HTTP/1.1\nHost: %zz\nConnection: close\n\n", [OK]],
  ["a Host with a space", "GET /healthz HTTP/1.1\nHost: a b\n\n", ["400 Bad Request: malformed Host header"]],
  ["a Host with a slash", "GET /healthz HTTP/1.1\nHost: a/b\n\n", ["400 Bad Request: malformed Host header"]],
  ["two Hosts", "GET /healthz HTTP/1.1\nHost: a\nHost: b\n\n", ["400 Bad Request"]],
  ["an absolute address", "GET http://other:1/healthz HTTP/1.1\nHost: a\nConnection: close\n\n", [OK]],
  ["an absolute address with half a bracket", "GET http://[::bad/healthz HTTP/1.1\nHost: a\n\n", ["400 Bad Request"]],
  ["an absolute address with a zone", "GET http://u:p@[fe80::1%25en0]:1/healthz HTTP/1.1\nHost: a\nConnection: close\n\n", [OK]],
  ["an address without a slash", "GET healthz HTTP/1.1\nHost: a\n\n", ["400 Bad Request"]],
  ["an address that begins with the query", "GET ?a=1 HTTP/1.1\nHost: a\n\n", ["400 Bad Request"]],
  ["an invalid escape in the path", "GET /%zz HTTP/1.1\nHost: a\n\n", ["400 Bad Request"]],
  ["an escape in the path", "GET /health%7a HTTP/1.1\nHost: a\nConnection: close\n\n", [OK]],
  ["an invalid escape in a parameter", "GET /healthz?details=%zz HTTP/1.1\nHost: a\nConnection: close\n\n", [OK]],
  ["a semicolon in a parameter", "GET /healthz?a=1;details=x HTTP/1.1\nHost: a\nConnection: close\n\n", [OK]],
  [
    "a version that is not supported",
    "GET /healthz HTTP/2.0\nHost: a\n\n",
    ["505 HTTP Version Not Supported: unsupported protocol version"],
  ],
  ["a version that is none", "GET /healthz HTTP/x\nHost: a\n\n", ["400 Bad Request"]],
  ["no version", "GET /healthz\n\n", ["400 Bad Request"]],
  ["a method that is none", "G@T /healthz HTTP/1.1\nHost: a\n\n", ["400 Bad Request"]],
  ["a space in a header's name", "GET /healthz HTTP/1.1\nHost: a\na b: x\n\n", ["400 Bad Request: invalid header name"]],
  ["a control character in a header", "GET /healthz HTTP/1.1\nHost: a\nX: \x01\n\n", ["400 Bad Request"]],
  ["a folded header", "GET /healthz HTTP/1.1\nHost: a\nConnection: x,\n  close\n\n", [OK]],
  ["an unreadable length", "GET /healthz HTTP/1.1\nHost: a\nContent-Length: x\n\n", ["400 Bad Request"]],
  [
    "a body before another request",
    "POST /healthz HTTP/1.1\nHost: a\nContent-Length: 3\n\nabcGET /healthz HTTP/1.1\nHost: a\nConnection: close\n\n",
    [OK, OK],
  ],
  [
    "a body that waits for permission",
    "POST /healthz HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 3\nConnection: close\n\n",
    [OK],
  ],
  ["all methods", "OPTIONS * HTTP/1.1\nHost: a\nConnection: close\n\n", ["200 OK "]],
  [
    "a path with dots and characters of HTML in the query",
    "GET /a/../healthz?a=\"'<b>& HTTP/1.1\nHost: a\nConnection: close\n\n",
    ['307 Temporary Redirect <a href="/healthz?a=&#34;&#39;&lt;b&gt;&amp;">Temporary Redirect</a>.\n\n'],
  ],
  [
    "a path with dots",
    "GET /a/../healthz?details=1 HTTP/1.1\nHost: a\nConnection: close\n\n",
    ['307 Temporary Redirect <a href="/healthz?details=1">Temporary Redirect</a>.\n\n'],
  ],
];

/** Status line and body of each answer. */
function answersIn(text: string): string[] {
  const answers: string[] = [];
  for (let rest = text; rest !== ""; ) {
    const [, status, headers] = /^HTTP\/1\.[01] (.*?)\r\n([\s\S]*?)\r\n\r\n/.exec(rest) ?? [];
    if (status === undefined) return [...answers, rest];
    const body = rest.slice(rest.indexOf("\r\n\r\n") + 4);
    const length = /^content-length: (\d+)/im.exec(headers);
    const size = length === null ? body.length : Number(length[1]);
    answers.push(status === body ? status : `${status} ${body.slice(0, size)}`);
    rest = body.slice(size);
  }
  return answers;
}

function describeRequests(name: string, start: () => Promise<Monitored>): void {
  let server: Monitored;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server.stop();
  });
  for (const [what, request, answers] of REQUESTS) {
    for (const [ending, text] of [
      ["LF", request],
      ["CRLF", request.replaceAll("\n", "\r\n")],
    ] as const) {
      test(`${name}: ${what}, lines end with ${ending}`, async () => {
        const connection = await WireConnection.open(server.monitorPort!, "requester");
        await connection.write(Buffer.from(text, "latin1"));
        expect(answersIn(Buffer.from(await connection.takeAll()).toString())).toEqual([...answers]);
      });
    }
  }
}

describe("ours", () => describeRequests("ours", startOurs));
if (referenceIsLive()) describe("reference", () => describeRequests("reference", startReference));

test("a request may arrive byte by byte, and the next one before the answer", async () => {
  await using server = await startOurs();
  const connection = await WireConnection.open(server.monitorPort!, "requester");
  const request = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
  for (const byte of Buffer.from(request)) await connection.write(Buffer.from([byte]));
  await connection.write(Buffer.from(request + request.replace("Host", "Connection: close\r\nHost")));
  expect(answersIn(Buffer.from(await connection.takeAll()).toString())).toEqual([OK, OK, OK]);
});

test("a requester that ends its side still gets the answer", async () => {
  await using server = await startOurs();
  const connection = await WireConnection.open(server.monitorPort!, "requester");
  await connection.write(Buffer.from("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"));
  connection.endInput();
  expect(answersIn(Buffer.from(await connection.takeAll()).toString())).toEqual([OK]);
});

test("a head of more than 64 KiB is refused", async () => {
  await using server = await startOurs();
  const connection = await WireConnection.open(server.monitorPort!, "requester");
  await connection.write(Buffer.from(`GET /healthz HTTP/1.1\r\nX: ${"x".repeat(66_000)}`));
  expect(answersIn(Buffer.from(await connection.takeAll()).toString())).toEqual(["431 Request Header Fields Too Large"]);
});
