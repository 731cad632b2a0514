/**
 * The exports and imports of one account, as a plan. It holds names only, so that a configuration can be checked, or a reload
 * refused, without changing anything. plan-trades.ts fills and checks it.
 */

import type { SubjectTransform } from "../../messaging/mapping/subject-transform.ts";
import { exportFor } from "./export-access.ts";
import type { ServiceExportOptions, ServiceImportOptions, StreamExportOptions, StreamImportOptions } from "./trade-options.ts";

/** An imported stream. */
export interface StreamImport {
  readonly options: StreamImportOptions;
  readonly exporter: string;
  /** Subject in the exporting account. */
  readonly from: string;
  /** Subject in the importing account. */
  readonly to: string;
  /** Transforms the exporter's subject into the local one; null: see `usesPublished`. */
  readonly transform: SubjectTransform | null;
  /** Subjects are equal in both accounts; otherwise, without a transform, the local subject is always `to`. */
  readonly usesPublished: boolean;
}

/** An imported service. */
export interface ServiceImport {
  readonly options: ServiceImportOptions;
  readonly exporter: string;
  /** Subject of requests in the importing account. */
  readonly from: string;
  /** Subject of the service in the exporting account. */
  readonly to: string;
  readonly transform: SubjectTransform | null;
  readonly usesPublished: boolean;
  /** A server-internal import, which needs no authorization. */
  readonly internal: boolean;
}

export class Trade {
  readonly streamExports = new Map<string, StreamExportOptions>();
  readonly serviceExports = new Map<string, ServiceExportOptions>();
  readonly streamImports: StreamImport[] = [];
  readonly serviceImports: ServiceImport[] = [];

  constructor(readonly account: string) {}

  /** The service export that covers a subject. */
  serviceExport(subject: string): ServiceExportOptions | null {
    return exportFor(this.serviceExports, subject)?.found ?? null;
  }
}

export type TradeLookup = (account: string) => Trade | undefined;
