import { decodeInto } from "../../base/go/json-decode.ts";
import { bytes } from "../../base/go/json-scalars.ts";
import {
  flag,
  ignored,
  int32,
  list,
  nearestInt,
  nearestUint,
  optional,
  type Shape,
  structure,
  text,
  uint8,
} from "../../base/go/json-shape.ts";
import { quoted } from "../../base/go/strconv.ts";

const int = nearestInt("int");
const texts = list(text);

/**
 * The fields of CONNECT. Fields that a CONNECT does not name keep their value, so a second CONNECT changes only the fields that it names.
 * Before the first CONNECT `verbose`, `pedantic` and `echo` are on.
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

/** The user that a CONNECT names, as monitoring shows it: the nkey, else the user, else a note that a token was given; empty: none of them. */
export function givenUser(connect: ConnectOptions): string {
  return connect.nkey || connect.user || (connect.auth_token === "" ? "" : "[REDACTED]");
}

/** The same for the label of log lines. @param subject subject of the client's JWT; empty: no JWT */
export function userLabel(connect: ConnectOptions, subject: string): string {
  if (connect.nkey !== "") return `nkey:${connect.nkey}`;
  if (connect.user !== "") return `user:${connect.user}`;
  if (subject !== "") return `jwt:${subject}`;
  return connect.auth_token === "" ? "" : "token";
}

/** The same for the log line of a refused login, after `authentication error`; empty: the CONNECT names no user. */
export function refusedUser(connect: ConnectOptions): string {
  if (connect.nkey !== "") return ` - Nkey ${quoted(connect.nkey)}`;
  if (connect.user !== "") return ` - User ${quoted(connect.user)}`;
  return connect.auth_token === "" ? "" : ' - Token "[REDACTED]"';
}

const permission = optional(structure("server.SubjectPermission", { allow: texts, deny: texts }));

const CONNECT = structure("server.ClientOpts", {
  echo: flag,
  verbose: flag,
  pedantic: flag,
  tls_required: flag,
  nkey: text,
  jwt: text,
  sig: text,
  auth_token: text,
  user: text,
  pass: text,
  name: text,
  lang: text,
  version: text,
  protocol: int,
  account: text,
  new_account: flag,
  headers: flag,
  no_responders: flag,
  import: ignored(permission),
  export: ignored(permission),
  remote_account: ignored(text),
  proxy_sig: text,
});

/**
 * Reads the JSON of a CONNECT into `options`.
 * @returns null, or the error. After an error `options` may be partly changed; the caller closes the connection
 */
export function readConnect(json: string, options: ConnectOptions): string | null {
  return decodeInto(CONNECT as unknown as Shape<ConnectOptions>, json, options);
}

/** Fields of INFO. A client may send an INFO: the types of its fields are checked, the values are ignored. */
const INFO = structure("server.Info", {
  server_id: text,
  server_name: text,
  version: text,
  proto: int,
  git_commit: text,
  go: text,
  host: text,
  port: int,
  headers: flag,
  auth_required: flag,
  tls_required: flag,
  tls_verify: flag,
  tls_available: flag,
  max_payload: int32,
  jetstream: flag,
  ip: text,
  client_id: nearestUint("uint64"),
  client_ip: text,
  nonce: text,
  cluster: text,
  cluster_dynamic: flag,
  domain: text,
  connect_urls: texts,
  ws_connect_urls: texts,
  ldm: flag,
  compression: text,
  connect_info: flag,
  remote_account: text,
  acc_is_sys: flag,
  api_lvl: int,
  import: permission,
  export: permission,
  lnoc: flag,
  lnocu: flag,
  ln: flag,
  info_on_connect: flag,
  route_pool_size: int,
  route_pool_idx: int,
  route_account: text,
  route_acc_add_reqid: text,
  gossip_mode: uint8,
  gateway: text,
  gateway_urls: texts,
  gateway_url: text,
  gateway_cmd: uint8,
  gateway_cmd_payload: bytes,
  gateway_nrp: flag,
  gateway_iom: flag,
  leafnode_urls: texts,
  xkey: text,
});

/** Checks the JSON of an INFO. @returns null, or the error */
export function checkInfo(json: string): string | null {
  return decodeInto(INFO, json, INFO.zero());
}
