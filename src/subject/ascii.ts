/** The bytes that mean something inside a subject. */
export const DOT = 0x2e;
/** `*` as a whole token: exactly one token. */
export const STAR = 0x2a;
/** `>` as the whole last token: one token or more. */
export const FULL = 0x3e;
