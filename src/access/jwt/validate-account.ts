/**
 * Validates claims of accounts. As in the library, the same error may be reported twice.
 * Source: nats-io/jwt v2, account_claims.go, exports.go, imports.go (behaviour).
 */

import { quoted } from "../../base/go/strconv.ts";
import { parseGoUrl } from "../../base/go/url.ts";
import type {
  AccountBody,
  AccountClaims,
  ActivationBody,
  ActivationClaims,
  Export,
  ExternalAuthorization,
  Import,
  MessageTrace,
} from "./claims.ts";
import { JwtError } from "./claims.ts";
import { decodeActivation } from "./decode.ts";
import { isAccountKey, isCurveKey, isUserKey } from "./public-key.ts";
import { areContainedIn, hasWildcards, isContainedIn, validateLocalSubject, validateSubject, withoutReferences } from "./subject-rules.ts";
import { validatePermissions } from "./validate-user.ts";
import { ValidationResults } from "./validation.ts";

const INFO_BYTES_MAX = 8 * 1024;
const NO_LIMIT = -1;

export function validateAccount(claims: AccountClaims, results: ValidationResults): void {
  const { nats } = claims;
  validateImports(nats.imports, claims.subject, results);
  validateExports(nats.exports, results);
  validateTiers(nats.limits, results);
  validatePermissions(nats.defaultPermissions, results);
  validateMappings(nats.mappings, results);
  validateAuthorization(nats.authorization, results);
  if (nats.trace !== null) validateTrace(nats.trace, results);
  validateCounts(nats, results);
  validateSigningKeys(nats.signingKeys, results);
  validateInfo(nats, results);
  const traffic = nats.clusterTraffic;
  if (traffic !== "" && traffic !== "system" && traffic !== "owner") {
    results.addError(`unknown cluster traffic option: ${quoted(traffic)}`);
  }
  if (isAccountKey(claims.issuer) && !hasNoLimitsSet(nats.limits)) {
    results.addWarning("self-signed account JWTs shouldn't contain operator limits");
  }
}

function hasNoLimitsSet({ tiers, ...limits }: AccountBody["limits"]): boolean {
  return tiers.size === 0 && Object.values(limits).every(limit => limit === 0 || limit === false);
}

function validateTiers(limits: AccountBody["limits"], results: ValidationResults): void {
  if (limits.tiers.size === 0) return;
  const untiered =
    limits.memoryBytesMax !== 0 ||
    limits.diskBytesMax !== 0 ||
    limits.streamsMax !== 0 ||
    limits.consumersMax !== 0 ||
    limits.ackPendingMax !== 0 ||
    limits.memoryStreamBytesMax !== 0 ||
    limits.diskStreamBytesMax !== 0 ||
    limits.streamBytesRequired;
  if (untiered) results.addError("JetStream Limits and tiered JetStream Limits are mutually exclusive");
  if (limits.tiers.has("")) results.addError('Tiered JetStream Limits can not contain a blank "" tier name');
}

/** How many imports and exports the operator allows, and whether exports may have wildcards. */
function validateCounts({ imports, exports, limits }: AccountBody, results: ValidationResults): void {
  const tooManyImports = "the account contains more imports than allowed by the operator";
  if (!hasNoLimitsSet(limits) && limits.importsMax >= 0 && imports.length > limits.importsMax) results.addError(tooManyImports);
  if (limits.importsMax !== NO_LIMIT && imports.length > limits.importsMax) results.addError(tooManyImports);
  if (limits.exportsMax === NO_LIMIT) return;
  if (exports.length > limits.exportsMax) results.addError("the account contains more exports than allowed by the operator");
  if (limits.wildcardExports) return;
  for (const one of exports) {
    if (one !== null && hasWildcards(one.subject)) {
      results.addError("the account contains wildcard exports that are not allowed by the operator");
    }
  }
}

function validateMappings(mappings: AccountBody["mappings"], results: ValidationResults): void {
  for (const [source, destinations] of mappings) {
    validateSubject(source, results);
    const totals = new Map<string, number>();
    for (const destination of destinations) {
      validateSubject(destination.subject, results);
      const weight = destination.weight === 0 ? 100 : destination.weight;
      if (weight > 100) results.addError(`Mapping ${quoted(source)} has a weight ${weight} that exceeds 100`);
      const total = (totals.get(destination.cluster) ?? 0) + weight;
      totals.set(destination.cluster, total);
      if (destination.cluster !== "" && total > 100) {
        const cluster = quoted(destination.cluster);
        results.addError(`Mapping ${quoted(source)} in cluster ${cluster} exceeds 100% among all of it's weighted to mappings`);
      }
    }
    if ((totals.get("") ?? 0) > 100) results.addError(`Mapping ${quoted(source)} exceeds 100% among all of it's weighted to mappings`);
  }
}

