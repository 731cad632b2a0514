/** Options of operator mode: trusted operators, and the source of account JWTs. */
import type { TlsOptions } from "../../wire/transport/tls/tls-options.ts";

/** `resolver`: the source of account JWTs. Durations in milliseconds. */
export type ResolverOptions =
  | { readonly kind: "memory" }
  /** Requested by HTTP GET of `<url><account>`. */
  | { readonly kind: "url"; readonly url: string }
  | {
      readonly kind: "full";
      readonly directory: string;
      /** Most JWTs kept; 0: any number. */
      readonly limit: number;
      /** Interval between comparisons with other servers. */
      readonly syncIntervalMs: number;
      readonly allowDelete: boolean;
      /** Files are deleted instead of renamed. */
      readonly hardDelete: boolean;
      readonly fetchTimeoutMs: number;
    }
  | {
      readonly kind: "cache";
      readonly directory: string;
      readonly limit: number;
      /** How long a JWT is kept; 0: no limit. */
      readonly ttlMs: number;
      readonly fetchTimeoutMs: number;
    };

/** Each kind of resolver with every field at its default. */
export const RESOLVER_DEFAULTS: { readonly [K in ResolverOptions["kind"]]: Extract<ResolverOptions, { readonly kind: K }> } = {
  memory: { kind: "memory" },
  url: { kind: "url", url: "" },
  full: {
    kind: "full",
    directory: "",
    limit: 0,
    syncIntervalMs: 60_000,
    allowDelete: false,
    hardDelete: false,
    fetchTimeoutMs: 1_900,
  },
  cache: { kind: "cache", directory: "", limit: 1_000, ttlMs: 0, fetchTimeoutMs: 1_900 },
};

export interface OperatorOptions {
  /** Operator JWTs as text; files named in the configuration are already read. */
  readonly operators: readonly string[];
  /** Public operator nkeys trusted without a JWT; not together with `operators`. */
  readonly trustedKeys: readonly string[];
  /** null: taken from the operator's JWT, if it names one. */
  readonly resolver: ResolverOptions | null;
  /** For an https resolver; null: the system's certificates. */
  readonly resolverTls: TlsOptions | null;
  /** Account → its JWT. */
  readonly resolverPreload: Readonly<Record<string, string>>;
  /** Accounts whose users may log in; empty: all. */
  readonly pinnedAccounts: readonly string[];
  /** Bearer JWT for clients without one; empty: they are refused. */
  readonly defaultSentinel: string;
}

/** The operator-related part of a server's options. */
export function operatorOptionsOf(options: OperatorOptions): OperatorOptions {
  const { operators, trustedKeys, resolver, resolverTls, resolverPreload, pinnedAccounts, defaultSentinel } = options;
  return { operators, trustedKeys, resolver, resolverTls, resolverPreload, pinnedAccounts, defaultSentinel };
}
