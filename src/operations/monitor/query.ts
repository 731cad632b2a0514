/** Parameters of a monitoring request, read as the reference reads them; an unreadable one is a `QueryError` with its text. */
import { encode, quote } from "../../base/bytes/ascii.ts";
import { INT64_MAX, INT64_MIN, parseExact, parseGoBool, UINT64_MAX } from "../../base/go/strconv.ts";
import { EndpointError } from "./endpoint-error.ts";

export class QueryError extends EndpointError {
  override name = "QueryError";
}

export class Query {
  /** @param params the first value of each parameter */
  constructor(private readonly params: ReadonlyMap<string, string>) {}

  /** Empty when it is missing. */
  text(name: string): string {
    return this.params.get(name) ?? "";
  }

  /** False when it is missing. */
  flag(name: string): boolean {
    const text = this.text(name);
    if (text === "") return false;
    const value = parseGoBool(text);
    if (value === null) throw unreadable("boolean", name, "ParseBool", text, "invalid syntax");
    return value;
  }

  /** 0 when it is missing; exact beyond 2^53. */
  integer(name: string): number | bigint {
    const text = this.text(name);
    if (text === "") return 0;
    const value = parseExact(text, INT64_MIN, INT64_MAX);
    if (typeof value === "string") throw unreadable("int", name, "Atoi", text, value);
    return value;
  }

  /** An unsigned number such as a connection id; 0 when it is missing; exact beyond 2^53. */
  unsigned(name: string): number | bigint {
    const text = this.text(name);
    if (text === "") return 0;
    const value = parseExact(text, 0n, UINT64_MAX);
    if (typeof value === "string") throw unreadable("uint64", name, "ParseUint", text, value);
    return value;
  }

  /** `subs`: a boolean, or `detail`. */
  subscriptions(): "none" | "list" | "detail" {
    if (this.text("subs").toLowerCase() === "detail") return "detail";
    return this.flag("subs") ? "list" : "none";
  }
}

function unreadable(type: string, name: string, reader: string, text: string, fault: string): QueryError {
  return new QueryError(`Error decoding ${type} for '${name}': strconv.${reader}: parsing ${quote(encode(text))}: ${fault}`);
}
