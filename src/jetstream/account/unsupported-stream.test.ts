import { expect, test } from "bun:test";
import { defaultStreamConfig, type StreamConfig } from "../config/stream-config.ts";
import { judgeUnsupported, offlineLine } from "./unsupported-stream.ts";

const config = (change: Partial<StreamConfig>): StreamConfig => ({ ...defaultStreamConfig("S"), ...change });
const consumerLine = (name: string) => `  Detected unsupported consumer 'A > S > ${name}': consumers are not supported by this server yet`;

test("a stream that needs nothing of later versions is served without a word", () => {
  expect(judgeUnsupported("A", config({ retention: "interest" }), [])).toEqual({ reason: null, warnings: [] });
});

test("a stream that asks for a later feature is offline", () => {
  const reason = "unsupported - message counters are not supported by this server yet";
  expect(judgeUnsupported("A", config({ allowCounter: true }), ["C"])).toEqual({
    reason,
    warnings: [`  Detected unsupported stream 'A > S': ${reason}`],
  });
});

test("consumers take a stream offline only if it would drop messages without them", () => {
  for (const retention of ["limits", "workqueue"] as const) {
    const warnings = [consumerLine("C"), consumerLine("D")];
    expect(judgeUnsupported("A", config({ retention }), ["C", "D"])).toEqual({ reason: null, warnings });
  }
  expect(judgeUnsupported("A", config({ retention: "interest" }), ["C", "D"])).toEqual({
    reason: 'stopped - unsupported consumer "C"',
    warnings: [consumerLine("C"), consumerLine("D"), "  Stopping unsupported stream 'A > S'"],
  });
});

test("what could not be read of a configuration is logged with the reason", () => {
  const level = "unsupported - required API level: 99, current API level: 5";
  expect(offlineLine("A > S", "/d/meta.inf", level)).toBe(`  Detected unsupported stream 'A > S': ${level}`);
  expect(offlineLine("A > S", "/d/meta.inf", "decoding error: json: bad")).toBe(
    '  Error unmarshalling stream metafile "/d/meta.inf": json: bad',
  );
});
