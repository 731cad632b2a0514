/**
 * Compares two INFOs, ours with the reference's: keys, their order, and values, but for what differs between any two servers.
 */

/** Values that no two servers share, and the form each must still have. */
const OWN_VALUES: Record<string, RegExp> = {
  server_id: /^N[A-Z2-7]{55}$/,
  server_name: /^N[A-Z2-7]{55}$/, // a configured name has another form and is compared
  go: /^\w/, // the toolchain: Bun is ours
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

/** The differences, one a line; empty when there is none. */
export function infoDifference(ours: Json, reference: Json): string {
  const lines: string[] = [];
  for (const [key, type] of Object.entries(OUR_KEYS)) {
    if (key in ours && typeof ours[key] !== type) lines.push(`${key}: ${JSON.stringify(ours[key])} is no ${type}`);
  }
  const ourKeys = comparedKeys(ours).filter(key => !(key in OUR_KEYS));
  const referenceKeys = comparedKeys(reference);
  if (ourKeys.join(" ") !== referenceKeys.join(" ")) {
    lines.push(`keys, ours:          ${ourKeys.join(" ")}`, `keys, the reference: ${referenceKeys.join(" ")}`);
  }
  for (const key of referenceKeys) {
    const left = normalised(key, ours[key]);
    const right = normalised(key, reference[key]);
    if (key in ours && left !== right) lines.push(`${key}: ours ${left}, the reference ${right}`);
  }
  return lines.join("\n");
}

function comparedKeys(info: Json): string[] {
  return Object.keys(info).filter(key => !BUILD_KEYS.has(key));
}

/** A value as text: nested values too are compared key by key in their order, as JSON keeps it. */
function normalised(key: string, value: unknown): string {
  const form = OWN_VALUES[key];
  if (form?.test(String(value))) return `<${key}, a ${typeof value}>`;
  return JSON.stringify(value);
}
