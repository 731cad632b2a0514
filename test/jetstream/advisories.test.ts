/** Events about streams: the same as nats-server's, apart from ids and times. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NatsServer } from "../../src/index.ts";
import { JetStreamClient } from "./jetstream-client.ts";

const EVENT = "io.nats.jetstream.advisory.v1.stream_action";

test("creating, updating and deleting a stream is told to the account, in this order, with the domain", async () => {
  const storeDirectory = mkdtempSync(join(tmpdir(), "bunats-advisories-"));
  const server = await NatsServer.start({ host: "127.0.0.1", port: 0, jetStream: { storeDirectory, domain: "hub" } });
  try {
    const client = await JetStreamClient.open(server.port);
    const events = client.connection.subscribe("$JS.EVENT.ADVISORY.STREAM.>", { max: 3 });
    await client.ask("STREAM.CREATE.S", JSON.stringify({ name: "S", subjects: ["s"] }));
    await client.ask("STREAM.UPDATE.S", JSON.stringify({ name: "S", subjects: ["s", "t"] }));
    await client.ask("STREAM.UPDATE.S", JSON.stringify({ name: "S", subjects: ["s"], storage: "memory" })); // refused: no event
    await client.ask("STREAM.DELETE.S");
    const seen: unknown[] = [];
    for await (const { data, subject } of events) {
      const { id, timestamp, ...fields } = JSON.parse(Buffer.from(data).toString());
      expect([typeof id, Number.isNaN(Date.parse(timestamp))]).toEqual(["string", false]);
      seen.push([subject.replace("$JS.EVENT.ADVISORY.STREAM.", ""), fields]);
    }
    const fields = (action: string) => ({ type: EVENT, stream: "S", action, domain: "hub" });
    expect(seen).toEqual([
      ["CREATED.S", fields("create")],
      ["UPDATED.S", fields("modify")],
      ["DELETED.S", fields("delete")],
    ]);
    await client.close();
  } finally {
    await server.stop();
    rmSync(storeDirectory, { recursive: true });
  }
});
