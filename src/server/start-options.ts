import { configFileSource } from "../config/load-config.ts";
import { completeOptions, type Options } from "../config/options.ts";
import type { ConfigSource } from "./reload.ts";

/** The configuration that a server starts with, and what it is reloaded from. */
export interface StartConfig {
  readonly source: ConfigSource;
  readonly digest: string;
  readonly warnings: readonly string[];
}

/**
 * Completes the options that a program or a command line gives, from a file where there is one.
 * @throws ConfigErrors or OptionError
 */
export function readStartOptions(given: Partial<Options>, configFile: string | null): { options: Options; config: StartConfig | null } {
  if (configFile === null) return { options: completeOptions(given), config: null };
  const source = configFileSource(configFile, given);
  const { options, digest, warnings } = source.load();
  return { options, config: { source, digest, warnings } };
}
