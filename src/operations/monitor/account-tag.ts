import type { Account } from "../../accounts/account/account.ts";

/** How an account's claims call it; its name where they do not. */
export function nameTagOf({ claim, name }: Account): string {
  return claim === null || claim.nameTag === "" ? name : claim.nameTag;
}
