/** Parts of a server that a default start does without, loaded when the options ask for them; see server/shard/late-parts.ts. */
export function configFileModule(): typeof import("../../config/schema/load-config.ts") {
  return require("../../config/schema/load-config.ts");
}

export function monitorModule(): typeof import("../../operations/monitor/monitor.ts") {
  return require("../../operations/monitor/monitor.ts");
}

export function profilerModule(): typeof import("../../operations/monitor/profiler.ts") {
  return require("../../operations/monitor/profiler.ts");
}

export function ocspModule(): typeof import("./ocsp.ts") {
  return require("./ocsp.ts");
}

export function lameDuckModule(): typeof import("./lame-duck.ts") {
  return require("./lame-duck.ts");
}

export function reloadModule(): typeof import("./reload.ts") {
  return require("./reload.ts");
}
