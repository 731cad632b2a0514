/**
 * Tests an executable of the server as a user would: alone in an empty directory, on free ports, with a real client.
 *
 *   bun scripts/smoke.ts dist/bunats
 * Ends with status 1 and the server's log when a step fails.
 */
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";

/** Time limit of each step. */
const WAIT_MS = 10_000;

const executable = process.argv[2];
if (executable === undefined) {
  console.error("usage: bun scripts/smoke.ts EXECUTABLE");
  process.exit(2);
}
const directory = mkdtempSync(join(tmpdir(), "bunats-smoke-"));
const binary = join(directory, "bunats");
copyFileSync(executable, binary);
const log = Bun.file(join(directory, "log"));
let server: Bun.Subprocess | null = null;
let passed = 0;

await check("-v names the version", async () => {
  const { exitCode, stdout } = Bun.spawnSync([binary, "-v"], { cwd: directory });
  const text = stdout.toString();
  if (exitCode !== 0 || !/^nats-server: v\d+\.\d+\.\d+/.test(text)) throw new Error(`status ${exitCode}: ${text}`);
});

await check("a client publishes and receives", async () => {
  const flags = ["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", "."];
  server = Bun.spawn([binary, ...flags], { cwd: directory, stdin: "ignore", stdout: log, stderr: log });
  const client = await connect({ servers: await clientUrl(server), timeout: WAIT_MS, reconnect: false });
  const subscription = client.subscribe("smoke.*", { max: 1 });
  client.publish("smoke.test", "a message");
  await client.flush();
  for await (const message of subscription) {
    if (message.subject !== "smoke.test" || message.string() !== "a message")
      throw new Error(`got ${message.subject}: ${message.string()}`);
  }
  await client.close();
});

await check("TERM ends it with status 0 and removes its ports file", async () => {
  server!.kill("SIGTERM");
  const status = await server!.exited;
  if (status !== 0) throw new Error(`it ended with status ${status}, signal ${server!.signalCode}`);
  if (portsFile() !== undefined) throw new Error(`${portsFile()} is still there`);
});

cleanUp();
console.log(`${passed} passed, 0 failed, 0 skipped`);

async function check(title: string, step: () => Promise<void>): Promise<void> {
  try {
    await inTime(step());
  } catch (error) {
    fail(`${title}: ${(error as Error).message}\n${await log.text().catch(() => "")}`);
  }
  passed++;
  console.log(`(pass) ${title}`);
}

/** Reads the address of the server from its ports file. */
async function clientUrl(child: Bun.Subprocess): Promise<string> {
  for (const deadline = Date.now() + WAIT_MS; Date.now() < deadline; await Bun.sleep(10)) {
    const file = portsFile();
    const text = file === undefined ? "" : readFileSync(join(directory, file), "utf8");
    if (text.trimEnd().endsWith("}")) return (JSON.parse(text) as { nats: [string] }).nats[0];
    if (child.exitCode !== null) throw new Error(`it ended with status ${child.exitCode}`);
  }
  throw new Error("the server wrote no ports file");
}

function portsFile(): string | undefined {
  return readdirSync(directory).find(entry => entry.endsWith(".ports"));
}

async function inTime(step: Promise<void>): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not done within ${WAIT_MS} ms`)), WAIT_MS);
  try {
    await Promise.race([step, late]);
  } finally {
    clearTimeout(timer);
  }
}

function cleanUp(): void {
  server?.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
}

function fail(text: string): never {
  console.error(`(fail) ${text}`);
  cleanUp();
  process.exit(1);
}
