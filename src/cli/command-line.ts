/**
 * Parses the arguments of the program: flags first, then at most the word `help` or `version`. The checks run in the reference's order:
 * syntax, version, help, words, signal, configuration file, then the values of the flags.
 */
import { encode, quote } from "../base/bytes/ascii.ts";
import { type GivenFlag, parseGoFlags } from "../base/go/flags.ts";
import { defaultOptions, type Options } from "../config/schema/options.ts";
import type { Check } from "./check-config.ts";
import { FLAGS, type Flag, type FlagEffect, writtenNames } from "./flag-table.ts";
import { tlsOf } from "./tls-flags.ts";

export type Command =
  /** `options`: set by flags; they override the file. */
  | { readonly kind: "run"; readonly options: Partial<Options>; readonly configFile: string | null }
  | ({ readonly kind: "check" } & Check)
  /** `given`: `command[=pid|file]`. */
  | { readonly kind: "signal"; readonly given: string }
  | { readonly kind: "help" }
  | { readonly kind: "helpTls" }
  | { readonly kind: "version" }
  /** Wrong flag syntax: prints the error, then the help text, and exits with status 0 as the reference does. */
  | { readonly kind: "misused"; readonly error: string }
  /** Valid syntax that cannot be carried out: prints the error and exits with status 1. */
  | { readonly kind: "refused"; readonly error: string };

const BY_NAME: ReadonlyMap<string, Flag> = new Map(FLAGS.flatMap(flag => flag.names.map(name => [name, flag] as const)));

export function parseCommandLine(args: readonly string[]): Command {
  const parsed = parseGoFlags(args, name => BY_NAME.get(name)?.kind);
  if ("error" in parsed) return { kind: "misused", error: parsed.error };
  const { flags, words } = parsed;
  const last = (kind: FlagEffect["kind"]) => flags.findLast(flag => effectOf(flag).kind === kind)?.value;
  for (const kind of ["version", "help", "helpTls"] as const) if (last(kind) === true) return { kind };
  if (words.length > 0) {
    const word = words[0].toLowerCase();
    if (word === "version" || word === "help") return { kind: word };
    return { kind: "refused", error: `unrecognized command: ${quote(encode(words[0]))}` };
  }
  const signal = last("signal") as string | undefined;
  if (signal) return { kind: "signal", given: signal };
  const configFile = (last("config") as string | undefined) || null;
  const run = runOf(flags, configFile);
  const reloadFile = (last("testReload") as string | undefined) || null;
  if (last("check") !== true) {
    return reloadFile === null || run.kind === "refused"
      ? run
      : { kind: "refused", error: "--test_reload can only be used together with -t" };
  }
  if (configFile === null) return { kind: "refused", error: "must specify [-c, --config] option to check configuration file syntax" };
  const [options, flagError] = run.kind === "run" ? [run.options, null] : [{}, run.error];
  return { kind: "check", configFile, options, flagError, reloadFile };
}

type Run = Extract<Command, { kind: "run" | "refused" }>;

function runOf(flags: readonly GivenFlag[], configFile: string | null): Run {
  const error = flags.map(refusalOf).find(refusal => refusal !== null);
  if (error) return { kind: "refused", error };
  return withTls(flags, { kind: "run", options: optionsOf(flags), configFile });
}

function effectOf({ name }: GivenFlag): FlagEffect {
  return BY_NAME.get(name)!.effect;
}

/** A flag of an unsupported feature is refused only when it turns the feature on: `-js=false` passes. */
function refusalOf(flag: GivenFlag): string | null {
  const effect = effectOf(flag);
  if (effect.kind === "option") return effect.fault(flag.value as never);
  if (effect.kind !== "unsupported" || flag.value === false || flag.value === 0 || flag.value === "") return null;
  return `flag ${writtenNames(BY_NAME.get(flag.name)!)} is not supported yet (${effect.feature})`;
}

function withTls(flags: readonly GivenFlag[], run: Extract<Command, { kind: "run" }>): Run {
  const given = flags.filter(flag => effectOf(flag).kind === "tls");
  if (given.length === 0) return run;
  const block = tlsOf(given);
  if ("error" in block) return { kind: "refused", error: block.error };
  return { ...run, options: { ...run.options, tls: block.tls as Options["tls"] } }; // the file or the defaults add the rest
}

function optionsOf(flags: readonly GivenFlag[]): Partial<Options> {
  const options: Record<string, unknown> = {};
  const initial: Record<string, unknown> = defaultOptions();
  for (const flag of flags) {
    const effect = effectOf(flag);
    if (effect.kind !== "option") continue;
    options[effect.option] = effect.set(flag.value as never, (options[effect.option] ?? initial[effect.option]) as never);
  }
  // As in the reference, switches apply after all other flags, in the order of their names: `-DV=false -D` logs nothing.
  for (const flag of flags.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))) {
    const effect = effectOf(flag);
    if (effect.kind === "switches") for (const option of effect.options) options[option] = flag.value;
  }
  const enabled = flags.findLast(flag => effectOf(flag).kind === "jetStream")?.value;
  if (enabled !== undefined) options.jetStream = enabled; // the file has the other fields
  return options as Partial<Options>;
}
