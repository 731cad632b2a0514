import { expect, test } from "bun:test";
import { createUser } from "@nats-io/nkeys";
import { AuthParts, NONCE, verdictText } from "../../../test/doubles/auth-parts.ts";
import { completePermissions } from "../../config/schema/given/account-shape.ts";
import type { ConnectOptions } from "../../wire/protocol/connect-options.ts";
import { Refusal } from "../../wire/protocol/refusal.ts";
import { type Authenticate, GivenAuthenticator } from "./given-authenticator.ts";

const TIMEOUT_MS = 2_000;

function given(authenticate: Authenticate) {
  const parts = new AuthParts("accounts { A { } }");
  const { host, permissions } = parts;
  const accountOf = (name: string) => parts.accounts.get(name);
  const authenticator = new GivenAuthenticator({
    authenticate,
    accountOf,
    permissions,
    completePermissions: given => completePermissions(given, "permissions"),
    timers: host.timers,
    log: host.log,
    timeoutMs: () => TIMEOUT_MS,
  });
  const ask = (connect: Partial<ConnectOptions> = {}) => authenticator.authenticate(parts.request(connect));
  return {
    ...parts,
    lines: host.lines,
    clock: host.clock,
    timers: host.timers,
    authenticator,
    ask,
    who: async (connect = {}) => verdictText(await ask(connect)),
  };
}

test("the function receives all data that a client sends", async () => {
  let received = {};
  const { ask } = given(({ verifyNkey, ...request }) => {
    received = { ...request, verified: verifyNkey() };
    return false;
  });
  const key = createUser();
  const nkey = key.getPublicKey();
  const sig = Buffer.from(key.sign(Buffer.from(NONCE))).toString("base64url");
  await ask({ user: "u", pass: "p", auth_token: "t", nkey, sig, jwt: "j", name: "n", lang: "l", version: "v" });
  expect(received).toEqual({
    user: "u",
    password: "p",
    token: "t",
    nkey,
    jwt: "j",
    signature: sig,
    nonce: NONCE,
    name: "n",
    lang: "l",
    version: "v",
    address: "192.0.2.1",
    port: 4242,
    certificate: null,
    connectionType: "STANDARD",
    verified: true,
  });
});

test("verifyNkey checks that a client has the private key", async () => {
  const key = createUser();
  const other = createUser().getPublicKey();
  const seen: boolean[] = [];
  const { ask } = given(request => {
    seen.push(request.verifyNkey(), request.verifyNkey(key.getPublicKey()), request.verifyNkey(other));
    return false;
  });
  const sig = Buffer.from(key.sign(Buffer.from(NONCE))).toString("base64url");
  await ask({ sig });
  await ask({ sig, nkey: other });
  await ask({ nkey: key.getPublicKey() });
  expect(seen).toEqual([false, true, false, false, true, false, false, false, false]);
});

test("a login can be returned directly or as a promise", async () => {
  const answers: [Awaited<ReturnType<Authenticate>>, string][] = [
    [true, "said@$G"],
    [{}, "said@$G"],
    [{ user: "other" }, "other@$G"],
    [{ account: "A" }, "said@A"],
    [false, "AuthorizationViolation"],
    [null, "AuthorizationViolation"],
    [undefined, "AuthorizationViolation"],
    ["yes" as unknown as boolean, "AuthorizationViolation"],
  ];
  for (const [answer, expected] of answers) {
    expect(await given(() => answer).who({ user: "said" }), JSON.stringify(answer)).toBe(expected);
    expect(await given(async () => answer).who({ user: "said" }), JSON.stringify(answer)).toBe(expected);
  }
});

test("permissions may be partial, and are compiled once per object", async () => {
  const permissions = { publish: { allow: ["a.>"] }, responses: {} };
  const { ask } = given(() => ({ permissions, expiresAt: new Date(5_000) }));
  const [one, other] = [await ask(), await ask()];
  if (typeof one === "number" || typeof other === "number") throw new Error("refused");
  expect(one.permissions?.lists).toMatchObject({ publishAllow: ["a.>"], subscribeAllow: [] });
  expect(one.permissions?.responses).toEqual({ messagesMax: 1, expiresMs: 120_000 });
  expect(one.permissions).toBe(other.permissions);
  expect(one.expiresAt).toBe(5_000);
});

test("an invalid answer refuses the login and logs an error", async () => {
  const wrong: [object, string][] = [
    [{ account: "nowhere" }, 'there is no account "nowhere"'],
    [{ expiresAt: Number.NaN }, "expiresAt is not a valid time"],
    [{ permissions: { publish: { allow: ["a..b"] } } }, 'invalid permissions: publish allow: subject "a..b" is not a valid subject'],
    [{ permissions: { publsh: {} } }, 'unknown option "permissions.publsh"; did you mean "permissions.publish"?'],
  ];
  for (const [answer, text] of wrong) {
    const { who, lines } = given(() => answer);
    expect(await who()).toBe("AuthorizationViolation");
    expect(lines).toEqual([`authenticate() failed: ${text}`]);
  }
});

test("a failure refuses the login and is logged without secrets", async () => {
  const secrets = { pass: "hunter2", auth_token: "t0ken", jwt: "eyJ.x", sig: "c2ln" };
  const throwing = given(({ password, token, jwt, signature }) => {
    throw new Error(`no ${password} ${token} ${jwt} ${signature}`);
  });
  expect(throwing.ask(secrets)).toBe(Refusal.AuthorizationViolation);
  const rejecting = given(({ password }) => Promise.reject(`no ${password}`));
  expect(await rejecting.who(secrets)).toBe("AuthorizationViolation");
  expect([...throwing.lines, ...rejecting.lines]).toEqual([
    "authenticate() failed: no [REDACTED] [REDACTED] [REDACTED] [REDACTED]",
    "authenticate() failed: no [REDACTED]",
  ]);
  expect(rejecting.timers.size).toBe(0);
});

test("a login without an answer within the timeout is refused, and a late answer is discarded", async () => {
  const answer = Promise.withResolvers<boolean>();
  const { who, clock, lines, timers } = given(() => answer.promise);
  const verdict = who();
  clock.advance(TIMEOUT_MS - 1);
  expect(timers.size).toBe(1);
  clock.advance(10);
  expect(await verdict).toBe("AuthorizationViolation");
  answer.reject(new Error("too late"));
  await answer.promise.catch(() => {});
  expect(lines).toEqual(["authenticate() has not answered within 2000 ms"]);
  expect(timers.size).toBe(0);
});
