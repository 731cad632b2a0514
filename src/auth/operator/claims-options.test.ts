import { expect, test } from "bun:test";
import { ALPHA, BETA } from "../../../test/operator/tokens.ts";
import type { AccountBody, Export, Import } from "../../access/jwt/claims.ts";
import { newClaims } from "../../access/jwt/encode.ts";
import { NO_SERVICE_EXPORT, NO_SERVICE_IMPORT, NO_STREAM_EXPORT, NO_STREAM_IMPORT } from "../../accounts/trade/trade-options.ts";
import {
  accountOptionsOf,
  exportOptionsOf,
  importOptionsOf,
  limitOf,
  mappingsOf,
  permissionOptionsOf,
  userLimitsOf,
} from "./claims-options.ts";

const NO_SUBJECTS = { allow: [], deny: [] };
const claims = (body: Partial<AccountBody>) => newClaims("account", ALPHA.publicKey, body);

test("-1 is no limit, other negative values allow nothing, and values are cut to 32 bits", () => {
  expect([-1, -5, 0, 7, 2 ** 40].map(limitOf)).toEqual([-1, 0, 0, 7, 2 ** 31 - 1]);
  expect(userLimitsOf({ subscriptionsMax: -2, dataBytesMax: 5, payloadBytesMax: 9 })).toEqual({ subscriptionsMax: 0, payloadBytesMax: 9 });
});

test("empty permissions become null, and empty lists are ignored", () => {
  expect(permissionOptionsOf({ publish: NO_SUBJECTS, subscribe: NO_SUBJECTS, responses: null })).toBeNull();
  const publish = { allow: ["a"], deny: [] };
  expect(
    permissionOptionsOf({ publish, subscribe: NO_SUBJECTS, responses: { messagesMax: 2, expiresNanoseconds: 1_500_000_000 } }),
  ).toEqual({
    publish: { allow: ["a"], deny: null },
    subscribe: null,
    responses: { messagesMax: 2, expiresMs: 1_500 },
  });
});

test("limits, default permissions and trace of an account", () => {
  const { limits } = claims({}).nats;
  const body = {
    limits: { ...limits, connectionsMax: 3, leafNodesMax: 4, subscriptionsMax: 5, payloadBytesMax: 6 },
    defaultPermissions: { publish: { allow: [], deny: ["x"] }, subscribe: NO_SUBJECTS, responses: null },
    trace: { destination: "trace.me", sampling: 20 },
  };
  expect(accountOptionsOf(claims(body))).toEqual({
    name: ALPHA.publicKey,
    nkey: ALPHA.publicKey,
    defaultPermissions: { publish: { allow: null, deny: ["x"] }, subscribe: null, responses: null },
    exports: [],
    imports: [],
    mappings: [],
    limits: { connectionsMax: 3, leafNodesMax: 4, subscriptionsMax: 5, payloadBytesMax: 6 },
    trace: { destination: "trace.me", sampling: 20 },
  });
});

test("a trace without destination is ignored, and an invalid sampling means all messages", () => {
  const traceOf = (destination: string, sampling: number) => accountOptionsOf(claims({ trace: { destination, sampling } })).trace;
  expect([traceOf("a.*", 20), traceOf("", 20)]).toEqual([null, null]);
  expect([traceOf("a", 0), traceOf("a", 101), traceOf("a", -1)].map(trace => trace!.sampling)).toEqual([100, 100, 100]);
});

test("a mapping without a weight applies to all messages", () => {
  const destination = { subject: "b", weight: 0, cluster: "east" };
  expect(mappingsOf(claims({ mappings: new Map([["a", [destination]]]) }))).toEqual([
    { source: "a", destinations: [{ subject: "b", weight: 100, cluster: "east" }] },
  ]);
});

const EXPORT: Export = {
  name: "",
  subject: "s.*",
  type: "stream",
  tokenRequired: true,
  revocations: new Map([["*", 7]]),
  responseType: "",
  responseThresholdNanoseconds: 2_000_000,
  latency: { sampling: 0, results: "latency" },
  accountTokenPosition: 2,
  advertise: true,
  allowTrace: true,
  description: "",
  infoUrl: "",
};

test("exports of both kinds, and of an unknown kind", () => {
  const common = { subject: "s.*", tokenRequired: true, accountTokenPosition: 2, revocations: { "*": 7 } };
  expect(exportOptionsOf(EXPORT)).toEqual({ ...NO_STREAM_EXPORT, ...common });
  expect(exportOptionsOf({ ...EXPORT, type: "service", responseType: "Chunked" })).toEqual({
    ...NO_SERVICE_EXPORT,
    ...common,
    responseType: "Chunked",
    responseThresholdMs: 2,
    latency: { sampling: 0, subject: "latency" },
    allowTrace: true,
  });
  expect(exportOptionsOf({ ...EXPORT, type: "" })).toBeNull();
});

const IMPORT: Import = {
  name: "",
  subject: "s",
  account: BETA.publicKey,
  token: "t",
  to: "",
  localSubject: "",
  type: "stream",
  share: true,
  allowTrace: true,
};

test("imports by local subject, and by the older field: a prefix for streams, the exporter's subject for services", () => {
  const stream = { ...NO_STREAM_IMPORT, account: BETA.publicKey, subject: "s", allowTrace: true, token: "t" };
  expect(importOptionsOf(IMPORT)).toEqual(stream);
  expect(importOptionsOf({ ...IMPORT, to: "p" })).toEqual({ ...stream, prefix: "p" });
  expect(importOptionsOf({ ...IMPORT, localSubject: "l" })).toEqual({ ...stream, to: "l" });
  const service = { ...NO_SERVICE_IMPORT, account: BETA.publicKey, subject: "s", share: true, token: "t" };
  expect(importOptionsOf({ ...IMPORT, type: "service" })).toEqual(service);
  expect(importOptionsOf({ ...IMPORT, type: "service", to: "there" })).toEqual({ ...service, subject: "there", to: "s" });
  expect(importOptionsOf({ ...IMPORT, type: "service", localSubject: "l" })).toEqual({ ...service, to: "l" });
  expect(importOptionsOf({ ...IMPORT, type: "" })).toBeNull();
});
