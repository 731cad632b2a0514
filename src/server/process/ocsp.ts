/**
 * OCSP of one server: the checks of clients' certificates that its listeners make, and the cache that they share.
 *
 *   options ─ guards ─▶ listeners: what TLS must satisfy, how a peer is checked
 *           ─ start, follow ─▶ cache: exists while a `tls` block has `ocsp_peer`
 */
import type { Clock } from "../../base/clock/clock.ts";
import type { Disk } from "../../base/disk/disk.ts";
import type { Logger } from "../../base/log/logger.ts";
import type { Options } from "../../config/schema/options.ts";
import type { ChainCertificate } from "../../wire/transport/tls/ocsp/chain-certificate.ts";
import { LocalCache, NoCache, type OcspCache, type OcspCacheStats } from "../../wire/transport/tls/ocsp/ocsp-cache.ts";
import { type OcspDependencies, ocspPeerCheck } from "../../wire/transport/tls/ocsp/ocsp-peer-check.ts";
import { OCSP_CACHE_DEFAULTS } from "../../wire/transport/tls/ocsp/ocsp-rules.ts";
import { type Fetch, Responders } from "../../wire/transport/tls/ocsp/responders.ts";
import type { TlsOptions } from "../../wire/transport/tls/tls-options.ts";
import type { TlsGuards } from "../shard/load-tls.ts";
import { StartError } from "../shard/start-error.ts";

/** Kind of the connections that are checked, as events name it. */
const CLIENT_KIND = "Client";

/** Receives reports of refused certificates. */
export interface OcspEvents {
  ocspRejected(kind: string, peer: ChainCertificate, reason: string): void;
  ocspLinkInvalid(peer: ChainCertificate, link: ChainCertificate, reason: string): void;
}

const NO_CACHE = new NoCache();

export class Ocsp implements OcspDependencies {
  readonly responders: Responders;
  private active: OcspCache | null = null;
  /** Caches that were replaced and are being saved. */
  private leaving: Promise<unknown> = Promise.resolve();

  constructor(
    readonly log: Logger,
    readonly clock: Clock,
    private readonly disk: Disk,
    fetch: Fetch,
    /** Receives reports of certificates that are not good; null: no reports. */
    private readonly events: () => OcspEvents | null = () => null,
  ) {
    this.responders = new Responders(fetch, clock, log);
  }

  get cache(): OcspCache {
    return this.active ?? NO_CACHE;
  }

  onRejected(peer: ChainCertificate, reason: string): void {
    this.events()?.ocspRejected(CLIENT_KIND, peer, reason);
  }

  onLinkInvalid(peer: ChainCertificate, link: ChainCertificate, reason: string): void {
    this.events()?.ocspLinkInvalid(peer, link, reason);
  }

  /** What /varz shows; null: no cache. */
  get cacheStats(): OcspCacheStats | null {
    return this.active === null || this.active === NO_CACHE ? null : this.active.stats;
  }

  /** What listeners with these options must ask for. */
  guards({ ocspStapling }: Options): TlsGuards {
    return {
      peerCheckFor: ({ ocspPeer }: TlsOptions) => {
        if (ocspPeer === null) return null;
        this.log.debug("Plugging TLS OCSP peer for [Client]");
        return ocspPeerCheck(ocspPeer, this);
      },
      approve: context => {
        if (!context.mustStaple) return;
        const at = `Certificate at '${context.options.certificates[0].certFile}' has MustStaple`;
        if (ocspStapling !== "never") {
          throw new StartError(`${at}, but this server cannot staple OCSP responses; 'ocsp: false' lets it be used without`);
        }
        this.log.warn(`${at} but OCSP is disabled`);
      },
    };
  }

  /** Opens the cache that the options ask for. */
  start(options: Options): void {
    if (!checksPeers(options)) return;
    const rules = options.ocspCache ?? OCSP_CACHE_DEFAULTS;
    this.active = rules.type === "none" ? NO_CACHE : new LocalCache(rules, this.clock, this.disk, this.log);
    this.tellOnline();
  }

  /** The options have changed. What is known already is kept, unless the cache is in another place now. */
  follow(options: Options): void {
    const rules = options.ocspCache ?? OCSP_CACHE_DEFAULTS;
    const { active } = this;
    const stays = active instanceof LocalCache && rules.type === "local" && rules.localStore === active.directory;
    if (stays && checksPeers(options)) {
      active.follow(rules);
      return this.tellOnline();
    }
    this.active = null;
    if (active !== null) this.leaving = Promise.all([this.leaving, active.stop()]);
    this.start(options);
  }

  /** Saves the cache; resolves when that is done, or has failed and was logged. */
  async stop(): Promise<void> {
    await Promise.all([this.leaving, this.active?.stop()]);
  }

  private tellOnline(): void {
    this.log.notice(`OCSP peer cache online, type [${this.cache.stats.type}]`);
  }
}

function checksPeers({ tls, websocket }: Options): boolean {
  return [tls, websocket?.tls ?? null].some(block => block !== null && block.ocspPeer !== null);
}
