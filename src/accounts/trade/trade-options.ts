/**
 * Exports and imports of an account, from the `accounts` block or from claims. Names as in the reference's configuration; durations in
 * milliseconds.
 */

export type ResponseType = "Singleton" | "Stream" | "Chunked";

/** Metrics of a service's latency. */
export interface LatencyOptions {
  /** Percent of the requests, 1 to 100; 0: only requests whose tracing headers are sampled. */
  readonly sampling: number;
  /** Subject of the metrics, in the exporting account. */
  readonly subject: string;
}

interface ExportOptions {
  readonly subject: string;
  /** Accounts that may import it; null: all. An empty list requires an activation token, unless claims say `public`. */
  readonly accounts: readonly string[] | null;
  /** Importers need an activation token, in claims only. */
  readonly tokenRequired: boolean;
  /** Position, from 1, of the subject token that must be the importing account's name; 0: none. */
  readonly accountTokenPosition: number;
  /** Revoked activations: account or `*` → Unix seconds; activations issued until then are revoked. */
  readonly revocations: Readonly<Record<string, number>>;
}

export interface StreamExportOptions extends ExportOptions {
  readonly kind: "stream";
}

export interface ServiceExportOptions extends ExportOptions {
  readonly kind: "service";
  readonly responseType: ResponseType;
  /** How long an answer may take, ms; 0: the default of 2 minutes. */
  readonly responseThresholdMs: number;
  readonly latency: LatencyOptions | null;
  readonly allowTrace: boolean;
}

export interface StreamImportOptions {
  readonly kind: "stream";
  /** The exporting account. */
  readonly account: string;
  /** Subject in the exporting account. */
  readonly subject: string;
  /** Subject in the importing account; empty: derived from `prefix`. */
  readonly to: string;
  /** Prefix of the subject in the importing account; empty: none. */
  readonly prefix: string;
  readonly allowTrace: boolean;
  /** Activation JWT; empty: none. */
  readonly token: string;
}

export interface ServiceImportOptions {
  readonly kind: "service";
  readonly account: string;
  readonly subject: string;
  /** Subject of requests in the importing account; empty: `subject`. */
  readonly to: string;
  /** The requester's details are shared with the service. */
  readonly share: boolean;
  readonly token: string;
}

/** The options from which the trades of an account are planned. */
export interface TradeOptions {
  readonly name: string;
  readonly exports: readonly (StreamExportOptions | ServiceExportOptions)[];
  readonly imports: readonly (StreamImportOptions | ServiceImportOptions)[];
}

/** Exports and imports with every field at its default. */
export const NO_STREAM_EXPORT: StreamExportOptions = {
  kind: "stream",
  subject: "",
  accounts: null,
  tokenRequired: false,
  accountTokenPosition: 0,
  revocations: {},
};

export const NO_SERVICE_EXPORT: ServiceExportOptions = {
  ...NO_STREAM_EXPORT,
  kind: "service",
  responseType: "Singleton",
  responseThresholdMs: 0,
  latency: null,
  allowTrace: false,
};

export const NO_STREAM_IMPORT: StreamImportOptions = {
  kind: "stream",
  account: "",
  subject: "",
  to: "",
  prefix: "",
  allowTrace: false,
  token: "",
};

export const NO_SERVICE_IMPORT: ServiceImportOptions = { kind: "service", account: "", subject: "", to: "", share: false, token: "" };
