/**
 * The content of tokens, by kind. The comment of a field gives its name in JSON when it differs; the tables that read and write them are in
 * `claim-shapes.ts`. Times are unix seconds; a limit of -1 means unlimited. Absent fields are zero, empty or null.
 *
 * Decoded claims are shared between all users of the same token, so they must not be changed.
 * Source: nats-io/jwt v2 (names, meanings); core §4.3, §4.9.
 */

export const CLAIM_KINDS = [
  "operator",
  "account",
  "user",
  "activation",
  "authorization_request",
  "authorization_response",
  "generic",
] as const;
export type ClaimKind = (typeof CLAIM_KINDS)[number];

/** Fields of every token. */
export interface ClaimsData {
  /** `aud` */
  readonly audience: string;
  /** `exp`; 0: never. */
  readonly expiresAtSeconds: number;
  /** `jti`: hash of these fields. */
  readonly id: string;
  /** `iat` */
  readonly issuedAtSeconds: number;
  /** `iss`: the public key that signed. */
  readonly issuer: string;
  readonly name: string;
  /** `nbf`; 0: at once. */
  readonly notBeforeSeconds: number;
  /** `sub`: the public key that the token is about; generic tokens may have any text. */
  readonly subject: string;
}

/** Fields of every body, which stands under `nats`. */
export interface BodyData {
  readonly tags: readonly string[];
  readonly type: string;
  /** 1: the token was of the first version and was converted. */
  readonly version: number;
}

interface ClaimsOf<Kind extends ClaimKind, Body> extends ClaimsData {
  readonly kind: Kind;
  readonly nats: Body;
}

export type OperatorClaims = ClaimsOf<"operator", OperatorBody>;
export type AccountClaims = ClaimsOf<"account", AccountBody>;
export type UserClaims = ClaimsOf<"user", UserBody>;
export type ActivationClaims = ClaimsOf<"activation", ActivationBody>;
export type AuthorizationRequestClaims = ClaimsOf<"authorization_request", AuthorizationRequestBody>;
export type AuthorizationResponseClaims = ClaimsOf<"authorization_response", AuthorizationResponseBody>;
/** Anything else; the body as `JSON.parse` gives it, null when there is none. */
export type GenericClaims = ClaimsOf<"generic", Readonly<Record<string, unknown>> | null>;

export type Claims =
  | OperatorClaims
  | AccountClaims
  | UserClaims
  | ActivationClaims
  | AuthorizationRequestClaims
  | AuthorizationResponseClaims
  | GenericClaims;

export interface OperatorBody extends BodyData {
  /** `signing_keys`: operator keys that sign like the operator. */
  readonly signingKeys: readonly string[];
  /** `account_server_url` */
  readonly accountServerUrl: string;
  /** `operator_service_urls` */
  readonly operatorServiceUrls: readonly string[];
  /** `system_account` */
  readonly systemAccount: string;
  /** `assert_server_version`: the oldest accepted server, `major.minor.update`. */
  readonly assertServerVersion: string;
  /** `strict_signing_key_usage`: the operator's own key signs only the operator's token. */
  readonly strictSigningKeyUsage: boolean;
}

