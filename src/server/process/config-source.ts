/** Sources of a server's options: the embedding program or the command line, and a configuration file that can be read again. */

import { completeOptions } from "../../config/schema/complete-options.ts";
import type { GivenOptions } from "../../config/schema/given/given-options.ts";
import type { Options } from "../../config/schema/options.ts";

/** A configuration file, read again at every reload. */
export interface ConfigSource {
  readonly file: string;
  /** @throws Error with one message per line; discards what was read */
  load(): ReadConfig;
}

export interface ReadConfig {
  readonly options: Options;
  /** `sha256:` and hex. */
  readonly digest: string;
  /** One line each. */
  readonly warnings: readonly string[];
}

/** The options of a server and the file they come from. */
export interface StartConfig {
  readonly options: Options;
  /** null without a file. */
  readonly config: (ReadConfig & { readonly source: ConfigSource }) | null;
}

/**
 * Completes the options of a program or a command line, from the configuration file if there is one.
 * @throws ConfigErrors or OptionError
 */
export function readStartOptions(given: GivenOptions, configFile: string | null): StartConfig {
  if (configFile === null) return { options: completeOptions(given), config: null };
  const config = configFileModule().readConfig(configFile, given);
  return { options: config.options, config };
}

/**
 * Loads the code that reads files when a file is given, because a start without a file is faster without it (bench/start.ts). It is loaded
 * synchronously, so that a reload stays one step.
 */
function configFileModule(): typeof import("../../config/schema/load-config.ts") {
  return require("../../config/schema/load-config.ts");
}
