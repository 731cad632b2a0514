import { expect, test } from "bun:test";
import { createUser } from "@nats-io/nkeys";
import { AuthParts, optionsOf } from "../../../test/doubles/auth-parts.ts";
import { Random } from "../../base/random/random.ts";
import { completeOptions } from "../../config/schema/complete-options.ts";
import type { Options } from "../../config/schema/options.ts";
import { TLS_DEFAULTS } from "../../wire/transport/tls/tls-options.ts";
import { newHiddenUserName } from "./authenticators.ts";
import { NO_USER } from "./authorization.ts";
import { hasPlaintextPasswords, hiddenUserOf } from "./listener-rules.ts";

test("when only the system account has users, all other clients become a hidden user", async () => {
  const parts = new AuthParts("accounts { $SYS { users [ { user: admin, password: x } ] } }");
  expect([await parts.who(), await parts.who({ user: "admin", pass: "x" }), await parts.who({ user: "x" })]).toEqual([
    "nats-abcdefgh@$G",
    "admin@$SYS",
    "AuthorizationViolation",
  ]);
  const { client } = parts.authenticators;
  expect([client.required, client.admitsAnonymous("STANDARD")]).toEqual([true, true]);
});

test("there is no hidden user when any other login rule is configured", () => {
  const hidden = (config: string) => hiddenUserOf(optionsOf(config), "nats-x") !== null;
  const admin = "users [ { user: admin, password: x } ]";
  expect(hidden(`accounts { $SYS { ${admin} } }`)).toBe(true);
  expect(hidden(`accounts { SYS { ${admin} } }, system_account: SYS`)).toBe(true);
  expect(hidden("accounts { $SYS { } }")).toBe(true);
  expect(hidden("")).toBe(false);
  expect(hidden(`accounts { A { ${admin} } }`)).toBe(false);
  expect(hidden(`accounts { $SYS { ${admin} }, A { } }`)).toBe(false);
  expect(hidden(`accounts { $SYS { ${admin} } }, authorization { timeout: 1 }`)).toBe(false);
  expect(hidden(`accounts { $SYS { ${admin} } }, no_auth_user: admin`)).toBe(false);
});

test("the hidden user's name is eight characters long", () => {
  const names = Array.from({ length: 20 }, (_, seed) => newHiddenUserName(new Random(seed + 1)));
  expect(names.filter(name => !/^nats-[A-Za-z0-9]{8}$/.test(name))).toEqual([]);
  expect(new Set(names).size).toBe(20);
});

test("plaintext passwords are found everywhere in the options; tokens, nkeys and certificates are not passwords", async () => {
  const hash = await Bun.password.hash("x", { algorithm: "bcrypt", cost: 4 });
  const has = (given: Partial<Options>) => hasPlaintextPasswords(completeOptions(given));
  const users = (...passwords: string[]) => ({ users: passwords.map((password, n) => ({ ...NO_USER, user: `u${n}`, password })) });
  const mapped = { tls: { ...TLS_DEFAULTS, verify: true, mapsCertificate: true } };
  expect(has({})).toBe(false);
  expect(has({ authorization: { user: "a", password: "x" } })).toBe(true);
  expect(has({ authorization: { user: "a", password: hash } })).toBe(false);
  expect(has({ authorization: { token: "x" } })).toBe(false);
  expect(has({ authorization: users(hash, hash) })).toBe(false);
  expect(has({ authorization: users(hash, "x") })).toBe(true);
  expect(has({ authorization: users("") })).toBe(true);
  expect(has({ ...mapped, authorization: users("") })).toBe(false);
  expect(has({ ...mapped, authorization: users("", "x") })).toBe(true);
  expect(hasPlaintextPasswords(optionsOf("accounts { A { users [ { user: a, password: b } ] } }"))).toBe(true);
  expect(hasPlaintextPasswords(optionsOf(`accounts { A { users [ { nkey: ${createUser().getPublicKey()} } ] } }`))).toBe(false);
});
