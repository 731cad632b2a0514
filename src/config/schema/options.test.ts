import { expect, test } from "bun:test";
import { completeOptions } from "./complete-options.ts";
import { FILE_FIELDS } from "./load-config.ts";
import { defaultOptions, OPTIONS, type Options } from "./options.ts";
import { OptionError } from "./row/problems.ts";

/** The error in options; null when they are valid. */
function faultOf(given: Record<string, unknown>): string | null {
  try {
    completeOptions(given as Partial<Options>);
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return (error as OptionError).message;
  }
}

test("without options the reference's defaults apply", () => {
  const options = completeOptions({});
  expect(options).toEqual(defaultOptions());
  expect(options).toMatchObject({
    host: "0.0.0.0",
    port: 4222,
    controlLineBytesMax: 4_096,
    payloadBytesMax: 1_048_576,
    pendingBytesMax: 67_108_864,
    connectionsMax: 65_536,
    subscriptionsMax: 0,
    subscriptionTokensMax: 0,
    pingIntervalMs: 120_000,
    pingsOutMax: 2,
    writeDeadlineMs: 10_000,
    authTimeoutMs: 2_000,
    closedClientsMax: 10_000,
    headers: true,
  });
});

test("given options are used, undefined ones are ignored, and the argument is not changed", () => {
  const given = { port: 0, serverName: "x", debug: true, pingIntervalMs: undefined as unknown as number };
  expect(completeOptions(given)).toEqual({ ...defaultOptions(), port: 0, serverName: "x", debug: true });
  expect(given).toEqual({ port: 0, serverName: "x", debug: true, pingIntervalMs: undefined as unknown as number });
});

test("0 means the default only for the options for which it does in the reference", () => {
  const zeros = [
    "controlLineBytesMax",
    "payloadBytesMax",
    "pendingBytesMax",
    "connectionsMax",
    "pingIntervalMs",
    "pingsOutMax",
    "writeDeadlineMs",
    "authTimeoutMs",
    "closedClientsMax",
  ];
  expect(completeOptions(Object.fromEntries(zeros.map(name => [name, 0])))).toEqual(defaultOptions());
  expect(completeOptions({ port: 0, subscriptionsMax: 0 })).toMatchObject({ port: 0, subscriptionsMax: 0 });
});

test("an unknown option is refused, even a name that every JavaScript object has", () => {
  expect(faultOf({ prot: 1 })).toBe('unknown option "prot"; did you mean "port"?');
  expect(faultOf({ toString: 1 })).toBe('unknown option "toString"');
});

test("an option of another type than its default is refused", () => {
  expect(faultOf({ port: "4222" })).toBe('option "port" must be a number');
  expect(faultOf({ debug: 1 })).toBe('option "debug" must be a boolean');
  expect(faultOf({ host: null })).toBe('option "host" must be a string');
  for (const number of [1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])
    expect(faultOf({ pingIntervalMs: number })).toBe('option "pingIntervalMs" must be an integer');
});

test("options that contradict each other are refused", () => {
  expect(faultOf({ payloadBytesMax: 2_000, pendingBytesMax: 1_999 })).toBe("max_payload (2000) cannot be higher than max_pending (1999)");
  expect(faultOf({ payloadBytesMax: 2_000, pendingBytesMax: 2_000 })).toBe(null);
  expect(faultOf({ serverName: "a b" })).toBe("server name cannot contain spaces");
});

test("ports are 0 to 65535", () => {
  for (const port of [-1, 65_536, 2 ** 40]) expect(faultOf({ port })).toBe(`invalid port ${port}`);
  for (const httpPort of [-1, 65_536]) expect(faultOf({ httpPort })).toBe(`invalid port ${httpPort}`);
  for (const port of [0, 1, 65_535]) expect(faultOf({ port, httpPort: port })).toBe(null);
});

test("no name of the configuration file or flag is used twice", () => {
  const names = FILE_FIELDS.flatMap(field => [...field.names]);
  expect(names.length).toBe(new Set(names).size);
  const rows: { flags?: readonly { names: readonly string[] }[] }[] = Object.values(OPTIONS);
  const flags = rows.flatMap(row => (row.flags ?? []).flatMap(flag => [...flag.names]));
  expect(flags.length).toBe(new Set(flags).size);
});

test("options that default to null are checked for their type", () => {
  const wrong: [unknown, string][] = [
    [{ serverName: 42 }, 'option "serverName" must be a string'],
    [{ pidFile: 7 }, 'option "pidFile" must be a string'],
    [{ httpPort: "8222" }, 'option "httpPort" must be a number'],
    [{ authorization: "me" }, 'option "authorization" must be an object'],
    [{ authorization: { password: 5 } }, 'option "authorization.password" must be a string'],
    [{ authorization: { pass: "x" } }, 'unknown option "authorization.pass"'],
  ];
  for (const [options, text] of wrong) expect(() => completeOptions(options as Partial<Options>)).toThrow(new OptionError(text));
  expect(completeOptions({ serverName: null, httpPort: null, authorization: null })).toMatchObject({ serverName: null, httpPort: null });
});

test("negative sizes and times and too large payloads are refused; other negative numbers have a meaning", () => {
  expect(() => completeOptions({ controlLineBytesMax: -1 })).toThrow('option "controlLineBytesMax" cannot be negative');
  expect(() => completeOptions({ pingIntervalMs: -1 })).toThrow('option "pingIntervalMs" cannot be negative');
  const size = 2 ** 31;
  expect(() => completeOptions({ payloadBytesMax: size, pendingBytesMax: size })).toThrow(
    "max_payload (2147483648) cannot be higher than 2147483647",
  );
  expect(completeOptions({ connectionsMax: -1 }).connectionsMax).toBe(-1);
  const unlimited = { payloadBytesMax: -1, logSizeLimit: -1, logFilesMax: -1, authTimeoutMs: -1 };
  expect(completeOptions(unlimited)).toMatchObject(unlimited);
});
