/**
 * The account resolver of a server: created from the options, filled with the claims that they contain, started with its services in the system
 * account, and replaced by a reload.
 * Source: server/server.go, configureResolver; server/reload.go, reloadAuthorization (behaviour).
 */

import { ClaimsServices } from "../../auth/operator/claims-services.ts";
import { DirectoryResolver } from "../../auth/operator/directory-resolver.ts";
import { reasonOf } from "../../auth/operator/lookup-error.ts";
import { MemoryResolver } from "../../auth/operator/memory-resolver.ts";
import type { OperatorAccounts } from "../../auth/operator/operator-accounts.ts";
import type { OperatorHost } from "../../auth/operator/operator-host.ts";
import { operatorOptionsOf, type ResolverOptions } from "../../auth/operator/operator-options.ts";
import type { Resolver } from "../../auth/operator/resolver.ts";
import type { TrustedKeys } from "../../auth/operator/trusted-keys.ts";
import { UrlResolver } from "../../auth/operator/url-resolver.ts";
import type { Options } from "../../config/schema/options.ts";
import { warnOfPreloads } from "./operator-log.ts";
import type { OperatorServer } from "./operator-server.ts";

export class OperatorResolver {
  /** null: not started, or no system account. */
  private services: ClaimsServices | null = null;

  /** @throws Error a directory cannot be used */
  constructor(
    private readonly server: Pick<OperatorServer, "options" | "serverName" | "systemAccount">,
    private readonly host: OperatorHost,
    private readonly accounts: OperatorAccounts,
    private readonly keys: TrustedKeys,
  ) {
    accounts.resolver = this.create(server.options);
  }

  /** Stores the claims of the options, and waits for an account server. @throws Error, or rejects: it cannot be used */
  async open(): Promise<void> {
    const { resolver } = this.accounts;
    if (resolver === null) return;
    this.preload(resolver, this.server.options.resolverPreload);
    if (resolver.kind === "url") await resolver.fetch("");
  }

  /** Starts it, and its services. @throws Error it cannot be started */
  start(): void {
    const { resolver } = this.accounts;
    if (resolver === null) return;
    const { serverName, systemAccount } = this.server;
    if (systemAccount !== null) this.services = new ClaimsServices(this.host, systemAccount, serverName);
    this.begin(resolver);
  }

  stop(): void {
    this.services?.close();
    this.accounts.resolver?.stop();
  }

  /**
   * Runs the steps of a reload that may fail.
   * @returns applies the new options and cannot fail
   * @throws Error with the reason
   */
  prepare(after: Options): () => void {
    const before = this.server.options;
    const { resolver } = this.accounts;
    if (resolver === null || after.resolver === null) return () => {};
    const isSame = resolver.kind !== "memory" && Bun.deepEquals(resolverPart(before), resolverPart(after));
    const next = isSame ? resolver : this.create(after);
    if (next === null) return () => {};
    this.check(next);
    this.preload(next, after.resolverPreload);
    return () => {
      if (next !== resolver) {
        resolver.stop();
        this.services?.close();
        this.accounts.resolver = next;
        this.begin(next);
      }
      if (next.kind === "memory") {
        warnOfPreloads(this.host.log, after, this.host.clock.now());
        this.accounts.refreshAll(after.systemAccount);
      } else next.reload();
    };
  }

  private create(options: Options): Resolver | null {
    const { resolver, resolverTls } = operatorOptionsOf(options);
    if (resolver === null) return null;
    if (resolver.kind === "memory") return new MemoryResolver();
    return resolver.kind === "url" ? new UrlResolver(resolver.url, resolverTls) : new DirectoryResolver(resolver, this.host);
  }

  private preload(resolver: Resolver, jwts: Options["resolverPreload"]): void {
    const all = Object.entries(jwts);
    if (all.length > 0 && resolver.readOnly) {
      throw new Error("resolver preloads only available for writeable resolver types MEM/DIR/CACHE_DIR");
    }
    for (const [name, jwt] of all) {
      try {
        resolver.store(name, jwt);
      } catch (error) {
        this.host.log.debug(`preload of account [${name}] was not stored: ${reasonOf(error)}`); // the stored claims may be newer
      }
    }
  }

  /** @throws Error the resolver cannot be started: a directory resolver needs a system account and an operator key for updates */
  private check(resolver: Resolver): void {
    if (!(resolver instanceof DirectoryResolver)) return;
    if (this.services === null) throw new Error("there is no system account");
    void this.keys.pushing;
  }

  private begin(resolver: Resolver): void {
    this.check(resolver);
    if (resolver instanceof DirectoryResolver) resolver.start(this.accounts, this.services!, this.keys);
    else this.services?.serveMemory(this.accounts);
  }
}

function resolverPart({ resolver, resolverTls }: Options): [ResolverOptions | null, Options["resolverTls"]] {
  return [resolver, resolverTls];
}
