import { ALPHA, accountToken, operatorToken, SYSTEM } from "./tokens.ts";

export interface DirectoryFacts {
  readonly type?: "full" | "cache";
  readonly more?: string;
  /** How long other servers have for an answer; short by default, as most tests wait for none. */
  readonly timeout?: string;
  readonly operator?: string;
}

/** A configuration with a directory resolver, which starts with the system account and ALPHA. */
export function directoryConfig({
  type = "full",
  more = "",
  timeout = "100ms",
  operator = operatorToken(),
}: DirectoryFacts = {}): (directory: string) => string {
  return directory => `operator: ${operator}
resolver: { type: ${type}, dir: "${directory}", timeout: "${timeout}" ${more} }
resolver_preload: { ${SYSTEM.publicKey}: ${accountToken(SYSTEM)}, ${ALPHA.publicKey}: ${accountToken(ALPHA)} }`;
}
