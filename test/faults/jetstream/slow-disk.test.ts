/** While the disk answers nothing, everything that does not depend on it goes on; what depends on it comes when the disk answers, in its order. */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SILENT } from "../../../src/base/log/silent-logger.ts";
import { completeOptions } from "../../../src/config/schema/complete-options.ts";
import { Server } from "../../../src/server/process/server.ts";
import { HeldDisk } from "../../doubles/held-disk.ts";
import { TextConnection } from "../../library/text-connection.ts";
import { until } from "../until.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "bunats-slow-disk-"));
  cleanups.push(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

async function start(storeDirectory: string, held: HeldDisk): Promise<Server> {
  const server = new Server(
    completeOptions({ host: "127.0.0.1", port: 0, httpPort: 0, httpHost: "127.0.0.1", jetStream: {}, storeDirectory }),
    { log: SILENT, disk: held.disk },
  );
  await server.start();
  cleanups.push(() => {
    held.release();
    return server.stop();
  });
  return server;
}

/** @returns the lines with messages, without their sizes */
async function answers(client: TextConnection, count: number): Promise<string[]> {
  const seen = () => [...client.received.matchAll(/^H?MSG (\S+) .*\r\n/gm)];
  await until(
    () => seen().length >= count,
    () => `${seen().length} of ${count} answers: ${client.received.slice(-200)}`,
  );
  return seen().map(match => match[1]!);
}

const publish = (subject: string, reply: string, text: string) => `PUB ${subject} ${reply} ${text.length}\r\n${text}\r\n`;
const api = (name: string, reply: string, body: object) => publish(`$JS.API.${name}`, reply, JSON.stringify(body));
const STREAM = { name: "S", subjects: ["s.*"], storage: "file", allow_direct: true };

test("core messages, monitoring and memory streams do not wait for a disk that answers nothing", async () => {
  const held = new HeldDisk();
  const server = await start(newDirectory(), held);
  const client = await TextConnection.open(server);
  const other = await TextConnection.open(server);
  const memory = { ...STREAM, name: "M", subjects: ["m.*"], storage: "memory" };
  client.send(`SUB in.> 1\r\nSUB core 2\r\n${api("STREAM.CREATE.S", "in.file", STREAM)}${api("STREAM.CREATE.M", "in.memory", memory)}`);
  await answers(client, 2);
  client.received = "";

  held.hold();
  const acks = Array.from({ length: 50 }, (_, index) => `in.ack.${index}`);
  client.send(acks.map(reply => publish("s.b", reply, "x")).join(""));
  client.send(api("DIRECT.GET.S", "in.get", { last_by_subj: "s.b" }));
  await until(
    () => held.held > 0,
    () => "nothing waits for the disk",
  );
  for (let round = 0; round < 20; round++) {
    expect(await other.exchange("PUB core 2\r\nhi\r\n")).toBe("");
    expect(await client.exchange()).toBe("MSG core 2 2\r\nhi\r\n");
  }
  client.send(publish("m.a", "in.m", "x"));
  expect(await answers(client, 1)).toEqual(["in.m"]);
  expect((await fetch(`http://127.0.0.1:${server.monitorPort}/healthz`)).status).toBe(200);
  expect((await fetch(`http://127.0.0.1:${server.monitorPort}/jsz?streams=1`)).status).toBe(200);

  client.received = "";
  held.release();
  expect(await answers(client, acks.length + 1)).toEqual([...acks, "in.get"]);
});
