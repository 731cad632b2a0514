/**
 * System calls by FFI that Bun's sockets do not offer.
 *
 *   sendmsg   sends many byte ranges in one call, copied only by the kernel. Bun writes one buffer per call, so a run of large messages
 *             would be copied together first, or cost one call each.          msghdr ─▶ iovec[ {address, size} … ] ─▶ a ByteVector
 *   recv      reads into a reused buffer. Bun copies each read into a new one.
 *   getsockopt, ioctl   tell what the kernel still has to do for a socket that is being closed (socket-closer.ts)
 *   shutdown  ends the receiving side alone (half-closed-sockets.ts)
 *   listen    sets a longer accept queue than Bun's
 * Null where libc cannot be loaded or has another layout: callers then use Bun's sockets alone. Measured: bench/compare, 1 → 1.
 */
import { type Pointer, ptr } from "bun:ffi";
import { readdirSync } from "node:fs";
import { openLibc } from "../../base/runtime/libc.ts";
import { type ByteVector, RANGES_MAX } from "./byte-vector.ts";

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** `struct msghdr` on 64-bit Linux: name, name size, iov, iov count, control, control size, flags. */
const MSGHDR_BYTES = 56;
const MSGHDR_IOV = 16 / 4;
const MSGHDR_IOV_COUNT = 24 / 4;
const WORD = 2 ** 32;

/** The kernel limits it to `net.core.somaxconn`. */
const ACCEPT_QUEUE_MAX = 4096;
const AF_INET = 2;
const AF_INET6 = 10;
const SHUT_RD = 0;
const SOL_SOCKET = 1;
const SO_ACCEPTCONN = 30;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
/** `tcpi_last_data_sent` and `tcpi_last_data_recv`, ms ago. */
const LAST_DATA_SENT = 44 / 4;
const LAST_DATA_RECEIVED = 52 / 4;
const SO_LINGER = 13;
/** `tcpi_state` in the first byte: states before our FIN is sent. */
const TCP_ESTABLISHED = 1;
const TCP_CLOSE_WAIT = 8;
const SIOCOUTQ = 0x5411;
const FIONREAD = 0x541b;

type SendMessage = (fd: number, header: Pointer, flags: number) => number;
type Receive = (fd: number, target: Pointer, size: number, flags: number) => number;
type GetOption = (fd: number, level: number, option: number, value: Pointer, size: Pointer) => number;
type Control = (fd: number, request: number, value: Pointer) => number;
type Listen = (fd: number, backlog: number) => number;
type SetOption = (fd: number, level: number, option: number, value: Pointer, size: number) => number;
type Shutdown = (fd: number, how: number) => number;
type GetName = (fd: number, address: Pointer, size: Pointer) => number;

interface Calls {
  sendmsg: SendMessage;
  recv: Receive;
  getsockopt: GetOption;
  getsockname: GetName;
  ioctl: Control;
  listen: Listen;
  shutdown: Shutdown;
  setsockopt: SetOption;
}

/** What the kernel still has of a socket whose sending side is being closed. */
export interface LastBytes {
  /** Bytes that the peer's kernel has not acknowledged, without the FIN. */
  readonly unacknowledged: number;
  /** Bytes of the peer that nothing has read. Closing the socket causes a reset while there are any. */
  readonly unread: number;
}

export class SocketCalls {
  private readonly header = new Uint32Array(new ArrayBuffer(MSGHDR_BYTES));
  /** Four words per range: address low, high; size low, high. */
  private readonly ranges = new Uint32Array(new ArrayBuffer(RANGES_MAX * 16));
  private readonly headerAddress: Pointer;
  private readonly sendmsg: SendMessage;
  private readonly recv: Receive;
  private readonly getsockopt: GetOption;
  private readonly ioctl: Control;
  private readonly listen: Listen;
  private readonly getsockname: GetName;
  private readonly shutdown: Shutdown;
  private readonly setsockopt: SetOption;
  /** Buffers for results of calls: their memory stays where it is, so their addresses are taken once. */
  private readonly value = new Int32Array(new ArrayBuffer(8));
  private readonly size = new Int32Array(new ArrayBuffer(8));
  private readonly valueAddress = ptr(this.value);
  private readonly sizeAddress = ptr(this.size);
  /** The first fields of a `tcp_info`. */
  private readonly info = new Uint32Array(new ArrayBuffer(64));
  private readonly infoAddress = ptr(this.info);
  /** A `sockaddr`: the largest that is read is an IPv6 one. */
  private readonly address = new Uint8Array(new ArrayBuffer(28));
  private readonly addressAddress = ptr(this.address);

