import { expect, test } from "bun:test";
import { NO_SERVICE_EXPORT, NO_SERVICE_IMPORT, NO_STREAM_EXPORT } from "../../../accounts/trade/trade-options.ts";
import { NO_USER } from "../../../auth/users/authorization.ts";
import { encodeNkey, NkeyKind } from "../../../base/keys/nkey.ts";
import { completeOptions } from "../complete-options.ts";
import { OptionError } from "../row/problems.ts";
import { emptyServerAccount } from "../server-account.ts";
import type { GivenAuthorization, GivenOptions } from "./given-options.ts";

const key = (kind: NkeyKind) => encodeNkey(kind, new Uint8Array(32).fill(1));
const USER = key(NkeyKind.User);

/** The error in options; null when they are valid. */
function faultOf(given: unknown): string | null {
  try {
    completeOptions(given as GivenOptions);
    return null;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    return error.message;
  }
}

test("partly given accounts, users and permissions are completed", () => {
  const { accounts } = completeOptions({
    accounts: [
      { name: "A" },
      {
        name: "B",
        users: [
          { user: "a", password: "b" },
          { nkey: USER, permissions: { publish: { allow: ["x"] } }, connectionTypes: [] },
        ],
        limits: { connectionsMax: 5 },
        trace: { destination: "t" },
      },
    ],
  });
  expect(accounts).toEqual([
    emptyServerAccount("A"),
    {
      ...emptyServerAccount("B"),
      users: [
        { ...NO_USER, user: "a", password: "b" },
        { ...NO_USER, nkey: USER, permissions: { publish: { allow: ["x"], deny: null }, subscribe: null, responses: null } },
      ],
      limits: { connectionsMax: 5, leafNodesMax: -1, subscriptionsMax: -1, payloadBytesMax: -1 },
      trace: { destination: "t", sampling: 100 },
    },
  ]);
});

test("exports, imports and mappings are completed from subjects alone", () => {
  const { accounts, mappings } = completeOptions({
    accounts: [
      {
        name: "A",
        exports: [
          { kind: "stream", subject: "s" },
          { kind: "service", subject: "q", latency: { subject: "m" } },
        ],
        mappings: [{ source: "a", destinations: [{ subject: "b" }] }],
      },
      { name: "B", imports: [{ kind: "service", account: "A", subject: "q" }] },
    ],
    mappings: [{ source: "c", destinations: [{ subject: "d", weight: 50 }] }],
  });
  expect(accounts[0]!.exports).toEqual([
    { ...NO_STREAM_EXPORT, subject: "s" },
    { ...NO_SERVICE_EXPORT, subject: "q", latency: { subject: "m", sampling: 100 } },
  ]);
  expect(accounts[0]!.mappings).toEqual([{ source: "a", destinations: [{ subject: "b", weight: 100, cluster: "" }] }]);
  expect(accounts[1]!.imports).toEqual([{ ...NO_SERVICE_IMPORT, account: "A", subject: "q" }]);
  expect(mappings).toEqual([{ source: "c", destinations: [{ subject: "d", weight: 50, cluster: "" }] }]);
});

test("a permission for responses forbids other publishing, and 0 means the default", () => {
  const permissionsOf = (permissions: object) => completeOptions({ authorization: { users: [{ user: "a", permissions }] } });
  expect(permissionsOf({ responses: {} }).authorization!.users![0]!.permissions).toEqual({
    publish: { allow: [], deny: null },
    subscribe: null,
    responses: { messagesMax: 1, expiresMs: 120_000 },
  });
  expect(
    permissionsOf({ responses: { messagesMax: -1, expiresMs: 0 }, publish: { allow: ["a"] } }).authorization!.users![0]!.permissions,
  ).toEqual({ publish: { allow: ["a"], deny: null }, subscribe: null, responses: { messagesMax: -1, expiresMs: 120_000 } });
});

test("authorization drops empty fields; without fields it is {}, or null if an empty user or token removed it", () => {
  const completed = (authorization: GivenAuthorization) => completeOptions({ authorization }).authorization;
  expect(completed({ users: [], callout: null, proxyRequired: false })).toEqual({});
  expect(completed({})).toEqual({});
  expect(completed({ user: "" })).toBe(null);
  expect(completed({ user: "", password: "x", token: "" })).toBe(null);
  expect(completed({ user: "a" })).toEqual({ user: "a" });
  expect(completed({ proxyRequired: true })).toEqual({ proxyRequired: true });
});

test("the given options are not changed", () => {
  const given = { accounts: [{ name: "A", users: [{ user: "a", connectionTypes: ["standard"] }] }], trustedKeys: ["b", "a"] } as never;
  const before = structuredClone(given);
  faultOf(given);
  expect(given).toEqual(before);
});

