import { ConfigFault } from "../problems.ts";

/** Whether a word switches JetStream on. @throws ConfigFault  it is no such word */
export function isEnabled(word: string): boolean {
  const lower = word.toLowerCase();
  if (lower === "enabled" || lower === "enable") return true;
  if (lower === "disabled" || lower === "disable") return false;
  throw new ConfigFault(`Expected 'enabled' or 'disabled' for string value, got '${word}'`);
}
