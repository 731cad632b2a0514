import { expect, test } from "bun:test";
import { Random } from "../../base/random/random.ts";
import { CompiledPermissions } from "./compiled-permissions.ts";
import { mergeDeny } from "./merge-deny.ts";
import { permissionInfo } from "./permission-info.ts";
import type { PermissionOptions } from "./permission-options.ts";
import { Permissions } from "./permissions.ts";

const random = new Random(1);
const lists = (allow: string[] | null, deny: string[] | null = null) => ({ allow, deny });
const FULL: PermissionOptions = {
  publish: lists(["b", "a.>"], ["a.secret"]),
  subscribe: lists(["x  q.*", "y"], ["y q"]),
  responses: { messagesMax: -1, expiresMs: 1.5 },
};

test("invalid entries are skipped and reported; a list that loses all its entries allows nothing", () => {
  const permissions = Permissions.compile(
    {
      publish: lists(["a..b", "ok"], ["a b c", "deny.* q", ""]),
      subscribe: lists([">.a", "x a..b"], ["a b c"]),
      responses: null,
    },
    random,
  );
  expect(permissions.problems).toEqual([
    'invalid publish subject "a..b"',
    'invalid publish deny subject "a b c"',
    'queue qualifier is not valid for publish deny subject "deny.* q"',
    'invalid publish deny subject ""',
    'invalid subject-queue ">.a"',
    'invalid subject-queue "x a..b"',
    'invalid subject-queue "a b c"',
  ]);
  expect(permissions.lists).toEqual({ publishAllow: ["ok"], publishDeny: ["deny.*"], subscribeAllow: [], subscribeDeny: [] });
  expect(permissions.maySubscribe(Buffer.from("x"), null)).toBe(false);
});

test("USER.INFO shows the lists in force, with the reference's fields in its order", () => {
  expect(JSON.stringify(permissionInfo(Permissions.compile(FULL, random)))).toBe(
    '{"publish":{"allow":["b","a.>"],"deny":["a.secret"]},"subscribe":{"allow":["x q.*","y"],"deny":["y q"]},"responses":{"max":-1,"ttl":1500000}}',
  );
  const silent = Permissions.compile({ publish: lists([]), subscribe: null, responses: null }, random);
  expect(JSON.stringify(permissionInfo(silent))).toBe('{"publish":{},"subscribe":{}}');
});

test("additional denials join the lists once and do not modify the options", () => {
  const deny = { publish: ["$SYS.REQ.USER.AUTH", "a.secret", "b q", "not..sound"], subscribe: ["y  q", "y", "z q"] };
  expect(mergeDeny(FULL, deny)).toEqual({
    publish: lists(["b", "a.>"], ["a.secret", "$SYS.REQ.USER.AUTH", "b"]),
    subscribe: lists(["x  q.*", "y"], ["y q", "y", "z q"]),
    responses: FULL.responses,
  });
  expect(mergeDeny(null, { publish: ["a"], subscribe: [] })).toEqual({ publish: lists(null, ["a"]), subscribe: null, responses: null });
  expect(mergeDeny(FULL, { publish: ["a.secret"], subscribe: [] })).toBe(FULL);
  expect(mergeDeny(null, { publish: [], subscribe: [] })).toBe(null);
});

test("options are compiled once, with and without additional denials", () => {
  const compiled = new CompiledPermissions(random);
  const deny = { publish: ["$SYS.REQ.USER.AUTH"], subscribe: [] };
  expect(compiled.of(FULL)).toBe(compiled.of(FULL));
  expect(compiled.of({ ...FULL })).not.toBe(compiled.of(FULL));
  expect(compiled.denying(FULL, deny)).toBe(compiled.denying(FULL, deny));
  expect(compiled.denying(FULL, deny)!.lists.publishDeny).toEqual(["a.secret", "$SYS.REQ.USER.AUTH"]);
  expect(compiled.denying(null, deny)!.lists.publishDeny).toEqual(["$SYS.REQ.USER.AUTH"]);
  expect(compiled.denying(null, { publish: [], subscribe: [] })).toBe(null);
});
