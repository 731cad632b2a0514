/**
 * Checks by OCSP whether a peer's certificate is still valid (core §9.3.2).
 *
 *   chains ─▶ for one of them: every link with a responder ─┬─ a current response is cached ─────────────┬─▶ good? revoked? unknown?
 *             (a link: a certificate and its issuer)        └─ its responders are asked ─ verified? put ─┘
 * A chain of one certificate, or without any responder, is valid: its authority does not use OCSP. The first valid chain
 * admits the peer. Each step is logged with the reference's texts and levels.
 */
import type { Clock } from "../../../../base/clock/clock.ts";
import { DerError } from "../der-reader.ts";
import type { PeerCheck } from "../tls-context.ts";
import { ChainCertificate } from "./chain-certificate.ts";
import { type Chain, chainsOf, readCertificates } from "./chains.ts";
import type { OcspCache } from "./ocsp-cache.ts";
import { OcspError, type OcspResponse, readOcspResponse } from "./ocsp-response.ts";
import type { OcspLog, OcspPeerRules } from "./ocsp-rules.ts";
import type { Responders } from "./responders.ts";
import { isCurrent } from "./validity-window.ts";

/** Reason logged when the connection is closed. */
export const CLIENT_REFUSED = "client not OCSP valid";

export interface OcspDependencies {
  readonly cache: OcspCache;
  readonly responders: Responders;
  readonly clock: Clock;
  readonly log: OcspLog;
  /** A peer is refused. */
  onRejected?(peer: ChainCertificate, reason: string): void;
  /** A certificate of its chain is not valid. */
  onLinkInvalid?(peer: ChainCertificate, link: ChainCertificate, reason: string): void;
}

/** A certificate with a responder, and its issuer. */
interface Link {
  readonly certificate: ChainCertificate;
  readonly issuer: ChainCertificate;
}

/** Why a link is not valid; null when it is. */
type Verdict = string | null;

/** Parsed authorities, cached across peers. */
const readAuthorities = new WeakMap<readonly Uint8Array[], Chain>();

function trustedOf(authorities: readonly Uint8Array[]): Chain {
  const known = readAuthorities.get(authorities) ?? readCertificates(authorities);
  readAuthorities.set(authorities, known);
  return known;
}

export function ocspPeerCheck(rules: OcspPeerRules, dependencies: OcspDependencies): PeerCheck {
  const check = new OcspPeerCheck(rules, dependencies);
  return async (certificate, authorities, sent) => {
    const leaf = new ChainCertificate(certificate.raw);
    if (await check.isValid(leaf, trustedOf(authorities), readCertificates(sent))) return null;
    dependencies.onRejected?.(leaf, CLIENT_REFUSED);
    return CLIENT_REFUSED;
  };
}

class OcspPeerCheck {
  private readonly log: OcspLog;

  constructor(
    private readonly rules: OcspPeerRules,
    private readonly dependencies: OcspDependencies,
  ) {
    this.log = dependencies.log;
  }

  async isValid(leaf: ChainCertificate, trusted: Chain, sent: Chain): Promise<boolean> {
    const { log } = this;
    const { chains, mustAllHold } = chainsOf(leaf, trusted, sent, this.dependencies.clock.now());
    log.debug(`Peer OCSP enabled: ${chains.length} TLS client chain(s) will be evaluated`);
    if (chains.length === 0) log.warn(`No certificate chain found for [${leaf.subject}], rejecting OCSP peer`);
    const decides = !mustAllHold; // the first chain of this kind settles it
    for (const [index, chain] of chains.entries()) {
      if ((await this.isChainValid(index, chain)) === decides) return decides || this.refuseAll();
    }
    return (mustAllHold && chains.length > 0) || this.refuseAll();
  }

  private refuseAll(): false {
    this.log.debug("No OCSP valid chains, thus peer is invalid");
    return false;
  }

  private async isChainValid(index: number, chain: Chain): Promise<boolean> {
    const { log } = this;
    log.debug(`Chain [${index}]: ${chain.length} total link(s)`);
    if (chain.length === 1) {
      log.debug(`Chain [${index}] is self-signed, thus peer is valid`);
      return true;
    }
    const links = chain.slice(0, -1).map((certificate, position): Link => ({ certificate, issuer: chain[position + 1] }));
    const eligible = links.filter(({ certificate }) => certificate.responders.length > 0);
    if (eligible.length === 0) {
      log.debug(`Chain [${index}] has no OCSP eligible links, thus peer is valid`);
      return true;
    }
    log.debug(`Chain [${index}] has ${eligible.length} OCSP eligible link(s)`);
    for (const link of eligible) {
      const verdict = await this.judge(link);
      if (verdict === null) continue;
      log.debug(verdict);
      this.dependencies.onLinkInvalid?.(chain[0], link.certificate, verdict);
      return false;
    }
    log.debug(`Chain [${index}] is OCSP valid for all eligible links, thus peer is valid`);
    return true;
  }

