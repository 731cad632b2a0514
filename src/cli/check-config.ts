/**
 * `-t`: whether a server would start with a configuration file and the flags; with `--test_reload`, whether that server could also reload
 * another file.
 *
 *   status 0   valid (and the other file can be reloaded)
 *   status 1   one of the files is invalid; for the first a warning is enough
 *   status 3   both are valid, but a restart is needed to change to the other file
 * What only a running server knows is not checked. Source: reference, core §6.12.
 */
import { type CompleteConfig, loadConfigFile, readConfig } from "../config/schema/load-config.ts";
import type { Options } from "../config/schema/options.ts";
import { diffOptions } from "../config/schema/reload/option-diff.ts";
import { ConfigErrors, OptionError } from "../config/schema/row/problems.ts";

const INVALID_STATUS = 1;
const RESTART_STATUS = 3;

export interface Check {
  readonly configFile: string;
  /** Set by flags; they override both files. */
  readonly options: Partial<Options>;
  /** The error of a flag that is found after the file was read; null: none. */
  readonly flagError: string | null;
  /** The other file; null: only `configFile` is checked. */
  readonly reloadFile: string | null;
}

export interface CheckResult {
  readonly status: number;
  /** Lines for standard error, without the name of the program. */
  readonly lines: readonly string[];
}

export function checkConfig({ configFile, options, flagError, reloadFile }: Check): CheckResult {
  try {
    refuseWarnings(configFile);
    if (flagError !== null) return { status: INVALID_STATUS, lines: [flagError] };
    const current = readConfig(configFile, options);
    const valid = `configuration file ${configFile} is valid (${current.digest})`;
    if (reloadFile === null) return { status: 0, lines: [valid] };
    const refusal = reloadRefusalOf(current, readConfig(reloadFile, options));
    if (refusal !== null) return { status: RESTART_STATUS, lines: [refusal] };
    return { status: 0, lines: [valid, `configuration file ${reloadFile} can be reloaded`] };
  } catch (error) {
    if (!(error instanceof ConfigErrors || error instanceof OptionError)) throw error;
    return { status: INVALID_STATUS, lines: [error.message] };
  }
}

/** A warning makes a file invalid here, as in the reference; a server would start with it. @throws ConfigErrors */
function refuseWarnings(file: string): void {
  const { warnings } = loadConfigFile(file);
  if (warnings.length > 0) throw new ConfigErrors(warnings, true);
}

function reloadRefusalOf(before: CompleteConfig, after: CompleteConfig): string | null {
  const refused = diffOptions(before.options, after.options).find(({ refusal }) => refusal !== null);
  return refused?.refusal ?? null;
}
