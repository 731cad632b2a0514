/**
 * The verbs a peer may send, one table per connection kind, compiled to a byte automaton.
 *
 *   VERBS[kind] ─ compile ─▶ next[node * 256 + byte] = node, or WORD + verb when the word is complete, or 0: refused
 * The parser walks it byte by byte, so a wrong byte is refused where it stands, before its line has ended, as the reference does.
 * Letters match in either case.
 */
import { ConnectionKind } from "./connection-kind.ts";

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
  Msg,
  Hmsg,
  RouteSub,
  RouteUnsub,
  RouteMsg,
  LeafSub,
  LeafUnsub,
  LeafMsg,
  AccountSub,
  AccountUnsub,
}

/** How the bytes behind a verb are read. */
export enum ArgumentStyle {
  /** A blank must follow; the arguments start at the next byte that is none. */
  BlankThenLine = 0,
  /** Blanks may follow (`CONNECT{…}`). */
  Line,
  /** Whatever stands before LF is ignored. */
  Ignored,
}

export const ARGUMENT_STYLES: Record<Verb, ArgumentStyle> = {
  [Verb.Pub]: ArgumentStyle.BlankThenLine,
  [Verb.Hpub]: ArgumentStyle.BlankThenLine,
  [Verb.Sub]: ArgumentStyle.BlankThenLine,
  [Verb.Unsub]: ArgumentStyle.BlankThenLine,
  [Verb.Connect]: ArgumentStyle.Line,
  [Verb.Info]: ArgumentStyle.Line,
  [Verb.Ping]: ArgumentStyle.Ignored,
  [Verb.Pong]: ArgumentStyle.Ignored,
  [Verb.Ok]: ArgumentStyle.Ignored,
  [Verb.Err]: ArgumentStyle.BlankThenLine,
  [Verb.Msg]: ArgumentStyle.BlankThenLine,
  [Verb.Hmsg]: ArgumentStyle.BlankThenLine,
  [Verb.RouteSub]: ArgumentStyle.BlankThenLine,
  [Verb.RouteUnsub]: ArgumentStyle.BlankThenLine,
  [Verb.RouteMsg]: ArgumentStyle.BlankThenLine,
  [Verb.LeafSub]: ArgumentStyle.BlankThenLine,
  [Verb.LeafUnsub]: ArgumentStyle.BlankThenLine,
  [Verb.LeafMsg]: ArgumentStyle.BlankThenLine,
  [Verb.AccountSub]: ArgumentStyle.BlankThenLine,
  [Verb.AccountUnsub]: ArgumentStyle.BlankThenLine,
};

type VerbWords = readonly (readonly [word: string, verb: Verb])[];

const EVERYONE: VerbWords = [
  ["CONNECT", Verb.Connect],
  ["INFO", Verb.Info],
  ["PING", Verb.Ping],
  ["PONG", Verb.Pong],
  ["+OK", Verb.Ok],
  ["-ERR", Verb.Err],
  ["HMSG", Verb.Hmsg],
];

const ROUTED: VerbWords = [
  ["RS+", Verb.RouteSub],
  ["RS-", Verb.RouteUnsub],
  ["RMSG", Verb.RouteMsg],
  ["A+", Verb.AccountSub],
  ["A-", Verb.AccountUnsub],
  ["AU", Verb.AccountUnsub],
];

const LEAFED: VerbWords = [
  ["LS+", Verb.LeafSub],
  ["LS-", Verb.LeafUnsub],
  ["LMSG", Verb.LeafMsg],
];

/**
 * What each kind may send. Kinds without a socket send nothing. The rows of routes, gateways and leaf nodes stand for their rooms:
 * until those exist no such connection is made.
 */
export const VERBS: Record<ConnectionKind, VerbWords> = {
  [ConnectionKind.Client]: [
    ["PUB", Verb.Pub],
    ["HPUB", Verb.Hpub],
    ["SUB", Verb.Sub],
    ["UNSUB", Verb.Unsub],
    ...EVERYONE, // MSG itself is refused at its first byte; HMSG is not, see client-commands.ts
  ],
  [ConnectionKind.Router]: [...EVERYONE, ...ROUTED, ...LEAFED],
  [ConnectionKind.Gateway]: [...EVERYONE, ...ROUTED],
  [ConnectionKind.Leaf]: [...EVERYONE, ...LEAFED],
  [ConnectionKind.System]: [],
  [ConnectionKind.JetStream]: [],
  [ConnectionKind.Account]: [],
};

/** Entries of the automaton from here on are a complete verb. */
export const WORD = 0x4000;
export const ROOT = 1;
/** The byte is refused. */
export const REFUSED = 0;

export interface VerbTable {
  readonly next: Uint16Array;
}

export function compileVerbs(words: VerbWords): VerbTable {
  const nodes: number[][] = [new Array(256).fill(REFUSED), new Array(256).fill(REFUSED)];
  for (const [word, verb] of words) {
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
  return { next: Uint16Array.from(nodes.flat()) };
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
