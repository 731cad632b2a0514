/**
 * Configurations of the workloads that do not run on default settings. Each is one file in bench/out, read by both servers, and the
 * credentials that the generator needs for it. Keys and passwords never change, so several runs may write the same files at once.
 */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Signer } from "../../src/access/jwt/encode.ts";
import { encodeClaims, newClaims } from "../../src/access/jwt/encode.ts";
import { encodeSeed, NkeyKind } from "../../src/base/keys/nkey.ts";
import { signerOf } from "../../test/doubles/seed-signer.ts";
import { selfSigned } from "../../test/tls/certificates.ts";
import { type LoadOptions, OUT_DIRECTORY } from "./load.ts";
import { MONITOR_PORT, STORE_DIRECTORY, WEB_SOCKET_PORT } from "./servers.ts";

export interface Configuration {
  /** Options of the generator in addition to those of the workload. */
  readonly load: LoadOptions;
  /**
   * Writes the files that the servers read.
   * @param synced for a server that syncs before each acknowledgement although it would not by default
   * @returns flags for both servers
   */
  prepare(synced?: boolean): string;
}

/** @returns the path */
function write(name: string, text: string): string {
  const path = join(OUT_DIRECTORY, name);
  writeFileSync(path, text);
  return path;
}

const configFlags = (name: string, text: string): string => `-c ${write(name, text)}`;

/** Connections use TLS. */
export const SECURE: Configuration = {
  load: { tls: 1 },
  prepare() {
    const certificate = selfSigned({ subject: "CN=localhost", names: ["localhost"] });
    return `--tls --tlscert ${write("tls.pem", certificate.pem)} --tlskey ${write("tls-key.pem", certificate.keyPem)}`;
  },
};

const PUBLISHER = { user: "ingest", password: "9sVq0cXhT4mZ2kLw" };
const SUBSCRIBER = { user: "worker", password: "b7RfUe3yQn8JpAd1" };
const TWO_USERS: LoadOptions = {
  publisherUser: PUBLISHER.user,
  publisherPassword: PUBLISHER.password,
  subscriberUser: SUBSCRIBER.user,
  subscriberPassword: SUBSCRIBER.password,
};

/**
 * Publisher and subscriber are users of one of four accounts, each with allow and deny lists. `bench.secret` is denied to a subscriber
 * of `bench.*`, so both servers must check every message.
 */
export const PERMISSIONS: Configuration = {
  load: TWO_USERS,
  prepare: () =>
    configFlags(
      "permissions.conf",
      `accounts {
  PLANT {
    users = [
      {
        user: ${PUBLISHER.user}, password: ${PUBLISHER.password}
        permissions: {
          publish: { allow: ["bench", "bench.>", "plant.*.readings.>", "plant.*.alarms"], deny: ["bench.*.audit", "plant.*.readings.raw.>", "admin.>"] }
          subscribe: { allow: ["_INBOX.>", "plant.*.commands.>"], deny: ["plant.*.commands.reset", "admin.>"] }
        }
      }
      {
        user: ${SUBSCRIBER.user}, password: ${SUBSCRIBER.password}
        permissions: {
          publish: { allow: ["_INBOX.>", "plant.*.commands.>", "plant.status"], deny: ["plant.*.commands.reset", "admin.>"] }
          subscribe: { allow: ["bench", "bench.>", "plant.*.readings.>", "plant.*.alarms"], deny: ["bench.secret", "plant.*.readings.raw.>", "admin.>"] }
        }
      }
      { user: operator, password: "Zt5oHc2WxK9vGs4N", permissions: { publish: ">", subscribe: ">" } }
    ]
    exports = [
      { stream: "plant.*.alarms" }
      { service: "plant.status", accounts: [OFFICE] }
    ]
  }
  OFFICE {
    users = [ { user: dashboard, password: "k3MdYq7BuE0rLi6C" } ]
    exports = [ { service: "tickets.open" } ]
    imports = [
      { stream: { account: PLANT, subject: "plant.*.alarms" }, prefix: "factory" }
      { service: { account: PLANT, subject: "plant.status" }, to: "factory.status" }
    ]
  }
  FIELD {
    users = [ { user: technician, password: "Xw1nSa8jVf5PzT2h", permissions: { publish: ["tickets.>", "_INBOX.>"], subscribe: "_INBOX.>" } } ]
    imports = [ { service: { account: OFFICE, subject: "tickets.open" } } ]
  }
  SYS { users = [ { user: admin, password: "Do4KgRb6QyN9eUm3" } ] }
}
system_account: SYS
`,
    ),
};

/** The requester's account imports the responder's service. */
export const SERVICE_IMPORT: Configuration = {
  load: { ...TWO_USERS, imported: 1 },
  prepare: () =>
    configFlags(
      "service-import.conf",
      `accounts {
  PROVIDER {
    users = [ { user: ${SUBSCRIBER.user}, password: ${SUBSCRIBER.password} } ]
    exports = [ { service: "bench.service" } ]
  }
  CUSTOMER {
    users = [ { user: ${PUBLISHER.user}, password: ${PUBLISHER.password} } ]
    imports = [ { service: { account: PROVIDER, subject: "bench.service" } } ]
  }
}
`,
    ),
};

