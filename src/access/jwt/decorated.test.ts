import { expect, test } from "bun:test";
import { formatCredentials, seedInFile, tokenInFile, userSeedInFile } from "./decorated.ts";
import { JwtError } from "./jwt-error.ts";

const TOKEN = "eyJ0eXAi.eyJqdGki-_.c2ln";
const SEED = "SUAIO3FHUX5PNV2LQIIP7TZ3N4L7TX3W53MQGEIVYFIGA635OZCKEYHFLM";
const CREDENTIALS = formatCredentials(TOKEN, SEED);

test("a credentials file has a token and a seed, with either kind of line ends", () => {
  for (const text of [CREDENTIALS, CREDENTIALS.replaceAll("\n", "\r\n"), `some words\n${CREDENTIALS}more`]) {
    expect([tokenInFile(text), seedInFile(text), userSeedInFile(text)]).toEqual([TOKEN, SEED, SEED]);
  }
});

test("a decorated token may end with the file; any other text is taken for a token itself", () => {
  expect(tokenInFile(`-----BEGIN NATS OPERATOR JWT-----\n${TOKEN}\n------END NATS OPERATOR JWT------`)).toBe(TOKEN);
  expect(tokenInFile(`  --- x ---\n${TOKEN}\n--- y ---\n`)).toBe(TOKEN);
  const plain = [
    TOKEN,
    `${TOKEN}\n`,
    "",
    `--- x ---\n${TOKEN}\n`,
    `--- x ---\n${TOKEN}\n --- y ---\n`,
    `-----\n${TOKEN}\n------\n`,
    `--- x ---\n\n${TOKEN}\n--- y ---\n`,
    `--- x ---\na b\n--- y ---\n`,
    `--- x ---\n${TOKEN}\n--- y ---\r`,
  ];
  for (const text of plain) expect(tokenInFile(text)).toBe(text);
});

test("a seed may stand in a line of its own", () => {
  expect(seedInFile(`# mine\n${SEED}\r\nmore`)).toBe(SEED);
  expect(seedInFile("SAXYZ")).toBe("SAXYZ");
  expect(() => userSeedInFile("SAXYZ")).toThrow(new JwtError("doesn't contain an user seed nkey"));
  expect(() => seedInFile("UABC\n")).toThrow(new JwtError("no nkey seed found"));
  expect(() => seedInFile("  SUABC\n")).toThrow(new JwtError("doesn't contain a seed nkey"));
  expect(() => seedInFile(`${CREDENTIALS.replace(SEED, "PABC")}`)).toThrow(new JwtError("doesn't contain a seed nkey"));
});

test("a megabyte of dashes is read in a moment", () => {
  const started = performance.now();
  for (const text of ["-".repeat(1 << 20), "---\n".repeat(1 << 18), `------\n${"-".repeat(1 << 20)}`]) expect(tokenInFile(text)).toBe(text);
  expect(performance.now() - started).toBeLessThan(2_000);
});
