/** Writes a parsed value as JSON again, for texts of errors that quote it. */
import { JsonList, JsonNumber, JsonObject, type JsonTree } from "./json-tree.ts";

/** The value as JSON. Spaces and escapes are not kept as they were sent. Does not recurse, because a peer chooses the depth. */
export function jsonText(tree: JsonTree): string {
  let text = "";
  const rest: (JsonTree | Piece)[] = [tree];
  while (rest.length > 0) {
    const next = rest.pop() as JsonTree | Piece;
    if (next instanceof Piece) text += next.text;
    else if (next instanceof JsonNumber) text += next.text;
    else if (next instanceof JsonList) rest.push(...joined("[", next.items, "]").reverse());
    else if (next instanceof JsonObject) {
      const members = next.names.flatMap((name, index) => [new Piece(`${JSON.stringify(name)}:`), next.values[index]]);
      rest.push(...joined("{", members, "}", 2).reverse());
    } else text += JSON.stringify(next);
  }
  return text;
}

class Piece {
  constructor(readonly text: string) {}
}

/** @param per items between two commas */
function joined(open: string, items: readonly (JsonTree | Piece)[], close: string, per = 1): (JsonTree | Piece)[] {
  const pieces: (JsonTree | Piece)[] = [new Piece(open)];
  for (const [index, item] of items.entries()) {
    if (index > 0 && index % per === 0) pieces.push(new Piece(","));
    pieces.push(item);
  }
  pieces.push(new Piece(close));
  return pieces;
}
