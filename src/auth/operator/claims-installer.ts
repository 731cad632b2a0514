/**
 * Applies an account's claims: exports, imports, mappings, expiry of the account and its activations, and the effects on
 * connected clients. One synchronous step per account.
 *
 * Unusable parts are skipped and logged, the rest works: an import whose exporter is missing or refuses makes the account
 * `incomplete`; an invalid mapping leaves the previous one for its source, and then no other mapping is removed.
 * Source: server/accounts.go, updateAccountClaimsWithRefresh, removeCb, checkExpiration, activationExpired (behaviour).
 */

import type { AccountClaims, Import, UserScope } from "../../access/jwt/claims.ts";
import type { Account } from "../../accounts/account/account.ts";
import type { AccountLimits } from "../../accounts/account/account-options.ts";
import type { AnyExport, AnyImport } from "../../accounts/trade/export-access.ts";
import type { WheelTimer } from "../../base/clock/timing-wheel.ts";
import { quoted } from "../../base/go/strconv.ts";
import { type HashedAccounts, withAccountHashes } from "../../messaging/mapping/account-functions.ts";
import { checkMapping, installedRule, type MappingRule } from "../../messaging/mapping/mapping-rule.ts";
import { TransformError } from "../../messaging/mapping/transform-error.ts";
import type { ActivationRules } from "./activation-rules.ts";
import { accountOptionsOf, exportOptionsOf, importOptionsOf, mappingsOf, usesJetStream } from "./claims-options.ts";
import { type LoadedAccount, signersOf } from "./loaded-account.ts";
import { MISSING } from "./lookup-error.ts";
import type { OperatorHost } from "./operator-host.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

/** Longest timer; longer ones are set again when it fires. */
const TIMER_MS_MAX = 24 * 60 * 60 * 1_000;
const NO_ACCESS_LIMITS: AccountLimits = { connectionsMax: 0, leafNodesMax: 0, subscriptionsMax: 0, payloadBytesMax: 0 };

export class ClaimsInstaller {
  /** Exporters from which some account could not import. */
  readonly missed = new Set<string>();

  constructor(
    private readonly host: OperatorHost,
    private readonly keys: TrustedKeys,
    private readonly rules: ActivationRules,
    private readonly loaded: (name: string) => LoadedAccount | undefined,
  ) {}

  /** Installs a new account without its imports, so that others can import from it. */
  describe(loaded: LoadedAccount, jwt: string): void {
    const { account, claims } = loaded;
    this.setClaim(loaded, jwt);
    const options = { ...accountOptionsOf(claims), exports: this.exportsOf(claims, account.label) };
    this.host.directory.update(options, this.rules.check, usesJetStream(claims));
  }

  /**
   * @param jwt the token with these claims
   * @param failed unavailable exporters → reason
   */
  apply(loaded: LoadedAccount, jwt: string, claims: AccountClaims, failed: ReadonlyMap<string, string>): void {
    const { directory, clients, log } = this.host;
    const { account } = loaded;
    log.debug(`Updating account claims: ${account.name}/${claims.name}`);
    const before = { signers: loaded.signers, isNew: loaded.version === 0, defaults: account.defaultPermissions };
    loaded.claims = claims;
    loaded.signers = signersOf(claims, this.keys);
    loaded.version++;
    this.setClaim(loaded, jwt);
    this.watchExpiry(loaded);
    const { mappings, problems: mappingProblems } = mergeMappings(loaded.mappings, mappingsOf(claims), account.name);
    for (const [source, problem] of mappingProblems) {
      log.error(`Error adding subject mapping ${quoted(source)} for account [${account.label}]: ${problem}`);
    }
    loaded.mappings = mappings;
    const { imports, missing } = this.importsOf(claims, failed, account.label);
    const options = { ...accountOptionsOf(claims), exports: this.exportsOf(claims, account.label), imports, mappings };
    const { changed, problems, refused } = directory.update(options, this.rules.check, usesJetStream(claims));
    for (const problem of problems) log.debug(problem);
    for (const { wanted, reason } of refused) {
      const exporter = this.loaded(wanted.account)?.account.label ?? wanted.account;
      const subject = quoted(this.rules.claimOf(wanted)?.subject ?? wanted.subject);
      log.error(`Error adding ${wanted.kind} import ${subject} from account ${exporter} to account ${account.label}: ${reason}`);
    }
    const incomplete = [...missing, ...refused.map(({ wanted }) => wanted.account)];
    loaded.incomplete = incomplete.length > 0;
    for (const exporter of incomplete) this.missed.add(exporter);
    this.watchActivations(loaded);
    this.host.followJetStreamClaims(account, claims);
    if (before.isNew) return clients.renewStreams(changed);
    clients.follow({
      account,
      claims,
      streamsChanged: changed,
      defaultPermissionsChanged: !Bun.deepEquals(before.defaults, account.defaultPermissions),
      signerLeft: signerLeft(before.signers, loaded.signers),
    });
  }