function validateAuthorization({ users, allowedAccounts, curveKey }: ExternalAuthorization, results: ValidationResults): void {
  if (allowedAccounts.length > 0 && users.length === 0) {
    results.addError("External authorization cannot have accounts without users specified");
  }
  for (const user of users) {
    if (!isUserKey(user)) results.addError(`AuthUser ${quoted(user)} is not a valid user public key`);
  }
  for (const account of allowedAccounts) {
    if (account === "*") {
      if (allowedAccounts.length > 1) results.addError('AllowedAccounts can only be a list of accounts or "*"');
    } else if (!isAccountKey(account)) results.addError(`Account ${quoted(account)} is not a valid account public key`);
  }
  if (curveKey !== "" && !isCurveKey(curveKey)) results.addError(`XKey ${quoted(curveKey)} is not a valid public xkey`);
}

function validateTrace({ destination, sampling }: MessageTrace, results: ValidationResults): void {
  const subject = new ValidationResults();
  validateSubject(destination, subject);
  if (subject.issues.length > 0) results.addError(`the account Trace.Destination ${subject.issues[0].description}`);
  if (hasWildcards(destination)) {
    results.addError(`the account Trace.Destination subject ${quoted(destination)} is not a valid publish subject`);
  }
  if (sampling < 0 || sampling > 100) {
    results.addError(`the account Trace.Sampling value '${sampling}' is not valid, should be in the range [1..100]`);
  }
}

function validateSigningKeys(keys: AccountBody["signingKeys"], results: ValidationResults): void {
  for (const [key, scope] of keys) {
    if (scope === null) {
      if (!isAccountKey(key)) results.addError(`${quoted(key)} is not a valid account signing key`);
    } else if (!isAccountKey(scope.key)) results.addError(`${scope.key} is not an account public key`);
  }
}

function validateInfo({ description, infoUrl }: { description: string; infoUrl: string }, results: ValidationResults): void {
  if (Buffer.byteLength(description) > INFO_BYTES_MAX) results.addError("Description is too long");
  if (infoUrl === "") return;
  if (Buffer.byteLength(infoUrl) > INFO_BYTES_MAX) results.addError("Info URL is too long");
  const url = parseGoUrl(infoUrl);
  if (typeof url === "string") results.addError(`error parsing info url: ${url}`);
  else if (url.hostname === "" || url.scheme === "") results.addError("error parsing info url: no hostname or scheme");
}

function validateExports(exports: AccountBody["exports"], results: ValidationResults): void {
  for (const one of exports) {
    if (one === null) results.addError("null export is not allowed");
    else validateExport(one, results);
  }
  const written = exports.filter(one => one !== null);
  const services = written.filter(one => one.type === "service");
  const others = written.filter(one => one.type !== "service");
  validateDistinct("service", services, results);
  validateDistinct("stream", others, results);
}

/** Compares every pair, as the library does, but splits subjects once: a hundred exports take 0.3 ms. */
function validateDistinct(kind: string, exports: readonly Export[], results: ValidationResults): void {
  const tokens = exports.map(one => one.subject.split("."));
  const containing = new Map<string, string>();
  for (let index = 0; index < tokens.length; index++) {
    for (let other = 0; other < tokens.length; other++) {
      if (index === other || !areContainedIn(tokens[index], tokens[other])) continue;
      const wider = exports[other].subject;
      if (!containing.has(wider)) containing.set(wider, exports[index].subject);
    }
  }
  for (const [wider, subject] of containing) {
    results.addError(`${kind} export subject ${quoted(wider)} already exports ${quoted(subject)}`);
  }
}

const RESPONSE_TYPES = ["", "Singleton", "Stream", "Chunked"];

function validateExport(one: Export, results: ValidationResults): void {
  const isService = one.type === "service";
  if (one.type === "") results.addError('invalid export type: "unknown"');
  if (isService && !RESPONSE_TYPES.includes(one.responseType)) {
    results.addError(`invalid response type for service: ${quoted(one.responseType)}`);
  }
  if (one.type === "stream") {
    if (one.responseType !== "") results.addError(`invalid response type for stream: ${quoted(one.responseType)}`);
    if (one.allowTrace) results.addError("AllowTrace only valid for service export");
  }
  if (one.latency !== null) {
    if (!isService) results.addError("latency tracking only permitted for services");
    const { sampling, results: metrics } = one.latency;
    if (sampling < 0 || sampling > 100) results.addError("sampling percentage needs to be between 1-100");
    validateSubject(metrics, results);
    if (hasWildcards(metrics)) results.addError("results subject can not contain wildcards");
  }
  if (one.responseThresholdNanoseconds < 0) results.addError("negative response threshold is invalid");
  if (one.responseThresholdNanoseconds > 0 && !isService) results.addError("response threshold only valid for services");
  validateSubject(one.subject, results);
  if (one.accountTokenPosition > 0) validateTokenPosition(one.subject, one.accountTokenPosition, results);
  validateInfo(one, results);
}

