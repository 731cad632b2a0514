import { expect, test } from "bun:test";
import type { Authorization } from "../config/options.ts";
import { type ConnectOptions, initialConnectOptions } from "../protocol/connect-options.ts";
import { SingleUserAuthenticator, secretEquals } from "./authenticator.ts";

/** Who a CONNECT is; null when it is refused. */
function identify(authorization: Authorization, connect: Partial<ConnectOptions>): string | null {
  const request = { connect: { ...initialConnectOptions(), ...connect }, nonce: "", address: "192.0.2.1", port: 4242, certificate: null };
  return new SingleUserAuthenticator(authorization).authenticate(request)?.user ?? null;
}

test("user and password must both be right", () => {
  const authorization = { user: "derek", password: "s3cret" };
  expect(identify(authorization, { user: "derek", pass: "s3cret" })).toBe("derek");
  for (const connect of [
    {},
    { user: "derek" },
    { pass: "s3cret" },
    { user: "derek", pass: "s3cre" },
    { user: "derek", pass: "S3CRET" },
    { user: "dere", pass: "s3cret" },
    { auth_token: "s3cret" },
  ]) {
    expect(identify(authorization, connect), JSON.stringify(connect)).toBe(null);
  }
});

test("a user without a password gives none", () => {
  expect(identify({ user: "derek" }, { user: "derek" })).toBe("derek");
  expect(identify({ user: "derek" }, { user: "derek", pass: "x" })).toBe(null);
});

test("a token stands alone and is never shown", () => {
  const authorization = { token: "t0ken" };
  expect(identify(authorization, { auth_token: "t0ken" })).toBe("[REDACTED]");
  expect(identify(authorization, { auth_token: "t0ken", user: "anyone" })).toBe("[REDACTED]");
  for (const connect of [{}, { auth_token: "" }, { auth_token: "t0ken " }, { user: "t0ken", pass: "t0ken" }])
    expect(identify(authorization, connect)).toBe(null);
});

test("secrets are equal only when every byte is", () => {
  expect([secretEquals("", ""), secretEquals("ü", "ü"), secretEquals("a", "b"), secretEquals("a", "aa"), secretEquals("a\0", "a")]).toEqual(
    [true, true, false, false, false],
  );
});
