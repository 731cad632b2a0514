/** The library as a program that installed it uses it: found by its name, started and stopped in the process. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { NatsServer } from "../../src/index.ts";

const root = join(import.meta.dir, "../..");
const onFreePort = { host: "127.0.0.1", port: 0 };

test("the example of the README runs where the package is installed", () => {
  const [, example] = /```ts\n(import [\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8"))!;
  const directory = mkdtempSync(join(tmpdir(), "bunats-library-"));
  try {
    mkdirSync(join(directory, "node_modules"));
    symlinkSync(root, join(directory, "node_modules/bunats"));
    symlinkSync(join(root, "node_modules/@nats-io"), join(directory, "node_modules/@nats-io"));
    writeFileSync(join(directory, "example.ts"), example!);
    const { stdout, stderr, exitCode } = Bun.spawnSync([process.execPath, "run", "example.ts"], { cwd: directory });
    expect({ stdout: stdout.toString(), stderr: stderr.toString(), exitCode }).toEqual({
      stdout: "orders.created one\n",
      stderr: "",
      exitCode: 0,
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("port 0 is any free port, and two servers in a process share nothing", async () => {
  await using left = await NatsServer.start(onFreePort);
  await using right = await NatsServer.start(onFreePort);
  expect(left.port).not.toBe(right.port);
  const [listener, publisher] = await Promise.all([connect({ servers: right.clientUrl }), connect({ servers: left.clientUrl })]);
  const subscription = listener.subscribe(">");
  await listener.flush();
  publisher.publish("only.left");
  await publisher.flush();
  await listener.flush();
  expect(subscription.getReceived()).toBe(0);
  await Promise.all([listener.close(), publisher.close()]);
});

test("stop closes every connection and the port, also when called twice", async () => {
  const server = await NatsServer.start(onFreePort);
  const client = await connect({ servers: server.clientUrl, reconnect: false });
  await Promise.all([server.stop(), server.stop(), server.closed]);
  await client.closed();
  await expect(connect({ servers: server.clientUrl, reconnect: false })).rejects.toThrow();
});

test("an option with a value it cannot have starts nothing", async () => {
  await expect(NatsServer.start({ ...onFreePort, serverName: "two words" })).rejects.toThrow("server name cannot contain spaces");
  await expect(NatsServer.start({ ...onFreePort, colour: "blue" } as object)).rejects.toThrow('unknown option "colour"');
});

test("an authenticator decides who connects, at once or later", async () => {
  const asked: string[] = [];
  await using server = await NatsServer.start({
    ...onFreePort,
    authenticator: {
      authenticate: async ({ connect: { user, pass } }) => {
        asked.push(user);
        await Bun.sleep(1); // an answer that takes its time
        return pass === "right" ? { user } : null;
      },
    },
  });
  const ann = await connect({ servers: server.clientUrl, user: "ann", pass: "right" });
  await ann.flush();
  await expect(connect({ servers: server.clientUrl, user: "bob", pass: "wrong", reconnect: false })).rejects.toThrow(/authorization/i);
  expect(asked).toEqual(["ann", "bob"]);
  await ann.close();
});

test("a connection without a socket speaks the protocol", async () => {
  await using server = await NatsServer.start(onFreePort);
  const connection = server.connect();
  const { promise, resolve } = Promise.withResolvers<string>();
  let received = "";
  connection.onData = bytes => {
    received += new TextDecoder().decode(bytes);
    if (received.endsWith("PONG\r\n")) resolve(received.slice(received.indexOf("\n") + 1)); // behind INFO
  };
  connection.write('CONNECT {"verbose":false}\r\nSUB a.* 1\r\nPUB a.b 2\r\nhi\r\nPING\r\n');
  expect(await promise).toBe("MSG a.b 1 2\r\nhi\r\nPONG\r\n");
});
