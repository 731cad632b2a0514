/** A scoped signing key, as the claims of an account hold it. */
import type { UserLimits, UserScope } from "../../src/access/jwt/claims.ts";

const UNLIMITED: UserLimits = {
  publish: { allow: [], deny: [] },
  subscribe: { allow: [], deny: [] },
  responses: null,
  sources: [],
  times: [],
  timesLocation: "",
  subscriptionsMax: -1,
  dataBytesMax: -1,
  payloadBytesMax: -1,
  bearerToken: false,
  proxyRequired: false,
  allowedConnectionTypes: [],
};

export function scope(key: string, template: Partial<UserLimits>): [string, UserScope] {
  return [key, { kind: "user_scope", key, role: "", template: { ...UNLIMITED, ...template }, description: "" }];
}
