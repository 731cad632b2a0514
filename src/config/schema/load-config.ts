/**
 * From a configuration file to options: the language, then every field, then the files that it names.
 *
 *   defaults < file < given on the command line or to the library
 * Given options win over the file at every reload too. `authorization` and `tls` are merged field by field, as flags set single fields.
 */

import { type ConfigMap, LanguageError } from "../language/config-value.ts";
import { type Environment, type ReadConfig, readConfigFile, readConfigText } from "../language/read-config.ts";
import { checkFile } from "./check/file-check.ts";
import { completeOptions } from "./complete-options.ts";
import type { GivenOptions } from "./given/given-options.ts";
import { OPTIONS, type Options } from "./options.ts";
import { type Field, readBlock } from "./row/field.ts";
import { optionFields } from "./row/option-row.ts";
import { ConfigErrors, Problems } from "./row/problems.ts";
import { COMBINED_FIELDS } from "./table/combined.ts";
import { MISSING_FIELDS } from "./table/missing.ts";

export interface LoadedConfig {
  /** Only the options that the file sets. */
  readonly options: Partial<Options>;
  /** `sha256:` and hex, as the reference computes it. */
  readonly digest: string;
  /** One line each; a file with warnings is used, but not called valid by `-t`. */
  readonly warnings: readonly string[];
  readonly file: string;
}

type Draft = { -readonly [K in keyof Options]?: Options[K] };

/** Every field of the top level. */
export const FILE_FIELDS: readonly Field<Draft>[] = [
  ...(optionFields(OPTIONS) as readonly Field<Draft>[]),
  ...COMBINED_FIELDS,
  ...MISSING_FIELDS,
];

/** @throws ConfigErrors  the file cannot be read, is not in the language, or has values that cannot be used */
export function loadConfigFile(file: string, environment: Environment = process.env): LoadedConfig {
  return load(() => readConfigFile(file, environment), file);
}

/**
 * The same for a text.
 * @param file name of it in errors
 */
export function loadConfigText(text: string, environment: Environment = process.env, file = "<text>"): LoadedConfig {
  return load(() => readConfigText(text, environment, file), file);
}

function load(read: () => ReadConfig, file: string): LoadedConfig {
  try {
    const { map, digest } = read();
    return { ...optionsIn(map, file), digest, file };
  } catch (error) {
    throw error instanceof LanguageError ? new ConfigErrors([error.message], false) : error;
  }
}

function optionsIn(map: ConfigMap, file: string): Pick<LoadedConfig, "options" | "warnings"> {
  const problems = new Problems();
  if (map.size === 0) problems.warnings.push(`${file}: config has no values or is empty`);
  const options: Draft = {};
  readBlock(map, FILE_FIELDS, options, problems);
  checkFile(map, options, problems);
  if (problems.errors.length > 0) throw new ConfigErrors(problems.lines, true);
  return { options, warnings: problems.warnings };
}

/** Given options win over the file. */
export function mergeOptions(file: Partial<Options>, given: GivenOptions): GivenOptions {
  const merged: Record<string, unknown> = { ...file };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const parts = name === "authorization" || name === "tls";
    merged[name] = parts && value !== null && merged[name] ? { ...(merged[name] as object), ...(value as object) } : value;
  }
  return merged as GivenOptions;
}

/** Everything that a server starts with, or is reloaded with. */
export interface CompleteConfig {
  readonly options: Options;
  readonly digest: string;
  readonly warnings: readonly string[];
  readonly source: ConfigFileSource;
}

/** The file, to be read anew for every reload. */
export interface ConfigFileSource {
  readonly file: string;
  /** @throws ConfigErrors or OptionError; nothing is kept of what was read */
  load(): CompleteConfig;
}

/**
 * @param given what was given beside the file; it wins over it, now and at every reload
 * @throws ConfigErrors  the file cannot be used
 * @throws OptionError  what it says and what is given make no server together
 */
export function readConfig(file: string, given: GivenOptions, environment: Environment = process.env): CompleteConfig {
  const { options, digest, warnings } = loadConfigFile(file, environment);
  const source: ConfigFileSource = { file, load: () => readConfig(file, given, environment) };
  return { options: completeOptions(mergeOptions(options, given)), digest, warnings, source };
}
