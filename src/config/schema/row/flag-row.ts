/**
 * Command line flags in the option table: names, argument, and how the flag changes its option.
 * The values are Go's: a switch, a whole number, or text.
 */
export type FlagSection = "Server" | "Logging" | "JetStream" | "Authorization" | "TLS" | "Cluster" | "Profiling" | "Common";

interface FlagForm {
  /** Without dashes, short ones first. */
  readonly names: readonly string[];
  readonly section: FlagSection;
  /** The text in `--help`. */
  readonly text: string;
}

/** `set` returns the option's new value from the flag's argument and the value before. */
export type FlagRow<T> =
  | (FlagForm & { readonly kind: "switch"; readonly set: (given: boolean, before: T) => T })
  | (FlagForm & { readonly kind: "integer"; readonly argument: string; readonly set: (given: number, before: T) => T })
  | (FlagForm & {
      readonly kind: "text";
      readonly argument: string;
      readonly set: (given: string, before: T) => T;
      /** The error of an argument; null when it is valid. */
      readonly fault?: (given: string) => string | null;
    });

export function switchFlag(names: string, section: FlagSection, text: string): FlagRow<boolean> {
  return { kind: "switch", names: names.split(" "), section, text, set: given => given };
}

/** @param argument how `--help` names the value */
export function textFlag<T>(
  names: string,
  section: FlagSection,
  argument: string,
  text: string,
  set: (given: string, before: T) => T,
  fault: (given: string) => string | null = () => null,
): FlagRow<T> {
  return { kind: "text", names: names.split(" "), section, argument, text, set, fault };
}

export function integerFlag<T>(
  names: string,
  section: FlagSection,
  argument: string,
  text: string,
  set: (given: number, before: T) => T,
): FlagRow<T> {
  return { kind: "integer", names: names.split(" "), section, argument, text, set };
}

/** Empty text leaves an option unset, as in the reference. */
export function textOrNull(given: string): string | null {
  return given === "" ? null : given;
}

/** Port of a flag or file: 0 means the default, -1 any free port, which is 0 in the library. */
export function portOrDefault<T>(given: number, initial: T): number | T {
  if (given === 0) return initial;
  return given === -1 ? 0 : given;
}
