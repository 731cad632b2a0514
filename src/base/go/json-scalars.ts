/** Shapes of values that are strings in JSON: bytes and times. */
import { decodeBase64 } from "./base64.ts";
import { JsonError } from "./json-error.ts";
import { list, type Shape, uint8 } from "./json-shape.ts";
import { JsonList } from "./json-tree.ts";
import { parseTimestamp, type Timestamp, timestampText, ZERO_TIME } from "./time.ts";

const numbers = list(uint8);

/** Base64 or a list of numbers; null when absent. */
export const bytes: Shape<Uint8Array | null> = {
  type: "[]uint8",
  zero: () => null,
  read(tree, previous, decoder) {
    if (tree === null) return null;
    if (tree instanceof JsonList) return Uint8Array.from(numbers.read(tree, [...(previous ?? [])], decoder));
    if (typeof tree !== "string") return decoder.mismatch(tree, "[]uint8", previous);
    const decoded = decodeBase64(tree);
    if (typeof decoded !== "number") return decoded;
    decoder.report(`illegal base64 data at input byte ${decoded}`);
    return previous;
  },
  write: value => (value === null ? null : Buffer.from(value).toString("base64")),
  isEmpty: value => value === null || value.length === 0,
};

/** RFC 3339. A field with the zero time is written; an absent `optional` one is omitted. */
export const timestamp: Shape<Timestamp> = {
  type: "time.Time",
  zero: () => ZERO_TIME,
  read(tree, previous) {
    if (tree === null) return previous;
    if (typeof tree !== "string") throw new JsonError("Time.UnmarshalJSON: input is not a JSON string");
    const parsed = parseTimestamp(tree);
    if (typeof parsed === "string") throw new JsonError(parsed);
    return parsed;
  },
  write: timestampText,
  isEmpty: () => false,
};