  private constructor(calls: Calls) {
    this.sendmsg = calls.sendmsg;
    this.recv = calls.recv;
    this.getsockopt = calls.getsockopt;
    this.getsockname = calls.getsockname;
    this.ioctl = calls.ioctl;
    this.listen = calls.listen;
    this.shutdown = calls.shutdown;
    this.setsockopt = calls.setsockopt;
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
      getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
      getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
      ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
      setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
      shutdown: { args: ["i32", "i32"], returns: "i32" },
      listen: { args: ["i32", "i32"], returns: "i32" },
    });
    return symbols === null ? null : new SocketCalls(symbols as unknown as Calls);
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

  /**
   * What the kernel has left of a socket on which FIN was to be sent.
   * @returns null while FIN is not sent; nothing left when the socket is no TCP socket, or is closed
   */
  lastBytes(fd: number): LastBytes | null {
    this.size[0] = 1; // the first byte holds the state
    if (fd < 0 || this.getsockopt(fd, IPPROTO_TCP, TCP_INFO, this.valueAddress, this.sizeAddress) !== 0) return NOTHING_LEFT;
    const state = this.value[0] & 0xff;
    if (state === TCP_ESTABLISHED || state === TCP_CLOSE_WAIT) return null;
    const queued = this.count(fd, SIOCOUTQ);
    return { unacknowledged: Math.max(0, queued - 1), unread: this.count(fd, FIONREAD) }; // FIN counts as one
  }

  private count(fd: number, request: number): number {
    return this.ioctl(fd, request, this.valueAddress) === 0 ? this.value[0] : 0;
  }

  /** Gives a listener the reference's accept queue: Bun's is so short that many clients at once have to repeat their first packet. */
  lengthenAcceptQueue(listener: object): void {
    const { fd } = listener as { readonly fd?: number }; // Bun's types lack it
    if (fd !== undefined && fd >= 0) this.listen(fd, ACCEPT_QUEUE_MAX);
  }

  /** The same for this process's listener on a port, when Bun does not show its descriptor. */
  lengthenAcceptQueueOn(port: number): void {
    for (const fd of openDescriptors()) {
      if (this.portOf(fd) === port && this.option(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1) this.listen(fd, ACCEPT_QUEUE_MAX);
    }
  }

  /**
   * Resets every connection of this local port whose FIN was sent and whose last bytes are acknowledged, if its peer went on writing after
   * them. Bun closes the socket when its receiving side is shut down, and with this option the close is a reset.
   */
  resetWritersOn(port: number): void {
    for (const fd of openDescriptors()) {
      if (this.portOf(fd) !== port || this.option(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1) continue;
      if (this.lastBytes(fd)?.unacknowledged !== 0) continue;
      if (!this.wroteLast(fd)) continue;
      this.value.set([1, 0]); // on, 0 s
      this.setsockopt(fd, SOL_SOCKET, SO_LINGER, this.valueAddress, 8);
      this.shutdown(fd, SHUT_RD);
    }
  }

  /** The peer's last data came after our last data. */
  private wroteLast(fd: number): boolean {
    this.size[0] = this.info.byteLength;
    if (this.getsockopt(fd, IPPROTO_TCP, TCP_INFO, this.infoAddress, this.sizeAddress) !== 0) return false;
    return this.info[LAST_DATA_RECEIVED] < this.info[LAST_DATA_SENT];
  }

  /** The local TCP port of a socket; -1 when the descriptor is none. */
  private portOf(fd: number): number {
    this.size[0] = this.address.length;
    if (this.getsockname(fd, this.addressAddress, this.sizeAddress) !== 0) return -1;
    const family = this.address[0] | (this.address[1] << 8);
    return family === AF_INET || family === AF_INET6 ? (this.address[2] << 8) | this.address[3] : -1;
  }

  private option(fd: number, level: number, name: number): number {
    this.size[0] = 4;
    return this.getsockopt(fd, level, name, this.valueAddress, this.sizeAddress) === 0 ? this.value[0] : -1;
  }
}

const NOTHING_LEFT: LastBytes = { unacknowledged: 0, unread: 0 };

/** The descriptors of this process; none when no descriptor is left to list them. */
function openDescriptors(): number[] {
  try {
    return readdirSync("/proc/self/fd").map(Number);
  } catch {
    return [];
  }
}
