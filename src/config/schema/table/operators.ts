/** Options of operator mode: the operators that are trusted, and the source of account JWTs. */

import type { ResolverOptions } from "../../../auth/operator/operator-options.ts";
import type { TlsOptions } from "../../../wire/transport/tls/tls-options.ts";
import { operatorsReader, pinnedAccountsReader, resolverPreload, trustedKeysReader } from "../block/operator-block.ts";
import { resolverReader } from "../block/resolver-block.ts";
import { TLS_FIELDS, tlsBlock } from "../block/tls-block.ts";
import { resolverShape } from "../given/resolver-shape.ts";
import * as given from "../given/shape.ts";
import { tlsShape } from "../given/tls-shape.ts";
import { resolverRefusal } from "../reload/reload-refusal.ts";
import { option } from "../row/option-row.ts";
import { text } from "../row/reader.ts";

/** Number of characters shown of a JWT, from its end, which differs between JWTs because it is part of the signature. */
const SHOWN_LETTERS = 8;

export const OPERATOR_TABLE_OPTIONS = {
  operators: option<readonly string[]>({
    names: "operator operators root roots root_operator root_operators",
    reader: operatorsReader,
    given: given.listOf(given.text),
    initial: [],
    text: "operator JWTs; in a file also names of files that contain them",
    reload: "fixed",
    goName: "TrustedOperators",
    shown: jwts => `[${jwts.map(jwt => `…${jwt.slice(-SHOWN_LETTERS)}`).join(" ")}]`,
  }),
  trustedKeys: option<readonly string[]>({
    names: "trusted_keys trusted",
    reader: trustedKeysReader,
    given: given.listOf(given.text),
    initial: [],
    text: "public operator nkeys that are trusted without a JWT",
    reload: "fixed",
    goName: "TrustedKeys",
  }),
  resolver: option<ResolverOptions | null>({
    names: "resolver account_resolver accounts_resolver",
    reader: resolverReader,
    given: resolverShape,
    initial: null,
    text: "source of account JWTs; when not set, the operator's JWT names it",
    reload: "live",
    reloadText: "live, but cannot be added or removed",
    goName: "AccountResolver",
    refuse: resolverRefusal,
  }),
  resolverTls: option<TlsOptions | null>({
    names: "resolver_tls",
    reader: tlsBlock,
    given: tlsShape,
    initial: null,
    text: "TLS of connections to a resolver at an https address",
    fields: TLS_FIELDS,
    reload: "live",
    goName: "AccountResolverTLSConfig",
  }),
  resolverPreload: option<Readonly<Record<string, string>>>({
    names: "resolver_preload",
    reader: resolverPreload,
    given: given.mapOf(given.text),
    initial: {},
    text: "map of accounts to JWTs that the resolver starts with",
    reload: "live",
    goName: "ResolverPreloads",
  }),
  pinnedAccounts: option<readonly string[]>({
    names: "resolver_pinned_accounts",
    reader: pinnedAccountsReader,
    given: given.listOf(given.text),
    initial: [],
    text: "accounts whose users may connect; empty: all",
    reload: "live",
    goName: "ResolverPinnedAccounts",
  }),
  defaultSentinel: option<string>({
    names: "default_sentinel",
    reader: text,
    initial: "",
    text: "bearer JWT of clients that send no JWT",
    reload: "live",
    goName: "DefaultSentinel",
  }),
};
