import { expect, test } from "bun:test";
import { CLOSE_TEXTS, CloseReason } from "../../protocol/close-reason.ts";
import { clientInfoOf } from "./client-info.ts";
import { closeCodeOf, closePayload } from "./close-code.ts";
import { cookiesOf } from "./cookies.ts";
import { acceptKey } from "./handshake.ts";
import { parseOrigin } from "./origin.ts";
import { endOfHead, parseHead } from "./request-head.ts";
import { kindOf, type UpgradeRequest } from "./upgrade-request.ts";

const request = (headers: Record<string, string> = {}, path = "/"): UpgradeRequest => ({
  method: "GET",
  path,
  host: "localhost",
  secure: false,
  values: name => (headers[name] === undefined ? [] : [headers[name]]),
});

test("the example key of RFC 6455 gives its example answer", () => {
  expect(acceptKey("dGhlIHNhbXBsZSBub25jZQ==")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
});

test("the end of the path selects the kind of connection", () => {
  const kinds = ["/", "/leafnode", "/a/leafnode", "/leafnode/", "/mqtt", "/x/mqtt", "/leafnodes", "/MQTT"].map(path =>
    kindOf(request({}, path)),
  );
  expect(kinds).toEqual(["client", "leaf", "leaf", "client", "mqtt", "mqtt", "client", "client"]);
});

test("every close reason has a close code that may be sent", () => {
  const codes = Object.keys(CLOSE_TEXTS).map(reason => closeCodeOf(Number(reason) as CloseReason));
  expect(codes.length).toBe(37);
  expect([...new Set(codes)].sort()).toEqual([1000, 1001, 1002, 1008, 1009, 1011, 1015]);
  expect(closeCodeOf(CloseReason.Kicked)).toBe(1011);
});

test("a close text is cut to the size of a control frame", () => {
  expect(closePayload(1000, "x".repeat(123)).length).toBe(125);
  const cut = closePayload(1000, "x".repeat(124));
  expect([cut.length, cut.toString("latin1", 118)]).toEqual([125, "xxxx..."]);
});

test("cookies: quotes are removed, malformed cookies are skipped, the last of a name counts", () => {
  expect([...cookiesOf(['a=1; b = "two"; ; bad name=3; c=x\\y; a=4; d', "e=f=g"])]).toEqual([
    ["a", "4"],
    ["b", "two"],
    ["d", ""],
    ["e", "f=g"],
  ]);
});

test("origins: scheme, host and port, with the default port added", () => {
  expect(parseOrigin("HTTPS://User@Example.COM/path")).toEqual({ scheme: "https", host: "example.com", port: "443" });
  expect(parseOrigin("http://[::1]:8080")).toEqual({ scheme: "http", host: "::1", port: "8080" });
  expect(parseOrigin("null")).toBe('parse "null": invalid URI for request');
  expect(parseOrigin("http://a:b:c")).toBe("address a:b:c: too many colons in address");
});

test("a forwarded address is used for logs when it is a single address", () => {
  const forwarded = (value: string) => clientInfoOf(request({ "x-forwarded-for": value }), false, false).forwardedFor;
  expect(["1.2.3.4", "2001:db8::1", "1.2.3.4, 5.6.7.8", "host", "fe80::1%eth0", ""].map(forwarded)).toEqual([
    "1.2.3.4",
    "2001:db8::1",
    "",
    "",
    "",
    "",
  ]);
});

test("compression, masks and browsers are read from the request", () => {
  const asked = { "sec-websocket-extensions": "x-other, permessage-deflate; client_max_window_bits", "nats-no-masking": "true" };
  const safari = { ...asked, "user-agent": "Mozilla/5.0 Version/17.6 Safari/605.1.15" };
  const pick = ({ browser, compression, masked, wholeCompressed }: ReturnType<typeof clientInfoOf>) => ({
    browser,
    compression,
    masked,
    wholeCompressed,
  });
  expect([
    pick(clientInfoOf(request(asked), true, true)),
    pick(clientInfoOf(request(safari), true, false)),
    pick(clientInfoOf(request(asked), false, false)),
  ]).toEqual([
    { browser: false, compression: true, masked: false, wholeCompressed: false },
    { browser: true, compression: true, masked: true, wholeCompressed: true },
    { browser: false, compression: false, masked: true, wholeCompressed: false },
  ]);
});

test("a head ends at its blank line, with either line ending and however it is cut", () => {
  const end = (text: string, from = 0) => endOfHead(Buffer.from(text), from);
  expect([end("GET / HTTP/1.1\r\nA: b\r\n\r\nrest"), end("GET / HTTP/1.1\nA: b\n\nrest"), end("GET / HTTP/1.1\r\nA: b\r\n")]).toEqual([
    24, 21, -1,
  ]);
  expect([end("a\r\n\r\n", 4), end("a\r\n\r\n", 2), end("a\n\nb\r\n\r\n")]).toEqual([5, 5, 3]);
});

test("a request is parsed or refused with an error text", () => {
  const read = (text: string) => {
    const head = parseHead(text, false);
    return typeof head === "string" ? `refused${head}` : `${head.method} ${head.path} ${head.host} ${head.values("a")}`;
  };
  expect([
    read("GET /x?y=/z HTTP/1.1\r\nHost: h\r\nA: \t b \r\na: c\r\n\r\n"),
    read("GET http://other:80/x HTTP/1.1\r\nHost: h\r\n\r\n"),
    read("GET / HTTP/1.0\r\n\r\n"),
    read("GET / HTTP/1.1\r\n\r\n"),
    read("GET / HTTP/2.0\r\nHost: h\r\n\r\n"),
    read("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n"),
    read("GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n"),
    read("GET  / HTTP/1.1\r\nHost: h\r\n\r\n"),
  ]).toEqual([
    "GET /x h b,c",
    "GET /x other:80 ",
    "GET /  ",
    "refused: missing required Host header",
    "refused",
    "refused",
    "refused: invalid header name",
    "refused",
  ]);
});

test("blanks inside a header's value take linear time", () => {
  const value = `a${" ".repeat(1_000_000)}b`;
  const head = parseHead(`GET / HTTP/1.0\r\nX:  ${value} \t\r\n\r\n`, false);
  expect(typeof head !== "string" && head.values("x")).toEqual([value]);
});