function validateTokenPosition(subject: string, position: number, results: ValidationResults): void {
  if (!hasWildcards(subject)) {
    return results.addError(`Account Token Position can only be used with wildcard subjects: ${subject}`);
  }
  const tokens = subject.split(".");
  if (position > tokens.length) results.addError(`Account Token Position ${position} exceeds length of subject '${subject}'`);
  else if (tokens[position - 1] !== "*") {
    results.addError(`Account Token Position ${position} matches '${tokens[position - 1]}' but must match a * in: ${subject}`);
  }
}

function validateImports(imports: AccountBody["imports"], account: string, results: ValidationResults): void {
  const subjectsOf = new Map<string, Set<string>>();
  for (const one of imports) {
    if (one === null) {
      results.addError("null import is not allowed");
      continue;
    }
    if (one.type === "service") {
      const subjects = subjectsOf.get(one.account) ?? new Set();
      subjectsOf.set(one.account, subjects);
      validateServiceSubject(one, subjects, results);
    }
    validateImport(one, account, results);
  }
}

/** Two services of one account must not have overlapping subjects. */
function validateServiceSubject(one: Import, subjects: Set<string>, results: ValidationResults): void {
  const subject = one.to || withoutReferences(one.localSubject) || one.subject;
  for (const other of subjects) {
    if (!isContainedIn(subject, other) && !isContainedIn(other, subject)) continue;
    results.addError(`overlapping subject namespace for ${quoted(subject)} and ${quoted(other)} in same account ${quoted(one.account)}`);
  }
  if (subjects.has(subject)) results.addError(`overlapping subject namespace for ${quoted(subject)} in account ${quoted(one.account)}`);
  subjects.add(subject);
}

/** @param account public key of the account that imports */
export function validateImport(one: Import, account: string, results: ValidationResults): void {
  const isService = one.type === "service";
  if (one.type === "") results.addError('invalid import type: "unknown"');
  if (isService && one.allowTrace) results.addError("AllowTrace only valid for stream import");
  if (one.account === "") results.addError("account to import from is not specified");
  if (one.to !== "") results.addWarning("the field to has been deprecated (use LocalSubject instead)");
  validateSubject(one.subject, results);
  if (one.localSubject !== "") {
    validateLocalSubject(one.localSubject, one.subject, results);
    if (one.to !== "") results.addError("Local Subject replaces To");
  }
  if (one.share && !isService) {
    results.addError(`sharing information (for latency tracking) is only valid for services: ${quoted(one.subject)}`);
  }
  if (one.token === "") return;
  const activation = activationIn(one.token);
  if (activation === null) results.addError(`import ${quoted(one.subject)} contains an invalid activation token`);
  else validateActivationOf(one, activation, account, results);
}

function activationIn(token: string): ActivationClaims | null {
  try {
    return decodeActivation(token);
  } catch (error) {
    if (error instanceof JwtError) return null;
    throw error;
  }
}

function validateActivationOf(one: Import, activation: ActivationClaims, account: string, results: ValidationResults): void {
  const { importSubject, importKind, issuerAccount } = activation.nats;
  if (activation.issuer !== one.account && issuerAccount !== one.account) {
    results.addError(`activation token doesn't match account for import ${quoted(one.subject)}`);
  }
  if (activation.subject !== account) {
    results.addError(`activation token doesn't match account it is being included in, ${quoted(one.subject)}`);
  }
  if (importKind !== one.type) {
    results.addError(`mismatch between token import type ${importKind || "unknown"} and type of import ${one.type || "unknown"}`);
  }
  validateActivationBody(activation.nats, results);
  const subject = one.type === "service" && one.to !== "" ? one.to : one.subject;
  if (!isContainedIn(subject, importSubject)) {
    results.addError(`activation token import subject ${quoted(importSubject)} doesn't match import ${quoted(one.subject)}`);
  }
}

/** Source: nats-io/jwt v2, activation_claims.go (behaviour). */
export function validateActivationBody({ importKind, importSubject, issuerAccount }: ActivationBody, results: ValidationResults): void {
  if (importKind === "") results.addError('invalid import type: "unknown"');
  validateSubject(importSubject, results);
  if (issuerAccount !== "" && !isAccountKey(issuerAccount)) results.addError("account_id is not an account public key");
}
