/** Answers about many connections and subscriptions: their order, their pages, and how much is done at a time. */
import { expect, test } from "bun:test";
import { jsonPieces } from "../../base/go/json-stream.ts";
import { SILENT } from "../../base/log/silent-logger.ts";
import type { Sliced } from "../../base/scheduling/sliced.ts";
import { completeOptions } from "../../config/schema/complete-options.ts";
import { Server } from "../../server/process/server.ts";
import { accountzOf } from "./accountz.ts";
import { ConnectionState, type ConnzOptions, connzOf } from "./connz.ts";
import { subszOf } from "./subsz.ts";

const CONNZ: ConnzOptions = {
  sort: "",
  auth: false,
  subscriptions: "none",
  offset: 0,
  limit: 0,
  cid: 0,
  state: ConnectionState.Open,
  user: "",
  account: "",
  mqttClient: "",
  filterSubject: "",
};
const SUBSZ = { lists: true, offset: 0, limit: 0, test: "", account: "$G" };

/** A server with clients inside the process. @param commands one text per client */
async function serverWith(commands: readonly string[]): Promise<Server & AsyncDisposable> {
  const server = new Server(completeOptions({ port: 0, systemAccount: null }), { log: SILENT });
  for (const one of commands) {
    const connection = server.connect();
    const { promise, resolve } = Promise.withResolvers<void>();
    connection.onData = bytes => Buffer.from(bytes).includes("PONG\r\n") && resolve();
    connection.write(`CONNECT {"verbose":false}\r\n${one}PING\r\n`);
    await promise;
  }
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.stop() });
}

/** Runs a computation; counts its pauses. */
function run<T>(sliced: Sliced<T>): { value: T; pauses: number } {
  for (let pauses = 0; ; pauses++) {
    const { done, value } = sliced.next();
    if (done) return { value, pauses };
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests check the fields of an answer
function read(sliced: Sliced<unknown>): any {
  return JSON.parse([...jsonPieces(run(sliced).value, 2)].join(""));
}

const cids = (answer: { connections: { cid: number }[] }) => answer.connections.map(({ cid }) => cid);

test("connections with equal keys are ordered by cid, in the direction of the sort", async () => {
  await using server = await serverWith(["SUB a 1\r\n", "", "SUB a 1\r\n", "SUB a 1\r\nSUB a 2\r\n", ""]);
  const sorted = (sort: string, page = {}) => cids(read(connzOf(server, { ...CONNZ, sort, ...page })));
  expect(sorted("subs")).toEqual([4, 3, 1, 5, 2]);
  expect(sorted("msgs_to")).toEqual([5, 4, 3, 2, 1]);
  expect(sorted("cid")).toEqual([1, 2, 3, 4, 5]);
  expect([0, 2, 4].flatMap(offset => sorted("subs", { offset, limit: 2 }))).toEqual([4, 3, 1, 5, 2]);
});

test("the total counts the connections that pass all filters, before the page", async () => {
  await using server = await serverWith(["SUB a 1\r\n", "SUB b.> 1\r\n", "SUB b.c 1\r\n"]);
  const counts = (options: Partial<ConnzOptions>) => {
    const { total, num_connections } = read(connzOf(server, { ...CONNZ, ...options }));
    return [total, num_connections];
  };
  expect(counts({ limit: 1 })).toEqual([3, 1]);
  expect(counts({ account: "$G", filterSubject: "b.*" })).toEqual([2, 2]);
  expect(counts({ account: "$G", filterSubject: "b.*", limit: 1 })).toEqual([2, 1]);
  expect(counts({ user: "none" })).toEqual([0, 0]);
  expect(counts({ cid: 2 })).toEqual([1, 1]);
  expect(counts({ cid: 9007199254740993n })).toEqual([0, 0]);
});

test("subscriptions are ordered by cid, then sid as text, then subject, before the page", async () => {
  await using server = await serverWith(["SUB b 2\r\nSUB a 10\r\nSUB c 1\r\n", "SUB z 1\r\nSUB a 2\r\n"]);
  const listed = (page = {}) =>
    (read(subszOf(server, { ...SUBSZ, ...page })).subscriptions_list as { cid: number; sid: string; subject: string }[])
      .filter(({ cid }) => cid !== 0)
      .map(({ cid, sid, subject }) => `${cid} ${sid} ${subject}`);
  const all = ["1 1 c", "1 10 a", "1 2 b", "2 1 z", "2 2 a"];
  expect(listed()).toEqual(all);
  const { total } = read(subszOf(server, SUBSZ));
  const pages = Array.from({ length: total }, (_, offset) => listed({ offset, limit: 1 })).flat();
  expect(pages).toEqual(all);
});

test("numbers beyond 2^53 are answered as they were asked", async () => {
  await using server = await serverWith([]);
  const page = { offset: 9007199254740993n, limit: 9223372036854775807n };
  const text = (sliced: Sliced<unknown>) => [...jsonPieces(run(sliced).value, 0)].join("");
  for (const answer of [connzOf(server, { ...CONNZ, ...page }), subszOf(server, { ...SUBSZ, ...page })]) {
    expect(text(answer)).toContain('"offset":9007199254740993,"limit":9223372036854775807');
  }
});

test("answers about many subscriptions pause often, and are written in small pieces", async () => {
  const COUNT = 20_000;
  await using server = await serverWith([Array.from({ length: COUNT }, (_, index) => `SUB a.${index} ${index}\r\n`).join("")]);
  const subsz = run(subszOf(server, { ...SUBSZ, limit: COUNT }));
  expect(subsz.pauses).toBeGreaterThan(COUNT / 512);
  const connz = run(connzOf(server, { ...CONNZ, subscriptions: "detail" }));
  const filtered = run(connzOf(server, { ...CONNZ, account: "$G", filterSubject: "b.*" }));
  expect(filtered.pauses).toBeGreaterThan(COUNT / 512);
  for (const { value } of [subsz, connz]) {
    const sizes = [...jsonPieces(value, 2)].map(piece => piece.length);
    expect(Math.max(...sizes)).toBeLessThan(32 * 1024);
    expect(sizes.length).toBeGreaterThan(COUNT / 256);
  }
  expect(run(accountzOf(server, { account: "$G" })).value).toMatchObject({ account_detail: { subscriptions: expect.any(Number) } });
});
