import type { GivenOptions } from "../../config/schema/given-options.ts";
import { type CompleteConfig, readConfig } from "../../config/schema/load-config.ts";
import { completeOptions, type Options } from "../../config/schema/options.ts";

/**
 * Completes the options that a program or a command line gives, from a file where there is one.
 * @throws ConfigErrors or OptionError
 */
export function readStartOptions(given: GivenOptions, configFile: string | null): { options: Options; config: CompleteConfig | null } {
  if (configFile === null) return { options: completeOptions(given), config: null };
  const config = readConfig(configFile, given);
  return { options: config.options, config };
}
