/**
 * What the arguments of the program ask for. Flags first, then at most the word `help` or `version`; the order of checks is the
 * reference's: syntax, version, help, words, then what the flags say.
 */
import { encode, quote } from "../bytes/ascii.ts";
import { defaultOptions, type Options } from "../config/options.ts";
import { FLAGS, type Flag, writtenNames } from "./flag-table.ts";
import { type GivenFlag, parseGoFlags } from "./go-flags.ts";

export type Command =
  | { readonly kind: "run"; readonly options: Partial<Options> }
  | { readonly kind: "help" }
  | { readonly kind: "version" }
  /** Not the syntax of flags: the error, then the help text, and exit status 0 as in the reference. */
  | { readonly kind: "misused"; readonly error: string }
  /** Understood and not possible: the error and exit status 1. */
  | { readonly kind: "refused"; readonly error: string };

const BY_NAME: ReadonlyMap<string, Flag> = new Map(FLAGS.flatMap(flag => flag.names.map(name => [name, flag] as const)));

export function parseCommandLine(args: readonly string[]): Command {
  const parsed = parseGoFlags(args, name => BY_NAME.get(name)?.kind);
  if ("error" in parsed) return { kind: "misused", error: parsed.error };
  const { flags, words } = parsed;
  const asks = (kind: "version" | "help") => lastOf(flags, kind) === true;
  if (asks("version")) return { kind: "version" };
  if (asks("help")) return { kind: "help" };
  if (words.length > 0) {
    const word = words[0].toLowerCase();
    if (word === "version" || word === "help") return { kind: word };
    return { kind: "refused", error: `unrecognized command: ${quote(encode(words[0]))}` };
  }
  const unsupported = flags.find(isUnsupported);
  if (unsupported !== undefined) return { kind: "refused", error: unsupportedText(unsupported) };
  if (lastOf(flags, "check") === true) {
    return { kind: "refused", error: "must specify [-c, --config] option to check configuration file syntax" };
  }
  return { kind: "run", options: optionsOf(flags) };
}

function lastOf(flags: readonly GivenFlag[], kind: Flag["effect"]["kind"]): GivenFlag["value"] | undefined {
  return flags.findLast(({ name }) => BY_NAME.get(name)!.effect.kind === kind)?.value;
}

/** Turning off what is not there is no wish that would be ignored: `-js=false` passes. */
function isUnsupported({ name, value }: GivenFlag): boolean {
  return BY_NAME.get(name)!.effect.kind === "unsupported" && value !== false && value !== 0 && value !== "";
}

function unsupportedText({ name }: GivenFlag): string {
  const flag = BY_NAME.get(name)!;
  const feature = flag.effect.kind === "unsupported" ? flag.effect.feature : "";
  return `flag ${writtenNames(flag)} is not supported yet (${feature})`;
}

function optionsOf(flags: readonly GivenFlag[]): Partial<Options> {
  const options: Record<string, unknown> = {};
  const initial: Record<string, unknown> = defaultOptions();
  for (const { name, value } of flags) {
    const { effect } = BY_NAME.get(name)!;
    if (effect.kind !== "option") continue;
    options[effect.option] = effect.set(value as never, (options[effect.option] ?? initial[effect.option]) as never);
  }
  // As in the reference they come after all others, in the order of their names: `-DV=false -D` logs nothing.
  const switches = flags.filter(({ name }) => BY_NAME.get(name)!.effect.kind === "switches");
  for (const { name, value } of switches.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))) {
    const { effect } = BY_NAME.get(name)!;
    if (effect.kind === "switches") for (const option of effect.options) options[option] = value;
  }
  const { authorization } = options as Partial<Options>;
  if (authorization && !authorization.user && !authorization.token) delete options.authorization; // a password of nobody asks for nothing
  if (authorization?.token === "") options.authorization = { user: authorization.user, password: authorization.password };
  return options as Partial<Options>;
}
