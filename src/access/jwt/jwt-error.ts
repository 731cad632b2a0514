/** What is wrong with a token, with claims, or with what they are compared to. The only exception that leaves this room. */
export class JwtError extends Error {
  override name = "JwtError";
}
