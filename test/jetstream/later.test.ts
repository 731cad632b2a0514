/** Requests for what this server does not have yet get an error at once, so that no client waits for an answer that never comes. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NatsServer } from "../../src/index.ts";
import { JetStreamClient } from "./jetstream-client.ts";

const LATER = "not supported by this server yet";
/** Request, body, and what the error must contain. */
const REQUESTS: [subject: string, body: object, text: string][] = [
  ["CONSUMER.CREATE.S", { stream_name: "S", config: {} }, LATER],
  ["CONSUMER.CREATE.S.C", { stream_name: "S", config: {} }, LATER],
  ["CONSUMER.CREATE.S.C.a.b.c", { stream_name: "S", config: {} }, LATER],
  ["CONSUMER.DURABLE.CREATE.S.C", { stream_name: "S", config: {} }, LATER],
  ["CONSUMER.CREATE.NONE.C", {}, "stream not found"],
  ["CONSUMER.INFO.S.C", {}, "consumer not found"],
  ["CONSUMER.DELETE.S.C", {}, "consumer not found"],
  ["STREAM.SNAPSHOT.S", { deliver_subject: "d" }, LATER],
  ["STREAM.RESTORE.R", { config: { name: "R" } }, LATER],
  ["STREAM.CREATE.M", { name: "M", mirror: { name: "S" } }, LATER],
  ["STREAM.CREATE.A", { name: "A", allow_atomic: true }, LATER],
];

test("requests for consumers, backups, mirrors and batches are refused with an error that says so", async () => {
  const storeDirectory = mkdtempSync(join(tmpdir(), "bunats-later-"));
  const server = await NatsServer.start({ host: "127.0.0.1", port: 0, jetStream: { storeDirectory } });
  try {
    const client = await JetStreamClient.open(server.port);
    await client.ask("STREAM.CREATE.S", JSON.stringify({ name: "S", subjects: ["s"] }));
    for (const [subject, body, text] of REQUESTS) {
      const answer = JSON.parse(await client.ask(subject, JSON.stringify(body)));
      expect(`${subject}: ${answer.error?.description}`).toContain(text);
    }
    expect(JSON.parse(await client.ask("CONSUMER.NAMES.S"))).toMatchObject({ total: 0, consumers: [] });
    await client.close();
  } finally {
    await server.stop();
    rmSync(storeDirectory, { recursive: true });
  }
});
