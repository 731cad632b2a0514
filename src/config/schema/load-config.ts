/**
 * Loads a configuration file: parses it, reads every field, then checks the files that the fields name.
 *
 *   defaults < file < options given on the command line or to the library
 * Given options override the file at every reload too. `authorization`, `tls` and `jetStream` are merged field by field, as flags set single fields.
 */

import { type ConfigMap, LanguageError } from "../language/config-value.ts";
import { type Environment, type ReadConfig, readConfigFile, readConfigText } from "../language/read-config.ts";
import { checkFile } from "./check/file-check.ts";
import { completeOptions } from "./complete-options.ts";
import type { GivenOptions } from "./given/given-options.ts";
import { asJetStreamObject } from "./given/jetstream-shape.ts";
import { OPTIONS, type Options } from "./options.ts";
import { type Field, readBlock } from "./row/field.ts";
import { optionFields } from "./row/option-row.ts";
import { ConfigErrors, Problems } from "./row/problems.ts";
import { COMBINED_FIELDS } from "./table/combined.ts";
import { MISSING_FIELDS } from "./table/missing.ts";

export interface LoadedConfig {
  /** Only the options that the file sets. */
  readonly options: Partial<Options>;
  /** `sha256:` and hex digits, as the reference computes it. */
  readonly digest: string;
  /** One line each. A server starts with a file that has warnings, but `-t` reports the file as invalid. */
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

/** @throws ConfigErrors  the file cannot be read, has a syntax error or invalid values */
export function loadConfigFile(file: string, environment: Environment = process.env): LoadedConfig {
  return load(() => readConfigFile(file, environment), file);
}

/**
 * Loads a configuration from text.
 * @param file name of the text in errors
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

/** Given options override the file: `authorization`, `tls` and `jetStream` field by field. */
export function mergeOptions(file: Partial<Options>, given: GivenOptions): GivenOptions {
  const merged: Record<string, unknown> = { ...file };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const parts = name === "authorization" || name === "tls" || name === "jetStream";
    const fields = name === "jetStream" ? asJetStreamObject(value) : value;
    merged[name] = parts && value !== null && merged[name] ? { ...(merged[name] as object), ...(fields as object) } : value;
  }
  return merged as GivenOptions;
}

/** The complete configuration for a start or a reload. */
export interface CompleteConfig {
  readonly options: Options;
  readonly digest: string;
  readonly warnings: readonly string[];
  readonly source: ConfigFileSource;
}

/** A configuration file that is read again at every reload. */
export interface ConfigFileSource {
  readonly file: string;
  /** @throws ConfigErrors or OptionError; discards what was read */
  load(): CompleteConfig;
}

/**
 * @param given options that override the file, at start and at every reload
 * @throws ConfigErrors  the file cannot be used
 * @throws OptionError  the options of the file and the given options contradict each other
 */
export function readConfig(file: string, given: GivenOptions, environment: Environment = process.env): CompleteConfig {
  const { options, digest, warnings } = loadConfigFile(file, environment);
  const source: ConfigFileSource = { file, load: () => readConfig(file, given, environment) };
  return { options: completeOptions(mergeOptions(options, given)), digest, warnings, source };
}
