import { expect, test } from "bun:test";
import { inspect } from "node:util";
import { blockContext, consumerContext, StoreSecret, streamContext } from "./store-secret.ts";

const secret = new StoreSecret("s3cr3t");
const keyOf = (context: string) => Buffer.from(secret.keyFor("$G", context)).toString("hex");

test("key-encryption keys are those of formats §10.5", () => {
  expect(keyOf(streamContext("ORDERS"))).toBe("4a63d1b39a574c274516ee4e0ef623b7ccda715d2bd99b877d05d3af3690b72d");
  expect(keyOf(blockContext("ORDERS", 1))).toBe("409a2f46dda1838a878e2587d9d8f4354b7281ae438d26ac366b4d3ae5416e8d");
});

test("accounts, streams, blocks and consumers have keys of their own", () => {
  const keys = [streamContext("A"), blockContext("A", 1), blockContext("A", 2), consumerContext("A", "1")].map(keyOf);
  keys.push(Buffer.from(secret.keyFor("OTHER", streamContext("A"))).toString("hex"));
  expect(new Set(keys).size).toBe(keys.length);
});

test("the secret is in nothing that is printed", () => {
  const options = { key: secret };
  for (const text of [`${secret}`, JSON.stringify(options), inspect(options, { depth: 9, showHidden: true }), Bun.inspect(options)])
    expect(text).not.toContain("s3cr3t");
});
