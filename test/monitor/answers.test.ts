/** Answers of monitoring that do not depend on traffic: paths, methods, parameters, errors. They are the same for both servers. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { referenceIsLive } from "../reference/recording.ts";
import { WireConnection } from "../wire/wire-connection.ts";
import { get, type Monitored, startOurs, startReference } from "./monitored-pair.ts";

const PLAIN = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";

const ANSWERS: readonly (readonly [path: string, status: number, type: string, body: string])[] = [
  ["/healthz", 200, JSON_TYPE, '{"status":"ok"}'],
  ["/healthz?details=true", 200, JSON_TYPE, '{"status":"ok"}'],
  ["/healthz?js-enabled-only=1&js-server-only=t&js-meta-only=TRUE", 200, JSON_TYPE, '{"status":"ok"}'],
  ["/healthz?account=a&stream=s&consumer=c", 200, JSON_TYPE, '{"status":"ok"}'],
  ["/healthz?callback=jsonp", 200, JSON_TYPE, '{"status":"ok"}'],
  ["/healthz?stream=s", 400, JSON_TYPE, '{"status":"error","error":"\\"account\\" must not be empty when checking stream health"}'],
  [
    "/healthz?consumer=c&details=1",
    400,
    JSON_TYPE,
    '{"status":"error","errors":[{"type":"BAD_REQUEST","error":"\\"stream\\" must not be empty when checking consumer health"}]}',
  ],
  ["/healthz?details=x", 400, PLAIN, `Error decoding boolean for 'details': strconv.ParseBool: parsing "x": invalid syntax`],
  ["/nope", 404, PLAIN, "404 page not found\n"],
  ["/varz/", 404, PLAIN, "404 page not found\n"],
  ["/connz?sort=zz", 400, PLAIN, "invalid sorting option: zz"],
  ["/connz?sort=CID", 400, PLAIN, "invalid sorting option: CID"],
  ["/connz?sort=stop", 400, PLAIN, "sort by stop only valid on closed connections"],
  ["/connz?sort=reason&state=all", 400, PLAIN, "sort by reason only valid on closed connections"],
  ["/connz?auth=x", 400, PLAIN, `Error decoding boolean for 'auth': strconv.ParseBool: parsing "x": invalid syntax`],
  ["/connz?subs=details", 400, PLAIN, `Error decoding boolean for 'subs': strconv.ParseBool: parsing "details": invalid syntax`],
  ["/connz?limit=0x10", 400, PLAIN, `Error decoding int for 'limit': strconv.Atoi: parsing "0x10": invalid syntax`],
  ["/connz?cid=-1", 400, PLAIN, `Error decoding uint64 for 'cid': strconv.ParseUint: parsing "-1": invalid syntax`],
  [
    "/connz?cid=99999999999999999999",
    400,
    PLAIN,
    `Error decoding uint64 for 'cid': strconv.ParseUint: parsing "99999999999999999999": value out of range`,
  ],
  ["/connz?state=half", 400, PLAIN, "Error decoding state for half"],
  ["/connz?auth=x&state=half&sort=zz", 400, PLAIN, `Error decoding boolean for 'auth': strconv.ParseBool: parsing "x": invalid syntax`],
  ["/subsz?test=a.*&subs=1", 400, PLAIN, "invalid test subject, must be valid publish subject: a.*"],
  ["/subsz?test=a..b", 400, PLAIN, "invalid test subject, must be valid publish subject: a..b"],
  [
    "/subscriptionsz?offset=99999999999999999999",
    400,
    PLAIN,
    `Error decoding int for 'offset': strconv.Atoi: parsing "99999999999999999999": value out of range`,
  ],
];

function describeAnswers(name: string, start: () => Promise<Monitored>): void {
  let server: Monitored;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await server.stop();
  });
  for (const [path, status, type, body] of ANSWERS) {
    test(`${name}: ${path}`, async () => {
      expect(await get(server, path)).toEqual({ status, type, body });
    });
  }
  test(`${name}: /connz without connections and with negative limits`, async () => {
    const { server_id, now, ...rest } = JSON.parse((await get(server, "/connz?offset=-5&limit=-3&state=ANY")).body);
    expect(server_id).toMatch(/^N[A-Z2-7]{55}$/);
    expect(now).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    expect(rest).toEqual({ num_connections: 0, total: 0, offset: 0, limit: 1024, connections: [] });
  });
  test(`${name}: /connz of an unknown account`, async () => {
    const { now: _, ...rest } = JSON.parse((await get(server, "/connz?acc=unknown")).body);
    expect(rest).toEqual({ server_id: "", num_connections: 0, total: 0, offset: 0, limit: 1024, connections: null });
  });
  test(`${name}: pages of any origin may read JSON, which is indented by two spaces`, async () => {
    const response = await fetch(`http://127.0.0.1:${server.monitorPort}/varz`);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    const text = await response.text();
    expect(text).toStartWith('{\n  "server_id": "');
    expect(text).toEndWith("\n}");
  });
  test(`${name}: every method is answered as GET; HEAD has no body`, async () => {
    for (const method of ["POST", "DELETE", "HEAD"]) {
      const response = await fetch(`http://127.0.0.1:${server.monitorPort}/healthz`, { method });
      expect({ method, status: response.status, size: (await response.text()).length }).toEqual({
        method,
        status: 200,
        size: method === "HEAD" ? 0 : 15,
      });
    }
  });
  test(`${name}: a doubled slash is redirected`, async () => {
    const connection = await WireConnection.open(server.monitorPort!, "reader"); // `fetch` would normalise the path itself
    await connection.write(Buffer.from("GET //varz?x=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    const answer = Buffer.from(await connection.takeAll()).toString();
    expect(answer).toStartWith("HTTP/1.1 307 Temporary Redirect\r\n");
    expect(answer).toContain("\r\nLocation: /varz?x=1\r\n");
  });
  test(`${name}: requests are counted by endpoint, invalid ones where the reference counts them`, async () => {
    const before = JSON.parse((await get(server, "/varz")).body).http_req_stats;
    for (const path of ["/", "/healthz?details=x", "/subscriptionsz", "/connz?auth=x", "/connz?sort=zz", "/nope"]) await get(server, path);
    const after = JSON.parse((await get(server, "/varz")).body).http_req_stats;
    const counted = Object.fromEntries(Object.entries<number>(after).map(([path, count]) => [path, count - (before[path] ?? 0)]));
    expect(counted).toEqual({ "/": 1, "/connz": 1, "/healthz": 1, "/subsz": 1, "/varz": 1 });
  });
}

describe("ours", () => describeAnswers("ours", startOurs));
if (referenceIsLive()) describe("reference", () => describeAnswers("reference", startReference));

test("the root page links every endpoint", async () => {
  const server = await startOurs({ httpBasePath: "/deep/base/" });
  const page = await get(server, "/deep/base");
  expect([page.status, page.type]).toEqual([200, "text/html; charset=utf-8"]);
  const links = [...page.body.matchAll(/href="\.([^"]+)"/g)].map(match => match[1]);
  expect(links).toContain("/deep/base/varz");
  expect(links).toHaveLength(13);
  for (const link of links) expect((await get(server, link)).status, link).toBe(link.endsWith("/raftz") ? 404 : 200); // there are no RAFT groups
  expect((await get(server, "/varz")).status).toBe(404);
  expect((await get(server, "/")).status).toBe(404);
  expect((await get(server, "/deep/base/")).status).toBe(404);
  await server.stop();
});

test("monitoring is off by default, and ends when the server stops", async () => {
  const without = await startOurs({ httpPort: null });
  expect(without.monitorPort).toBeNull();
  await without.stop();
  const server = await startOurs();
  const url = `http://127.0.0.1:${server.monitorPort}/healthz`;
  expect((await fetch(url)).status).toBe(200);
  await server.stop();
  expect(
    await fetch(url).then(
      () => "answered",
      () => "refused",
    ),
  ).toBe("refused");
});

test("a monitoring port in use fails the start", async () => {
  const server = await startOurs();
  const error = await startOurs({ httpPort: server.monitorPort }).catch((error: Error) => error.message);
  expect(error).toBe(
    `Can't start monitoring: can't listen to the monitor port: listen tcp 127.0.0.1:${server.monitorPort}: bind: address already in use`,
  );
  await server.stop();
});
