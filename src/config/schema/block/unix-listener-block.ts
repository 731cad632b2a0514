/** `listen_unix`: a listener on a Unix domain socket, in addition to the client port. */
import { quoted } from "../../../base/go/strconv.ts";
import { natural, objectOf, orNull, text } from "../given/shape.ts";
import { ConfigFault } from "../row/problems.ts";
import { notA, type Reader, reader, textIn } from "../row/reader.ts";

export interface UnixListener {
  readonly path: string;
  /** Permission bits of the socket file: a process that may write the socket may connect. */
  readonly mode: number;
}

/** Access for owner and group. */
export const UNIX_LISTENER_MODE = 0o770;

export const unixListenerBlock: Reader<UnixListener | null> = reader<UnixListener | null>(
  "path, or `{ path, mode }`",
  (value, { problems }) => {
    const { data } = value;
    if (typeof data === "string") return data === "" ? null : { path: data, mode: UNIX_LISTENER_MODE };
    if (!(data instanceof Map)) throw notA("string", value);
    let path = "";
    let mode = UNIX_LISTENER_MODE;
    for (const [key, part] of data) {
      if (key.toLowerCase() === "path") path = textIn(part);
      else if (key.toLowerCase() === "mode") {
        const digits = String(part.data); // octal, as for chmod: 0770 and "0770" are the same
        if (!/^0?[0-7]{3}$/.test(digits.padStart(3, "0"))) throw new ConfigFault("listen_unix mode must be octal, such as 0770", part);
        mode = Number.parseInt(digits, 8);
      } else problems.error(part, `unknown field ${quoted(key)}`);
    }
    if (path === "") throw new ConfigFault("listen_unix needs a path");
    return { path, mode };
  },
);

export const unixListenerShape = orNull(objectOf<UnixListener>({ path: "", mode: UNIX_LISTENER_MODE }, { path: text, mode: natural }));
