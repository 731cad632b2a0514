/**
 * Services about account JWTs, in the system account:
 *
 *   $SYS.REQ.ACCOUNT.<id>.CLAIMS.UPDATE, $SYS.ACCOUNT.<id>.CLAIMS.UPDATE     a newer JWT of an account          every resolver
 *   $SYS.REQ.CLAIMS.UPDATE, .DELETE, .LIST                                   content of the directory           full, cache
 *   $SYS.REQ.CLAIMS.PACK, $SYS.REQ.ACCOUNT.<id>.CLAIMS.LOOKUP                content for other servers          full
 * Any client that may publish in the system account can send these requests, so a received JWT is decoded, validated and checked before it
 * is stored. Failures are logged.
 * Source: server/accounts.go, DirAccResolver.Start, CacheDirAccResolver.Start; server/events.go, accountClaimUpdate (behaviour); core §4.6.
 */

import type { AccountClaims } from "../../access/jwt/claims.ts";
import { decodeAccount, decodeGeneric } from "../../access/jwt/decode.ts";
import { isAccountKey } from "../../access/jwt/public-key.ts";
import type { Account } from "../../accounts/account/account.ts";
import { compactGoJson } from "../../base/go/json-writer.ts";
import { type Inbox, Inboxes } from "../../services/inboxes.ts";
import { Sender } from "../../services/sender.ts";
import { SentTrace } from "../../services/sent-trace.ts";
import { ServiceEndpoints } from "../../services/service-endpoints.ts";
import { claimsFault } from "./claims-fault.ts";
import { type DirectoryStore, NotStored } from "./directory-store.ts";
import { LookupError, reasonOf } from "./lookup-error.ts";
import type { OperatorAccounts } from "./operator-accounts.ts";
import type { OperatorHost } from "./operator-host.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

const OK = 200;
const FAILED = 500;
const PACK = "$SYS.REQ.CLAIMS.PACK";
const UPDATES = ["$SYS.ACCOUNT.*.CLAIMS.UPDATE", "$SYS.REQ.ACCOUNT.*.CLAIMS.UPDATE"];
/** Number of tokens of the older update subject, and the position of the account in both kinds of subjects. */
const OLD_UPDATE_TOKENS = 5;
const OLD_ACCOUNT_TOKEN = 2;
const ACCOUNT_TOKEN = 3;

export class ClaimsServices {
  private readonly endpoints: ServiceEndpoints;
  private readonly sender: Sender;
  private readonly inboxes: Inboxes;
  /** Receives the answers to the latest comparison. */
  private comparing: Inbox | null = null;

  /** @param account the system account */
  constructor(
    private readonly host: OperatorHost,
    private readonly account: Account,
    serverName: string,
  ) {
    const onError = (error: unknown) => host.log.error(`account claims service failed: ${reasonOf(error)}`);
    this.endpoints = new ServiceEndpoints(account, onError);
    this.sender = new Sender(account, () => host.serverInfo(), new SentTrace(host));
    this.inboxes = new Inboxes(serverName, onError);
  }

  close(): void {
    this.endpoints.close();
    this.comparing?.close();
  }

  /** Services for resolvers that do not store pushed JWTs: the loaded account is updated, and the answer reports the result. */
  serveMemory(accounts: OperatorAccounts): void {
    for (const subject of UPDATES) {
      this.endpoints.serve(subject, ({ body: payload, reply, subject }) => {
        const name = accountIn(subject);
        if (payload.length === 0) return this.refuse(reply, name, "jwt update error", "request body is empty");
        const fail = (error: unknown) => this.refuse(reply, name, "jwt update resulted in error", reasonOf(error));
        const jwt = payload.toString("utf8");
        attempt(() => {
          if (decodeAccount(jwt).subject !== name) throw new LookupError(OTHER_SUBJECT);
          const loaded = accounts.get(name);
          if (loaded === undefined) return this.answer(reply, name, "jwt update skipped");
          const updated = accounts.update(loaded, jwt);
          if (updated === undefined) return this.answer(reply, name, "jwt updated");
          updated.then(() => this.answer(reply, name, "jwt updated"), fail);
        }, fail);
      });
    }
  }

