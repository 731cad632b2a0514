import { expect, test } from "bun:test";
import { type AccountOptions, emptyAccount } from "../account/account-options.ts";
import { NO_ACTIVATIONS } from "./export-access.ts";
import { planTrades } from "./plan-trades.ts";
import {
  NO_SERVICE_EXPORT,
  NO_SERVICE_IMPORT,
  NO_STREAM_EXPORT,
  NO_STREAM_IMPORT,
  type ServiceExportOptions,
  type ServiceImportOptions,
  type StreamExportOptions,
  type StreamImportOptions,
} from "./trade-options.ts";

type Given = { readonly accounts?: readonly string[] | null; readonly tokenRequired?: boolean; readonly accountTokenPosition?: number };

const stream = (subject: string, more: Given = {}): StreamExportOptions => ({ ...NO_STREAM_EXPORT, subject, ...more });
const service = (subject: string, more: Given & Partial<ServiceExportOptions> = {}): ServiceExportOptions => ({
  ...NO_SERVICE_EXPORT,
  subject,
  ...more,
});
const streamImport = (account: string, subject: string, to = "", prefix = ""): StreamImportOptions => ({
  ...NO_STREAM_IMPORT,
  account,
  subject,
  to,
  prefix,
});
const serviceImport = (account: string, subject: string, to = ""): ServiceImportOptions => ({ ...NO_SERVICE_IMPORT, account, subject, to });

type Exports = AccountOptions["exports"];
type Imports = AccountOptions["imports"];

function problemsOf(accounts: Record<string, { exports?: Exports; imports?: Imports }>, measures = true): readonly string[] {
  const options = Object.entries(accounts).map(([name, given]) => ({ ...emptyAccount(name), ...given }));
  return planTrades(options, NO_ACTIVATIONS, measures).problems;
}

test("an import is authorized by an export of the same or a wider subject", () => {
  const given = { exports: [stream("a.>"), service("b.*", { accounts: ["B"] })] };
  expect(problemsOf({ A: given, B: { imports: [streamImport("A", "a.x.>"), serviceImport("A", "b.c")] } })).toEqual([]);
  expect(problemsOf({ A: given, C: { imports: [streamImport("A", ">"), serviceImport("A", "b.c")] }, B: {} })).toEqual([
    'Error adding stream import ">": stream import not authorized',
    'Error adding service import "b.c": service import not authorized',
  ]);
});

test("an export that requires activation refuses imports without one", () => {
  const exports = [stream("a", { tokenRequired: true })];
  expect(problemsOf({ A: { exports }, B: { imports: [streamImport("A", "a")] } })).toEqual([
    'Error adding stream import "a": stream import not authorized',
  ]);
});

test("an export with an account token accepts subjects that name the importer", () => {
  const exports = [service("ask.*.now", { accountTokenPosition: 2 })];
  const problems = (subject: string) => problemsOf({ A: { exports }, B: { imports: [serviceImport("A", subject)] } });
  expect(problems("ask.B.now")).toEqual([]);
  expect(problems("ask.C.now")).toEqual(['Error adding service import "ask.C.now": service import not authorized']);
  // The pattern itself names no account.
  expect(problems("ask.*.now")).toEqual(['Error adding service import "ask.*.now": service import not authorized']);
  const wrong = [service("ask.*.now", { accountTokenPosition: 1 })];
  expect(problemsOf({ A: { exports: wrong } })).toEqual(['Error adding service export "ask.*.now": sublist: invalid subject']);
});

test("missing accounts are reported", () => {
  const problems = problemsOf({
    A: { exports: [stream("a", { accounts: ["X"] })], imports: [streamImport("Y", "y"), serviceImport("Z", "z")] },
  });
  expect(problems).toEqual([
    '"X" account not defined for stream export',
    '"Y" account not defined for stream import',
    '"Z" account not defined for service import',
  ]);
});

test("import cycles are refused", () => {
  const exports = [service("q.>"), stream("s.>")];
  const circle = (one: Imports, two: Imports) => problemsOf({ A: { exports, imports: one }, B: { exports, imports: two } });
  expect(circle([serviceImport("B", "q.x")], [serviceImport("A", "q.x")])).toEqual([
    'Error adding service import "q.x": import forms a cycle',
  ]);
  expect(circle([streamImport("B", "s.x")], [streamImport("A", "s.x")])).toEqual([
    'Error adding stream import "s.x": import forms a cycle',
  ]);
  expect(circle([serviceImport("B", "q.x", "other")], [serviceImport("A", "q.y", "more")])).toEqual([]);
});

test("a long chain of imports is followed to its end", () => {
  const names = Array.from({ length: 1_100 }, (_, index) => `A${index}`);
  const accounts = names.map((name, index) => {
    const imports = index === 0 ? [] : [serviceImport(names[index - 1]!, "q")];
    return [name, { exports: [service("q")], imports }] as const;
  });
  const depth = 'Error adding service import "q": search cycle depth exhausted';
  expect(new Set(problemsOf(Object.fromEntries(accounts)))).toEqual(new Set([depth]));
});

test("the local subject of an import must refer to every wildcard once", () => {
  const exports = [stream("a.*.*"), service("b.*")];
  const problems = (...imports: Imports) => problemsOf({ A: { exports }, B: { imports } });
  expect(problems(streamImport("A", "a.*.*", "x.$2.$1"), serviceImport("A", "b.*", "y.$1"))).toEqual([]);
  expect(problems(streamImport("A", "a.*.*", "x.$2"))[0]).toStartWith(
    'Error adding stream import "a.*.*": failed to create mapping transform for stream import subject from "a.*.*" to "x.$2": ',
  );
  expect(problems(streamImport("A", "a.*.*", "", "p.*"))).toEqual([
    'Error adding stream import "a.*.*": stream import prefix can not contain wildcard tokens',
  ]);
});

test("the same import twice is refused", () => {
  const exports = [stream("a"), service("b")];
  const imports = [streamImport("A", "a"), streamImport("A", "a", "other"), serviceImport("A", "b"), serviceImport("A", "b")];
  expect(problemsOf({ A: { exports }, B: { imports } })).toEqual([
    'Error adding stream import "a": stream import already exists',
    'Error adding service import "b": duplicate service import subject "b", previously used in import for account "A", subject "b"',
  ]);
});

test("latency needs single answers and a subject that is not a service", () => {
  const latency = (subject: string, sampling = 100) => ({ latency: { subject, sampling } });
  const problems = (measures: boolean, ...exports: Exports) => problemsOf({ A: { exports } }, measures);
  const because = (text: string) => [`Error adding service latency sampling for "b" on subject ${text}`];
  expect(problems(true, service("b", latency("lat")))).toEqual([]);
  expect(problems(false, service("b", latency("lat")))).toEqual([
    'Error adding service latency sampling for "b": system account not setup',
  ]);
  expect(problems(true, service("b", latency("lat", 101)))).toEqual(because('"lat": bad sampling percentage, should be 1-100'));
  expect(problems(true, service("b", latency("lat.*")))).toEqual(because('"lat.*": invalid publish subject'));
  expect(problems(true, service("b", latency("b")))).toEqual(because('"b": invalid publish subject'));
  expect(problems(true, service("b", { ...latency("lat"), responseType: "Stream" }))).toEqual(because('"lat": bad service response type'));
});
