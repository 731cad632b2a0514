/**
 * OCSP of one server: how its listeners check clients' certificates, and the cache that they share.
 *
 *   options ─ guards ─▶ listeners: requirements on TLS, how a peer is checked
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
import { StartError } from "../shard/server-errors.ts";

/** The kind of the checked connections, as named in events. */
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
  /** Resolves when replaced caches have been saved. */
  private replacedSaved: Promise<unknown> = Promise.resolve();

  constructor(
    readonly log: Logger,
    readonly clock: Clock,
    private readonly disk: Disk,
    fetch: Fetch,
    /** Receives reports of refused certificates; null: no reports. */
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

  /** Statistics for /varz; null: no cache. */
  get cacheStats(): OcspCacheStats | null {
    return this.active === null || this.active === NO_CACHE ? null : this.active.stats;
  }

  /** The TLS requirements of listeners with these options. */
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
          throw new StartError(`${at}, but this server cannot staple OCSP responses; set 'ocsp: false' to use the certificate without`);
        }
        this.log.warn(`${at} but OCSP is disabled`);
      },
    };
  }

  /** Opens the cache if the options need one. */
  start(options: Options): void {
    if (!checksPeers(options)) return;
    const rules = options.ocspCache ?? OCSP_CACHE_DEFAULTS;
    this.active = rules.type === "none" ? NO_CACHE : new LocalCache(rules, this.clock, this.disk, this.log);
    this.logOnline();
  }

  /** Applies changed options. The cache keeps its answers unless its type or directory changes. */
  follow(options: Options): void {
    const rules = options.ocspCache ?? OCSP_CACHE_DEFAULTS;
    const { active } = this;
    const sameStore = active instanceof LocalCache && rules.type === "local" && rules.localStore === active.directory;
    if (sameStore && checksPeers(options)) {
      active.follow(rules);
      return this.logOnline();
    }
    this.active = null;
    if (active !== null) this.replacedSaved = Promise.all([this.replacedSaved, active.stop()]);
    this.start(options);
  }

  /** Saves the cache; resolves when it is saved. A failure is logged. */
  async stop(): Promise<void> {
    await Promise.all([this.replacedSaved, this.active?.stop()]);
  }

  private logOnline(): void {
    this.log.notice(`OCSP peer cache online, type [${this.cache.stats.type}]`);
  }
}

function checksPeers({ tls, websocket }: Options): boolean {
  return [tls, websocket?.tls ?? null].some(block => block !== null && block.ocspPeer !== null);
}