  /** Deleted from its resolver: locks the account and removes its imports. */
  disable(loaded: LoadedAccount): void {
    const { account, claims } = loaded;
    const options = { ...accountOptionsOf(claims), exports: this.exportsOf(claims, account.label), limits: NO_ACCESS_LIMITS };
    this.host.directory.update(options, this.rules.check, false);
    this.host.followJetStreamClaims(account, null);
    this.stop(loaded);
    this.onExpired(loaded);
  }

  /** Removes the account. */
  remove(loaded: LoadedAccount): void {
    this.stop(loaded);
    this.host.followJetStreamClaims(loaded.account, null);
    this.host.clients.renewStreams(this.host.directory.remove(loaded.account));
  }

  stop({ activationTimer, expiryTimer }: LoadedAccount): void {
    this.host.timers.cancel(expiryTimer);
    this.host.timers.cancel(activationTimer);
  }

  onExpired(loaded: LoadedAccount): void {
    const at = loaded.claims.expiresAtSeconds * 1000;
    if (loaded.jwt !== "" && this.host.clock.now() < at) return this.watchExpiry(loaded);
    loaded.account.expired = true;
    this.host.clients.expire(loaded.account);
  }

  /** Checks imports again when an activation token expires. */
  onActivationEnded(loaded: LoadedAccount): void {
    const { account } = loaded;
    const changed = new Set<Account>();
    for (const exporter of new Set([...account.serviceImports, ...account.streamImports].map(one => one.exporter))) {
      for (const one of this.host.directory.checkImporters(exporter, this.rules.check)) changed.add(one);
    }
    this.host.clients.renewStreams(changed);
    this.watchActivations(loaded);
  }

  private setClaim(loaded: LoadedAccount, jwt: string): void {
    const { account, claims } = loaded;
    loaded.jwt = jwt;
    account.claim = { jwt, issuer: claims.issuer, nameTag: claims.name, tags: claims.nats.tags };
  }

  private watchExpiry({ account, claims, expiryTimer }: LoadedAccount): void {
    const at = claims.expiresAtSeconds * 1000;
    account.expired = at !== 0 && at <= this.host.clock.now();
    this.setTimer(expiryTimer, account.expired || at === 0 ? Number.POSITIVE_INFINITY : at);
  }

  private watchActivations({ account, activationTimer }: LoadedAccount): void {
    const ends = [...account.serviceImports, ...account.streamImports]
      .filter(one => !one.invalid)
      .map(({ exporter, plan }) => this.rules.endOf(account.name, exporter.name, null, plan.options) ?? Number.POSITIVE_INFINITY);
    this.setTimer(activationTimer, Math.min(...ends, Number.POSITIVE_INFINITY));
  }

