/** A growing byte buffer; each byte is copied a few times at most, however small the appended pieces are. */
const FIRST_BYTES = 512;

export class GrowingBytes {
  size = 0;
  private space = Buffer.allocUnsafe(FIRST_BYTES);

  /** The bytes appended so far; valid until the next `append`. */
  get bytes(): Buffer {
    return this.space.subarray(0, this.size);
  }

  append(chunk: Uint8Array): void {
    if (this.size + chunk.length > this.space.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.space.length * 2, this.size + chunk.length));
      larger.set(this.bytes);
      this.space = larger;
    }
    this.space.set(chunk, this.size);
    this.size += chunk.length;
  }
}
