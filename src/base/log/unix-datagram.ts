/**
 * Datagrams to a Unix socket, as needed for syslog. Bun does not offer them, so they use system calls by FFI; Linux only.
 */
import { ptr } from "bun:ffi";
import { openLibc, unixAddress } from "../runtime/libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const PATH_BYTES_MAX = 107;

function loadLibc() {
  if (process.platform !== "linux") return null;
  return openLibc({
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
    send: { args: ["i32", "ptr", "u64", "i32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
  });
}

type Libc = NonNullable<ReturnType<typeof loadLibc>>;

export class UnixDatagram {
  private readonly libc: Libc;
  private fd: number;

  private constructor(libc: Libc, fd: number) {
    this.libc = libc;
    this.fd = fd;
  }

  /** Null when no datagram socket listens there, or the system lacks these calls. */
  static connect(path: string): UnixDatagram | null {
    const libc = loadLibc();
    if (libc === null || Buffer.byteLength(path) > PATH_BYTES_MAX) return null;
    const address = unixAddress(path);
    const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return null;
    if (libc.connect(fd, ptr(address), address.length) === 0) return new UnixDatagram(libc, fd);
    libc.close(fd);
    return null;
  }

  /** @returns false when the receiver's buffer is full or the receiver has stopped */
  send(bytes: Buffer): boolean {
    return this.fd >= 0 && Number(this.libc.send(this.fd, ptr(bytes), bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL)) === bytes.length;
  }

  close(): void {
    if (this.fd >= 0) this.libc.close(this.fd);
    this.fd = -1;
  }
}
