/**
 * The parts of an INFO that must equal the reference's: keys, their order, and values except those that differ between any two servers.
 */

/** Values that differ between any two servers, and the form that each must have. */
const OWN_VALUES: Record<string, RegExp> = {
  server_id: /^N[A-Z2-7]{55}$/,
  server_name: /^N[A-Z2-7]{55}$/, // a configured name has another form and is compared
  go: /^\w/, // the toolchain: ours is Bun
  port: /^\d+$/,
  client_id: /^\d+$/,
  nonce: /^[A-Za-z0-9_-]{15}$/,
  xkey: /^X[A-Z2-7]{55}$/,
};

/** Keys the reference has only in some builds. */
const BUILD_KEYS = new Set(["git_commit"]);

/** Keys that only we have. `bunats`: our own version, as `version` is the one we are compatible with. */
const OUR_KEYS: Record<string, "string"> = { bunats: "string" };

type Json = Record<string, unknown>;

/** Keys and values in their order. @throws when a key that only we have is of another type */
export function comparedInfo(info: Json): [key: string, value: string][] {
  for (const [key, type] of Object.entries(OUR_KEYS)) {
    if (key in info && typeof info[key] !== type) throw new Error(`${key}: ${JSON.stringify(info[key])} is no ${type}`);
  }
  const keys = Object.keys(info).filter(key => !BUILD_KEYS.has(key) && !(key in OUR_KEYS));
  return keys.map(key => [key, normalised(key, info[key])]);
}

/** A value as text: nested values too are compared key by key in their order, as JSON keeps it. */
function normalised(key: string, value: unknown): string {
  const form = OWN_VALUES[key];
  if (form?.test(String(value))) return `<${key}, a ${typeof value}>`;
  return JSON.stringify(value);
}
