/**
 * Modules of the runtime that are loaded when they are needed: each costs about 10 ms, which a server that does without need not wait for.
 * Cheap to call again: the runtime keeps them.
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
