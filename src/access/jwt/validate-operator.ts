/** Validates claims of operators. Source: nats-io/jwt v2, operator_claims.go (behaviour). */

import { quoted } from "../../base/go/strconv.ts";
import { parseGoUrl } from "../../base/go/url.ts";
import type { OperatorBody } from "./claims.ts";
import { JwtError } from "./claims.ts";
import { isAccountKey, isOperatorKey } from "./public-key.ts";
import type { ValidationResults } from "./validation.ts";

export function validateOperatorBody(body: OperatorBody, results: ValidationResults): void {
  const serverFault = accountServerFault(body.accountServerUrl);
  if (serverFault !== null) results.addError(serverFault);
  for (const url of body.operatorServiceUrls) {
    const fault = serviceFault(url);
    if (fault !== null) results.addError(fault);
  }
  for (const key of body.signingKeys) if (!isOperatorKey(key)) results.addError(`${key} is not an operator public key`);
  if (body.systemAccount !== "" && !isAccountKey(body.systemAccount)) {
    results.addError(`${body.systemAccount} is not an account public key`);
  }
  const version = serverVersion(body.assertServerVersion);
  if (typeof version === "string") results.addError(`assert server version error: ${version}`);
}

/** Error of the URL that account JWTs are fetched from; null: none. */
export function accountServerFault(text: string): string | null {
  if (text === "") return null;
  const url = parseGoUrl(text);
  if (typeof url === "string") return `error parsing account server url: ${url}`;
  return url.scheme === "" ? `account server url ${quoted(text)} requires a protocol` : null;
}

function serviceFault(text: string): string | null {
  if (text === "") return null;
  const url = parseGoUrl(text);
  if (typeof url === "string") return `error parsing operator service url ${quoted(text)}: ${url}`;
  if (url.hasUser) return `operator service url ${quoted(text)} - credentials are not supported`;
  if (url.path !== "") return `operator service url ${quoted(text)} - paths are not supported`;
  if (["nats", "tls", "ws", "wss"].includes(url.scheme)) return null;
  return `operator service url ${quoted(text)} - protocol not supported (only 'nats', 'tls', 'ws', 'wss' only)`;
}

/**
 * `major.minor.update`; an empty text is 0.0.0.
 * @throws JwtError with the library's text
 */
export function parseServerVersion(text: string): readonly [major: number, minor: number, update: number] {
  const version = serverVersion(text);
  if (typeof version === "string") throw new JwtError(version);
  return version;
}

function serverVersion(text: string): [major: number, minor: number, update: number] | string {
  if (text === "") return [0, 0, 0];
  const parts = text.split(".");
  if (parts.length !== 3) return "asserted server version must be of the form <major>.<minor>.<update>";
  const bad = parts.find(part => !/^[+-]?\d+$/.test(part));
  if (bad !== undefined) return `asserted server version cant parse ${bad} to int`;
  const [major, minor, update] = parts.map(Number);
  if (major < 0 || minor < 0 || update < 0) return `asserted server version can'b contain negative values: ${text}`;
  return [major, minor, update];
}
