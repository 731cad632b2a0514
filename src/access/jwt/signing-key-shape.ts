/** The JSON of an account's signing keys: keys alone, and keys whose users have a scope. */
import { JsonError } from "../../base/go/json-error.ts";
import { field, list, type Shape, sortedKeys, structure, text } from "../../base/go/json-shape.ts";
import { JsonList, JsonNumber, JsonObject, type JsonTree, plainValue } from "../../base/go/json-tree.ts";
import { quoted } from "../../base/go/strconv.ts";
import type { NatsLimits, UserLimits, UserScope } from "./claims.ts";
import { USER_LIMIT_ROWS } from "./limit-shapes.ts";

const scopeKind: Shape<"user_scope"> = {
  type: "jwt.ScopeType",
  zero: () => "user_scope",
  read(tree, _previous, decoder) {
    const kind = decoder.nested(text, tree);
    if (kind === "user_scope") return kind;
    throw new JsonError('unknown scope type "user_scope"'); // the library's text names the previous value instead of the wrong one
  },
  write: value => value,
  isEmpty: () => false,
};

const NO_NATS_LIMITS: NatsLimits = { subscriptionsMax: -1, dataBytesMax: -1, payloadBytesMax: -1 };

const userScope = structure<UserScope>("jwt.UserScope", {
  kind: field("kind", scopeKind, "always"),
  key: field("key", text, "always"),
  role: field("role", text, "always"),
  template: field("template", structure<UserLimits>("jwt.UserPermissionLimits", USER_LIMIT_ROWS, NO_NATS_LIMITS), "always"),
  description: field("description", text, "always"),
});

/** Any value, as a plain JavaScript value. A number that cannot be represented is an error at any depth. */
const anything: Shape<unknown> = {
  type: "interface {}",
  zero: () => null,
  read: tree => plainValue(tree),
  write: value => value,
  isEmpty: value => value === null,
};
const anyList = list(anything);

/** Keys, and objects with a key in them; items of other types are skipped. */
export const signingKeys: Shape<ReadonlyMap<string, UserScope | null>> = {
  type: "jwt.SigningKeys",
  zero: () => new Map(),
  read(tree, previous, decoder) {
    if (tree === null) return previous;
    decoder.nested(anyList, tree);
    const keys = new Map(previous);
    for (const item of (tree as JsonList).items) {
      if (typeof item === "string") keys.set(item, null);
      else if (item instanceof JsonObject) {
        checkScopeKind(item);
        const scope = decoder.nested(userScope, regrouped(item, SCOPE_DEPTH));
        keys.set(scope.key, scope);
      }
    }
    return keys;
  },
  write(keys) {
    return sortedKeys(keys).map(key => {
      const scope = keys.get(key)!;
      return scope === null ? key : userScope.write(scope);
    });
  },
  isEmpty: keys => keys.size === 0,
};

function checkScopeKind(item: JsonObject): void {
  if (item.values[item.names.lastIndexOf("kind")] === "user_scope") return;
  const type = item.values[item.names.lastIndexOf("type")];
  throw new JsonError(`unknown signing key scope ${typeof type === "string" ? quoted(type) : "%!q(<nil>)"}`);
}

/** One more than the nesting depth of structures within a scope. */
const SCOPE_DEPTH = 5;

/** The library reads a scope twice: names are sorted and unique by then, and an integer may be written as `1e3`. */
function regrouped(tree: JsonTree, depth: number): JsonTree {
  if (tree instanceof JsonNumber) return new JsonNumber(String(Number(tree.text)));
  if (depth === 0) return tree;
  if (tree instanceof JsonList) {
    const copy = new JsonList();
    for (const item of tree.items) copy.items.push(regrouped(item, depth - 1));
    return copy;
  }
  if (!(tree instanceof JsonObject)) return tree;
  const last = new Map(tree.names.map((name, index) => [name, tree.values[index]]));
  const copy = new JsonObject();
  for (const name of sortedKeys(last)) {
    copy.names.push(name);
    copy.values.push(regrouped(last.get(name)!, depth - 1));
  }
  return copy;
}
