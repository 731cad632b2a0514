/** Where account JWTs come from. */
export interface Resolver {
  readonly kind: "memory" | "url" | "full" | "cache";
  /** Nothing can be stored. */
  readonly readOnly: boolean;
  /**
   * @param name public account nkey, checked
   * @returns the account's JWT, verified by nobody; never empty
   * @throws Error, or rejects, with the reference's text: there is none, or nobody answers
   */
  fetch(name: string): string | Promise<string>;
  /** Keeps one that was preloaded or fetched, if it is newer than the one it has. @throws Error it cannot */
  store(name: string, jwt: string): void;
  /** A reload: whatever changed behind its back. */
  reload(): void;
  stop(): void;
}
