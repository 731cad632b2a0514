/**
 * `resolver { type: full }` and `{ type: cache }`: account JWTs in a directory, synchronised with other servers by messages in the system
 * account.
 *
 *   fetch ─ directory ─ missing? ─▶ other servers, at most `timeout` ─▶ stored
 *   full    all JWTs, compared with another server every `interval`
 *   cache   requested JWTs, least recently used dropped first
 * Until the server has started, only the directory is used.
 * Source: server/accounts.go, DirAccResolver, CacheDirAccResolver (behaviour); core §4.6.
 */
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { ClaimsServices } from "./claims-services.ts";
import { DirectoryStore } from "./directory-store.ts";
import { reasonOf } from "./lookup-error.ts";
import type { OperatorAccounts } from "./operator-accounts.ts";
import type { OperatorHost } from "./operator-host.ts";
import type { ResolverOptions } from "./operator-options.ts";
import type { Resolver } from "./resolver.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

export type DirectoryResolverOptions = Extract<ResolverOptions, { kind: "full" | "cache" }>;

export class DirectoryResolver implements Resolver {
  readonly kind: "full" | "cache";
  readonly readOnly = false;
  readonly files: DirectoryStore;
  private services: ClaimsServices | null = null;
  private readonly stopped = new AbortController();
  private readonly timers: WheelTimer[] = [];

  /** @throws Error when the directory cannot be used */
  constructor(
    private readonly options: DirectoryResolverOptions,
    private readonly host: OperatorHost,
  ) {
    const { kind, directory, limit } = options;
    this.kind = kind;
    const now = () => host.clock.now();
    if (options.kind === "cache") {
      this.files = new DirectoryStore({ directory, limit, deletion: "hard", evicts: true, ttlMs: options.ttlMs }, host.disk, now);
    } else {
      const deletion = options.allowDelete ? (options.hardDelete ? "hard" : "rename") : "none";
      this.files = new DirectoryStore({ directory, limit, deletion, evicts: false, ttlMs: 0 }, host.disk, now);
    }
  }

  /** Starts to ask and answer other servers. @throws Error without an operator */
  start(accounts: OperatorAccounts, services: ClaimsServices, keys: TrustedKeys): void {
    const { files, options, host } = this;
    services.serveDirectory(files, keys, options.kind === "cache", name => accounts.get(name) !== undefined);
    files.onChanged = name => this.follow(accounts, name);
    files.onDeleted = name => accounts.disable(name);
    if (options.kind === "full") {
      services.serveOthers(files);
      this.repeat(options.syncIntervalMs, () => services.compare(files));
    }
    this.repeat(files.expiryCheckMs, () => files.expire());
    this.services = services;
    host.log.notice(`Managing ${options.kind === "full" ? "all" : "some"} jwt in exclusive directory ${files.directory}`);
  }

  fetch(name: string): string | Promise<string> {
    try {
      const jwt = this.files.load(name);
      if (jwt !== "") return jwt;
    } catch (error) {
      if (this.services === null) throw error;
    }
    return this.fetchFromOthers(name);
  }

  private async fetchFromOthers(name: string): Promise<string> {
    if (this.services === null) throw new Error("eventing shut down");
    const jwt = await this.services.lookUp(name, this.options.fetchTimeoutMs, this.stopped.signal);
    this.files.saveIfNewer(name, jwt);
    return jwt;
  }

  store(name: string, jwt: string): void {
    this.files.saveIfNewer(name, jwt);
  }

  reload(): void {
    this.files.reload();
  }

  stop(): void {
    this.stopped.abort();
    for (const timer of this.timers) this.host.timers.cancel(timer);
    this.timers.length = 0;
  }

  /** A file changed: updates the account if it is in use. */
  private follow(accounts: OperatorAccounts, name: string): void {
    const loaded = accounts.get(name);
    if (loaded === undefined) return;
    const { log } = this.host;
    const fail = (error: unknown): void => {
      const what = this.kind === "full" ? `Update for account ${JSON.stringify(name)}` : "Update";
      log.error(`DirResolver - ${what} resulted in error ${reasonOf(error)}`);
    };
    let jwt: string;
    try {
      jwt = this.files.load(name);
    } catch (error) {
      return log.error(`DirResolver - Update got error on load: ${reasonOf(error)}`);
    }
    try {
      accounts.update(loaded, jwt)?.catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  private repeat(intervalMs: number, task: () => void): void {
    const timer = new WheelTimer(() => {
      this.host.timers.set(timer, intervalMs);
      task();
    });
    this.timers.push(timer);
    this.host.timers.set(timer, intervalMs);
  }
}
