/** The library with a configuration file: start, reload, lame duck. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigErrors, NatsServer } from "../../src/index.ts";
import { TemporaryDirectory } from "../cli/program.ts";
import { WireConnection } from "../wire/wire-connection.ts";

async function infoOf(server: NatsServer): Promise<Record<string, unknown>> {
  const client = await WireConnection.open(server.port, "client");
  const line = Buffer.from(await client.takeLine()).toString();
  client.terminate();
  return JSON.parse(line.slice("INFO ".length));
}

test("given options override those of the file, at the start and at every reload", async () => {
  using directory = new TemporaryDirectory();
  const configFile = join(directory.path, "nats.conf");
  writeFileSync(configFile, "port: 4333, server_name: from-file, max_payload: 1000");
  await using server = await NatsServer.start({ configFile, host: "127.0.0.1", port: 0 });
  expect(await infoOf(server)).toMatchObject({ server_name: "from-file", max_payload: 1_000, port: server.port });
  writeFileSync(configFile, "port: 4334, server_name: from-file, max_payload: 2000");
  server.reload();
  expect(await infoOf(server)).toMatchObject({ max_payload: 2_000, port: server.port });
});

test("an invalid file is refused with all its errors, at the start and at a reload, which changes nothing", async () => {
  using directory = new TemporaryDirectory();
  const configFile = join(directory.path, "nats.conf");
  writeFileSync(configFile, "max_payload: 1000");
  await using server = await NatsServer.start({ configFile, host: "127.0.0.1", port: 0 });
  writeFileSync(configFile, "max_payload: 2000\nmax_paylod: 1\nping_max: yes");
  const errors = [];
  for (const attempt of [() => server.reload(), () => NatsServer.start({ configFile, port: 0 })]) {
    try {
      await attempt();
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigErrors);
      errors.push((error as ConfigErrors).lines.map(line => line.replace(directory.path, "")));
    }
  }
  expect(errors[0]).toEqual(errors[1]);
  expect(errors[0]).toEqual([
    '/nats.conf:2:1: unknown field "max_paylod"; did you mean "max_payload"?',
    "/nats.conf:3:1: interface conversion: interface {} is bool, not int64",
  ]);
  expect((await infoOf(server)).max_payload).toBe(1_000);
});

test("reload without a configuration file fails", async () => {
  await using server = await NatsServer.start({ host: "127.0.0.1", port: 0 });
  expect(() => server.reload()).toThrow("can only reload config when a file is provided using -c or --config");
});

test("lame duck mode informs clients, closes them one by one and stops the server; a second call has no effect", async () => {
  const server = await NatsServer.start({ host: "127.0.0.1", port: 0, lameDuckDurationMs: 30_000, lameDuckGraceMs: 50 });
  const clients = [];
  for (let i = 0; i < 3; i++) {
    const client = await WireConnection.open(server.port, "client");
    await client.takeLine();
    await client.write(Buffer.from('CONNECT {"verbose":false,"protocol":1}\r\nPING\r\n'));
    expect(Buffer.from(await client.takeLine()).toString()).toBe("PONG\r\n");
    await client.takeLine(); // INFO, as the answer to the first PING
    clients.push(client);
  }
  const left = server.lameDuck();
  expect(server.inLameDuck).toBe(true);
  expect(server.lameDuck()).toBe(left);
  for (const client of clients) {
    let line = Buffer.from(await client.takeLine()).toString();
    if (line === "PING\r\n") line = Buffer.from(await client.takeLine()).toString(); // the server measures the round trip after two seconds
    const info = JSON.parse(line.slice("INFO ".length));
    expect([info.ldm, info.connect_urls]).toEqual([true, undefined]);
  }
  expect(WireConnection.open(server.port, "late")).rejects.toThrow();
  await left;
  await server.closed;
  const rest = async (client: WireConnection) => Buffer.from(await client.takeAll()).toString();
  for (const client of clients) expect((await rest(client)).replaceAll("PING\r\n", "")).toBe(""); // the server measures the round trip after two seconds
});
