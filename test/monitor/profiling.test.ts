/** The profiling port: the profiles that the runtime has, and the reference's refusals for the others. */
import { expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import type { Logger } from "../../src/base/log/logger.ts";
import { SILENT } from "../../src/base/log/silent-logger.ts";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import type { Options } from "../../src/config/schema/options.ts";
import { Server } from "../../src/server/process/server.ts";
import { live } from "../reference/recording.ts";
import { startReference } from "./monitored-pair.ts";

class ProfiledServer extends Server implements AsyncDisposable {
  static async open(lines: string[] = [], given: Partial<Options> = { profilingPort: 0 }): Promise<ProfiledServer> {
    const keep = (text: string) => void lines.push(text);
    const log: Logger = { ...SILENT, notice: keep, warn: keep };
    const server = new ProfiledServer(completeOptions({ host: "127.0.0.1", port: 0, ...given }), { log });
    await server.start();
    return server;
  }

  get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.profilingPort}${path}`, { redirect: "manual" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

test("a CPU profile has the stacks of the requested time, and only one runs at a time", async () => {
  await using server = await ProfiledServer.open();
  const first = server.get("/debug/pprof/profile?seconds=3");
  const second = await server.get("/debug/pprof/profile?seconds=3");
  expect([second.status, await second.text()]).toEqual([500, "Could not enable CPU profiling: cpu profiling already in use\n"]);
  const busy = setInterval(spin, 1);
  const response = await first;
  clearInterval(busy);
  expect([response.status, response.headers.get("content-disposition")]).toEqual([200, 'attachment; filename="profile.cpuprofile"']);
  const profile = (await response.json()) as {
    nodes: { callFrame: { functionName: string } }[];
    samples: number[];
    startTime: number;
    endTime: number;
  };
  expect(profile.nodes.map(({ callFrame }) => callFrame.functionName)).toContain("spin");
  expect(profile.samples.length).toBeGreaterThan(10);
  expect(profile.endTime - profile.startTime).toBeGreaterThan(2_900_000); // µs
});

function spin(): number {
  let sum = 0;
  for (let index = 0; index < 2e6; index++) sum += Math.sqrt(index);
  return sum;
}

test("a running profile ends when the server stops", async () => {
  const server = await ProfiledServer.open();
  const profile = server.get("/debug/pprof/profile").catch(() => null); // 30 s
  expect((await server.get("/debug/pprof/")).status).toBe(200);
  await server.stop();
  expect(await profile).toBeNull();
});

test("a heap profile is a snapshot for developer tools", async () => {
  await using server = await ProfiledServer.open();
  const response = await server.get("/debug/pprof/heap?gc=1");
  expect(response.headers.get("content-disposition")).toBe('attachment; filename="heap.heapsnapshot"');
  const { snapshot, nodes } = (await response.json()) as { snapshot: { node_count: number }; nodes: number[] };
  expect(snapshot.node_count).toBeGreaterThan(1_000);
  expect(nodes.length).toBeGreaterThan(snapshot.node_count);
});

test("a heap profile contains neither configured passwords nor those of clients", async () => {
  const authorization = { user: "ann", password: "configured-S3cret" };
  await using server = await ProfiledServer.open([], completeOptions({ port: 0, host: "127.0.0.1", profilingPort: 0, authorization }));
  const connection = server.connect();
  connection.write('CONNECT {"user":"bob","pass":"guessed-S3cret"}\r\n');
  const text = await (await server.get("/debug/pprof/heap")).text();
  expect(text).toContain("[redacted]");
  for (const secret of ["configured", "guessed"].map(start => [start, "S3cret"].join("-")))
    expect(text.includes(secret), secret).toBe(false);
});

test("other hosts get no profile unless the options allow it", async () => {
  const ownAddress = Object.values(networkInterfaces())
    .flatMap(one => one ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address;
  if (ownAddress === undefined) return; // no other address to ask from
  for (const [profilingRemote, status] of [
    [false, 403],
    [true, 200],
  ] as const) {
    await using server = await ProfiledServer.open([], { host: "0.0.0.0", profilingPort: 0, profilingRemote });
    expect((await fetch(`http://${ownAddress}:${server.profilingPort}/debug/pprof/`)).status).toBe(status);
    expect((await server.get("/debug/pprof/")).status).toBe(200);
  }
});

test("every link of the page works, and so do the command line and the variables", async () => {
  await using server = await ProfiledServer.open();
  const page = await (await server.get("/debug/pprof/")).text();
  for (const [, link] of page.matchAll(/href="([^"]+)"/g)) {
    if (link === "profile") continue; // takes 30 s
    expect((await server.get(new URL(link, "http://x/debug/pprof/").pathname)).status, link).toBe(200);
  }
  expect(await (await server.get("/debug/pprof/cmdline")).text()).toBe(process.argv.join("\0"));
  expect(await (await server.get("/debug/vars")).json()).toMatchObject({ cmdline: process.argv, memstats: { EnableGC: true } });
});

test("the port and the block rate are logged, and a port in use fails the start", async () => {
  const lines: string[] = [];
  await using server = await ProfiledServer.open(lines, { profilingPort: 0, profilingBlockRate: 5 });
  expect(lines).toContain(`profiling port: ${server.profilingPort}`);
  expect(lines).toContain("Block profiling is enabled (rate 5), this may have a performance impact");
  await expect(ProfiledServer.open([], { profilingPort: server.profilingPort })).rejects.toThrow(
    `error starting profiler: listen tcp 127.0.0.1:${server.profilingPort}: bind: address already in use`,
  );
  await using silent = await ProfiledServer.open([], {});
  expect(silent.profilingPort).toBeNull();
});

const REFUSALS: readonly [path: string, status: number, body: string][] = [
  ["/debug/pprof/nope", 404, "Unknown profile\n"],
  ["/debug/pprof/Heap", 404, "Unknown profile\n"],
  ["/debug/pprof/heap?seconds=x", 400, 'invalid value for "seconds" - must be a positive integer\n'],
  ["/debug/pprof/heap?seconds=0", 400, 'invalid value for "seconds" - must be a positive integer\n'],
  ["/", 404, "404 page not found\n"],
  ["/debug", 404, "404 page not found\n"],
  ["/varz", 404, "404 page not found\n"],
];

test("unknown profiles and paths get the reference's answers", async () => {
  await using server = await ProfiledServer.open();
  for (const [path, status, body] of [...REFUSALS, ["/debug/pprof/goroutine", 404, "Unknown profile\n"] as const]) {
    const response = await server.get(path);
    expect({ path, status: response.status, body: await response.text() }).toEqual({ path, status, body });
    expect(response.headers.get("x-go-pprof"), path).toBe(path.startsWith("/debug/pprof/") ? "1" : null);
  }
  expect((await server.get("/debug/pprof")).headers.get("location")).toBe("/debug/pprof/");
});

live.test("the reference refuses the same requests", async () => {
  const reference = await startReference("prof_port: -1");
  const port = /profiling port: (\d+)/.exec(reference.log())![1];
  for (const [path, status, body] of REFUSALS) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    expect({ path, status: response.status, body: await response.text() }).toEqual({ path, status, body });
  }
  await reference.stop();
});
