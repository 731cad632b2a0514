import { expect, test } from "bun:test";
import { ApiError } from "../error/api-error.ts";
import { type JetStreamLimits, UNLIMITED } from "./account-limits.ts";
import { decideCreate, type StreamContext } from "./create-stream.ts";
import { defaultStreamConfig, type StreamConfig } from "./stream-config.ts";
import { decideUpdate, type LimitedConsumer } from "./update-stream.ts";

const old = defaultStreamConfig("S", { consumerLimits: { inactiveThresholdNs: 0, ackPendingMax: 10 } });

function contextOf(limits: Record<string, JetStreamLimits>, configs: readonly StreamConfig[]): StreamContext {
  return {
    limits: new Map(Object.entries(limits)),
    duplicateWindowMaxNs: 0,
    server: { memoryBytesMax: 2 ** 40, memoryReserved: 0, storageBytesMax: 2 ** 40, storageReserved: 0 },
    configOf: name => configs.find(config => config.name === name) ?? null,
    configs: () => configs,
  };
}

const context = contextOf({ "": UNLIMITED }, [old]);

function update(changes: Partial<StreamConfig>, consumers: readonly LimitedConsumer[] = [], offlineReason: string | null = null): string {
  const request = { ...old, ...changes, pedantic: false };
  const decided = decideUpdate(request, "S", { config: old, offlineReason, consumers: () => consumers }, context);
  return decided instanceof ApiError ? String(decided) : "accepted";
}

const CONSUMERS = [
  { name: "a", inactiveThresholdNs: 500, ackPendingMax: 5 },
  { name: "b", inactiveThresholdNs: 100, ackPendingMax: 9 },
];

test("limits for consumers can be changed only to what all consumers keep", () => {
  const limits = (inactiveThresholdNs: number, ackPendingMax: number) =>
    update({ consumerLimits: { inactiveThresholdNs, ackPendingMax } }, CONSUMERS);
  expect(limits(0, 9)).toBe("accepted");
  expect(limits(500, 10)).toBe("accepted");
  expect(limits(499, 10)).toBe("change to limits violates consumers: a (10069)");
  expect(limits(99, 10)).toBe("change to limits violates consumers: a, b (10069)");
  expect(limits(0, 8)).toBe("change to limits violates consumers: b (10069)");
  expect(limits(0, 0)).toBe("accepted");
});

test("a stream that is offline keeps its configuration", () => {
  expect(update({}, [], "decoding error: x")).toBe("stream is offline: decoding error: x (10194)");
});

test("a stream whose tier is gone can be updated only into a tier that exists", () => {
  const create = (limits: Record<string, JetStreamLimits>) => decideCreate({ ...old, pedantic: false }, "S", contextOf(limits, []));
  expect(String(create({ R3: UNLIMITED }))).toBe("no JetStream default or applicable tiered limit present (10120)");
  expect(create({ R1: UNLIMITED })).toMatchObject({ exists: false });
  const changed = decideUpdate(
    { ...old, pedantic: false },
    "S",
    { config: old, offlineReason: null, consumers: () => [] },
    contextOf({}, [old]),
  );
  expect(String(changed)).toBe("no JetStream default or applicable tiered limit present (10120)");
});

test("features of later versions are refused, never ignored", () => {
  expect(update({ allowBatched: true })).toBe("fast batches are not supported by this server yet (10052)");
  expect(update({ allowAtomic: true })).toBe("atomic batches are not supported by this server yet (10052)");
  expect(update({ allowSchedules: true })).toBe("message schedules are not supported by this server yet (10052)");
});

test("a sequence that is no safe integer is refused", () => {
  const refused = "first sequence is too large, maximum allowed is 9007199254740991 (10052)";
  expect(update({ firstSequence: 2n ** 53n })).toBe(refused);
  expect(update({ firstSequence: 2 ** 53 - 1 })).toBe("accepted");
  const created = decideCreate({ ...old, name: "T", subjects: ["t"], firstSequence: 2n ** 64n - 1n, pedantic: false }, "T", context);
  expect(String(created)).toBe(refused);
});
