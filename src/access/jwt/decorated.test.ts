import { expect, test } from "bun:test";
import { tokenInFile } from "./decorated.ts";

const TOKEN = "eyJ0eXAi.eyJqdGki-_.c2ln";
const SEED = "SUAIO3FHUX5PNV2LQIIP7TZ3N4L7TX3W53MQGEIVYFIGA635OZCKEYHFLM";
const CREDENTIALS = `-----BEGIN NATS USER JWT-----
${TOKEN}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${SEED}
------END USER NKEY SEED------
`;

test("the token of a credentials file is found with either kind of line ends", () => {
  for (const text of [CREDENTIALS, CREDENTIALS.replaceAll("\n", "\r\n"), `some words\n${CREDENTIALS}more`]) {
    expect(tokenInFile(text)).toBe(TOKEN);
  }
});

test("a decorated token may end with the file; any other text is returned unchanged", () => {
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

test("a megabyte of dashes is read in a moment", () => {
  const started = performance.now();
  for (const text of ["-".repeat(1 << 20), "---\n".repeat(1 << 18), `------\n${"-".repeat(1 << 20)}`]) expect(tokenInFile(text)).toBe(text);
  expect(performance.now() - started).toBeLessThan(2_000);
});
