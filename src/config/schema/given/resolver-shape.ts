/** `resolver` as given by a program: its `kind` determines its fields. */
import { RESOLVER_DEFAULTS, type ResolverOptions } from "../../../auth/operator/operator-options.ts";
import { boolean, natural, objectIn, objectOf, orNull, type Shape, shape, text, wordOf } from "./shape.ts";

type Kind = ResolverOptions["kind"];
type ResolverOf<K extends Kind> = Extract<ResolverOptions, { readonly kind: K }>;

const { memory, url, full, cache } = RESOLVER_DEFAULTS;
const DIRECTORY = { directory: text, limit: natural, fetchTimeoutMs: natural };

const KINDS: { readonly [K in Kind]: Shape<ResolverOf<K>> } = {
  memory: objectOf(memory, { kind: wordOf("memory") }),
  url: objectOf(url, { kind: wordOf("url"), url: text }),
  full: objectOf(full, { kind: wordOf("full"), ...DIRECTORY, syncIntervalMs: natural, allowDelete: boolean, hardDelete: boolean }),
  cache: objectOf(cache, { kind: wordOf("cache"), ...DIRECTORY, ttlMs: natural }),
};

const kind = wordOf("memory", "url", "full", "cache");

export const resolverShape: Shape<ResolverOptions | null> = orNull(
  shape(
    "object",
    (value, where) => KINDS[kind.complete((objectIn(value, where) as { kind?: unknown }).kind, `${where}.kind`)].complete(value, where),
    {
      kind: { type: kind.type, initial: undefined, fields: null },
      ...Object.fromEntries(Object.values(KINDS).flatMap(({ fields }) => Object.entries(fields!).filter(([name]) => name !== "kind"))),
    },
  ),
);
