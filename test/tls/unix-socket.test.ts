/** A Unix socket beside the port: it has the same clients and the same TLS, and never replaces a file that is in use. */
import { afterAll, afterEach, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withSocketMode } from "../../src/server/shard/unix-socket-file.ts";
import { SecurePeer } from "./secure-peer.ts";
import { SecureServer, TestAuthority } from "./secure-server.ts";

const trust = new TestAuthority();
const directory = mkdtempSync(join(tmpdir(), "bunats-unix-"));
const path = join(directory, "nats.sock");
afterEach(() => rmSync(path, { force: true }));
afterAll(() => {
  trust[Symbol.dispose]();
  rmSync(directory, { recursive: true, force: true });
});

test("clients of the socket and of the port exchange messages; INFO and /connz have no address, and the log names the socket", async () => {
  await using server = SecureServer.open({ listenUnix: { path, mode: 0o600 }, httpPort: 0 });
  expect(server.lines).toContain(`INF Listening for client connections on unix:${path}`);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  using local = await SecurePeer.open(path);
  expect((await local.info()).client_ip).toBeUndefined();
  await local.connect("SUB a 1\r\n");
  using remote = await SecurePeer.open(server.port);
  await remote.info();
  await remote.write("CONNECT {}\r\nPUB a 2\r\nhi\r\n");
  await local.take("MSG a 1 2\r\nhi\r\n");
  await server.logged("DBG unix - cid:1 - Client connection created");
  const response = await fetch(`http://127.0.0.1:${server.monitorPort}/connz?cid=1`);
  const { connections } = (await response.json()) as { connections: { ip: string; port: number }[] };
  expect(connections.map(({ ip, port }) => [ip, port])).toEqual([["", 0]]);
});

test("the socket file is removed when the server stops", async () => {
  const server = SecureServer.open({ listenUnix: { path, mode: 0o660 } });
  using peer = await SecurePeer.open(path);
  await peer.info();
  await server.stop();
  expect(existsSync(path)).toBe(false);
  await peer.gone();
});

test("TLS is required on the socket as on the port", async () => {
  await using server = SecureServer.open({ listenUnix: { path, mode: 0o600 }, tls: trust.tls() });
  using peer = await SecurePeer.open(path);
  expect((await peer.info()).tls_required).toBe(true);
  await peer.secure();
  await peer.connect();
  expect(server.connections.size).toBe(1);
});

test("a socket file that a killed server left is replaced", async () => {
  await leaveSocketFile();
  expect(existsSync(path)).toBe(true);
  await using _server = SecureServer.open({ listenUnix: { path, mode: 0o600 } });
  using peer = await SecurePeer.open(path);
  await peer.info();
});

test("a socket file of a running server is not replaced", async () => {
  await using server = SecureServer.open({ listenUnix: { path, mode: 0o600 } });
  expect(() => SecureServer.open({ listenUnix: { path, mode: 0o600 } })).toThrow(
    `Error listening on unix socket: ${path}, "bind: address already in use"`,
  );
  using peer = await SecurePeer.open(path);
  await peer.info();
  expect(server.connections.size).toBeGreaterThan(0);
});

test("a file that is not a socket is neither replaced nor changed", () => {
  writeFileSync(path, "mine");
  expect(() => SecureServer.open({ listenUnix: { path, mode: 0o600 } })).toThrow("the file is not a socket");
  expect(readFileSync(path, "utf8")).toBe("mine");
});

test("a path that is too long or has no directory gives one clear error", () => {
  expect(() => SecureServer.open({ listenUnix: { path: join(directory, "x".repeat(120)), mode: 0o600 } })).toThrow("is longer than");
  expect(() => SecureServer.open({ listenUnix: { path: join(directory, "no", "where"), mode: 0o600 } })).toThrow(
    "Error listening on unix socket",
  );
});

/** Leaves a socket file without a listener, as a killed server does. */
async function leaveSocketFile(): Promise<void> {
  const script = `Bun.listen({ unix: ${JSON.stringify(path)}, socket: { data() {} } }); process.kill(process.pid, "SIGKILL");`;
  await Bun.spawn([process.execPath, "-e", script], { stdio: ["ignore", "ignore", "ignore"] }).exited;
}

test("the socket file has its mode from the first moment on, and other files get theirs as before", () => {
  const before = process.umask();
  const socket = withSocketMode(path, 0o600, () => {
    const bound = Bun.listen({ unix: path, socket: { data() {} } });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    return bound;
  });
  expect(process.umask()).toBe(before);
  socket.stop(true);
  expect(() => withSocketMode(path, 0o600, () => Bun.listen({ unix: "/nowhere/at/all", socket: { data() {} } }))).toThrow();
  expect(process.umask()).toBe(before);
});
