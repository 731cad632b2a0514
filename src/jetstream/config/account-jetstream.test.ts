import { expect, test } from "bun:test";
import type { AccountLimits, JetStreamLimits } from "../../access/jwt/claims.ts";
import { type AccountJetStream, changesOfLimits, jetStreamOfClaims, reservationOf, UNLIMITED_ACCOUNT } from "./account-jetstream.ts";
import { UNLIMITED } from "./account-limits.ts";

const NO_STORAGE: JetStreamLimits = {
  memoryBytesMax: 0,
  diskBytesMax: 0,
  streamsMax: 0,
  consumersMax: 0,
  ackPendingMax: 0,
  memoryStreamBytesMax: 0,
  diskStreamBytesMax: 0,
  streamBytesRequired: false,
};

const claimed = (limits: Partial<JetStreamLimits>, tiers: Record<string, Partial<JetStreamLimits>> = {}): AccountLimits => ({
  ...NO_STORAGE,
  ...limits,
  subscriptionsMax: -1,
  dataBytesMax: -1,
  payloadBytesMax: -1,
  importsMax: -1,
  exportsMax: -1,
  wildcardExports: true,
  disallowBearer: false,
  connectionsMax: -1,
  leafNodesMax: -1,
  tiers: new Map(Object.entries(tiers).map(([name, tier]) => [name, { ...NO_STORAGE, ...tier }])),
});

test("a token without storage gives no JetStream", () => {
  expect(jetStreamOfClaims(claimed({ streamsMax: 5, consumersMax: 5 }), "")).toBe(null);
  expect(jetStreamOfClaims(claimed({}, { R1: { streamsMax: 5 } }), "")).toBe(null);
});

test("limits of a token become one tier; limits of single streams and of acknowledgements are unlimited unless above 0", () => {
  const limits = claimed({
    memoryBytesMax: -1,
    diskBytesMax: 5,
    streamsMax: 0,
    consumersMax: 7,
    ackPendingMax: 0,
    memoryStreamBytesMax: 9,
  });
  expect(jetStreamOfClaims(limits, "")).toEqual({
    tiers: {
      "": { ...UNLIMITED, storageBytesMax: 5, streamsMax: 0, consumersMax: 7, memoryStreamBytesMax: 9 },
    },
    clusterTraffic: "system",
  });
});

test("tiers of a token keep their names", () => {
  const found = jetStreamOfClaims(claimed({}, { R1: { diskBytesMax: 5, streamBytesRequired: true }, R3: { memoryBytesMax: 6 } }), "owner");
  const none = { ...UNLIMITED, memoryBytesMax: 0, storageBytesMax: 0, streamsMax: 0, consumersMax: 0 };
  expect(found).toEqual({
    tiers: { R1: { ...none, storageBytesMax: 5, streamBytesRequired: true }, R3: { ...none, memoryBytesMax: 6 } },
    clusterTraffic: "owner",
  });
});

test("changed limits are found by account: started, stopped and changed ones", () => {
  const limited: AccountJetStream = { ...UNLIMITED_ACCOUNT, tiers: { "": { ...UNLIMITED, streamsMax: 5 } } };
  const before = new Map([
    ["same", UNLIMITED_ACCOUNT],
    ["changed", UNLIMITED_ACCOUNT],
    ["stopped", limited],
  ]);
  const after = new Map([
    ["started", limited],
    ["changed", limited],
    ["same", structuredClone(UNLIMITED_ACCOUNT)],
  ]);
  expect(changesOfLimits(before, after)).toEqual([
    { account: "changed", before: UNLIMITED_ACCOUNT, after: limited },
    { account: "stopped", before: limited, after: null },
    { account: "started", before: null, after: limited },
  ]);
});

test("an account reserves the sum of its tiers, without unlimited ones", () => {
  const tiers = { R1: { ...UNLIMITED, memoryBytesMax: 5 }, R3: { ...UNLIMITED, memoryBytesMax: 7, storageBytesMax: 9 } };
  expect(reservationOf({ tiers, clusterTraffic: "system" })).toEqual({ memoryBytes: 12, fileBytes: 9 });
});