  /** @param at wall clock, ms; infinity: never */
  private setTimer(timer: WheelTimer, at: number): void {
    const { clock, timers } = this.host;
    timers.cancel(timer);
    if (at !== Number.POSITIVE_INFINITY) timers.set(timer, Math.min(Math.max(0, at - clock.now()), TIMER_MS_MAX));
  }

  private exportsOf({ nats: { exports }, subject: own }: AccountClaims, label: string): AnyExport[] {
    const options = exports.flatMap(one => {
      try {
        return exportOptionsOf({ ...one!, subject: withAccountHashes(one!.subject, { own, exporter: "" }) }) ?? [];
      } catch (error) {
        if (!(error instanceof TransformError)) throw error;
        this.host.log.error(`Error adding ${one!.type} export ${quoted(one!.subject)} for account [${label}]: ${error.message}`);
        return [];
      }
    });
    for (const { kind, subject } of options) this.host.log.debug(`Adding ${kind} export ${quoted(subject)} for ${label}`);
    return options;
  }

  private importsOf(
    { nats, subject: own }: AccountClaims,
    failed: ReadonlyMap<string, string>,
    label: string,
  ): { imports: AnyImport[]; missing: string[] } {
    const missing: string[] = [];
    const imports = nats.imports.flatMap(claim => {
      const { account, subject, type } = claim!;
      if (this.loaded(account) === undefined || failed.has(account)) {
        const why = failed.get(account) ?? MISSING;
        this.host.log.error(`Can't locate account [${account}] for import of [${subject}] ${type} (err=${why})`);
        missing.push(account);
        return [];
      }
      let installed: Import;
      try {
        installed = installedImport(claim!, { own, exporter: account });
      } catch (error) {
        if (!(error instanceof TransformError)) throw error;
        this.host.log.error(`Error adding ${type} import ${quoted(subject)} for account [${label}]: ${error.message}`);
        return [];
      }
      const options = importOptionsOf(installed);
      if (options === null) return [];
      this.rules.note(options, installed);
      this.host.log.debug(importText(options, installed, this.loaded(account)!.account.label, label));
      return [options];
    });
    return { imports, missing };
  }
}

/** The claim with literals in place of account functions. @throws TransformError */
function installedImport(claim: Import, accounts: HashedAccounts): Import {
  const subject = withAccountHashes(claim.subject, accounts);
  return { ...claim, subject, localSubject: withAccountHashes(claim.localSubject, accounts), to: withAccountHashes(claim.to, accounts) };
}

function importText({ kind }: AnyImport, { localSubject, subject, to }: Import, exporter: string, importer: string): string {
  const [from, local] = kind === "service" && localSubject !== "" ? [localSubject, subject] : [subject, localSubject || to];
  return `Adding ${kind} import ${exporter}:${quoted(from)} for ${importer}:${quoted(local)}`;
}

/** The new mappings, in the order of creation. */
function mergeMappings(
  before: readonly MappingRule[],
  claimed: readonly MappingRule[],
  account: string,
): { mappings: MappingRule[]; problems: [source: string, problem: string][] } {
  const problems: [string, string][] = [];
  const valid = new Map<string, MappingRule>();
  for (const one of claimed) {
    const problem = checkMapping(one, account);
    if (problem === null) {
      const installed = installedRule(one, account);
      valid.set(installed.source, installed);
    } else problems.push([one.source, problem]);
  }
  const kept = before.filter(({ source }) => problems.length > 0 || valid.has(source));
  const mappings = new Map(kept.map(one => [one.source, one]));
  for (const [source, one] of valid) mappings.set(source, one);
  return { mappings: [...mappings.values()], problems };
}

type Signers = ReadonlyMap<string, UserScope | null>;

function signerLeft(before: Signers, after: Signers): ((publicKey: string) => boolean) | null {
  const isSame = (key: string) => after.has(key) && Bun.deepEquals(before.get(key), after.get(key));
  if (before.size === after.size && [...before.keys()].every(isSame)) return null;
  return key => !after.has(key) || (before.has(key) && !isSame(key));
}
