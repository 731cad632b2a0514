/** Options as given by a program. The shapes in this folder complete missing fields at any depth. */

import type { GivenPermissions } from "../../../access/permission/permission-options.ts";
import type { AccountLimits, AccountOptions, TraceOptions } from "../../../accounts/account/account-options.ts";
import type {
  LatencyOptions,
  ServiceExportOptions,
  ServiceImportOptions,
  StreamExportOptions,
  StreamImportOptions,
} from "../../../accounts/trade/trade-options.ts";
import type { ResolverOptions } from "../../../auth/operator/operator-options.ts";
import type { Authorization, CalloutOptions, UserOptions } from "../../../auth/users/authorization.ts";
import type { AccountJetStream } from "../../../jetstream/config/account-jetstream.ts";
import type { MappingDestination, MappingRule } from "../../../messaging/mapping/mapping-rule.ts";
import type { OcspCacheRules, OcspPeerRules } from "../../../wire/transport/tls/ocsp/ocsp-rules.ts";
import type { TlsOptions } from "../../../wire/transport/tls/tls-options.ts";
import type { UnixListener } from "../block/unix-listener-block.ts";
import type { Options } from "../options.ts";
import type { WebSocketOptions } from "../websocket-options.ts";
import type { GivenJetStream, GivenTier } from "./jetstream-shape.ts";

/** Either `user` and `password`, or `nkey`. */
export interface GivenUser extends Partial<Omit<UserOptions, "permissions">> {
  readonly permissions?: GivenPermissions | null;
}

type GivenExport =
  | (Partial<StreamExportOptions> & Pick<StreamExportOptions, "kind" | "subject">)
  | (Partial<Omit<ServiceExportOptions, "latency">> &
      Pick<ServiceExportOptions, "kind" | "subject"> & {
        readonly latency?: (Partial<LatencyOptions> & Pick<LatencyOptions, "subject">) | null;
      });

type GivenImport =
  | (Partial<StreamImportOptions> & Pick<StreamImportOptions, "kind" | "account" | "subject">)
  | (Partial<ServiceImportOptions> & Pick<ServiceImportOptions, "kind" | "account" | "subject">);

export interface GivenMapping extends Omit<MappingRule, "destinations"> {
  /** A subject that receives all messages, or destinations with weights. */
  readonly destinations: readonly (Partial<MappingDestination> & Pick<MappingDestination, "subject">)[];
}

export interface GivenAccount extends Partial<Pick<AccountOptions, "nkey">> {
  readonly name: string;
  readonly users?: readonly GivenUser[];
  readonly defaultPermissions?: GivenPermissions | null;
  readonly exports?: readonly GivenExport[];
  readonly imports?: readonly GivenImport[];
  readonly mappings?: readonly GivenMapping[];
  readonly limits?: Partial<AccountLimits>;
  /** Whether it may use JetStream, and how much of it; not given: false. */
  readonly jetStream?: boolean | GivenTier | AccountJetStream | null;
  readonly trace?: (Partial<TraceOptions> & Pick<TraceOptions, "destination">) | null;
}

export interface GivenAuthorization extends Omit<Authorization, "users" | "defaultPermissions" | "callout"> {
  readonly users?: readonly GivenUser[];
  readonly defaultPermissions?: GivenPermissions | null;
  readonly callout?: Partial<CalloutOptions> | null;
}

/** Either `certificates`, for a listener, or only rules, for a resolver. */
export interface GivenTls extends Partial<Omit<TlsOptions, "ocspPeer">> {
  /** `{}` checks clients' certificates by OCSP with the default settings. */
  readonly ocspPeer?: Partial<OcspPeerRules> | null;
}

export interface GivenWebSocket extends Partial<Omit<WebSocketOptions, "tls" | "authorization">> {
  readonly tls?: GivenTls | null;
  /** A single user or a token, instead of the server's `authorization`. */
  readonly authorization?: Pick<Authorization, "user" | "password" | "token"> | null;
}

type ResolverOf<K extends ResolverOptions["kind"]> = Extract<ResolverOptions, { readonly kind: K }>;
type Directory<T> = Partial<T> & Pick<ResolverOf<"full"> | ResolverOf<"cache">, "directory">;

export type GivenResolver =
  | ResolverOf<"memory">
  | ResolverOf<"url">
  | (Directory<ResolverOf<"full">> & { readonly kind: "full" })
  | (Directory<ResolverOf<"cache">> & { readonly kind: "cache" });

/** Options of `NatsServer.start`. Every option and every field may be left out. Times are in milliseconds; port 0 means any free port. */
export interface GivenOptions
  extends Partial<
    Omit<
      Options,
      | "accounts"
      | "authorization"
      | "jetStream"
      | "listenUnix"
      | "mappings"
      | "ocspCache"
      | "resolver"
      | "resolverTls"
      | "tls"
      | "websocket"
    >
  > {
  readonly accounts?: readonly GivenAccount[];
  readonly authorization?: GivenAuthorization | null;
  readonly jetStream?: boolean | GivenJetStream;
  readonly listenUnix?: (Partial<UnixListener> & Pick<UnixListener, "path">) | null;
  readonly mappings?: readonly GivenMapping[];
  readonly ocspCache?: Partial<OcspCacheRules> | null;
  readonly resolver?: GivenResolver | null;
  readonly resolverTls?: GivenTls | null;
  readonly tls?: GivenTls | null;
  readonly websocket?: GivenWebSocket | null;
}
