/** Events of the reader, in the order of the text. The tree builder builds the tree from them. */
import type { Place } from "./cursor.ts";

export type ScalarKind = "string" | "boolean" | "integer" | "float" | "datetime";

/** Texts are as written, one character per byte. */
export interface ConfigEvents {
  onKey(text: string, place: Place): void;
  onScalar(kind: ScalarKind, text: string, place: Place): void;
  /** `$name`, without the dollar. */
  onVariable(name: string, place: Place): void;
  onInclude(path: string): void;
  onMapStart(): void;
  onMapEnd(place: Place): void;
  onArrayStart(): void;
  onArrayEnd(place: Place): void;
}

/** Events of single values. */
export type ValueEvents = Pick<ConfigEvents, "onScalar" | "onVariable">;
