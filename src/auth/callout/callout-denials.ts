/**
 * Subjects that clients in the account of a callout service may not use. Whoever could read the requests of others would see their passwords, and
 * whoever could send requests or read answers could log in as others.
 * Source: server/auth_callout.go (behaviour); core §4.9.
 */

import type { DenyLists } from "../../access/permission/merge-deny.ts";
import type { Login } from "../users/authenticator.ts";

/** Subject on which callout services listen. */
export const CALLOUT_SUBJECT = "$SYS.REQ.USER.AUTH";
/** Subjects of the answers. */
const CALLOUT_ANSWERS = "$SYS._INBOX.>";

// One object for each rule, because compiled permissions are cached by object identity.

/** For the service itself: it receives requests and answers them. */
const OF_SERVICE: DenyLists = { publish: [CALLOUT_SUBJECT], subscribe: [] };
/** For all other clients of the account. */
const OF_OTHERS: DenyLists = { publish: [CALLOUT_SUBJECT, CALLOUT_ANSWERS], subscribe: [CALLOUT_SUBJECT, CALLOUT_ANSWERS] };
const NOTHING_DENIED: DenyLists = { publish: [], subscribe: [] };

/** @param isService the client is one of the `auth_users` */
export function calloutDenials(isService: boolean): DenyLists {
  return isService ? OF_SERVICE : OF_OTHERS;
}

/**
 * The same in operator mode.
 * @param authUsers public keys in the claims of the login's account; none: the account has no callout service
 */
export function claimedDenials(authUsers: readonly string[], { claim, delegated = false }: Login): DenyLists {
  if (authUsers.length === 0) return NOTHING_DENIED;
  return calloutDenials(!delegated && claim !== null && authUsers.includes(claim.subject));
}
