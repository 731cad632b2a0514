/**
 * Every flag of the command line, in one table: those of the option table, those that set several options at once, those of the
 * program itself, and those of the reference whose feature is not there yet.
 */
import type { FlagSection } from "../config/flag-row.ts";
import { OPTIONS, type Options } from "../config/options.ts";
import type { FlagKind } from "./go-flags.ts";

/** A flag's form, as the parser and `--help` need it, and what it does. */
export interface Flag {
  readonly names: readonly string[];
  readonly kind: FlagKind;
  /** How `--help` names the value; empty for a switch. */
  readonly argument: string;
  readonly section: FlagSection;
  readonly text: string;
  readonly effect: FlagEffect;
}

export type FlagEffect =
  | { readonly kind: "option"; readonly option: keyof Options; readonly set: (given: never, before: never) => unknown }
  | { readonly kind: "switches"; readonly options: readonly (keyof Options)[] }
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  /** `-t`, which means something only together with a configuration file. */
  | { readonly kind: "check" }
  | { readonly kind: "unsupported"; readonly feature: string };

function optionFlags(): Flag[] {
  return Object.entries(OPTIONS).flatMap(([option, row]) =>
    (row.flags ?? []).map(flag => ({
      names: flag.names,
      kind: flag.kind,
      argument: flag.kind === "switch" ? "" : flag.argument,
      section: flag.section,
      text: flag.text ?? row.text,
      effect: { kind: "option", option: option as keyof Options, set: flag.set } as const,
    })),
  );
}

function programFlag(names: string, section: FlagSection, text: string, effect: FlagEffect): Flag {
  return { names: names.split(" "), kind: "switch", argument: "", section, text, effect };
}

const PROGRAM_FLAGS: readonly Flag[] = [
  programFlag("VV", "Logging", "Verbose trace (traces system account as well)", { kind: "switches", options: ["trace", "traceVerbose"] }),
  programFlag("DV", "Logging", "Debug and trace", { kind: "switches", options: ["debug", "trace"] }),
  programFlag("DVV", "Logging", "Debug and verbose trace (traces system account as well)", {
    kind: "switches",
    options: ["debug", "trace", "traceVerbose"],
  }),
  programFlag("h help", "Common", "Show this message", { kind: "help" }),
  programFlag("v version", "Common", "Show version", { kind: "version" }),
];

const CHECK_FLAG = programFlag("t", "Server", "Test configuration and exit", { kind: "check" });

/** Flags of the reference that are known, and refused by name. */
const UNSUPPORTED: readonly (readonly [feature: string, kind: FlagKind, names: string])[] = [
  ["configuration files", "text", "c config"],
  ["sending signals", "text", "sl signal"],
  ["https monitoring", "integer", "ms https_port"],
  ["log files", "text", "l log"],
  ["log files", "integer", "log_size_limit"],
  ["syslog", "switch", "s syslog"],
  ["syslog", "text", "r remote_syslog"],
  ["JetStream", "switch", "js jetstream"],
  ["JetStream", "text", "sd store_dir"],
  ["TLS", "switch", "tls"],
  ["TLS", "text", "tlscert"],
  ["TLS", "text", "tlskey"],
  ["TLS", "switch", "tlsverify"],
  ["TLS", "text", "tlscacert"],
  ["TLS", "switch", "help_tls"],
  ["clustering", "text", "routes"],
  ["clustering", "text", "cluster cluster_listen"],
  ["clustering", "text", "cluster_name"],
  ["clustering", "switch", "no_advertise"],
  ["clustering", "text", "cluster_advertise"],
  ["clustering", "integer", "connect_retries"],
  ["profiling", "integer", "profile"],
];

function unsupportedFlags(): Flag[] {
  return UNSUPPORTED.map(([feature, kind, names]) => ({
    names: names.split(" "),
    kind,
    argument: "",
    section: "Server",
    text: "",
    effect: { kind: "unsupported", feature },
  }));
}

export const FLAGS: readonly Flag[] = [...optionFlags(), ...PROGRAM_FLAGS, CHECK_FLAG, ...unsupportedFlags()];

/** A flag's names as they are written: `-p, --port`. Two letters at most, or capitals, have one dash. */
export function writtenNames(flag: Flag): string {
  return flag.names.map(name => (name.length <= 2 || /^[A-Z]+$/.test(name) ? `-${name}` : `--${name}`)).join(", ");
}
