/**
 * What a client says of itself in CONNECT. Fields that a CONNECT does not name keep the value they have, so a second CONNECT changes
 * only what it names; before the first one `verbose`, `pedantic` and `echo` are on.
 */
export interface ConnectOptions {
  verbose: boolean;
  pedantic: boolean;
  tls_required: boolean;
  echo: boolean;
  nkey: string;
  jwt: string;
  sig: string;
  auth_token: string;
  user: string;
  pass: string;
  name: string;
  lang: string;
  version: string;
  protocol: number;
  account: string;
  new_account: boolean;
  headers: boolean;
  no_responders: boolean;
  proxy_sig: string;
}

export function initialConnectOptions(): ConnectOptions {
  return {
    verbose: true,
    pedantic: true,
    tls_required: false,
    echo: true,
    nkey: "",
    jwt: "",
    sig: "",
    auth_token: "",
    user: "",
    pass: "",
    name: "",
    lang: "",
    version: "",
    protocol: 0,
    account: "",
    new_account: false,
    headers: false,
    no_responders: false,
    proxy_sig: "",
  };
}

const FIELDS = initialConnectOptions();

/**
 * Reads the JSON of a CONNECT into `options`. As the reference's decoder does: names match in any case, unknown ones are skipped,
 * null changes nothing, a value of another type is an error.
 * @returns null, or what was wrong; `options` may then be partly changed, and the connection ends anyway
 */
export function readConnect(json: string, options: ConnectOptions): string | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return invalidJson(json);
  }
  if (parsed === null) return null;
  if (typeof parsed !== "object" || Array.isArray(parsed)) return `json: cannot unmarshal ${goKind(parsed)} into Go value of type server.ClientOpts`;
  for (const [name, value] of Object.entries(parsed)) {
    const field = Object.hasOwn(FIELDS, name) ? name : name.toLowerCase();
    if (!Object.hasOwn(FIELDS, field) || value === null) continue;
    const wanted = typeof FIELDS[field as keyof ConnectOptions];
    const wrong = typeof value !== wanted || (wanted === "number" && !Number.isInteger(value));
    if (wrong) return `json: cannot unmarshal ${goKind(value)} into Go struct field ClientOpts.${field} of type ${wanted === "number" ? "int" : wanted === "boolean" ? "bool" : "string"}`;
    (options as unknown as Record<string, unknown>)[field] = value;
  }
  return null;
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "boolean") return "bool";
  return typeof value;
}

function invalidJson(json: string): string {
  if (json.trim() === "") return "unexpected end of JSON input";
  return `invalid character ${JSON.stringify(json.trimStart()[0])} looking for beginning of value`;
}
