/** The part of docs/configuration.md about options of programs: a table of the options, and one of the fields of each that is an object. */

import { shapeOf } from "../src/config/schema/complete-options.ts";
import type { ShapeFields } from "../src/config/schema/given/shape.ts";
import { FILE_FIELDS } from "../src/config/schema/load-config.ts";
import { OPTIONS } from "../src/config/schema/options.ts";
import type { Field } from "../src/config/schema/row/field.ts";
import type { Row } from "../src/config/schema/row/option-row.ts";
import { code, tableOf } from "./markdown-table.ts";

const INTRODUCTION = `Options of \`NatsServer.start\`. Times are in milliseconds; port 0 means any free port. Every option and every field may be left out,
except those marked "required". At every depth an unknown name is refused with a suggestion, and an option of an unsupported feature is
refused by name.`;

/** Options of \`start\` that are not server options. */
const START_OPTIONS = [
  [
    "`configFile`",
    "string or null",
    "`null`",
    "file in nats-server's language; other options given here override it, at start and at every reload",
  ],
  [
    "`log`",
    '`Logger` or `"stderr"`',
    "none",
    '`"stderr"` logs where the options say; an object with the methods of `Logger` receives every line',
  ],
  ["`authenticate`", "function", "none", "decides about logins instead of the options; see [library.md](library.md)"],
];

/** Names in the file, by names in programs, of fields whose names differ. */
const FILE_NAMES: Readonly<Record<string, string>> = {
  ackPendingMax: "max_ack_pending",
  batchesMax: "max_inflight_total",
  batchesPerStreamMax: "max_inflight_per_stream",
  batchMessagesMax: "max_msgs",
  bufferedBytesMax: "max_buffered_size",
  bufferedMessagesMax: "max_buffered_msgs",
  catchupBytesMax: "max_outstanding_catchup",
  concurrentIoMax: "max_concurrent_io",
  consumersMax: "max_consumers",
  defaultConsumersMax: "default_max_consumers",
  haAssetsMax: "max_ha_assets",
  infoQueueMax: "info_queue_limit",
  jetStream: "jetstream",
  metaCompactBytes: "meta_compact_size",
  metaCompactEntries: "meta_compact",
  previousEncryptionKey: "prev_encryption_key",
  requestBatchMax: "max_request_batch",
  requestQueueMax: "request_queue_limit",
  storeDirectory: "store_dir",
  streamBytesRequired: "max_bytes_required",
  streamsMax: "max_streams",
  allowedClockSkewMs: "allowed_clockskew",
  authUsers: "auth_users",
  callout: "auth_callout",
  connectionsMax: "max_connections",
  connectionTypes: "allowed_connection_types",
  destination: "dest",
  expiresMs: "expires",
  leafNodesMax: "max_leafnodes",
  mapsCertificate: "verify_and_map",
  messagesMax: "max",
  passwordCookie: "pass_cookie",
  payloadBytesMax: "max_payload",
  responses: "allow_responses",
  responseThresholdMs: "threshold",
  responseType: "response",
  subscriptionsMax: "max_subscriptions",
  trace: "msg_trace",
};

/** Texts of fields that a file does not have, or has in another form, by path. */
const TEXTS: Readonly<Record<string, string>> = {
  "jetStream.enabled": "on or off",
  "jetStream.memoryBytesMax": "bytes of all memory streams; 0: none; null: 75 % of the memory",
  "jetStream.fileBytesMax": "bytes of all file streams; 0: none; null: 75 % of the free disk space",
  "jetStream.syncIntervalMs":
    "time between background syncs, after which an acknowledged message may still be lost; null: synced before it is acknowledged",
  "jetStream.syncAlways": "synced before it is acknowledged, as without an interval",
  "jetStream.limits.batchesPerStreamMax": "open batches of one stream; 0: 50, fast batches 1000",
  "jetStream.limits.batchesMax": "open batches of the server; 0: 1000, fast batches 50000",
  "jetStream.limits.batchMessagesMax": "messages of one batch; 0: 1000",
  "jetStream.limits.batchTimeoutMs": "time from the first message of a batch to its commit; 0: 10 s",
  "accounts[].jetStream": "true, or an object with limits, if the account may use JetStream",
  "accounts[].jetStream.memoryBytesMax": "bytes of all memory streams; 0: none",
  "accounts[].jetStream.storageBytesMax": "bytes of all file streams; 0: none",
  "accounts[].jetStream.memoryStreamBytesMax": "largest `max_bytes` of a memory stream",
  "accounts[].jetStream.storageStreamBytesMax": "largest `max_bytes` of a file stream",
  "tls.verifyOptional": "clients need no certificate, but one that they present must be valid",
  "tls.verify": "clients must present a certificate",
  "tls.handshakeFirst": "TLS handshake before INFO",
  "tls.handshakeFirstFallbackMs": "with `handshakeFirst`: time to wait for the handshake before INFO is sent; 0: no limit",
  "tls.certificates[].certFile": "required: certificate, with its chain, PEM",
  "tls.certificates[].keyFile": "required: private key of the certificate, PEM",
  "tls.ocspPeer": "OCSP check of clients' certificates; null: no check",
  "websocket.port": "port",
  "websocket.authTimeoutMs": "time a client has to authenticate; null: the server's setting",
  "websocket.authorization.user": "name of the single user",
  "websocket.authorization.password": "password of the single user",
  "websocket.authorization.token": "token, instead of user and password",
  "authorization.user": "name of a single user",
  "authorization.password": "password of the single user, plain or a bcrypt hash",
  "authorization.token": "token, instead of user and password",
  "listenUnix.path": "required: path of the socket",
  "listenUnix.mode": "permission bits of the socket file",
  "resolver.kind":
    'required: `"memory"`: only preloaded JWTs; `"url"`: JWTs fetched by HTTP; `"full"`: all JWTs in a directory; `"cache"`: a cache of JWTs in a directory',
  "resolver.url": "address, of kind `url`; the account's key is appended",
  "resolver.directory": "directory of the JWTs, of kinds `full` and `cache`",
  "resolver.limit": "maximum number of JWTs, of kinds `full` (0: no limit) and `cache` (default 1000)",
  "resolver.syncIntervalMs": "time between comparisons with other servers, of kind `full`",
  "resolver.allowDelete": "JWTs may be deleted, of kind `full`",
  "resolver.hardDelete": "deleted files are removed instead of renamed, of kind `full`",
  "resolver.ttlMs": "how long a JWT is kept, of kind `cache`; 0: no limit",
  "resolver.fetchTimeoutMs": "timeout of a lookup, of kinds `full` and `cache`",
  "accounts[].name": "required: name of the account",
  "accounts[].exports[].kind": 'required: `"stream"` or `"service"`',
  "accounts[].exports[].subject": "required: subject that is exported",
  "accounts[].exports[].tokenRequired": "importers need an activation token",
  "accounts[].exports[].revocations":
    "revoked activations: map of accounts, or `*`, to the Unix time in seconds up to which their activations are revoked",
  "accounts[].exports[].latency": "metrics of the service's latency; null: none",
  "accounts[].exports[].latency.sampling": "percentage of the requests, 1 to 100; 0: requests whose headers ask for it",
  "accounts[].exports[].latency.subject": "required: subject of the metrics",
  "accounts[].imports[].kind": 'required: `"stream"` or `"service"`',
  "accounts[].imports[].account": "required: exporting account",
  "accounts[].imports[].subject": "required: exported subject, or a subset of it",
  "accounts[].imports[].token": "activation token",
  "accounts[].mappings[].source": "required: subject that is mapped",
  "accounts[].mappings[].destinations": "required: subjects that messages are mapped to",
  "accounts[].mappings[].destinations[].subject": "required: subject",
  "accounts[].mappings[].destinations[].weight": "percentage of the messages",
  "accounts[].mappings[].destinations[].cluster": "applies only in this cluster; empty: in all clusters that no other destination names",
};

