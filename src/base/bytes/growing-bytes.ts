/** Bytes that are appended to, piece by piece; each is copied a few times at most, however small the pieces are. */
const FIRST_BYTES = 512;

export class GrowingBytes {
  size = 0;
  private space = Buffer.allocUnsafe(FIRST_BYTES);

  /** What was appended so far; valid until the next `append`. */
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