export interface AllowDeny {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

/** An empty list neither allows nor denies anything. */
export interface Permissions {
  /** `pub` */
  readonly publish: AllowDeny;
  /** `sub` */
  readonly subscribe: AllowDeny;
  /** `resp` */
  readonly responses: ResponsePermission | null;
}

export interface ResponsePermission {
  /** `max` */
  readonly messagesMax: number;
  /** `ttl` */
  readonly expiresNanoseconds: number;
}

export interface TimeRange {
  /** `15:04:05` */
  readonly start: string;
  readonly end: string;
}

export interface NatsLimits {
  /** `subs` */
  readonly subscriptionsMax: number;
  /** `data` */
  readonly dataBytesMax: number;
  /** `payload` */
  readonly payloadBytesMax: number;
}

/** Permissions and limits of a user, or of all users of a scoped signing key. */
export interface UserLimits extends Permissions, NatsLimits {
  /** `src`: networks as CIDR; empty: all. */
  readonly sources: readonly string[];
  readonly times: readonly TimeRange[];
  /** `times_location`: IANA name; empty: the server's time zone. */
  readonly timesLocation: string;
  /** `bearer_token`: the token alone is enough to log in, without a signature. */
  readonly bearerToken: boolean;
  /** `proxy_required` */
  readonly proxyRequired: boolean;
  /** `allowed_connection_types`; empty: all. */
  readonly allowedConnectionTypes: readonly string[];
}

export interface UserBody extends UserLimits, BodyData {
  /** `issuer_account`: whose signing key the issuer is; empty: the issuer is the account. */
  readonly issuerAccount: string;
}

/** `service` or `stream`; empty: not given. */
export type ExportKind = "stream" | "service" | "";

export interface Import {
  readonly name: string;
  readonly subject: string;
  readonly account: string;
  /** An activation. */
  readonly token: string;
  /** Deprecated form of `localSubject`. */
  readonly to: string;
  /** `local_subject` */
  readonly localSubject: string;
  readonly type: ExportKind;
  readonly share: boolean;
  /** `allow_trace` */
  readonly allowTrace: boolean;
}

export interface ServiceLatency {
  /** Percent; 0: `headers`. */
  readonly sampling: number;
  readonly results: string;
}

export interface Export {
  readonly name: string;
  readonly subject: string;
  readonly type: ExportKind;
  /** `token_req` */
  readonly tokenRequired: boolean;
  /** Account, or `*` → activations issued up to that time are revoked. */
  readonly revocations: ReadonlyMap<string, number>;
  /** `response_type`: `Singleton`, `Stream`, `Chunked`; empty: the first. */
  readonly responseType: string;
  /** `response_threshold` */
  readonly responseThresholdNanoseconds: number;
  /** `service_latency` */
  readonly latency: ServiceLatency | null;
  /** `account_token_position`, 1-based; 0: none. */
  readonly accountTokenPosition: number;
  readonly advertise: boolean;
  /** `allow_trace` */
  readonly allowTrace: boolean;
  readonly description: string;
  /** `info_url` */
  readonly infoUrl: string;
}

/** 0: not available; for the `…StreamBytesMax` also: any number. */
export interface JetStreamLimits {
  /** `mem_storage` */
  readonly memoryBytesMax: number;
  /** `disk_storage` */
  readonly diskBytesMax: number;
  /** `streams` */
  readonly streamsMax: number;
  /** `consumer` */
  readonly consumersMax: number;
  /** `max_ack_pending` */
  readonly ackPendingMax: number;
  /** `mem_max_stream_bytes` */
  readonly memoryStreamBytesMax: number;
  /** `disk_max_stream_bytes` */
  readonly diskStreamBytesMax: number;
  /** `max_bytes_required` */
  readonly streamBytesRequired: boolean;
}

export interface AccountLimits extends NatsLimits, JetStreamLimits {
  /** `imports` */
  readonly importsMax: number;
  /** `exports` */
  readonly exportsMax: number;
  /** `wildcards`: exports may have wildcards. */
  readonly wildcardExports: boolean;
  /** `disallow_bearer` */
  readonly disallowBearer: boolean;
  /** `conn` */
  readonly connectionsMax: number;
  /** `leaf` */
  readonly leafNodesMax: number;
  /** `tiered_limits`: `R1`, `R3`, …; when there are any, the limits without a tier are zero. */
  readonly tiers: ReadonlyMap<string, JetStreamLimits>;
}

export interface WeightedMapping {
  readonly subject: string;
  /** Percent; 0: 100. */
  readonly weight: number;
  readonly cluster: string;
}

/** Auth callout: the users that run it, and the accounts that it may place users in. */
export interface ExternalAuthorization {
  /** `auth_users` */
  readonly users: readonly string[];
  /** `allowed_accounts` */
  readonly allowedAccounts: readonly string[];
  /** `xkey` */
  readonly curveKey: string;
}

export interface MessageTrace {
  /** `dest` */
  readonly destination: string;
  /** Percent; 0 in a token means 100, and is converted. */
  readonly sampling: number;
}

/** A signing key that determines the permissions of its users. */
export interface UserScope {
  readonly kind: "user_scope";
  readonly key: string;
  readonly role: string;
  readonly template: UserLimits;
  readonly description: string;
}

export interface AccountBody extends BodyData {
  /** null: written as null in the token; validation refuses it. */
  readonly imports: readonly (Import | null)[];
  readonly exports: readonly (Export | null)[];
  readonly limits: AccountLimits;
  /** `signing_keys`: account keys that sign users; null: without a scope. */
  readonly signingKeys: ReadonlyMap<string, UserScope | null>;
  /** User, or `*` → tokens issued up to that time are revoked. */
  readonly revocations: ReadonlyMap<string, number>;
  /** `default_permissions`: for users without permissions. */
  readonly defaultPermissions: Permissions;
  readonly mappings: ReadonlyMap<string, readonly WeightedMapping[]>;
  readonly authorization: ExternalAuthorization;
  readonly trace: MessageTrace | null;
  /** `cluster_traffic`: `system`, `owner`, or empty. */
  readonly clusterTraffic: string;
  readonly description: string;
  /** `info_url` */
  readonly infoUrl: string;
}

export interface ActivationBody extends BodyData {
  /** `subject`: what may be imported. */
  readonly importSubject: string;
  /** `kind` */
  readonly importKind: ExportKind;
  /** `issuer_account` */
  readonly issuerAccount: string;
}

export interface AuthorizationServer {
  readonly name: string;
  readonly host: string;
  readonly id: string;
  readonly version: string;
  readonly cluster: string;
  readonly tags: readonly string[];
  /** `xkey` */
  readonly curveKey: string;
}

export interface AuthorizationClient {
  readonly host: string;
  readonly id: number;
  readonly user: string;
  readonly name: string;
  readonly tags: readonly string[];
  /** `name_tag` */
  readonly nameTag: string;
  readonly kind: string;
  readonly type: string;
  /** `mqtt_id` */
  readonly mqttId: string;
  readonly nonce: string;
}

/** Fields of the client's CONNECT. */
export interface AuthorizationConnect {
  readonly jwt: string;
  readonly nkey: string;
  /** `sig` */
  readonly signature: string;
  /** `auth_token` */
  readonly token: string;
  readonly user: string;
  /** `pass` */
  readonly password: string;
  readonly name: string;
  /** `lang` */
  readonly language: string;
  readonly version: string;
  readonly protocol: number;
}

/** Certificates as PEM. */
export interface AuthorizationTls {
  readonly version: string;
  readonly cipher: string;
  /** `certs`: certificates that were not verified. */
  readonly certificates: readonly string[];
  /** `verified_chains` */
  readonly verifiedChains: readonly (readonly string[])[];
}

export interface AuthorizationRequestBody extends BodyData {
  /** `server_id` */
  readonly server: AuthorizationServer;
  /** `user_nkey`: the subject that the answer must have. */
  readonly userNkey: string;
  /** `client_info` */
  readonly client: AuthorizationClient;
  /** `connect_opts` */
  readonly connect: AuthorizationConnect;
  /** `client_tls` */
  readonly tls: AuthorizationTls | null;
  /** `request_nonce` */
  readonly requestNonce: string;
}

export interface AuthorizationResponseBody extends BodyData {
  /** User JWT; empty when there is an error. */
  readonly jwt: string;
  readonly error: string;
  /** `issuer_account` */
  readonly issuerAccount: string;
}

/** An error in a token, in claims or in the signer. Functions of this folder throw no other exceptions. */
export class JwtError extends Error {
  override name = "JwtError";
}
