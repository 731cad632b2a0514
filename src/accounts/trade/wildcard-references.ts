/** Two ways to write an import's subject: with wildcards (`a.*`), or with references to those of the other side (`a.$1`, `a.{{wildcard(1)}}`). */

const REFERENCE = /^\$[1-9].*$|^\{\{\s*[wW]ildcard\s*\((.+)\)\s*\}\}$/;

/** `a.*.*` as `a.$1.$2`. */
export function wildcardsAsReferences(subject: string): string {
  let count = 0;
  return subject
    .split(".")
    .map(token => (token === "*" ? `$${++count}` : token))
    .join(".");
}

/** `a.$2.{{wildcard(1)}}` as `a.*.*`. */
export function withWildcards(subject: string): string {
  return subject
    .split(".")
    .map(token => (REFERENCE.test(token) ? "*" : token))
    .join(".");
}
