/**
 * Removes fields that some readers would take for a given field although they are written differently: `nats-request-info:`,
 * `Nats-Request-Info :`, or a field after a bare line feed, at which Go's readers begin a new line and this server does not. Clients must not
 * be able to forge a field that the server itself writes.
 */
export class Lookalikes {
  private readonly lines: RegExp;

  /** @param key letters, digits and dashes */
  constructor(key: string) {
    this.lines = new RegExp(`(?:\\r?\\n${key}[ \\t]*:[^\\n]*)+`, "gi");
  }

  /**
   * @param block a complete header block; it is not changed
   * @returns a copy without these fields; the block itself if it has none
   */
  removedFrom(block: Uint8Array): Uint8Array {
    const text = Buffer.from(block.buffer, block.byteOffset, block.length).toString("latin1");
    if (text.search(this.lines) === -1) return block;
    return Buffer.from(text.replace(this.lines, "\r"), "latin1"); // the line feed of the last removed line follows it
  }
}
