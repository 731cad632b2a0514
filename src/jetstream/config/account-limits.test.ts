import { expect, test } from "bun:test";
import { INT64_MAX } from "../../base/go/strconv.ts";
import { bytesReserved, checkReservation, type ServerReservations, selectLimits, streamsInTier, UNLIMITED } from "./account-limits.ts";
import { defaultStreamConfig } from "./stream-config.ts";

const SERVER: ServerReservations = { memoryBytesMax: 10_000, memoryReserved: 0, storageBytesMax: 10_000, storageReserved: 0 };
const stream = (name: string, replicas: number, bytesMax: number | bigint) => defaultStreamConfig(name, { replicas, bytesMax });
const streams = [
  stream("A", 1, 100),
  stream("B", 3, 200),
  stream("C", 3, -1),
  defaultStreamConfig("M", { storage: "memory", bytesMax: 7 }),
];

test("the common tier serves every stream, and named tiers those with their number of replicas", () => {
  const limits = { ...UNLIMITED, streamsMax: 5 };
  expect(selectLimits(new Map([["", limits]]), 3)).toEqual({ tier: "", limits });
  const tiers = new Map([["R3", limits]]);
  expect(selectLimits(tiers, 3)).toEqual({ tier: "R3", limits });
  expect(selectLimits(tiers, 0)).toBeNull();
  expect(selectLimits(new Map([["R1", limits]]), 0)?.tier).toBe("R1");
  expect(selectLimits(new Map(), 1)).toBeNull();
});

test("streams count toward their tier, but not the one that is checked", () => {
  expect(streamsInTier("", stream("X", 3, 0), streams)).toBe(4);
  expect(streamsInTier("", stream("A", 3, 0), streams)).toBe(3);
  expect(streamsInTier("R3", stream("X", 3, 0), streams)).toBe(2);
  expect(streamsInTier("R1", stream("X", 0, 0), streams)).toBe(2);
});

test("the common tier reserves each replica, a tier of its own a stream once", () => {
  expect(bytesReserved("", stream("X", 1, 0), streams)).toBe(700n);
  expect(bytesReserved("", stream("B", 1, 0), streams)).toBe(100n);
  expect(bytesReserved("R3", stream("X", 3, 0), streams)).toBe(200n);
  expect(bytesReserved("", { ...stream("X", 1, 0), storage: "" }, streams)).toBe(0n);
  expect(bytesReserved("", stream("X", 1, 0), [stream("A", 3, 2n ** 62n), stream("B", 1, 1)])).toBe(INT64_MAX);
});

test("a stream that would exceed the account or the server is refused", () => {
  const check = (bytes: bigint, reserved: bigint, limit: number, replicas = 1, storage: "" | "file" | "memory" = "file") => {
    const limits = { ...UNLIMITED, storageBytesMax: limit, memoryBytesMax: limit };
    return checkReservation({ tier: "", limits }, { ...stream("X", replicas, bytes), storage }, reserved, bytes, SERVER)?.err_code ?? null;
  };
  expect(check(100n, 400n, 500)).toBeNull();
  expect(check(101n, 400n, 500)).toBe(10_047);
  expect(check(101n, 400n, 500, 1, "memory")).toBe(10_028);
  expect(check(101n, 400n, 500, 1, "")).toBeNull();
  expect(check(40n, 400n, 500, 3)).toBe(10_047);
  expect(check(-1n, 499n, 500)).toBeNull();
  expect(check(-1n, 500n, 500)).toBe(10_047);
  expect(check(0n, 500n, 500)).toBeNull();
  expect(check(10_000n, 0n, -1)).toBeNull();
  expect(check(10_001n, 0n, -1)).toBe(10_047);
  expect(check(5_000n, 0n, -1, 3)).toBeNull();
  expect(check(2n ** 63n - 1n, 2n ** 63n - 1n, -1)).toBe(10_047);
});
