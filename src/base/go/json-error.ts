/** JSON that Go's decoder refuses. `message` is Go's text. */
export class JsonError extends Error {
  override name = "JsonError";
}

/** The text is not JSON. */
export class JsonSyntaxError extends JsonError {
  override name = "JsonSyntaxError";

  /** @param offset bytes read, including the invalid one, as Go counts; null: a stream ended early, which has no offset */
  constructor(
    message: string,
    readonly offset: number | null,
  ) {
    super(message);
  }
}

/** The JSON value has another type than its field. */
export class JsonTypeError extends JsonError {
  override name = "JsonTypeError";

  /**
   * @param value kind of the value found: `string`, `array`, `number 1.5` …
   * @param type Go's name of the expected type
   * @param structure Go's name of the innermost structure, without its package; empty: none
   * @param path names from the root to the field, as in JSON; embedded structures by their names in Go
   */
  constructor(
    readonly value: string,
    readonly type: string,
    readonly structure: string,
    readonly path: readonly string[],
  ) {
    const isField = structure !== "" || path.length > 0;
    const where = isField ? `Go struct field ${structure}.${path.join(".")}` : "Go value";
    super(`json: cannot unmarshal ${value} into ${where} of type ${type}`);
  }

  /** The same error for JSON nested in other JSON at this path. */
  within(structure: string, path: readonly string[]): JsonTypeError {
    return new JsonTypeError(this.value, this.type, structure === "" ? this.structure : structure, [...path, ...this.path]);
  }
}
