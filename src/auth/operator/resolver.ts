/** A source of account JWTs. */
export interface Resolver {
  readonly kind: "memory" | "url" | "full" | "cache";
  /** Nothing can be stored. */
  readonly readOnly: boolean;
  /**
   * @param name public account nkey, checked
   * @returns the account's unverified JWT; never empty
   * @throws Error, or rejects, with the reference's text: unknown account, or no answer
   */
  fetch(name: string): string | Promise<string>;
  /** Stores a preloaded or fetched JWT if it is newer than the stored one. @throws Error on failure */
  store(name: string, jwt: string): void;
  /** A reload: picks up changes made from outside. */
  reload(): void;
  stop(): void;
}
