/**
 * The file of a Unix domain socket: removes a stale one, and sets the mode. Bun removes it when the listener stops.
 *
 * A server that was killed leaves its file, and nothing can be bound to that. It is removed only when it is a socket without a
 * listener. Connecting is the test, by a system call of our own: Bun connects asynchronously, and a start is one step.
 */
import { type Pointer, ptr, read } from "bun:ffi";
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { openLibc, unixAddress } from "../../base/runtime/libc.ts";
import { StartError } from "./server-errors.ts";

const LINUX = process.platform === "linux";
const AF_UNIX = 1;
const SOCK_STREAM = 1;
/** A listener whose queue is full must not make us wait. */
const SOCK_NONBLOCK = LINUX ? 0x800 : 0;
const ECONNREFUSED = LINUX ? 111 : 61;
const PATH_BYTES_MAX = LINUX ? 107 : 103;

/**
 * Makes sure that the path can be bound to.
 * @throws StartError when it is too long, is no socket, or has a listener; the file is left alone then
 */
export function clearSocketPath(path: string): void {
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    throw new StartError(`Error listening on unix socket: ${path}, the path is longer than ${PATH_BYTES_MAX} bytes`);
  }
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) throw new StartError(`Error listening on unix socket: ${path}, there is a file that is no socket`);
  if (!isStale(path)) {
    throw new StartError(`Error listening on unix socket: ${path}, "bind: address already in use"`, { code: "EADDRINUSE" });
  }
  unlinkSync(path);
}

export function setSocketMode(path: string, mode: number): void {
  chmodSync(path, mode);
}

/** Whether the socket has no listener any more. False when that cannot be determined. */
function isStale(path: string): boolean {
  try {
    const errno = LINUX ? "__errno_location" : "__error";
    const symbols = openLibc({
      socket: { args: ["i32", "i32", "i32"], returns: "i32" },
      connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
      close: { args: ["i32"], returns: "i32" },
      [errno]: { args: [], returns: "ptr" },
    });
    if (symbols === null) return false;
    const calls = symbols as unknown as {
      socket(domain: number, type: number, protocol: number): number;
      connect(fd: number, address: Pointer, size: number): number;
      close(fd: number): number;
    } & Record<string, () => Pointer>;
    const address = unixAddress(path);
    const fd = calls.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) return false;
    const failed = calls.connect(fd, ptr(address), address.length) !== 0;
    const code = failed ? read.i32(calls[errno](), 0) : 0;
    calls.close(fd);
    return failed && code === ECONNREFUSED;
  } catch {
    return false;
  }
}
