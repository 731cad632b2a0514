/**
 * A simple, slow parser of the client protocol, as a model for tests: it reads a whole conversation as latin1 text, without states. It gives
 * the commands that a `RecordingSink` records, and the refusal that ended the conversation.
 */

import { Refusal } from "../../src/wire/protocol/refusal.ts";
import { Verb } from "../../src/wire/protocol/verb-table.ts";
import { messageText } from "./recording-sink.ts";

export interface Limits {
  readonly headers: boolean;
  readonly lineBytesMax: number;
  readonly payloadBytesMax: number;
}

const WORDS: Record<string, Verb> = {
  PUB: Verb.Pub,
  HPUB: Verb.Hpub,
  SUB: Verb.Sub,
  UNSUB: Verb.Unsub,
  CONNECT: Verb.Connect,
  INFO: Verb.Info,
  PING: Verb.Ping,
  PONG: Verb.Pong,
  "+OK": Verb.Ok,
  "-ERR": Verb.Err,
  HMSG: Verb.Hmsg,
};
const WITHOUT_BLANK = ["CONNECT", "INFO"];
const WITHOUT_ARGUMENTS = ["PING", "PONG", "+OK"];

/** @returns the commands, and the refusal that ended the conversation; None if it was not refused, also when it is incomplete */
export function modelCommands(wire: string, limits: Limits): { commands: string[]; refusal: Refusal } {
  const commands: string[] = [];
  let rest = wire;
  while (rest !== "") {
    const outcome = oneCommand(rest, limits, commands);
    if (typeof outcome !== "string") return { commands, refusal: outcome };
    rest = outcome;
  }
  return { commands, refusal: Refusal.None };
}

/** Reads the first command of `text`. @returns the text after it, a refusal, or None when the command is incomplete */
function oneCommand(text: string, limits: Limits, commands: string[]): string | Refusal {
  const word = Object.keys(WORDS).find(known => text.toUpperCase().startsWith(known));
  if (word === undefined) {
    const mayBecome = Object.keys(WORDS).some(known => known.startsWith(text.toUpperCase()));
    return mayBecome ? Refusal.None : Refusal.UnknownOperation;
  }
  let rest = text.slice(word.length);
  if (WITHOUT_ARGUMENTS.includes(word)) {
    const lf = rest.indexOf("\n");
    if (lf === -1) return Refusal.None;
    if (word !== "+OK") commands.push(word);
    return rest.slice(lf + 1);
  }
  if (!WITHOUT_BLANK.includes(word)) {
    if (rest === "") return Refusal.None;
    if (!/^[ \t]/.test(rest)) return Refusal.UnknownOperation;
  }
  rest = rest.replace(/^[ \t]+/, "");
  const lf = rest.indexOf("\n");
  const line = (lf === -1 ? rest : rest.slice(0, lf)).replace(/\r$/, "");
  if (line.length > limits.lineBytesMax) return Refusal.MaxControlLineExceeded;
  if (lf === -1) return Refusal.None;
  rest = rest.slice(lf + 1);
  if (word !== "PUB" && word !== "HPUB" && word !== "HMSG") {
    commands.push(`LINE ${Verb[WORDS[word]]} ${line}`);
    return rest;
  }

  const message = readMessageLine(word, line, limits);
  if (typeof message === "number") return message;
  const { size, text: show } = message;
  const behind = rest.slice(size);
  if (behind !== "" && behind[0] !== "\r") return Refusal.UnknownOperation;
  if (behind.length > 1 && behind[1] !== "\n") return Refusal.UnknownOperation;
  if (behind.length < 2) return Refusal.None;
  commands.push(show(rest.slice(0, size)));
  return behind.slice(2);
}

function readMessageLine(word: string, line: string, limits: Limits): { size: number; text: (payload: string) => string } | Refusal {
  if (word === "HMSG") return { size: 0, text: () => messageText("", "", -1, "", "") };
  if (word === "HPUB" && !limits.headers) return Refusal.MalformedArguments;
  const parts = line.split(/[ \t]+/).filter(part => part !== "");
  const numbers = word === "HPUB" ? 2 : 1;
  if (parts.length !== numbers + 1 && parts.length !== numbers + 2) return Refusal.MalformedArguments;
  const sizes = parts.slice(-numbers);
  if (!sizes.every(size => /^[0-9]{1,9}$/.test(size))) return Refusal.MalformedArguments;
  const size = Number(sizes[numbers - 1]);
  const headerSize = word === "HPUB" ? Number(sizes[0]) : -1;
  if (headerSize > size) return Refusal.MalformedArguments;
  if (size > limits.payloadBytesMax) return Refusal.MaxPayloadExceeded;
  // Receivers see the header size only if the header is not empty.
  const seen = headerSize === 0 ? sizes.slice(1) : sizes;
  const odd = seen.some(written => /^0[0-9]/.test(written)) ? seen.join(" ") : "";
  const reply = parts.length === numbers + 2 ? parts[1] : "";
  return { size, text: payload => messageText(parts[0], reply, headerSize, odd, payload) };
}
