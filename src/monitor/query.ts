/** Parameters of a monitoring request, read as the reference reads them; an unreadable one is a `QueryError` with its text. */
import { encode, quote } from "../bytes/ascii.ts";
import { parseGoBool } from "../cli/go-flags.ts";

/** Answered with status 400 and the text as it is. */
export class QueryError extends Error {
  override name = "QueryError";
}

const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;

export class Query {
  private readonly params: URLSearchParams;

  constructor(params: URLSearchParams) {
    this.params = params;
  }

  /** Empty when it is missing. */
  text(name: string): string {
    return this.params.get(name) ?? "";
  }

  /** False when it is missing. */
  flag(name: string): boolean {
    const text = this.text(name);
    if (text === "") return false;
    const value = parseGoBool(text);
    if (value === null) throw new QueryError(`Error decoding boolean for '${name}': ${syntaxError("ParseBool", text)}`);
    return value;
  }

  /** 0 when it is missing. */
  integer(name: string): number {
    const text = this.text(name);
    if (text === "") return 0;
    if (!/^[+-]?\d+$/.test(text)) throw new QueryError(`Error decoding int for '${name}': ${syntaxError("Atoi", text)}`);
    const value = BigInt(text.replace(/^\+/, ""));
    if (value > INT64_MAX || value < -INT64_MAX - 1n) {
      throw new QueryError(`Error decoding int for '${name}': ${rangeError("Atoi", text)}`);
    }
    return Number(value);
  }

  /** A connection id or the like: 0 when it is missing. */
  unsigned(name: string): number {
    const text = this.text(name);
    if (text === "") return 0;
    if (!/^\d+$/.test(text)) throw new QueryError(`Error decoding uint64 for '${name}': ${syntaxError("ParseUint", text)}`);
    const value = BigInt(text);
    if (value > UINT64_MAX) throw new QueryError(`Error decoding uint64 for '${name}': ${rangeError("ParseUint", text)}`);
    return Number(value);
  }

  /** `subs`: a switch, or `detail`. */
  subscriptions(): "none" | "list" | "detail" {
    if (this.text("subs").toLowerCase() === "detail") return "detail";
    return this.flag("subs") ? "list" : "none";
  }
}

function syntaxError(reader: string, text: string): string {
  return `strconv.${reader}: parsing ${quote(encode(text))}: invalid syntax`;
}

function rangeError(reader: string, text: string): string {
  return `strconv.${reader}: parsing ${quote(encode(text))}: value out of range`;
}
