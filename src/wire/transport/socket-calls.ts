/**
 * Two system calls by FFI that Bun's sockets do not offer, for high throughput:
 *
 *   sendmsg   sends many byte ranges in one call, copied only by the kernel. Bun writes one buffer per call, so a run of large messages
 *             would be copied together first, or cost one call each.          msghdr ─▶ iovec[ {address, size} … ] ─▶ a ByteVector
 *   recv      reads into a reused buffer. Bun copies each read into a new one.
 * Null where libc cannot be loaded or has another layout: callers then use Bun's sockets alone. Measured: bench/compare, 1 → 1.
 */
import { type Pointer, ptr } from "bun:ffi";
import { openLibc } from "../../base/runtime/libc.ts";
import { type ByteVector, RANGES_MAX } from "./byte-vector.ts";

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** `struct msghdr` on 64-bit Linux: name, name size, iov, iov count, control, control size, flags. */
const MSGHDR_BYTES = 56;
const MSGHDR_IOV = 16 / 4;
const MSGHDR_IOV_COUNT = 24 / 4;
const WORD = 2 ** 32;

type SendMessage = (fd: number, header: Pointer, flags: number) => number;
type Receive = (fd: number, target: Pointer, size: number, flags: number) => number;

export class SocketCalls {
  private readonly header = new Uint32Array(new ArrayBuffer(MSGHDR_BYTES));
  /** Four words per range: address low, high; size low, high. */
  private readonly ranges = new Uint32Array(new ArrayBuffer(RANGES_MAX * 16));
  private readonly headerAddress: Pointer;
  private readonly sendmsg: SendMessage;
  private readonly recv: Receive;

  private constructor(sendmsg: SendMessage, recv: Receive) {
    this.sendmsg = sendmsg;
    this.recv = recv;
    this.headerAddress = ptr(this.header);
    const address = Number(ptr(this.ranges));
    this.header[MSGHDR_IOV] = address % WORD;
    this.header[MSGHDR_IOV + 1] = Math.floor(address / WORD);
  }

  /** Null where the system calls are not available. */
  static load(): SocketCalls | null {
    if (process.platform !== "linux" || (process.arch !== "x64" && process.arch !== "arm64")) return null;
    // The result fits 31 bits, because no vector is larger.
    const symbols = openLibc({
      sendmsg: { args: ["i32", "ptr", "i32"], returns: "i32" },
      recv: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" }, // the size parameter has 64 bits; 32 are enough here
    });
    return symbols === null ? null : new SocketCalls(symbols.sendmsg as unknown as SendMessage, symbols.recv as unknown as Receive);
  }

  /**
   * Hands the ranges to the kernel.
   * @returns bytes accepted; 0 when none is accepted now or the socket failed: an ordinary write then shows which
   */
  send(fd: number, vector: ByteVector): number {
    const ranges = this.ranges;
    let source: Buffer | null = null;
    let address = 0;
    for (let index = 0; index < vector.count; index++) {
      if (vector.sources[index] !== source) {
        source = vector.sources[index];
        address = Number(ptr(source));
      }
      const start = address + vector.starts[index];
      const at = index * 4;
      ranges[at] = start % WORD;
      ranges[at + 1] = Math.floor(start / WORD);
      ranges[at + 2] = vector.ends[index] - vector.starts[index];
    }
    this.header[MSGHDR_IOV_COUNT] = vector.count;
    return Math.max(0, this.sendmsg(fd, this.headerAddress, MSG_DONTWAIT | MSG_NOSIGNAL));
  }

  /**
   * Reads the bytes that the kernel has available.
   * @returns bytes read into `target`; 0 when there are none now, the peer has ended or the socket failed: Bun's next read shows which
   */
  receive(fd: number, target: Buffer): number {
    return Math.max(0, this.recv(fd, ptr(target), target.length, MSG_DONTWAIT));
  }
}
