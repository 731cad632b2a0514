/** File descriptors of the process, as listeners need them: when accepting fails for lack of one, Bun reports no error and spins. */
export interface Descriptors {
  /** Counts a connection that is not a client. @returns false if there is no descriptor for it; then it is not counted */
  take(): boolean;
  /** A counted connection is closed, or has become a client. */
  give(): void;
  /** Whether hardly any descriptor is left, whatever uses the others. For listeners whose sockets cannot be counted. */
  readonly crowded: boolean;
}
