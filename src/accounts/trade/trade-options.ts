/**
 * What an account exports and imports, as the `accounts` block or an account's claims give it.
 * Names as in the reference's configuration; durations in milliseconds.
 */

export type ResponseType = "Singleton" | "Stream" | "Chunked";

/** Metrics of a service's latency. */
export interface LatencyOptions {
  /** Percent of the requests, 1 to 100; 0: those whose headers ask for it. */
  readonly sampling: number;
  /** Subject of the metrics, in the exporting account. */
  readonly subject: string;
}

interface ExportOptions {
  readonly subject: string;
  /** Accounts that may import it; null: all of them. An empty list asks for an activation token, unless claims say `public`. */
  readonly accounts: readonly string[] | null;
  /** Importers need an activation token (claims), which `accounts` does not list. */
  readonly tokenRequired: boolean;
  /** 1-based token that must be the importing account's name; 0: none. */
  readonly accountTokenPosition: number;
  /** Activations that count no more: account, or `*`, → unix seconds of the latest revoked issue. */
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
  /** As it is exported. */
  readonly subject: string;
  /** What subscriptions of the importing account see; empty: `prefix` decides. */
  readonly to: string;
  /** Put before the subject; empty: none. */
  readonly prefix: string;
  readonly allowTrace: boolean;
  /** Activation JWT; empty: none. */
  readonly token: string;
}

export interface ServiceImportOptions {
  readonly kind: "service";
  readonly account: string;
  readonly subject: string;
  /** What the importing account publishes to; empty: `subject`. */
  readonly to: string;
  /** The service is told who asks. */
  readonly share: boolean;
  readonly token: string;
}

/** What planning the trades of an account needs to know of it. */
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
