/**
 * The verbs that a peer may send: one table of rows per kind of connection, compiled to a byte automaton.
 *
 *   VERBS[kind] ─ compile ─▶ next[node * 256 + byte] = node, or WORD + verb when the word is complete, or 0: refused
 * The parser follows it byte by byte, so it refuses a wrong byte at once, before the line has ended, as the reference does. Upper and lower
 * case letters are equal. A row also says how the arguments are read; for a verb with a message it names the reader.
 */
import { ConnectionKind } from "./connection-kind.ts";
import { type MessageReader, readClientHmsg, readHpub, readPub } from "./message-line.ts";

export enum Verb {
  Pub = 0,
  Hpub,
  Sub,
  Unsub,
  Connect,
  Info,
  Ping,
  Pong,
  Ok,
  Err,
  Hmsg,
  RouteSub,
  RouteUnsub,
  LeafSub,
  LeafUnsub,
  AccountSub,
  AccountUnsub,
}

const VERB_COUNT = Verb.AccountUnsub + 1;

/** How the bytes after a verb are read. */
export enum ArgumentStyle {
  /** A blank must follow; the arguments begin at the next byte that is not blank. */
  BlankThenLine = 0,
  /** Blanks may follow (`CONNECT{…}`). */
  Line,
  /** All bytes up to LF are ignored. */
  Ignored,
}

export interface VerbRow {
  readonly word: string;
  readonly verb: Verb;
  readonly style: ArgumentStyle;
  /** Reads the arguments of a verb with a payload; null: the command has no payload. */
  readonly reader: MessageReader | null;
}

export function message(word: string, verb: Verb, reader: MessageReader): VerbRow {
  return { word, verb, style: ArgumentStyle.BlankThenLine, reader };
}

export function line(word: string, verb: Verb, style = ArgumentStyle.BlankThenLine): VerbRow {
  return { word, verb, style, reader: null };
}

const COMMON_ROWS: readonly VerbRow[] = [
  line("CONNECT", Verb.Connect, ArgumentStyle.Line),
  line("INFO", Verb.Info, ArgumentStyle.Line),
  line("PING", Verb.Ping, ArgumentStyle.Ignored),
  line("PONG", Verb.Pong, ArgumentStyle.Ignored),
  line("+OK", Verb.Ok, ArgumentStyle.Ignored),
  line("-ERR", Verb.Err),
];

const ROUTE_ROWS: readonly VerbRow[] = [
  line("RS+", Verb.RouteSub),
  line("RS-", Verb.RouteUnsub),
  line("A+", Verb.AccountSub),
  line("A-", Verb.AccountUnsub),
  line("AU", Verb.AccountUnsub),
];

const LEAF_ROWS: readonly VerbRow[] = [line("LS+", Verb.LeafSub), line("LS-", Verb.LeafUnsub)];

/**
 * The verbs of each kind. Kinds without a socket send nothing. Routes, gateways and leaf nodes are not built yet: their message verbs (RMSG,
 * LMSG, HMSG) will be added together with the readers of their lines.
 */
export const VERBS: Record<ConnectionKind, readonly VerbRow[]> = {
  [ConnectionKind.Client]: [
    message("PUB", Verb.Pub, readPub),
    message("HPUB", Verb.Hpub, readHpub),
    line("SUB", Verb.Sub),
    line("UNSUB", Verb.Unsub),
    message("HMSG", Verb.Hmsg, readClientHmsg), // as in the reference, which refuses MSG from a client but not HMSG
    ...COMMON_ROWS,
  ],
  [ConnectionKind.Router]: [...COMMON_ROWS, ...ROUTE_ROWS, ...LEAF_ROWS],
  [ConnectionKind.Gateway]: [...COMMON_ROWS, ...ROUTE_ROWS],
  [ConnectionKind.Leaf]: [...COMMON_ROWS, ...LEAF_ROWS],
  [ConnectionKind.System]: [],
  [ConnectionKind.JetStream]: [],
  [ConnectionKind.Account]: [],
};

/** Entries of the automaton from this number on stand for a complete verb. */
export const WORD = 0x4000;
export const ROOT = 1;
/** The byte is refused. */
export const REFUSED = 0;

export interface VerbTable {
  /** The automaton. */
  readonly next: Uint16Array;
  /** By verb. */
  readonly styles: readonly ArgumentStyle[];
  /** By verb. */
  readonly readers: readonly (MessageReader | null)[];
}

export function compileVerbs(rows: readonly VerbRow[]): VerbTable {
  const nodes: number[][] = [new Array(256).fill(REFUSED), new Array(256).fill(REFUSED)];
  const styles: ArgumentStyle[] = new Array(VERB_COUNT).fill(ArgumentStyle.Ignored);
  const readers: (MessageReader | null)[] = new Array(VERB_COUNT).fill(null);
  for (const { word, verb, style, reader } of rows) {
    styles[verb] = style;
    readers[verb] = reader;
    let node = ROOT;
    for (let i = 0; i < word.length; i++) {
      const upper = word.charCodeAt(i);
      const lower = word[i].toLowerCase().charCodeAt(0);
      const last = i === word.length - 1;
      if (last) {
        nodes[node][upper] = WORD + verb;
        nodes[node][lower] = WORD + verb;
        break;
      }
      if (nodes[node][upper] === REFUSED) {
        nodes.push(new Array(256).fill(REFUSED));
        nodes[node][upper] = nodes.length - 1;
        nodes[node][lower] = nodes.length - 1;
      }
      node = nodes[node][upper];
    }
  }
  return { next: Uint16Array.from(nodes.flat()), styles, readers };
}

export const VERB_TABLES: Record<ConnectionKind, VerbTable> = {
  [ConnectionKind.Client]: compileVerbs(VERBS[ConnectionKind.Client]),
  [ConnectionKind.Router]: compileVerbs(VERBS[ConnectionKind.Router]),
  [ConnectionKind.Gateway]: compileVerbs(VERBS[ConnectionKind.Gateway]),
  [ConnectionKind.Leaf]: compileVerbs(VERBS[ConnectionKind.Leaf]),
  [ConnectionKind.System]: compileVerbs(VERBS[ConnectionKind.System]),
  [ConnectionKind.JetStream]: compileVerbs(VERBS[ConnectionKind.JetStream]),
  [ConnectionKind.Account]: compileVerbs(VERBS[ConnectionKind.Account]),
};
