/** What Go's decoder says of JSON that it refuses. `message` is Go's text. */
export class JsonError extends Error {
  override name = "JsonError";
}

/** It is no JSON. */
export class JsonSyntaxError extends JsonError {
  override name = "JsonSyntaxError";

  /** @param offset bytes read up to and with the wrong one, as Go counts; null: the input ended early, which has no offset in a stream */
  constructor(
    message: string,
    readonly offset: number | null,
  ) {
    super(message);
  }
}

/** It is JSON of another type than the field that it is for. */
export class JsonTypeError extends JsonError {
  override name = "JsonTypeError";

  /**
   * @param value what was found: `string`, `array`, `number 1.5` …
   * @param type Go's name of the type that was wanted
   * @param structure Go's name of the innermost structure, without its package; empty: none
   * @param path from the root to the field, by their names in JSON; embedded structures by their names in Go
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

  /** The same error, of JSON that stands at a place in other JSON. */
  within(structure: string, path: readonly string[]): JsonTypeError {
    return new JsonTypeError(this.value, this.type, structure === "" ? this.structure : structure, [...path, ...this.path]);
  }
}
