import { expect, test } from "bun:test";
import { ConnectionKind } from "./connection-kind.ts";
import { compileVerbs, line, REFUSED, ROOT, VERB_TABLES, VERBS, Verb, type VerbTable, WORD } from "./verb-table.ts";

/** Follows the automaton. @returns the verb of the text, `refused at <index>`, or `incomplete` */
function walk(table: VerbTable, text: string): string {
  let node = ROOT;
  for (let index = 0; index < text.length; index++) {
    const next = table.next[(node << 8) + text.charCodeAt(index)];
    if (next === REFUSED) return `refused at ${index}`;
    if (next >= WORD) return index === text.length - 1 ? Verb[next - WORD] : `too long`;
    node = next;
  }
  return "incomplete";
}

function everyCase(word: string): string[] {
  return [...word].reduce<string[]>((texts, letter) => texts.flatMap(text => [text + letter, text + letter.toLowerCase()]), [""]);
}

const KINDS = Object.values(ConnectionKind).filter(kind => typeof kind === "number");

test("every word of every kind is known in any mix of cases, and is incomplete until its last letter", () => {
  for (const kind of KINDS) {
    for (const { word, verb } of VERBS[kind]) {
      for (const text of new Set(everyCase(word)))
        expect(walk(VERB_TABLES[kind], text), `${ConnectionKind[kind]} ${text}`).toBe(Verb[verb]);
      for (let size = 0; size < word.length; size++) expect(walk(VERB_TABLES[kind], word.slice(0, size))).toBe("incomplete");
    }
  }
});

test("every other byte is refused at its position", () => {
  for (const kind of KINDS) {
    const words = VERBS[kind].map(({ word }) => word);
    for (const prefix of new Set(words.flatMap(word => Array.from(word, (_, size) => word.slice(0, size))))) {
      for (let byte = 0; byte < 256; byte++) {
        const text = prefix + String.fromCharCode(byte);
        const known = words.some(word => word.startsWith(text.toUpperCase()) && byte < 128);
        const outcome = walk(VERB_TABLES[kind], text);
        if (known) expect(outcome, JSON.stringify(text)).not.toContain("refused");
        else expect(outcome, JSON.stringify(text)).toBe(`refused at ${prefix.length}`);
      }
    }
  }
});

test("no word begins with another one", () => {
  for (const kind of KINDS) {
    const words = VERBS[kind].map(({ word }) => word);
    for (const word of words) expect(words.filter(other => other.startsWith(word))).toEqual([word]);
  }
});

test("clients may not send the verbs of servers or MSG; kinds without a socket send nothing", () => {
  const client = VERB_TABLES[ConnectionKind.Client];
  for (const word of ["RS+", "RMSG", "LS+", "LMSG", "A+", "MSG"]) expect(walk(client, word), word).toBe("refused at 0");
  expect(walk(client, "HMSG")).toBe("Hmsg");
  for (const kind of [ConnectionKind.System, ConnectionKind.JetStream, ConnectionKind.Account]) {
    expect(VERB_TABLES[kind].next.every(next => next === REFUSED)).toBe(true);
  }
});

test("words with a common beginning share nodes", () => {
  const table = compileVerbs([line("SUB", Verb.Sub), line("SUN", Verb.Unsub)]);
  expect([walk(table, "sUb"), walk(table, "SUN"), walk(table, "SUX")]).toEqual(["Sub", "Unsub", "refused at 2"]);
  expect(table.next.length).toBe(4 * 256);
});
