import { expect, test } from "bun:test";
import type { Account } from "../../accounts/account/account.ts";
import { type TieredLimits, UNLIMITED } from "../config/account-limits.ts";
import type { StreamCore } from "../stream/stream-core.ts";
import { JetStreamAccount } from "./jetstream-account.ts";
import { ServerUsage } from "./server-usage.ts";

const stream = (replicas: number, storage: "file" | "memory") => ({ config: { replicas, storage } }) as unknown as StreamCore;
const FILE = stream(1, "file");
const MEMORY = stream(1, "memory");
const FILE_OF_THREE = stream(3, "file");

function newAccount(limits: TieredLimits): { account: JetStreamAccount; usage: ServerUsage } {
  const usage = new ServerUsage({ memoryBytesMax: 1e9, storageBytesMax: 1e9, duplicateWindowMaxNs: 0 });
  return { account: new JetStreamAccount({} as Account, limits, usage), usage };
}

const refusal = (account: JetStreamAccount, of: StreamCore, bytes: number) => account.refusalOf(of, bytes)?.description ?? null;

test("messages are compared with the limits of the tier of their stream, also when streams of several tiers take turns", () => {
  const { account, usage } = newAccount(
    new Map([
      ["R1", { ...UNLIMITED, storageBytesMax: 100, memoryBytesMax: 50 }],
      ["R3", { ...UNLIMITED, storageBytesMax: 30 }],
    ]),
  );
  const exceeded = "resource limits exceeded for account";
  expect(refusal(account, FILE, 1_000)).toBeNull(); // nothing was stored before
  for (let round = 1; round <= 3; round++) {
    account.addUsage(FILE, 30);
    account.addUsage(FILE_OF_THREE, 10);
    account.addUsage(MEMORY, 10);
  }
  expect([refusal(account, FILE, 10), refusal(account, FILE, 11)]).toEqual([null, exceeded]);
  expect([refusal(account, FILE_OF_THREE, 0), refusal(account, FILE_OF_THREE, 1)]).toEqual([null, exceeded]);
  expect([refusal(account, MEMORY, 20), refusal(account, MEMORY, 21)]).toEqual([null, exceeded]);
  expect(refusal(account, stream(5, "file"), 1)).toBe("no JetStream default or applicable tiered limit present");
  expect([account.usedIn("R1"), account.usedIn("R3")]).toMatchObject([
    { memory: 30, storage: 90 },
    { memory: 0, storage: 30 },
  ]);
  expect([usage.storageBytes, usage.memoryBytes]).toEqual([120, 30]);
});

test("new limits hold from the next message on", () => {
  const { account } = newAccount(new Map([["", { ...UNLIMITED, storageBytesMax: 100 }]]));
  account.addUsage(FILE, 60);
  account.addUsage(FILE_OF_THREE, 30);
  expect([refusal(account, FILE, 10), refusal(account, FILE, 11) === null]).toEqual([null, false]);
  account.follow(new Map([["R1", { ...UNLIMITED, storageBytesMax: 20 }]]));
  account.addUsage(FILE, 5);
  expect([refusal(account, FILE, 15), refusal(account, FILE, 16) === null]).toEqual([null, false]);
  expect(refusal(account, FILE_OF_THREE, 1)).toBe("no JetStream default or applicable tiered limit present");
});
