/** JSON log lines like those of a web service: few shapes, changing numbers, ids and times. Input of benches and of a test on sizes. */
import { Random } from "../../src/base/random/random.ts";

const LEVELS = ["info", "info", "info", "debug", "warn", "error"];
const SERVICES = ["checkout", "inventory", "payments", "gateway", "search", "profile"];
const PATHS = ["/api/v1/orders", "/api/v1/orders/items", "/api/v1/cart", "/healthz", "/api/v2/search", "/login"];
const TEXTS = ["request completed", "cache miss", "retrying upstream call", "user logged in", "payment authorised", "slow query"];

/** @returns lines of `bytes` in all, the last one cut off; the same for the same seed */
export function logLines(bytes: number, seed: number): Buffer {
  const random = new Random(seed);
  const hex = (digits: number) => Array.from({ length: digits }, () => random.below(16).toString(16)).join("");
  const lines: string[] = [];
  let timeMs = Date.UTC(2026, 0, 1);
  for (let size = 0; size < bytes; ) {
    timeMs += random.below(20);
    const line = `${JSON.stringify({
      time: new Date(timeMs).toISOString(),
      level: random.pick(LEVELS),
      service: random.pick(SERVICES),
      trace_id: hex(32),
      method: random.below(4) === 0 ? "POST" : "GET",
      path: random.pick(PATHS),
      status: random.pick([200, 200, 200, 201, 404, 500]),
      duration_ms: random.below(100_000) / 100,
      user_id: random.below(50_000),
      msg: random.pick(TEXTS),
    })}\n`;
    lines.push(line);
    size += line.length;
  }
  return Buffer.from(lines.join("")).subarray(0, bytes);
}
