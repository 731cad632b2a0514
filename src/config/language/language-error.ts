/** The language is broken, or a file cannot be read: nothing behind that is looked at, as in the reference. */
export class LanguageError extends Error {
  override name = "LanguageError";
}
