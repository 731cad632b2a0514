/** Start and stop of a server inside a program, which leave nothing open. */
import { expect, test } from "bun:test";
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { type Authorization, NatsServer, type Options, type StartOptions } from "../../src/index.ts";
import { until } from "../faults/until.ts";
import { WireConnection } from "../wire/wire-connection.ts";
import { TextConnection } from "./text-connection.ts";

const onFreePort = { host: "127.0.0.1", port: 0 } as const satisfies StartOptions;

/** Number of open sockets of this process. */
function sockets(): number {
  return [...new Bun.Glob("*").scanSync({ cwd: "/proc/self/fd", onlyFiles: false })].filter(isSocket).length;
}

function isSocket(name: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${name}`).startsWith("socket:");
  } catch {
    return false;
  }
}

test("a started server has its ports and URL", async () => {
  await using server = await NatsServer.start({ ...onFreePort, httpPort: 0 });
  expect(server.port).toBeGreaterThan(0);
  expect(server.clientUrl).toBe(`nats://127.0.0.1:${server.port}`);
  expect(server.monitorPort).toBeGreaterThan(0);
  await using other = await NatsServer.start({ port: 0 });
  expect(other.clientUrl).toBe(`nats://127.0.0.1:${other.port}`); // an address that clients can reach, although it listens on all
  expect(other.monitorPort).toBeNull();
});

test("options are typed", async () => {
  const authorization: Authorization = { user: "a", password: "b" };
  const options: Partial<Options> = { serverName: "typed", payloadBytesMax: 1024, authorization, writeTimeout: "retry", httpPort: null };
  await using server = await NatsServer.start({ ...options, ...onFreePort });
  expect(server.port).toBeGreaterThan(0);
  // @ts-expect-error a number
  await expect(NatsServer.start({ port: "4222" })).rejects.toThrow('option "port" must be a number');
  // @ts-expect-error one of three words
  await expect(NatsServer.start({ ...onFreePort, writeTimeout: "sometimes" })).rejects.toThrow(
    "write_timeout must be 'default', 'close' or 'retry'",
  );
  // @ts-expect-error no such option
  await expect(NatsServer.start({ ...onFreePort, colour: "blue" })).rejects.toThrow('unknown option "colour"');
});

test("an invalid option is refused with the reason, and nothing is left open", async () => {
  const wrong: [Partial<Options>, string][] = [
    [{ port: 70_000 }, "invalid port 70000"],
    [{ port: -1 }, "invalid port -1"],
    [{ port: 1.5 }, 'option "port" must be an integer'],
    [{ httpPort: 70_000 }, "invalid port 70000"],
    [{ serverName: "two words" }, "server name cannot contain spaces"],
    [{ payloadBytesMax: 2048, pendingBytesMax: 1024 }, "max_payload (2048) cannot be higher than max_pending (1024)"],
    [{ clientAdvertise: "a:b:c:d" }, "Error setting server INFO with ClientAdvertise value of a:b:c:d"],
    [{ host: "256.256.256.256" }, "no such host"],
  ];
  const before = sockets();
  for (const [options, text] of wrong) await expect(NatsServer.start({ ...onFreePort, ...options }), text).rejects.toThrow(text);
  await until(
    () => sockets() === before,
    () => `${sockets()} sockets, ${before} before`,
  );
});

test("a port in use is refused with the reference's text, and nothing is left open", async () => {
  await using first = await NatsServer.start(onFreePort);
  await using monitored = await NatsServer.start({ ...onFreePort, httpPort: 0 });
  const before = sockets();
  const inUse = "bind: address already in use";
  await expect(NatsServer.start({ ...onFreePort, port: first.port, httpPort: 0 })).rejects.toThrow(
    `Error listening on port: 127.0.0.1:${first.port}, "listen tcp 127.0.0.1:${first.port}: ${inUse}"`,
  );
  await expect(NatsServer.start({ ...onFreePort, httpPort: monitored.monitorPort! })).rejects.toThrow(inUse);
  await until(
    () => sockets() === before,
    () => `${sockets()} sockets, ${before} before`,
  );
  await (await connect({ servers: first.clientUrl })).close(); // the first server still works
});

