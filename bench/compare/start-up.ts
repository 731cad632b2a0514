/** Fills a store, then starts the server with it again and again: after a clean stop, and after kill -9 with messages since. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Failure, measure, OUT_DIRECTORY, type Sample } from "./load.ts";
import { type Server, startServer } from "./servers.ts";
import type { Workload } from "./workload.ts";

/** Median of so many starts of each kind. */
export const STARTS = 3;
const FILL_TIMEOUT_MS = 240_000;
/** Time between the last message and reading the memory. */
const SETTLE_MS = 3_000;
/** Messages that a server takes before it is killed. Its state file cannot know them. */
export const MESSAGES_SINCE = 30_000;

/** @param side names the server's log and store */
export async function measureStarts(side: string, command: string, workload: Workload, scale: number): Promise<Sample | Failure> {
  const store = join(OUT_DIRECTORY, `store-${process.pid}-${side}`);
  const start = () => startServer(side, command, store);
  const publish = (server: Server, messages: number) =>
    measure({ role: "stream", options: { ...workload.options, messages, warmup: 0 } }, server, 1, FILL_TIMEOUT_MS);
  let server: Server | null = null;
  try {
    server = await start();
    const messages = Math.round((workload.options.messages ?? 0) * scale);
    const sample = await publish(server, messages);
    if ("error" in sample) return sample;
    await Bun.sleep(SETTLE_MS);
    const rssBytes = residentBytes(server.pid);
    await server.stop();
    const clean: number[] = [];
    const killed: number[] = [];
    for (let at = 0; at < STARTS; at++) {
      server = await start();
      clean.push(server.startMs);
      const since = await publish(server, MESSAGES_SINCE);
      if ("error" in since) return since;
      await server.kill();
      server = await start();
      killed.push(server.startMs);
      const check = await publish(server, 1); // checks how many messages the stream has now
      if ("error" in check) return check;
      await server.stop();
    }
    return { ...sample, rssBytes, startMs: median(clean), killedStartMs: median(killed) };
  } finally {
    await server?.kill();
    rmSync(store, { recursive: true, force: true });
  }
}

function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
}

function median(values: number[]): number {
  return values.toSorted((left, right) => left - right)[values.length >> 1];
}
