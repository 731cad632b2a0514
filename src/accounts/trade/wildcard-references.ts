/** Two notations of an import's subject: wildcards (`a.*`), or references to the other side's wildcards (`a.$1`, `a.{{wildcard(1)}}`). */

const REFERENCE = /^\$[1-9].*$|^\{\{\s*[wW]ildcard\s*\((.+)\)\s*\}\}$/;

/** Turns `a.*.*` into `a.$1.$2`. */
export function wildcardsAsReferences(subject: string): string {
  let count = 0;
  return subject
    .split(".")
    .map(token => (token === "*" ? `$${++count}` : token))
    .join(".");
}

/** Turns `a.$2.{{wildcard(1)}}` into `a.*.*`. */
export function withWildcards(subject: string): string {
  return subject
    .split(".")
    .map(token => (REFERENCE.test(token) ? "*" : token))
    .join(".");
}
