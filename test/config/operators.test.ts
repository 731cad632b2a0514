/** Operator mode in a file with real JWTs: what is read and what is refused, compared with nats-server 2.15.3. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { completeOptions } from "../../src/config/schema/complete-options.ts";
import { loadConfigFile } from "../../src/config/schema/load-config.ts";
import { ConfigErrors, OptionError } from "../../src/config/schema/row/problems.ts";
import { answerOfReference, comparable, Recording } from "../reference/recording.ts";
import { ACCOUNT_ID, accountJwt, OPERATOR_ID, operatorJwt, SYSTEM_ID, userJwt } from "./config-tokens.ts";
import { startRefusal, verdictOn } from "./reference-check.ts";

const it = new Recording(import.meta.path);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "bunats-operators-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function fileWith(config: string, name = "server.conf"): string {
  const file = join(directory, name);
  writeFileSync(file, config);
  return file;
}

const decorated = (jwt: string) => `-----BEGIN NATS OPERATOR JWT-----\n${jwt}\n------END NATS OPERATOR JWT------\n`;

test("operators are given as files, plain or decorated, or as JWTs", () => {
  const jwt = operatorJwt();
  const plain = fileWith(`${jwt}\n`, "plain.jwt");
  const withMarks = fileWith(decorated(jwt), "decorated.jwt");
  const file = fileWith(`operators: [ "${plain}", "${withMarks}", "${jwt}" ]`);
  expect(loadConfigFile(file, {}).options).toEqual({ operators: [jwt, jwt, jwt] });
});

test("a single operator sets the resolver and the system account unless the file does", () => {
  const jwt = operatorJwt({ accountServerUrl: "http://127.0.0.1:9/jwt/v1", systemAccount: SYSTEM_ID });
  const options = (more: string) => completeOptions(loadConfigFile(fileWith(`operator: ${jwt}\n${more}`), {}).options);
  expect(options("")).toMatchObject({ resolver: { kind: "url", url: "http://127.0.0.1:9/jwt/v1/accounts/" }, systemAccount: SYSTEM_ID });
  expect(options("resolver: MEM")).toMatchObject({ resolver: { kind: "memory" }, systemAccount: SYSTEM_ID });
});

/** Configurations with the same report from both. */
const SAME: readonly string[] = [
  `operator: ${operatorJwt()}`,
  `operator: ${accountJwt()}`,
  `operator: ${operatorJwt().slice(0, -8)}`,
  "operator: eyJ",
  'operators: [ "eyJ.eyJ.eyJ" ]',
  `resolver_preload { ${ACCOUNT_ID}: ${accountJwt()} }`,
  `resolver_preload { ${ACCOUNT_ID}: x }`,
  `resolver_preload { ${ACCOUNT_ID}: ${userJwt()} }`,
];

it.compared(`ours and the reference report the same about ${SAME.length} files with tokens`, async () => {
  const reference = await answerOfReference(() =>
    SAME.map(config => {
      const { digest, text } = verdictOn(fileWith(config));
      return digest === null ? text.trimEnd().split("\n") : [];
    }),
  );
  for (const [at, config] of SAME.entries()) {
    const file = fileWith(config);
    let reported: readonly string[] = [];
    try {
      loadConfigFile(file, {});
    } catch (error) {
      if (!(error instanceof ConfigErrors)) throw error;
      reported = error.lines;
    }
    expect(comparable([...reported]), config).toEqual(reference[at]!);
  }
});

const OPERATOR = operatorJwt({ systemAccount: SYSTEM_ID });
const MEMORY = `resolver: MEM, resolver_preload { ${SYSTEM_ID}: ${accountJwt(SYSTEM_ID)} }`;

/** Configurations with which the reference does not start. */
const REFUSED_AT_START: Readonly<Record<string, string>> = {
  "two operators without resolver": `operators: [ ${OPERATOR}, ${OPERATOR} ]`,
  accounts: `operator: ${OPERATOR}, ${MEMORY}, accounts { A {} }`,
  mappings: `operator: ${OPERATOR}, ${MEMORY}, mappings { a: b }`,
  users: `operator: ${OPERATOR}, ${MEMORY}, authorization { users: [ { user: a } ] }`,
  "trusted keys": `operator: ${OPERATOR}, ${MEMORY}, trusted: ${OPERATOR_ID}`,
  "another system account": `operator: ${OPERATOR}, ${MEMORY}, system_account: ${ACCOUNT_ID}`,
  "a directory without system account": `operator: ${operatorJwt()}, resolver { type: full, dir: $dir/full }`,
  "a later major version": `operator: ${operatorJwt({ assertServerVersion: "3.0.0" })}, resolver: MEM`,
  "a later minor version": `operator: ${operatorJwt({ assertServerVersion: "2.16.0" })}, resolver: MEM`,
  "a later update": `operator: ${operatorJwt({ assertServerVersion: "2.15.99" })}, resolver: MEM`,
  "an invalid version": `operator: ${operatorJwt({ assertServerVersion: "2.x.3" })}, resolver: MEM`,
  "an invalid pinned account": `operator: ${OPERATOR}, ${MEMORY}, resolver_pinned_accounts: [ x ]`,
  "auth callout": `operator: ${OPERATOR}, ${MEMORY}, authorization { auth_callout { issuer: ${ACCOUNT_ID}, auth_users: [a] } }`,
  "a sentinel that is not a JWT": `operator: ${OPERATOR}, ${MEMORY}, default_sentinel: x`,
  "a sentinel without bearer": `operator: ${OPERATOR}, ${MEMORY}, default_sentinel: ${userJwt()}`,
  no_auth_user: `operator: ${OPERATOR}, ${MEMORY}, no_auth_user: x`,
  "a domain of an unknown account": `operator: ${OPERATOR}, ${MEMORY}, default_js_domain { A: d }`,
};

function optionErrorOf(file: string): string {
  try {
    completeOptions(loadConfigFile(file, {}).options);
    return "";
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    return error.message;
  }
}

describe("operators with which no server starts", () => {
  for (const [what, config] of Object.entries(REFUSED_AT_START)) {
    it.compared(`${what}: the reference has the same text`, async () => {
      const file = fileWith(config.replaceAll("$dir", directory));
      const reported = await answerOfReference(() => startRefusal(file));
      expect(reported).not.toBe("");
      expect(comparable(optionErrorOf(file))).toBe(reported);
    });
  }
});

test("a bearer token and an empty token of a scoped key are valid sentinels", () => {
  const scoped = { subscriptionsMax: 0, dataBytesMax: 0, payloadBytesMax: 0, issuerAccount: ACCOUNT_ID };
  for (const sentinel of [userJwt({ bearerToken: true }), userJwt(scoped)]) {
    const file = fileWith(`operator: ${OPERATOR}, ${MEMORY}, default_sentinel: ${sentinel}`);
    expect(completeOptions(loadConfigFile(file, {}).options).defaultSentinel).toBe(sentinel);
  }
});
