/**
 * Parts of a shard that a default start does without. Each is loaded when the options ask for it, so that a server listens soon after its
 * start (bench/start.ts). They are loaded synchronously, as a reload is one synchronous step; the runtime keeps what it has loaded.
 */
export function operatorModeModule(): typeof import("./operator-mode.ts") {
  return require("./operator-mode.ts");
}

export function calloutModule(): typeof import("./shard-callout.ts") {
  return require("./shard-callout.ts");
}

export function givenAuthenticatorModule(): typeof import("../../auth/users/given-authenticator.ts") {
  return require("../../auth/users/given-authenticator.ts");
}

export function websocketListenerModule(): typeof import("./websocket-listener.ts") {
  return require("./websocket-listener.ts");
}

export function unixSocketModule(): typeof import("./unix-socket-file.ts") {
  return require("./unix-socket-file.ts");
}

/** TLS and PROXY headers in front of a connection. */
export function guardedDoorModule(): typeof import("./guarded-door.ts") {
  return require("./guarded-door.ts");
}

export function tlsContextModule(): typeof import("../../wire/transport/tls/tls-context.ts") {
  return require("../../wire/transport/tls/tls-context.ts");
}
