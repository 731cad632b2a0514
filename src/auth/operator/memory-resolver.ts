/** `resolver: MEMORY`: only the JWTs of `resolver_preload`. */
import { LookupError, MISSING } from "./lookup-error.ts";
import type { Resolver } from "./resolver.ts";

export class MemoryResolver implements Resolver {
  readonly kind = "memory";
  readonly readOnly = false;
  private readonly jwts = new Map<string, string>();

  fetch(name: string): string {
    const jwt = this.jwts.get(name);
    if (jwt === undefined) throw new LookupError(MISSING);
    return jwt;
  }

  store(name: string, jwt: string): void {
    this.jwts.set(name, jwt);
  }

  reload(): void {}

  stop(): void {}
}