  /** Services for a directory. @param isCache only JWTs of loaded accounts are stored */
  serveDirectory(store: DirectoryStore, keys: TrustedKeys, isCache: boolean, isLoaded: (name: string) => boolean): void {
    const { operator, strict, keys: pushers } = keys.pushing;
    const texts = isCache
      ? { failed: "jwt update cache resulted in error", invalid: "jwt update cache validation failed", done: "jwt updated cache" }
      : { failed: "jwt update resulted in error", invalid: "jwt validation failed", done: "jwt updated" };
    const handlePush = (reply: string, named: string | null, payload: Buffer): void => {
      const jwt = payload.toString("utf8");
      let claims: AccountClaims;
      try {
        claims = decodeAccount(jwt);
      } catch (error) {
        return this.refuse(reply, isCache && named !== null ? named : "n/a", texts.failed, reasonOf(error));
      }
      const name = named ?? claims.subject;
      const fault = claimsFault(claims, this.host.clock.now());
      const refuse = (reason: string, what = texts.failed) => this.refuse(reply, name, what, reason);
      // As in the reference, a full directory validates a JWT pushed on an account's subject before it compares the account.
      if (fault !== null && !isCache && named !== null) return this.refuse(reply, claims.subject, texts.invalid, fault);
      if (claims.subject !== name) return refuse(OTHER_SUBJECT);
      if (claims.issuer === operator && strict) return refuse("operator requires issuer to be a signing key");
      if (isCache && !isLoaded(name)) return this.answer(reply, name, "jwt update cache skipped");
      if (fault !== null) return refuse(fault, texts.invalid);
      attempt(
        () => {
          store.save(name, jwt);
          this.answer(reply, name, texts.done);
        },
        error => refuse(reasonOf(error)),
      );
    };
    const { endpoints } = this;
    for (const subject of UPDATES) endpoints.serve(subject, ({ body, reply, subject }) => handlePush(reply, accountIn(subject), body));
    endpoints.serve("$SYS.REQ.CLAIMS.UPDATE", ({ body, reply }) => handlePush(reply, null, body));
    endpoints.serve("$SYS.REQ.CLAIMS.LIST", ({ reply }) => this.list(store, reply));
    endpoints.serve("$SYS.REQ.CLAIMS.DELETE", ({ body, reply }) => this.delete(store, pushers, body, reply));
  }

  /** Services for other servers: the directory's content, and the difference between two directories. */
  serveOthers(store: DirectoryStore): void {
    const { log } = this.host;
    this.endpoints.serve("$SYS.REQ.ACCOUNT.*.CLAIMS.LOOKUP", ({ reply, subject }) => {
      if (reply === "") return;
      const name = subject.split(".")[ACCOUNT_TOKEN];
      try {
        this.publish(reply, store.load(name));
      } catch (error) {
        if (!(error instanceof NotStored))
          return log.error(`DirResolver - Error looking up account ${JSON.stringify(name)}: ${reasonOf(error)}`);
        log.debug(`DirResolver - Could not find account ${JSON.stringify(name)}`);
        this.publish(reply, ""); // an empty answer means: not stored here
      }
    });
    this.endpoints.serve(PACK, ({ body, reply }) => this.pack(store, body, reply), "responder");
  }

  /** Asks another server for the JWTs that this one lacks. */
  compare(store: DirectoryStore): void {
    const { log } = this.host;
    const { hash } = store;
    log.debug(`DirResolver - Checking store state: ${hash.toString("hex")}`);
    this.comparing?.close();
    const inbox = this.inboxes.open(this.account, payload => {
      const before = store.hash.toString("hex");
      if (payload.length === 0) {
        inbox.close();
        return log.debug(`DirResolver - Merging finished and resulting in: ${before}`);
      }
      attempt(
        () => {
          store.merge(payload.toString("utf8"));
          log.debug(`DirResolver - Merging succeeded and changed ${before} to ${store.hash.toString("hex")}`);
        },
        error => log.error(`DirResolver - Merging resulted in error: ${reasonOf(error)}`),
      );
    });
    this.comparing = inbox;
    this.publish(PACK, hash, inbox.subject);
  }