  private async judge(link: Link): Promise<Verdict> {
    const { subject, fingerprint } = link.certificate;
    this.log.debug(`Checking OCSP peer cache for [${subject}], key [${fingerprint}]`);
    const { response: cached, revoked } = this.lookUp(link, fingerprint);
    if (cached !== null) return this.judgeStatus(cached, subject);
    let bytes: Uint8Array;
    try {
      bytes = await this.dependencies.responders.ask(link.certificate, link.issuer, this.rules.caTimeoutMs);
    } catch (error) {
      return this.unreachable(subject, (error as Error).message, revoked);
    }
    return this.judgeAnswer(bytes, link, fingerprint);
  }

  /** @returns the cached response if current, and whether the cache held a revocation, current or not */
  private lookUp(link: Link, key: string): { response: OcspResponse | null; revoked: boolean } {
    const { cache, clock } = this.dependencies;
    const bytes = cache.get(key);
    if (bytes === null) return { response: null, revoked: false };
    const response = tryRead(bytes, link);
    if (response instanceof Error || !response.isDelegationValid) {
      this.log.debug(`Invalid cached OCSP response for [${link.certificate.subject}] with fingerprint [${key}]`);
      cache.delete(key);
      return { response: null, revoked: false };
    }
    const current = isCurrent(response, this.rules, clock.now(), this.log);
    this.log.debug(`Cached OCSP response is ${current ? "current" : "expired"}, status [${response.status}]`);
    if (!current) cache.delete(key);
    return { response: current ? response : null, revoked: response.status === "revoked" };
  }

  private unreachable(subject: string, reason: string, cachedRevocation: boolean): Verdict {
    const { log, rules } = this;
    log.warn(`Attempt to obtain OCSP response from CA responder for [${subject}] failed: ${reason}`);
    if (rules.warnOnly) return this.allow(subject);
    if (rules.allowWhenCaUnreachable) {
      const failed = `Failed to obtain OCSP CA response for [${subject}] but AllowWhenCAUnreachable set;`;
      log.warn(cachedRevocation ? `${failed} cached revocation exists so rejecting` : `${failed} no cached revocation so allowing`);
      if (!cachedRevocation) return null;
    }
    return "Failed OCSP response fetch";
  }

  private judgeAnswer(bytes: Uint8Array, link: Link, key: string): Verdict {
    const { log, dependencies } = this;
    const { subject } = link.certificate;
    const response = tryRead(bytes, link);
    if (response instanceof Error) {
      log.error(`Could not parse OCSP CA response for [${subject}]: ${response.message}`);
      return this.refuse(subject, "Failed OCSP response parse");
    }
    if (!response.isDelegationValid) {
      const text = `Invalid OCSP response delegation: ${subject}`;
      log.warn(text);
      return this.refuse(subject, text);
    }
    if (!isCurrent(response, this.rules, dependencies.clock.now(), log)) {
      log.warn(`New OCSP CA response obtained for [${subject}] but not current`);
      return this.refuse(subject, "OCSP response not in effectivity window");
    }
    dependencies.cache.put(key, response, subject);
    return this.judgeStatus(response, subject);
  }

  private judgeStatus({ status }: OcspResponse, subject: string): Verdict {
    if (status === "good" || (status === "unknown" && this.rules.unknownIsGood)) {
      this.log.debug(`OCSP verify pass for [${subject}]`);
      return null;
    }
    this.log.warn(`OCSP verify fail for [${subject}] with CA status [${status}]`);
    return this.refuse(subject, `Invalid OCSP response status: ${status}`);
  }

  private refuse(subject: string, reason: string): Verdict {
    return this.rules.warnOnly ? this.allow(subject) : reason;
  }

  private allow(subject: string): null {
    this.log.warn(`OCSP verify fail for [${subject}] but WarnOnly is true so allowing`);
    return null;
  }
}

function tryRead(bytes: Uint8Array, { certificate, issuer }: Link): OcspResponse | OcspError | DerError {
  try {
    return readOcspResponse(bytes, certificate, issuer);
  } catch (error) {
    if (error instanceof OcspError || error instanceof DerError) return error;
    throw error;
  }
}
