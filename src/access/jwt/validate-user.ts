/** Validates permissions and limits of users and accounts. Source: nats-io/jwt v2, types.go, user_claims.go (behaviour). */
import { quoted } from "../../base/go/strconv.ts";
import type { Permissions, TimeRange, UserClaims } from "./claims.ts";
import { clockOf, zoneFault } from "./connect-times.ts";
import { isAccountKey } from "./public-key.ts";
import { networkOf } from "./source-networks.ts";
import { validateSubject } from "./subject-rules.ts";
import type { ValidationResults } from "./validation.ts";

export function validateUser({ nats }: UserClaims, results: ValidationResults): void {
  validatePermissions(nats, results);
  for (const network of nats.sources) {
    if (networkOf(network) === null) results.addError(`invalid cidr ${quoted(network)} in user src limits`);
  }
  for (const range of nats.times) validateTimeRange(range, results);
  if (nats.timesLocation !== "") {
    const fault = zoneFault(nats.timesLocation);
    if (fault !== null) results.addError(`could not parse iana time zone by name: ${fault}`);
  }
  if (nats.issuerAccount !== "" && !isAccountKey(nats.issuerAccount)) results.addError("account_id is not an account public key");
}

function validateTimeRange({ start, end }: TimeRange, results: ValidationResults): void {
  if (start === "") results.addError("time ranges start must contain a start");
  else if (clockOf(start) === null) results.addError(`start in time range is invalid ${quoted(start)}`);
  if (end === "") results.addError("time ranges end must contain an end");
  else if (clockOf(end) === null) results.addError(`end in time range is invalid ${quoted(end)}`);
}

export function validatePermissions({ publish, subscribe }: Permissions, results: ValidationResults): void {
  for (const subject of [...subscribe.allow, ...subscribe.deny]) validatePermission(subject, true, results);
  for (const subject of [...publish.allow, ...publish.deny]) validatePermission(subject, false, results);
}

function validatePermission(entry: string, queueAllowed: boolean, results: ValidationResults): void {
  const tokens = entry.split(" ");
  if (tokens.length > 2) return results.addError(`Permission Subject "${entry}" contains too many spaces`);
  for (const token of tokens) validateSubject(token, results);
  if (tokens.length === 2 && !queueAllowed) results.addError(`Permission Subject "${entry}" is not allowed to contain queue`);
}
