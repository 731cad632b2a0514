/** Options as a program gives them: what is left out is completed, in accounts and users too. */

import type { PermissionOptions, ResponsePermission, SubjectPermissions } from "../../access/permission/permission-options.ts";
import type {
  AccountLimits,
  AccountOptions,
  LatencyOptions,
  MappingDestination,
  MappingOptions,
  ServiceExportOptions,
  ServiceImportOptions,
  StreamExportOptions,
  StreamImportOptions,
  TraceOptions,
} from "./account-options.ts";
import type { Authorization, CalloutOptions, UserOptions } from "./authorization.ts";
import type { Options } from "./options.ts";
import type { WebSocketOptions } from "./websocket-options.ts";

export interface GivenPermissions {
  readonly publish?: Partial<SubjectPermissions> | null;
  readonly subscribe?: Partial<SubjectPermissions> | null;
  readonly responses?: Partial<ResponsePermission> | null;
}

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

export interface GivenMapping extends Omit<MappingOptions, "destinations"> {
  /** All messages, unless a weight is given. */
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
  readonly trace?: (Partial<TraceOptions> & Pick<TraceOptions, "destination">) | null;
}

export interface GivenAuthorization extends Omit<Authorization, "users" | "defaultPermissions" | "callout"> {
  readonly users?: readonly GivenUser[];
  readonly defaultPermissions?: GivenPermissions | PermissionOptions | null;
  readonly callout?: Partial<CalloutOptions> | null;
}

export interface GivenOptions extends Partial<Omit<Options, "accounts" | "mappings" | "authorization" | "websocket">> {
  readonly accounts?: readonly GivenAccount[];
  readonly mappings?: readonly GivenMapping[];
  readonly authorization?: GivenAuthorization | null;
  readonly websocket?: Partial<WebSocketOptions> | null;
}
