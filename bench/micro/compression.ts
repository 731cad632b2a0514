/**
 * S2: writes and reads a stream of JSON log lines and one of random bytes, per KiB of content.
 *
 *   bun run bench/micro/compression.ts         BENCH_SHORT=1: a run of seconds
 */
import { randomBytes } from "node:crypto";
import { S2Codec } from "../../src/base/compression/s2-codec.ts";
import { decodeS2Stream, encodeS2Stream } from "../../src/base/compression/s2-stream.ts";
import { logLines } from "../../test/doubles/log-lines.ts";
import { Measurement } from "./measurement/measurement.ts";

const codec = new S2Codec();
const measurement = new Measurement();
for (const [size, name] of [
  [64 * 1024, "64 KiB"],
  [8 * 1024 * 1024, "8 MiB"],
] as const) {
  for (const [kind, content] of [
    ["log lines", logLines(size, 1)],
    ["random bytes", randomBytes(size)],
  ] as const) {
    const stream = encodeS2Stream(content, codec);
    measurement.add(`${name} of ${kind}: write S2, per KiB`, size / 1024, () => encodeS2Stream(content, codec));
    measurement.add(`${name} of ${kind}: read S2, per KiB`, size / 1024, () => decodeS2Stream(stream, size, codec));
  }
}
const block = randomBytes(64 * 1024);
measurement.add("64 KiB: CRC-32C, per KiB", 64, () => codec.sumOf(block, 0, block.length));
await measurement.run();