/** Defaults of options that are not written like their values. */
const DEFAULTS: Readonly<Record<string, string>> = { jetStream: "false" };

/** Numbers that are shown in octal. */
const OCTAL: ReadonlySet<string> = new Set(["listenUnix.mode"]);

interface Section {
  readonly path: string;
  readonly shapes: ShapeFields;
  readonly file: readonly Field<never>[];
}

/** @throws Error  a field has no text */
export function programOptions(): string {
  const sections = new Map<ShapeFields, Section>();
  const rows = Object.entries(OPTIONS) as [string, Row<unknown>][];
  const table = rows.map(([name, row]) => {
    const { type, fields } = shapeOf(row);
    const path = `${name}${type.startsWith("list") ? "[]" : ""}`;
    const field = FILE_FIELDS.find(({ option }) => option === name);
    if (fields !== null) collect({ path, shapes: fields, file: (row.fields ?? field?.fields ?? []) as readonly Field<never>[] }, sections);
    return [code(name), typeText(type, fields, sections), code(DEFAULTS[name] ?? JSON.stringify(row.initial)), row.text];
  });
  return [
    `## In a program\n\n${INTRODUCTION}\n`,
    `${tableOf(["option", "type", "default", "description"], [...START_OPTIONS, ...table])}\n`,
    ...[...sections.values()].map(section => `### Option ${code(section.path)}\n\n${fieldsTable(section, sections)}\n`),
  ].join("\n");
}

/** Sections of an object and of its nested objects; a shape has one section, at its first path. */
function collect(section: Section, sections: Map<ShapeFields, Section>): void {
  if (sections.has(section.shapes)) return;
  sections.set(section.shapes, section);
  for (const [name, { type, fields }] of Object.entries(section.shapes)) {
    if (fields === null) continue;
    const path = `${section.path}.${name}${type.startsWith("list") ? "[]" : ""}`;
    collect({ path, shapes: fields, file: fileField(name, section.file)?.fields ?? [] }, sections);
  }
}

function fieldsTable({ path, shapes, file }: Section, sections: ReadonlyMap<ShapeFields, Section>): string {
  const rows = Object.entries(shapes).map(([name, { type, fields, initial }]) => {
    const text = TEXTS[`${path}.${name}`] ?? fileField(name, file)?.text;
    if (text === undefined) throw new Error(`docs: the option ${path}.${name} has no text`);
    const required = text.startsWith("required") || initial === undefined;
    const shown = OCTAL.has(`${path}.${name}`) ? `0o${(initial as number).toString(8)}` : JSON.stringify(initial);
    return [code(name), typeText(type, fields, sections), required ? "" : code(shown), text];
  });
  return tableOf(["field", "type", "default", "description"], rows);
}

function typeText(type: string, fields: ShapeFields | null, sections: ReadonlyMap<ShapeFields, Section>): string {
  const path = fields === null ? undefined : sections.get(fields)?.path;
  return path === undefined ? type : `${type} ([${path}](#option-${path.toLowerCase().replace(/[^a-z]/g, "")}))`;
}

function fileField(name: string, file: readonly Field<never>[]): Field<never> | undefined {
  const snake = name.replace(/Ms$/, "").replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
  return file.find(({ names }) => names.includes(FILE_NAMES[name] ?? snake)) ?? file.find(({ names }) => names.includes(snake));
}
