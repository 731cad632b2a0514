/** Operator mode: whose account and user JWTs are trusted, and where account JWTs come from. */
import type { TlsOptions } from "../../wire/transport/tls/tls-options.ts";

/** `resolver`: where account JWTs come from. Durations in milliseconds. */
export type ResolverOptions =
  | { readonly kind: "memory" }
  /** Asked by HTTP GET of `<url><account>`. */
  | { readonly kind: "url"; readonly url: string }
  | {
      readonly kind: "full";
      readonly directory: string;
      /** Most JWTs kept; 0: any number. */
      readonly limit: number;
      /** Between two comparisons with the other servers. */
      readonly syncIntervalMs: number;
      readonly allowDelete: boolean;
      /** Deleted files are gone instead of renamed. */
      readonly hardDelete: boolean;
      readonly fetchTimeoutMs: number;
    }
  | {
      readonly kind: "cache";
      readonly directory: string;
      readonly limit: number;
      /** How long one is kept; 0: for ever. */
      readonly ttlMs: number;
      readonly fetchTimeoutMs: number;
    };

export interface OperatorOptions {
  /** Operator JWTs, as text; the files that the configuration named were read. */
  readonly operators: readonly string[];
  /** Public operator nkeys that are trusted without a JWT; not together with `operators`. */
  readonly trustedKeys: readonly string[];
  /** null: what the operator's JWT says, if it does. */
  readonly resolver: ResolverOptions | null;
  /** For a resolver by https; null: the system's certificates. */
  readonly resolverTls: TlsOptions | null;
  /** Account → its JWT. */
  readonly resolverPreload: Readonly<Record<string, string>>;
  /** Accounts whose users get in; empty: those of all. */
  readonly pinnedAccounts: readonly string[];
  /** Bearer JWT of those who show none; empty: they are refused. */
  readonly defaultSentinel: string;
}

/** What of a server's options is about operators. */
export function operatorOptionsOf(options: OperatorOptions): OperatorOptions {
  const { operators, trustedKeys, resolver, resolverTls, resolverPreload, pinnedAccounts, defaultSentinel } = options;
  return { operators, trustedKeys, resolver, resolverTls, resolverPreload, pinnedAccounts, defaultSentinel };
}
