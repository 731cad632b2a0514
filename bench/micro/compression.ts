/**
 * S2: writes and reads a stream of JSON log lines and one of random bytes, per KiB of content.
 *
 *   bun run bench/micro/compression.ts         BENCH_SHORT=1: a run of seconds
 */
import { randomBytes } from "node:crypto";
import { crc32c } from "../../src/base/compression/crc32c.ts";
import { decodeS2Stream, encodeS2Stream } from "../../src/base/compression/s2-stream.ts";
import { logLines } from "../../test/doubles/log-lines.ts";
import { Measurement } from "./measurement/measurement.ts";

const measurement = new Measurement();
for (const [size, name] of [
  [64 * 1024, "64 KiB"],
  [8 * 1024 * 1024, "8 MiB"],
] as const) {
  for (const [kind, content] of [
    ["log lines", logLines(size, 1)],
    ["random bytes", randomBytes(size)],
  ] as const) {
    const stream = encodeS2Stream(content);
    measurement.add(`${name} of ${kind}: write S2, per KiB`, size / 1024, () => encodeS2Stream(content));
    measurement.add(`${name} of ${kind}: read S2, per KiB`, size / 1024, () => decodeS2Stream(stream, size));
  }
}
const block = randomBytes(64 * 1024);
measurement.add("64 KiB: CRC-32C, per KiB", 64, () => crc32c(block));
await measurement.run();
