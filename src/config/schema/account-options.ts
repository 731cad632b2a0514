/**
 * An account, as the `accounts` block or an account's claims say it: the one form in which both reach the account room.
 * Names as in the reference's configuration; durations in milliseconds; -1: no limit.
 */

import type { PermissionOptions } from "../../access/permission/permission-options.ts";
import type { UserOptions } from "./authorization.ts";

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

/** Where messages on a subject go instead. */
export interface MappingDestination {
  readonly subject: string;
  /** Percent. */
  readonly weight: number;
  /** Only in that cluster; empty: in all others. */
  readonly cluster: string;
}

export interface MappingOptions {
  readonly source: string;
  readonly destinations: readonly MappingDestination[];
}

export interface AccountLimits {
  readonly connectionsMax: number;
  readonly leafNodesMax: number;
  readonly subscriptionsMax: number;
  readonly payloadBytesMax: number;
}

export const NO_LIMITS: AccountLimits = { connectionsMax: -1, leafNodesMax: -1, subscriptionsMax: -1, payloadBytesMax: -1 };

/** Destination of traces that `traceparent` headers ask for. */
export interface TraceOptions {
  readonly destination: string;
  /** Percent of those messages, 1 to 100. */
  readonly sampling: number;
}

export interface AccountOptions {
  readonly name: string;
  /** Public account nkey; empty: none. */
  readonly nkey: string;
  readonly users: readonly UserOptions[];
  /** For users that have no permissions of their own. */
  readonly defaultPermissions: PermissionOptions | null;
  readonly exports: readonly (StreamExportOptions | ServiceExportOptions)[];
  readonly imports: readonly (StreamImportOptions | ServiceImportOptions)[];
  readonly mappings: readonly MappingOptions[];
  readonly limits: AccountLimits;
  readonly trace: TraceOptions | null;
}

export function emptyAccount(name: string): AccountOptions {
  return {
    name,
    nkey: "",
    users: [],
    defaultPermissions: null,
    exports: [],
    imports: [],
    mappings: [],
    limits: NO_LIMITS,
    trace: null,
  };
}

/** What an export or import has of which nothing is said. */
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
