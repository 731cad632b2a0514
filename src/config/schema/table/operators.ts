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

/** The end of a JWT is part of its signature, so it differs between any two. */
const SHOWN_LETTERS = 8;

export const OPERATOR_TABLE_OPTIONS = {
  operators: option<readonly string[]>({
    names: "operator operators root roots root_operator root_operators",
    reader: operatorsReader,
    given: given.listOf(given.text),
    initial: [],
    text: "operator JWTs; in a file also names of files that hold them",
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
    text: "where account JWTs come from; not set: what the operator's JWT says",
    reload: "live",
    reloadText: "live, but not from none or to none",
    goName: "AccountResolver",
    refuse: resolverRefusal,
  }),
  resolverTls: option<TlsOptions | null>({
    names: "resolver_tls",
    reader: tlsBlock,
    given: tlsShape,
    initial: null,
    text: "TLS towards a resolver at an https address",
    fields: TLS_FIELDS,
    reload: "live",
    goName: "AccountResolverTLSConfig",
  }),
  resolverPreload: option<Readonly<Record<string, string>>>({
    names: "resolver_preload",
    reader: resolverPreload,
    given: given.mapOf(given.text),
    initial: {},
    text: "account to its JWT: the resolver starts with these",
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
    text: "bearer JWT used for clients that send none",
    reload: "live",
    goName: "DefaultSentinel",
  }),
};
