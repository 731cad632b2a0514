/** The service IPQUEUESZ. Its answer has no queues: one event loop has none between its parts (docs/differences.md). */
import { expect, test } from "bun:test";
import { NatsServer } from "../../src/index.ts";
import { SystemClient } from "./system-client.ts";

test("IPQUEUESZ is answered by id and by PING, with no queues", async () => {
  const accounts = [{ name: "SYS", users: [{ user: "sys", password: "p" }] }];
  await using server = await NatsServer.start({ host: "127.0.0.1", port: 0, serverName: "one", systemAccount: "SYS", accounts });
  const client = await SystemClient.open(server.port, "sys");
  const answers: unknown[] = [];
  for (const name of [client.connection.info!.server_id, "PING"])
    answers.push(await client.ask(`$SYS.REQ.SERVER.${name}.IPQUEUESZ`, { all: true }));
  await client.connection.close();
  expect(answers).toMatchObject([
    { server: { name: "one" }, data: {} },
    { server: { name: "one" }, data: {} },
  ]);
});
