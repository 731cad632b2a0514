import { encode, quote } from "../../base/bytes/ascii.ts";
import { type JsonFields, readJson } from "./typed-json.ts";

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

/** Who a client says it is, as monitoring shows it: nkey, else user, else that there was a token; empty for nobody in particular. */
export function givenUser(connect: ConnectOptions): string {
  return connect.nkey || connect.user || (connect.auth_token === "" ? "" : "[REDACTED]");
}

/** The same in the label of log lines. @param subject of its JWT; empty: it has none */
export function userLabel(connect: ConnectOptions, subject: string): string {
  if (connect.nkey !== "") return `nkey:${connect.nkey}`;
  if (connect.user !== "") return `user:${connect.user}`;
  if (subject !== "") return `jwt:${subject}`;
  return connect.auth_token === "" ? "" : "token";
}

/** The same in the log line of a refusal, after `authentication error`; empty for nobody in particular. */
export function refusedUser(connect: ConnectOptions): string {
  if (connect.nkey !== "") return ` - Nkey ${quote(encode(connect.nkey))}`;
  if (connect.user !== "") return ` - User ${quote(encode(connect.user))}`;
  return connect.auth_token === "" ? "" : ' - Token "[REDACTED]"';
}

const FIELDS: JsonFields = {
  echo: "bool",
  verbose: "bool",
  pedantic: "bool",
  tls_required: "bool",
  nkey: "string",
  jwt: "string",
  sig: "string",
  auth_token: "string",
  user: "string",
  pass: "string",
  name: "string",
  lang: "string",
  version: "string",
  protocol: "int",
  account: "string",
  new_account: "bool",
  headers: "bool",
  no_responders: "bool",
  import: "permission",
  export: "permission",
  remote_account: "string",
  proxy_sig: "string",
};

/**
 * Reads the JSON of a CONNECT into `options`.
 * @returns null, or what was wrong; `options` may then be partly changed, and the connection ends anyway
 */
export function readConnect(json: string, options: ConnectOptions): string | null {
  return readJson(json, "ClientOpts", FIELDS, (name, value) => {
    if (Object.hasOwn(options, name)) (options as unknown as Record<string, unknown>)[name] = value;
  });
}

/** Fields of INFO. A client may send one: its types are checked, its content means nothing. */
const INFO_FIELDS: JsonFields = {
  server_id: "string",
  server_name: "string",
  version: "string",
  proto: "int",
  git_commit: "string",
  go: "string",
  host: "string",
  port: "int",
  headers: "bool",
  auth_required: "bool",
  tls_required: "bool",
  tls_verify: "bool",
  tls_available: "bool",
  max_payload: "int32",
  jetstream: "bool",
  ip: "string",
  client_id: "uint64",
  client_ip: "string",
  nonce: "string",
  cluster: "string",
  cluster_dynamic: "bool",
  domain: "string",
  connect_urls: "strings",
  ws_connect_urls: "strings",
  ldm: "bool",
  compression: "string",
  connect_info: "bool",
  remote_account: "string",
  acc_is_sys: "bool",
  api_lvl: "int",
  import: "permission",
  export: "permission",
  lnoc: "bool",
  lnocu: "bool",
  ln: "bool",
  info_on_connect: "bool",
  route_pool_size: "int",
  route_pool_idx: "int",
  route_account: "string",
  route_acc_add_reqid: "string",
  gossip_mode: "byte",
  gateway: "string",
  gateway_urls: "strings",
  gateway_url: "string",
  gateway_cmd: "byte",
  gateway_cmd_payload: "bytes",
  gateway_nrp: "bool",
  gateway_iom: "bool",
  leafnode_urls: "strings",
  xkey: "string",
};

/** @returns null, or what was wrong with the JSON of an INFO */
export function checkInfo(json: string): string | null {
  return readJson(json, "Info", INFO_FIELDS, () => {});
}
