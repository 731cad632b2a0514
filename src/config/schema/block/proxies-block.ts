/** `proxies { trusted [ { key } ] }`: keys of proxies that sign the connections of their clients. */

import { quoted } from "../../../base/go/strconv.ts";
import { isPublicNkey } from "../../../base/keys/nkey.ts";
import { goTypeOf } from "../../language/config-value.ts";
import { type Field, field, readBlock } from "../row/field.ts";
import { ConfigFault } from "../row/problems.ts";
import { type Reader, reader, textIn } from "../row/reader.ts";

const key = reader("public nkey", value => {
  const given = textIn(value);
  if (!isPublicNkey(given)) throw new ConfigFault(`invalid proxy key ${quoted(given)}`);
  return given;
});

export const TRUSTED_FIELDS: readonly Field<{ key: string }>[] = [
  field("key public_key", key, "public nkey of any kind", (draft, given) => (draft.key = given)),
];

/** Reads the keys. An entry without a key becomes an empty text, which the check of the options refuses. */
const trusted: Reader<readonly string[]> = reader("list of blocks", ({ data }, { problems }) => {
  if (!Array.isArray(data)) throw new ConfigFault(`expected proxies' trusted field to be an array, got ${goTypeOf(data)}`);
  const keys: string[] = [];
  for (const entry of data) {
    if (!(entry.data instanceof Map)) {
      problems.error(entry, `expected proxies' trusted entry to be a map/struct, got ${goTypeOf(entry.data)}`);
      continue;
    }
    const draft = { key: "" };
    readBlock(entry.data, TRUSTED_FIELDS, draft, problems);
    keys.push(draft.key);
  }
  return keys;
});

interface Draft {
  trusted: readonly string[];
}

export const PROXIES_FIELDS: readonly Field<Draft>[] = [
  field("trusted", trusted, "the trusted proxies", (draft, keys) => (draft.trusted = keys), { fields: TRUSTED_FIELDS }),
];

export const proxiesBlock: Reader<readonly string[]> = reader("block", ({ data }, { problems }) => {
  if (!(data instanceof Map)) throw new ConfigFault(`expected proxies to be a map/struct, got ${goTypeOf(data)}`);
  const draft: Draft = { trusted: [] };
  readBlock(data, PROXIES_FIELDS, draft, problems);
  return draft.trusted;
});
