/** Options as a program gives them: what is left out is completed, in accounts and users too. */

import type { GivenPermissions, PermissionOptions } from "../../../access/permission/permission-options.ts";
import type { AccountLimits, AccountOptions, TraceOptions } from "../../../accounts/account/account-options.ts";
import type {
  LatencyOptions,
  ServiceExportOptions,
  ServiceImportOptions,
  StreamExportOptions,
  StreamImportOptions,
} from "../../../accounts/trade/trade-options.ts";
import type { Authorization, CalloutOptions, UserOptions } from "../../../auth/users/authorization.ts";
import type { MappingDestination, MappingRule } from "../../../messaging/mapping/mapping-rule.ts";
import type { Options } from "../options.ts";
import type { WebSocketOptions } from "../websocket-options.ts";

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
