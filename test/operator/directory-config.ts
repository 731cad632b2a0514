import { ALPHA, accountToken, operatorToken, SYSTEM } from "./world.ts";

export interface DirectoryFacts {
  readonly type?: "full" | "cache";
  readonly more?: string;
  readonly operator?: string;
}

/** Everything in a directory, the system account and ALPHA to begin with. */
export function directoryConfig({
  type = "full",
  more = "",
  operator = operatorToken(),
}: DirectoryFacts = {}): (directory: string) => string {
  return directory => `operator: ${operator}
resolver: { type: ${type}, dir: "${directory}", timeout: "100ms" ${more} }
resolver_preload: { ${SYSTEM.publicKey}: ${accountToken(SYSTEM)}, ${ALPHA.publicKey}: ${accountToken(ALPHA)} }`;
}
