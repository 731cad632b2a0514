/**
 * Cache of verified responses, by fingerprint of the certificate.
 *
 *   peer-check ─ get, put, delete ─▶ LocalCache ─ every save_interval, and at the end, when something changed ─▶ cache.json
 * Entries stay compressed (S2), as in the file, and are decoded when they are used. A cached response
 * is verified again on each use, so a forged file can at most cause another request to the responder.
 * At most ENTRIES_MAX responses are kept; then the oldest is dropped.
 */
import type { Clock } from "../../../../base/clock/clock.ts";
import { decodeS2Stream, encodeS2Stream } from "../../../../base/compression/s2-stream.ts";
import type { Disk } from "../../../../base/disk/disk.ts";
import { goTime } from "../../../../base/go/time.ts";
import { type CacheEntry, loadCacheFile, saveCacheFile } from "./cache-file.ts";
import { type OcspResponse, type OcspStatus, RESPONSE_BYTES_MAX } from "./ocsp-response.ts";
import type { OcspCacheRules, OcspLog } from "./ocsp-rules.ts";

const ENTRIES_MAX = 100_000;
/** Go's zero time, which means "no time". */
const NO_TIME = "0001-01-01T00:00:00Z";

/** Cache figures for monitoring. */
export interface OcspCacheStats {
  readonly type: "none" | "local";
  readonly hits: number;
  readonly misses: number;
  readonly responses: number;
  readonly revoked: number;
  readonly good: number;
  readonly unknown: number;
}

export interface OcspCache {
  readonly stats: OcspCacheStats;
  /** @returns the response as stored, or as read from the file; null when there is none */
  get(key: string): Uint8Array | null;
  /** @param subject the certificate's subject, for human readers of the file */
  put(key: string, response: OcspResponse, subject: string): void;
  /** The result of `get` was unusable: removes it, unless it is a preserved revocation, and counts a miss instead of a hit. */
  delete(key: string): void;
  /** Stops accepting entries and saves. */
  stop(): Promise<void>;
}

/** `type: none`. */
export class NoCache implements OcspCache {
  readonly stats: OcspCacheStats = { type: "none", hits: 0, misses: 0, responses: 0, revoked: 0, good: 0, unknown: 0 };

  get(): null {
    return null;
  }
  put(): void {}
  delete(): void {}
  async stop(): Promise<void> {}
}

export class LocalCache implements OcspCache {
  private readonly entries: Map<string, CacheEntry>;
  private readonly counts: Record<OcspStatus, number> = { good: 0, revoked: 0, unknown: 0 };
  private hits = 0;
  private misses = 0;
  private online = true;
  /** The entries changed since the file was written. */
  private dirty: boolean;
  private cancelTimer: () => void;
  /** One save at a time. */
  private saving: Promise<void> = Promise.resolve();

  /** Reads the file if it exists. */
  constructor(
    private rules: OcspCacheRules,
    private readonly clock: Clock,
    private readonly disk: Disk,
    private readonly log: OcspLog,
  ) {
    log.debug("Starting OCSP peer cache");
    const loaded = loadCacheFile(disk, rules.localStore, log);
    this.entries = loaded ?? new Map();
    this.dirty = loaded === null; // the next save replaces an unreadable file
    for (const { status } of this.entries.values()) this.counts[status]++;
    this.cancelTimer = this.startTimer();
  }

  /** Applies new rules; the directory must be unchanged. */
  follow(rules: OcspCacheRules): void {
    this.rules = rules;
    this.cancelTimer();
    this.cancelTimer = this.startTimer();
  }

  get directory(): string {
    return this.rules.localStore;
  }

  get stats(): OcspCacheStats {
    const { good, revoked, unknown } = this.counts;
    return { type: "local", hits: this.hits, misses: this.misses, responses: this.entries.size, revoked, good, unknown };
  }

  get(key: string): Uint8Array | null {
    if (!this.online) return null;
    const entry = this.entries.get(key);
    if (entry === undefined) {
      this.misses++;
      this.log.debug(`OCSP peer cache miss for key [${key}]`);
      return null;
    }
    this.hits++;
    this.log.debug(`OCSP peer cache hit for key [${key}]`);
    try {
      return decodeS2Stream(entry.stream, RESPONSE_BYTES_MAX);
    } catch (error) {
      const reason = `error reading compression reader: ${(error as Error).message}`;
      this.log.error(`Unable to decompress OCSP response for key [${key}]: ${reason}`);
      return null;
    }
  }

  put(key: string, { raw, status, nextUpdateMs }: OcspResponse, subject: string): void {
    if (!this.online) return;
    this.log.debug(`Caching OCSP response for [${subject}], key [${key}]`);
    const stream = encodeS2Stream(raw);
    this.log.debug(`OCSP response compression ratio: [${(stream.length / raw.length).toFixed(6)}]`);
    this.remove(key); // moves it to the end of the order
    const cachedAt = goTime(Math.round(this.clock.now() / 1000) * 1000);
    this.entries.set(key, { subject, cachedAt, status, expires: nextUpdateMs === null ? NO_TIME : goTime(nextUpdateMs), stream });
    this.counts[status]++;
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= ENTRIES_MAX) break;
      this.remove(oldest);
    }
    this.dirty = true;
  }

  delete(key: string): void {
    const entry = this.entries.get(key);
    if (!this.online || entry === undefined) return;
    this.hits--;
    this.misses++;
    if (entry.status === "revoked" && this.rules.preserveRevoked) {
      return this.log.debug(`Revoked OCSP response for key [${key}] preserved by cache policy`);
    }
    this.log.debug(`Deleting OCSP peer cached response for key [${key}]`);
    this.remove(key);
    this.dirty = true;
  }

  private remove(key: string): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    this.counts[entry.status]--;
    this.entries.delete(key);
  }

  /** Stops accepting entries; resolves when the save has finished or failed. */
  stop(): Promise<void> {
    this.log.debug("Stopping OCSP peer cache");
    this.online = false;
    this.cancelTimer();
    return this.save();
  }

  private startTimer(): () => void {
    return this.clock.after(this.rules.saveIntervalMs, () => {
      this.log.debug("OCSP peer cache save timer expired");
      void this.save();
      this.cancelTimer = this.startTimer();
    });
  }

  private save(): Promise<void> {
    this.saving = this.saving.then(async () => {
      if (!this.dirty) return;
      this.dirty = false; // changes during the write are saved next time
      this.log.debug("OCSP peer cache is dirty, saving");
      if (!(await saveCacheFile(this.disk, this.rules.localStore, this.entries, this.log))) this.dirty = true;
    });
    return this.saving;
  }
}
