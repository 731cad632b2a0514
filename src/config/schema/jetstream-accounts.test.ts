import { expect, test } from "bun:test";
import { encodeNkey, NkeyKind } from "../../base/keys/nkey.ts";
import { UNLIMITED_ACCOUNT } from "../../jetstream/config/account-jetstream.ts";
import { completeOptions } from "./complete-options.ts";
import type { GivenOptions } from "./given/given-options.ts";
import { jetStreamAccounts, systemAccountFault } from "./jetstream-accounts.ts";

const options = (given: GivenOptions) => completeOptions(given);
const names = (given: GivenOptions) => [...jetStreamAccounts(options(given)).keys()];

test("a server without accounts gives JetStream to the global account", () => {
  expect(jetStreamAccounts(options({ jetStream: true }))).toEqual(new Map([["$G", UNLIMITED_ACCOUNT]]));
  expect(names({ jetStream: false })).toEqual([]);
});

test("with accounts each one needs its own setting; a system account alone does not count", () => {
  expect(names({ jetStream: true, accounts: [{ name: "A" }, { name: "B", jetStream: true }] })).toEqual(["B"]);
  expect(names({ jetStream: true, accounts: [{ name: "A" }] })).toEqual([]);
  expect(names({ jetStream: true, accounts: [{ name: "S" }], systemAccount: "S" })).toEqual(["$G"]);
  expect(names({ jetStream: true, accounts: [{ name: "$SYS" }] })).toEqual(["$G"]);
});

test("with an operator accounts get JetStream by their JWTs", () => {
  const trustedKeys = [encodeNkey(NkeyKind.Operator, new Uint8Array(32).fill(1))];
  expect(names({ jetStream: true, trustedKeys, resolver: { kind: "memory" } })).toEqual([]);
});

test("the system account cannot use JetStream", () => {
  const fault = (given: GivenOptions) => systemAccountFault(options(given));
  const text = "Not allowed to enable JetStream on the system account";
  const accounts = [{ name: "S", jetStream: true }];
  expect(fault({ jetStream: true, accounts, systemAccount: "S" })).toBe(text);
  expect(fault({ jetStream: true, accounts: [{ name: "$SYS", jetStream: true }] })).toBe(text);
  expect(fault({ jetStream: true, accounts })).toBe(null);
  expect(fault({ accounts, systemAccount: "S" })).toBe(null);
});
