/**
 * The table of all command line flags: flags that set one option, flags that set several options, flags of the program itself, and flags
 * of the reference whose feature is not supported yet.
 */

import type { FlagKind } from "../base/go/flags.ts";
import { OPTIONS, type Options } from "../config/schema/options.ts";
import type { FlagRow, FlagSection } from "../config/schema/row/flag-row.ts";

/** Syntax, help text and effect of a flag. */
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
  | {
      readonly kind: "option";
      readonly option: keyof Options;
      readonly set: (given: never, before: never) => unknown;
      /** Returns the error in the given value; null when it is valid. */
      readonly fault: (given: never) => string | null;
    }
  | { readonly kind: "switches"; readonly options: readonly (keyof Options)[] }
  /** A flag that sets one field of JetStream's options; the file has the others. */
  | { readonly kind: "jetStream" }
  /** One of the flags that together form a tls block. */
  | { readonly kind: "tls" }
  | { readonly kind: "help" }
  | { readonly kind: "helpTls" }
  | { readonly kind: "version" }
  | { readonly kind: "config" }
  | { readonly kind: "check" }
  | { readonly kind: "testReload" }
  | { readonly kind: "signal" }
  | { readonly kind: "unsupported"; readonly feature: string };

function optionFlags(): Flag[] {
  const rows = Object.entries(OPTIONS) as unknown as [string, { readonly flags?: readonly FlagRow<never>[] }][];
  return rows.flatMap(([option, row]) =>
    (row.flags ?? []).map(flag => ({
      names: flag.names,
      kind: flag.kind,
      argument: flag.kind === "switch" ? "" : flag.argument,
      section: flag.section,
      text: flag.text,
      effect: {
        kind: "option",
        option: option as keyof Options,
        set: flag.set as (given: never, before: never) => unknown,
        fault: (flag.kind === "text" && flag.fault) || (() => null),
      } as const,
    })),
  );
}

function programSwitch(names: string, section: FlagSection, text: string, effect: FlagEffect): Flag {
  return { names: names.split(" "), kind: "switch", argument: "", section, text, effect };
}

function programText(names: string, section: FlagSection, argument: string, text: string, effect: FlagEffect): Flag {
  return { names: names.split(" "), kind: "text", argument, section, text, effect };
}

const TLS: FlagEffect = { kind: "tls" };

const PROGRAM_FLAGS: readonly Flag[] = [
  programText("c config", "Server", "file", "Configuration file", { kind: "config" }),
  programSwitch("t", "Server", "Test configuration and exit", { kind: "check" }),
  programText(
    "test_reload",
    "Server",
    "file",
    "With -t, test whether this configuration file can be reloaded (exit code 3 if a restart is required)",
    { kind: "testReload" },
  ),
  programText("sl signal", "Server", "signal[=pid|file]", "Send signal to nats-server process (ldm, stop, quit, term, reopen, reload)", {
    kind: "signal",
  }),
  programSwitch("js jetstream", "JetStream", "Enable JetStream functionality", { kind: "jetStream" }),
  programSwitch("VV", "Logging", "Verbose trace (traces system account as well)", { kind: "switches", options: ["trace", "traceVerbose"] }),
  programSwitch("DV", "Logging", "Debug and trace", { kind: "switches", options: ["debug", "trace"] }),
  programSwitch("DVV", "Logging", "Debug and verbose trace (traces system account as well)", {
    kind: "switches",
    options: ["debug", "trace", "traceVerbose"],
  }),
  programSwitch("tls", "TLS", "Enable TLS, do not verify clients (default: false)", TLS),
  programText("tlscert", "TLS", "file", "Server certificate file", TLS),
  programText("tlskey", "TLS", "file", "Private key for server certificate", TLS),
  {
    names: ["tlsverify"],
    kind: "verification",
    argument: "",
    section: "TLS",
    text: "Enable TLS, verify client certificates (true, false or optional)",
    effect: TLS,
  },
  programText("tlscacert", "TLS", "file", "Client certificate CA for verification", TLS),
  programSwitch("h help", "Common", "Show this message", { kind: "help" }),
  programSwitch("v version", "Common", "Show version", { kind: "version" }),
  programSwitch("help_tls", "Common", "TLS help", { kind: "helpTls" }),
];

/** Flags of the reference that this server recognizes and refuses. */
const UNSUPPORTED: readonly (readonly [feature: string, kind: FlagKind, names: string])[] = [
  ["clustering", "text", "routes"],
  ["clustering", "text", "cluster cluster_listen"],
  ["clustering", "text", "cluster_name"],
  ["clustering", "switch", "no_advertise"],
  ["clustering", "text", "cluster_advertise"],
  ["clustering", "integer", "connect_retries"],
];

function unsupportedFlags(): Flag[] {
  return UNSUPPORTED.map(([feature, kind, names]) => ({
    names: names.split(" "),
    kind,
    argument: "",
    section: "Cluster",
    text: "",
    effect: { kind: "unsupported", feature },
  }));
}

export const FLAGS: readonly Flag[] = [...optionFlags(), ...PROGRAM_FLAGS, ...unsupportedFlags()];

/** The names of a flag with dashes: `-p, --port`. Names of one or two letters, or of capitals only, have one dash. */
export function writtenNames(flag: Flag): string {
  return flag.names.map(name => (name.length <= 2 || /^[A-Z]+$/.test(name) ? `-${name}` : `--${name}`)).join(", ");
}
