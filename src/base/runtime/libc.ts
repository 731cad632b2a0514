/** The C library, for system calls that Bun does not offer. */
import { dlopen, type FFIFunction } from "bun:ffi";

const LINUX = process.platform === "linux";
const AF_UNIX = 1;

/** Possible file names: glibc, musl, macOS. */
const NAMES: readonly string[] = LINUX
  ? ["libc.so.6", `libc.musl-${process.arch === "x64" ? "x86_64" : "aarch64"}.so.1`]
  : ["libSystem.B.dylib"];

type Opened<T extends Record<string, FFIFunction>> = ReturnType<typeof dlopen<T>>["symbols"];

/** Null when it cannot be loaded or lacks one of these functions. */
export function openLibc<T extends Record<string, FFIFunction>>(functions: T): Opened<T> | null {
  for (const name of NAMES) {
    try {
      return dlopen(name, functions).symbols;
    } catch {
      // try the next name
    }
  }
  return null;
}

/** `struct sockaddr_un`: the family in two bytes, or size and family in one each; then the path and a zero byte. */
export function unixAddress(path: string): Buffer {
  const bytes = Buffer.alloc(2 + Buffer.byteLength(path) + 1);
  if (LINUX) bytes.writeUInt16LE(AF_UNIX, 0);
  else bytes.set([bytes.length, AF_UNIX]);
  bytes.write(path, 2);
  return bytes;
}
