/** An account or its JWT is not available. The text is the reference's. */
export class LookupError extends Error {
  override name = "LookupError";
}

export const MISSING = "account missing";
export const INVALID = "account validation failed";
export const EXPIRED = "account expired";
export const NO_RESOLVER = "account resolver missing";
export const TOO_SOON = "account resolver update too soon";
export const NO_ACCOUNT_KEY = "will only fetch valid account keys";

/** The reason, for the log. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
