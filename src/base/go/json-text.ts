/** Writes a parsed value as JSON again, for texts of errors that quote it. */
import { JsonList, JsonNumber, JsonObject, type JsonTree } from "./json-tree.ts";

/** A list or an object that is being written. */
interface Level {
  readonly container: JsonList | JsonObject;
  /** Items written so far. */
  next: number;
}

/** The value as JSON. Spaces and escapes are not kept as they were sent. Does not recurse, because a peer chooses the depth. */
export function jsonText(tree: JsonTree): string {
  let text = "";
  const open: Level[] = [];
  begin(tree);
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    const { container, next } = level;
    const items = container instanceof JsonList ? container.items : container.values;
    if (next === items.length) {
      text += container instanceof JsonList ? "]" : "}";
      open.pop();
      continue;
    }
    if (next > 0) text += ",";
    if (container instanceof JsonObject) text += `${JSON.stringify(container.names[next])}:`;
    level.next++;
    begin(items[next]);
  }
  return text;

  function begin(value: JsonTree): void {
    if (value instanceof JsonList || value instanceof JsonObject) {
      text += value instanceof JsonList ? "[" : "{";
      open.push({ container: value, next: 0 });
    } else text += value instanceof JsonNumber ? value.text : JSON.stringify(value);
  }
}