/** The publisher's account imports the subscriber's service. */
export const IMPORTED_SUBJECT: Configuration = {
  load: TWO_USERS,
  prepare: () =>
    configFlags(
      "imported-subject.conf",
      `accounts {
  PROVIDER {
    users = [ { user: ${SUBSCRIBER.user}, password: ${SUBSCRIBER.password} } ]
    exports = [ { service: "bench" } ]
  }
  CUSTOMER {
    users = [ { user: ${PUBLISHER.user}, password: ${PUBLISHER.password} } ]
    imports = [ { service: { account: PROVIDER, subject: "bench" } } ]
  }
}
`,
    ),
};

/** The publisher may publish something else only. */
export const REFUSED_SUBJECT: Configuration = {
  load: { ...TWO_USERS, refused: 1 },
  prepare: () =>
    configFlags(
      "refused-subject.conf",
      `authorization {
  users = [ { user: ${PUBLISHER.user}, password: ${PUBLISHER.password}, permissions: { publish: "allowed" } } ]
}
`,
    ),
};

/** Publishers and subscribers use WebSockets. */
export const WEB_SOCKETS: Configuration = {
  load: { webSocket: 1 },
  prepare: () => configFlags("websocket.conf", `websocket { port: $${WEB_SOCKET_PORT}, no_tls: true }\n`),
};

/** The server has a monitoring port. */
export const MONITORED: Configuration = {
  load: {},
  prepare: () => configFlags("monitored.conf", `http: $${MONITOR_PORT}\n`),
};

/** JetStream, with the directory that `startServer` chooses. */
function withStore(name: string, ...more: string[]): Configuration {
  return {
    load: {},
    prepare(synced = false) {
      const lines = [`store_dir: $${STORE_DIRECTORY}`, ...(synced ? ["sync_interval: always"] : []), ...more];
      return configFlags(`${name}${synced ? "-synced" : ""}.conf`, `jetstream {\n${lines.map(line => `  ${line}\n`).join("")}}\n`);
    },
  };
}

export const STORE = withStore("store");
export const ENCRYPTED_STORE = withStore("encrypted-store", "cipher: aes", 'key: "Vq8sXn2LzR6tYb4K"');

const LOGIN_USERS = 500;
const PASSWORD_LOGINS_FILE = "password-logins.txt";
const TOKEN_LOGINS_FILE = "token-logins.txt";

/** Users with plain passwords, in the file. */
export const PASSWORDS: Configuration = {
  load: { users: join(OUT_DIRECTORY, PASSWORD_LOGINS_FILE) },
  prepare() {
    const users = Array.from({ length: LOGIN_USERS }, (_, index) => ({
      user: `device-${index}`,
      pass: bytesFor(`password ${index}`).toString("base64url"),
    }));
    write(PASSWORD_LOGINS_FILE, users.map(user => `- ${members(user)}\n`).join(""));
    const list = users.map(({ user, pass }) => `      { user: ${user}, password: "${pass}" }\n`).join("");
    return configFlags("passwords.conf", `accounts {\n  DEVICES {\n    users = [\n${list}    ]\n  }\n}\n`);
  },
};

/** Operator mode: the account's JWT is preloaded; users present their JWT and sign the nonce. */
export const TOKENS: Configuration = {
  load: { users: join(OUT_DIRECTORY, TOKEN_LOGINS_FILE) },
  prepare() {
    const now = Math.floor(Date.now() / 1_000);
    const [operator, account, system] = [
      keyFor(NkeyKind.Operator, "operator"),
      keyFor(NkeyKind.Account, "account"),
      keyFor(NkeyKind.Account, "system"),
    ];
    write(TOKEN_LOGINS_FILE, Array.from({ length: LOGIN_USERS }, (_, index) => tokenLogin(`device-${index}`, account, now)).join(""));
    const ofOperator = newClaims("operator", operator.publicKey, { systemAccount: system.publicKey }, { name: "bench" });
    const preload = Object.entries({ DEVICES: account, SYS: system }).map(([name, { publicKey }]) => {
      const token = encodeClaims(newClaims("account", publicKey, {}, { name }), operator.signer, now);
      return `  ${publicKey}: ${token}\n`;
    });
    return configFlags(
      "operator.conf",
      `operator: ${encodeClaims(ofOperator, operator.signer, now)}
system_account: ${system.publicKey}
resolver: MEMORY
resolver_preload: {\n${preload.join("")}}\n`,
    );
  },
};

/** A seed of 32 bytes, derived from the name by a hash. */
function bytesFor(name: string): Buffer {
  return createHash("sha256").update(`bench ${name}`).digest();
}

interface Key {
  readonly publicKey: string;
  readonly seed: Uint8Array;
  readonly signer: Signer;
}

function keyFor(kind: NkeyKind, name: string): Key {
  const seed = bytesFor(name);
  const signer = signerOf(encodeSeed(kind, seed));
  return { publicKey: signer.publicKey, seed, signer };
}

/** A line for the generator: the seed, then the fields of CONNECT. */
function tokenLogin(name: string, account: Key, now: number): string {
  const user = keyFor(NkeyKind.User, name);
  const jwt = encodeClaims(newClaims("user", user.publicKey, {}, { name }), account.signer, now);
  return `${Buffer.from(user.seed).toString("hex")} ${members({ jwt })}\n`;
}

/** The members as JSON, without the braces. */
function members(of: object): string {
  return JSON.stringify(of).slice(1, -1);
}
