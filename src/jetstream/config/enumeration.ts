/**
 * Words of a configuration (`"limits"`, `"file"`), which Go's types decode by their own rules: any other value, `null` too, ends decoding.
 * Source: jetstream §11, "Enumerations".
 */
import { JsonError } from "../../base/go/json-error.ts";
import { type Shape, text } from "../../base/go/json-shape.ts";
import { jsonText } from "../../base/go/json-text.ts";
import { quoted } from "../../base/go/strconv.ts";

interface Rules<W extends string> {
  /** The value of an absent field. */
  readonly zero: W;
  /** Other words that are accepted, with their meaning. */
  readonly synonyms?: Readonly<Record<string, W>>;
  readonly anyCase?: boolean;
  /** The value that is not written where a field is omitted when empty. */
  readonly empty?: W;
}

/**
 * @param type Go's name
 * @param words the words that are accepted
 */
export function enumeration<const W extends string>(type: string, words: readonly W[], rules: Rules<W>): Shape<W> {
  const meanings = new Map<string, W>([...Object.entries(rules.synonyms ?? {}), ...words.map(word => [word, word] as const)]);
  return {
    type,
    zero: () => rules.zero,
    read(tree) {
      const word = typeof tree === "string" && rules.anyCase === true ? tree.toLowerCase() : tree;
      const meaning = typeof word === "string" ? meanings.get(word) : undefined;
      if (meaning === undefined) throw new JsonError(`can not unmarshal ${quoted(jsonText(tree))}`);
      return meaning;
    },
    write: value => value,
    isEmpty: value => value === rules.empty,
  };
}

/**
 * An enumeration whose words Go reads as a string first.
 * @param fault the text for another word; `null` is read as the empty string
 */
export function textEnumeration<const W extends string>(type: string, words: readonly W[], fault: string): Shape<W> {
  return {
    type,
    zero: () => words[0],
    read(tree, _previous, decoder) {
      const word = decoder.nested(text, tree);
      const found = words.find(one => one === word);
      if (found === undefined) throw new JsonError(fault);
      return found;
    },
    write: value => value,
    isEmpty: () => false,
  };
}