test("stop may be called several times, also at the same time", async () => {
  const server = await NatsServer.start(onFreePort);
  let closed = false;
  server.closed.then(() => {
    closed = true;
  });
  await Promise.all([server.stop(), server.stop(), server[Symbol.asyncDispose]()]);
  await server.closed;
  expect(closed).toBe(true);
  await server.stop();
  const port = server.port;
  await using next = await NatsServer.start({ ...onFreePort, port }); // the port is free at once
  expect(next.port).toBe(port);
});

test("await using stops the server, also when the block throws", async () => {
  let stopped: NatsServer | null = null;
  const block = async () => {
    await using server = await NatsServer.start(onFreePort);
    stopped = server;
    await (await connect({ servers: server.clientUrl })).flush();
    throw new Error("the block's own");
  };
  await expect(block()).rejects.toThrow("the block's own");
  await stopped!.closed;
  await expect(connect({ servers: stopped!.clientUrl, reconnect: false })).rejects.toThrow();
});

test("two servers in a process share no state", async () => {
  const left = await NatsServer.start({ ...onFreePort, serverName: "left", payloadBytesMax: 100 });
  await using right = await NatsServer.start({ ...onFreePort, serverName: "right", authorization: { token: "t" } });
  const [one, other] = await Promise.all([
    connect({ servers: left.clientUrl, reconnect: false }),
    connect({ servers: right.clientUrl, token: "t" }),
  ]);
  const views = [one, other].map(({ info }) => [info!.server_name, info!.max_payload, info!.auth_required, info!.client_id]);
  expect(views).toEqual([
    ["left", 100, undefined, 1],
    ["right", 1_048_576, true, 1],
  ]);
  expect(one.info!.server_id).not.toBe(other.info!.server_id);
  const subscription = other.subscribe(">");
  await other.flush();
  one.publish("a");
  await one.flush();
  await left.stop();
  await other.flush();
  expect(subscription.getReceived()).toBe(0);
  await other.close();
});

test("stop waits for clients that never read only until their write deadline", async () => {
  const server = await NatsServer.start({ ...onFreePort, writeDeadlineMs: 200 });
  const blocked = await WireConnection.open(server.port, "blocked");
  await blocked.takeLine();
  await blocked.write(Buffer.from('CONNECT {"verbose":false}\r\nSUB big 1\r\nPING\r\n'));
  await blocked.takeLine();
  blocked.pause();
  const publisher = await TextConnection.open(server);
  const message = `PUB big 500000\r\n${"x".repeat(500_000)}\r\n`;
  for (let sent = 0; sent < 20; sent++) await publisher.exchange(message); // more than the socket buffers hold
  await server.stop();
  expect(await publisher.ended()).toBe("");
  expect(() => server.connect()).toThrow("the server has stopped");
  blocked.terminate();
});

test("stop does not wait for peers that never end their side", async () => {
  const before = sockets();
  const server = await NatsServer.start(onFreePort);
  const peer = await WireConnection.open(server.port, "half-open");
  await peer.takeLine();
  await server.stop(); // the peer has FIN, and keeps its own side open
  await peer.takeAll();
  peer.close();
  await until(
    () => sockets() === before,
    () => `${sockets()} sockets, ${before} before`,
  );
});

test("a stopped server accepts no connections", async () => {
  const server = await NatsServer.start(onFreePort);
  await server.stop();
  expect(() => server.connect()).toThrow("the server has stopped");
});

test("a program exits by itself after its servers have stopped, and they leave nothing open", async () => {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "lifecycle-child.ts")], {
    stdout: "pipe",
    stderr: "pipe",
    timeout: 100_000,
  });
  const [output, errors, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  expect({ status, errors, lines: output.trim().split("\n").length }).toEqual({ status: 0, errors: "", lines: 1 });
  const { before, after, startMs } = JSON.parse(output) as { before: string[]; after: string[]; startMs: number };
  expect(after).toEqual(before);
  console.log(`start to ready: ${startMs.toFixed(1)} ms`);
});