test("an unknown field or a wrong type is refused with its place", () => {
  const wrong: [unknown, string][] = [
    [{ accounts: {} }, 'option "accounts" must be an array'],
    [{ accounts: ["A"] }, 'option "accounts[0]" must be an object'],
    [{ accounts: [{ name: 5 }] }, 'option "accounts[0].name" must be a string'],
    [{ accounts: [{ name: "A", foo: 1 }] }, 'unknown option "accounts[0].foo"'],
    [{ accounts: [{ name: "A", users: {} }] }, 'option "accounts[0].users" must be an array'],
    [{ accounts: [{ name: "A", users: [{ user: "a" }, { pass: "x" }] }] }, 'unknown option "accounts[0].users[1].pass"'],
    [
      { accounts: [{ name: "A", users: [{ user: "a", permissions: { publish: { allow: "x" } } }] }] },
      'option "accounts[0].users[0].permissions.publish.allow" must be an array',
    ],
    [{ accounts: [{ name: "A", exports: [{ subject: "x" }] }] }, 'option "accounts[0].exports[0].kind" must be "stream" or "service"'],
    [
      { accounts: [{ name: "A", exports: [{ kind: "service", subject: "x", responseType: "x" }] }] },
      'option "accounts[0].exports[0].responseType" must be "Singleton", "Stream" or "Chunked"',
    ],
    [{ accounts: [{ name: "A", limits: { connectionsMax: 1.5 } }] }, 'option "accounts[0].limits.connectionsMax" must be an integer'],
    [{ mappings: [{ source: "a", destinations: [{ subject: 5 }] }] }, 'option "mappings[0].destinations[0].subject" must be a string'],
    [{ authorization: { users: [{ user: "a", toString: 1 }] } }, 'unknown option "authorization.users[0].toString"'],
    [{ trustedKeys: "x" }, 'option "trustedKeys" must be an array'],
  ];
  for (const [given, text] of wrong) expect(faultOf(given)).toBe(text);
});

test("wrong options of a program have the same error texts as those of a file", () => {
  const users = (...list: object[]) => ({ accounts: [{ name: "A", users: list }] });
  const account = (parts: object) => ({ accounts: [{ name: "A", ...parts }] });
  const wrong: [unknown, string][] = [
    [{ accounts: [{ name: "" }] }, "an account needs a name"],
    [{ accounts: [{ name: "$G" }] }, '"$G" is a Reserved Account'],
    [{ accounts: [{ name: "A" }, { name: "A" }] }, "Duplicate Account Entry: A"],
    [account({ nkey: USER }), `Not a valid public nkey for an account: "${USER}"`],
    [users({ password: "x" }), "User entry requires a user"],
    [users({ nkey: "UX" }), "Not a valid public nkey for a user"],
    [users({ nkey: USER, user: "a" }), "Nkey users do not take usernames or passwords"],
    [users({ user: "a" }, { user: "a" }), 'Duplicate user "a" detected'],
    [users({ nkey: USER }, { nkey: USER }), `Duplicate nkey "${USER}" detected`],
    [users({ user: "a", connectionTypes: ["standard", "carrier pigeon"] }), 'unknown connection type "carrier pigeon"'],
    [
      users({ user: "a", permissions: { publish: { deny: ["a b"] } } }),
      'invalid permissions for user "a": publish deny: subject "a b" is not a valid subject',
    ],
    [
      users({ nkey: USER, permissions: { subscribe: { allow: ["a b..c"] } } }),
      `invalid permissions for nkey "${USER}": subscribe allow: queue "b..c" is not a valid queue`,
    ],
    [{ ...users({ user: "a" }), authorization: { user: "b" } }, "Can not have a single user/pass and accounts"],
    [{ ...users({ user: "a" }), authorization: { token: "b" } }, "Can not have a token and accounts"],
    [{ authorization: { user: "b", users: [{ user: "a" }] } }, "Can not have a single user/pass and a users array"],
    [{ ...users({ user: "a" }), authorization: { users: [{ user: "a" }] } }, 'Duplicate user "a" detected'],
    [account({ trace: { destination: "a.*" } }), 'Trace destination "a.*" is not valid'],
    [
      account({ mappings: [{ source: "a", destinations: [{ subject: "b", weight: 101 }] }] }),
      mappingText("individual weights need to be <= 100"),
    ],
    [
      account({ exports: [{ kind: "service", subject: "a", latency: { subject: "m", sampling: 101 } }] }),
      "bad sampling percentage, should be 1-100",
    ],
    [account({ exports: [{ kind: "stream", subject: "a", accounts: ["B"] }] }), '"B" account not defined for stream export'],
    [
      account({ exports: [{ kind: "stream", subject: "a", accountTokenPosition: 1 }] }),
      'Error adding stream export "a": sublist: invalid subject',
    ],
    [account({ imports: [{ kind: "stream", account: "B", subject: "a" }] }), '"B" account not defined for stream import'],
    [
      account({ imports: ["q", "r"].map(subject => ({ kind: "service", account: "A", subject, to: "x" })) }),
      'Duplicate service import subject "x", previously used in import for account "A", subject "q"',
    ],
    [account({ imports: [{ kind: "stream", account: "A", subject: "" }] }), "Expect an account name and a subject"],
    [
      { ...account({ exports: [{ kind: "service", subject: "a", latency: { subject: "m" } }] }), noSystemAccount: true },
      'Error adding service latency sampling for "a": system account not setup',
    ],
    [{ authorization: { callout: { authUsers: ["a"] } } }, "Authorization callouts require an issuer to be specified"],
    [{ trustedProxies: ["x"] }, 'proxy trusted key "x" is invalid'],
    [{ trustedKeys: ["x"] }, 'trust key "x" required to be a valid public operator nkey'],
    [{ operators: ["x"] }, "error parsing operator JWT: expected 3 chunks"],
    [{ resolverPreload: { A: "x" } }, "invalid account JWT"],
  ];
  for (const [given, text] of wrong) expect(faultOf(given)).toBe(text);
});

function mappingText(reason: string): string {
  return `Error adding mapping for "a" : ${reason}`;
}
