import { expect, test } from "bun:test";
import { secretsIn, withoutSecrets } from "./heap-profile.ts";

function stringsAfter(strings: string[], secrets: string[]): string[] {
  const snapshot = Buffer.from(`{"snapshot":{},"nodes":[0,1],"strings":${JSON.stringify(strings)}\n}\n`);
  const shown = Buffer.from(withoutSecrets(snapshot, new Set(secrets))).toString();
  expect(shown).toStartWith('{"snapshot":{},"nodes":[0,1],"strings":[');
  expect(shown).toEndWith("]\n}\n");
  return JSON.parse(shown).strings;
}

test("secrets are replaced where they are a string, and where they stand in a longer text", () => {
  expect(stringsAfter(["", "user", "s3cret", 'authorization { user: a, password: "s3cret" }', "s3cretly"], ["s3cret", ""])).toEqual([
    "",
    "user",
    "[redacted]",
    'authorization { user: a, password: "[redacted]" }',
    "s3cretly", // not the secret
  ]);
});

test("what has the form of a seed, a JWT or a private key is replaced", () => {
  const seed = `SU${"A".repeat(56)}`;
  const jwt = `eyJ${"a".repeat(20)}.${"b".repeat(20)}.${"c".repeat(20)}`;
  const key = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n";
  expect(stringsAfter([seed, `x ${jwt} y, and more text`, key, "SUBSCRIPTIONS_OF_AN_ACCOUNT_AND_MORE"], [])).toEqual([
    "[redacted]",
    "x [redacted] y, and more text",
    "[redacted]\n",
    "SUBSCRIPTIONS_OF_AN_ACCOUNT_AND_MORE",
  ]);
});

test("passwords, tokens and keys are found at every depth of the options", () => {
  const options = {
    authorization: { user: "u", password: "p", token: "t", users: [{ user: "v", password: "q" }] },
    accounts: [{ users: [] }],
    jetStream: { domain: "d", encryptionKey: "k", previousEncryptionKey: "l" },
  };
  expect([...secretsIn(options)]).toEqual(["p", "t", "q", "k", "l"]);
});
