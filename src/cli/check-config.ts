/** `-t`: whether a configuration file can be used. Warnings make it invalid here, as in the reference, which starts with them all the same. */
import { loadConfigFile } from "../config/schema/load-config.ts";
import { ConfigErrors } from "../config/schema/row/problems.ts";

export function checkConfig(file: string): { readonly valid: boolean; readonly text: string } {
  try {
    const { digest, warnings } = loadConfigFile(file);
    if (warnings.length > 0) throw new ConfigErrors(warnings, true);
    return { valid: true, text: `configuration file ${file} is valid (${digest})` };
  } catch (error) {
    if (!(error instanceof ConfigErrors)) throw error;
    return { valid: false, text: error.message };
  }
}
