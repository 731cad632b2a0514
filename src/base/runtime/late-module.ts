/**
 * Modules of the runtime, loaded on first use: each takes about 10 ms, which a server that does not need it should not pay.
 * Repeated calls are cheap, because the runtime caches modules.
 */
export function nodeNet(): typeof import("node:net") {
  return process.getBuiltinModule("node:net");
}

export function nodeTls(): typeof import("node:tls") {
  return process.getBuiltinModule("node:tls");
}

export function nodeZlib(): typeof import("node:zlib") {
  return process.getBuiltinModule("node:zlib");
}

export function nodeInspector(): typeof import("node:inspector") {
  return process.getBuiltinModule("node:inspector");
}