  /**
   * Asks other servers for an account's JWT.
   * @returns the JWT; rejects with the reference's text when no server has it or none answers in time
   */
  lookUp(name: string, timeoutMs: number, cancelled: AbortSignal): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const { clock, otherServers } = this.host;
    let expected = otherServers;
    const inbox = this.inboxes.open(this.account, payload => {
      expected--;
      if (payload.length > 0) resolve(payload.toString("utf8"));
      else if (expected <= 0) reject(new LookupError("account jwt not found"));
    });
    const cancelTimer = clock.after(timeoutMs, () => reject(new LookupError("fetching jwt timed out")));
    const onCancelled = () => reject(new LookupError("fetching jwt failed due to shutdown"));
    cancelled.addEventListener("abort", onCancelled, { once: true });
    this.publish(`$SYS.REQ.ACCOUNT.${name}.CLAIMS.LOOKUP`, "", inbox.subject);
    return promise.finally(() => {
      cancelTimer();
      cancelled.removeEventListener("abort", onCancelled);
      inbox.close();
    });
  }

  /** Publishes to other servers; this server's own endpoints do not receive it. */
  private publish(subject: string, payload: string | Uint8Array, reply = ""): void {
    this.endpoints.pausedDuring(() => this.account.publisher.publish(subject, reply, null, payload));
  }

  private list(store: DirectoryStore, reply: string): void {
    if (reply === "") return;
    attempt(
      () => {
        const names = [...store.entries()].filter(({ jwt }) => !jwt.includes("|")).map(({ name }) => name);
        this.host.log.debug(`list request responded with ${names.length} account ids`);
        this.publish(reply, compactGoJson({ data: names, server: this.sender.server() }));
      },
      error => this.host.log.error(`list request error: ${reasonOf(error)}`),
    );
  }

  private pack(store: DirectoryStore, theirs: Buffer, reply: string): void {
    if (reply === "") return;
    const { log } = this.host;
    const { hash } = store;
    if (hash.equals(theirs)) {
      this.publish(reply, "");
      return log.debug(`DirResolver - Pack request matches hash ${hash.toString("hex")}`);
    }
    attempt(
      () => {
        for (const { name, jwt } of store.entries()) this.publish(reply, `${name}|${jwt}`);
        log.debug(`DirResolver - Pack request hash ${theirs.toString("hex")} - finished responding with hash ${hash.toString("hex")}`);
        this.publish(reply, "");
      },
      error => log.error(`DirResolver - Pack request error: ${reasonOf(error)}`),
    );
  }

  /** Deletes accounts. The request must be a token that an operator signed for itself. */
  private delete(store: DirectoryStore, pushers: ReadonlySet<string>, payload: Buffer, reply: string): void {
    let by = "";
    let names: readonly string[];
    try {
      const claims = decodeGeneric(payload.toString("utf8"));
      by = claims.subject;
      if (store.options.deletion === "none") throw new LookupError("delete must be enabled in server config");
      if (claims.subject !== claims.issuer) throw new LookupError("not self signed");
      if (!pushers.has(claims.issuer)) throw new LookupError("not trusted");
      names = this.deletable(claims.nats?.accounts);
    } catch (error) {
      return this.refuse(reply, "", `delete accounts request by ${by} failed`, reasonOf(error));
    }
    const errors: string[] = [];
    for (const name of names)
      attempt(
        () => store.delete(name),
        error => errors.push(reasonOf(error)),
      );
    const deleted = `deleted ${names.length - errors.length} accounts`;
    if (errors.length === 0) this.answer(reply, "", deleted);
    else this.refuse(reply, "", `${deleted}, failed for ${errors.length}`, errors.join("\n"));
  }

  private deletable(list: unknown): readonly string[] {
    if (!Array.isArray(list)) throw new LookupError("malformed request");
    for (const name of list) {
      if (typeof name !== "string" || !isAccountKey(name)) throw new LookupError("malformed request");
      if (name === this.account.name) throw new LookupError("not allowed to delete system account");
    }
    return list;
  }

  private answer(reply: string, account: string, message: string): void {
    this.host.log.debug(account === "" ? message : `${message} - ${account}`);
    this.respond(reply, { data: { ...(account === "" ? {} : { account }), code: OK, message } });
  }

  private refuse(reply: string, account: string, message: string, reason: string): void {
    this.host.log.error([message, ...(account === "" ? [] : [account]), reason].join(" - "));
    const description = `${message} - ${reason}`;
    this.respond(reply, { error: { ...(account === "" ? {} : { account }), code: FAILED, description } });
  }

  private respond(reply: string, body: object): void {
    const json = compactGoJson({ server: this.sender.server(), ...body });
    this.endpoints.pausedDuring(() => this.sender.answer(reply, null, json));
  }
}

const OTHER_SUBJECT = "subject does not match jwt content";

function accountIn(subject: string): string {
  const tokens = subject.split(".");
  return tokens[tokens.length === OLD_UPDATE_TOKENS ? OLD_ACCOUNT_TOKEN : ACCOUNT_TOKEN];
}

function attempt(act: () => void, onError: (error: unknown) => void): void {
  try {
    act();
  } catch (error) {
    onError(error);
  }
}
