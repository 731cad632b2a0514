/** What `--help` prints: the flag table in the reference's layout. */
import type { FlagSection } from "../config/flag-row.ts";
import { FLAGS, type Flag, writtenNames } from "./flag-table.ts";

const SECTIONS: readonly FlagSection[] = ["Server", "Logging", "Authorization", "Common"];
const NAMES_WIDTH = 37;
const LINE_WIDTH = 100;

export function helpText(): string {
  const sections = SECTIONS.map(section => {
    const flags = FLAGS.filter(flag => flag.section === section && flag.text !== "" && flag.effect.kind !== "check");
    return `${section} Options:\n${flags.map(flagLine).join("")}`;
  });
  return `\nUsage: nats-server [options]\n\n${sections.join("\n")}\n${unsupportedText()}\n`;
}

function flagLine(flag: Flag): string {
  const indent = flag.names[0].length > 2 && writtenNames(flag).startsWith("--") ? "        " : "    ";
  const names = `${indent}${writtenNames(flag)}${flag.argument === "" ? "" : ` <${flag.argument}>`}`;
  return names.length < NAMES_WIDTH ? `${names.padEnd(NAMES_WIDTH)}${flag.text}\n` : `${names}\n${" ".repeat(NAMES_WIDTH)}${flag.text}\n`;
}

/** Flags that nats-server has and this server refuses, so that nobody has to try. */
function unsupportedText(): string {
  const names = FLAGS.filter(flag => flag.effect.kind === "unsupported" || flag.effect.kind === "check").map(flag =>
    writtenNames(flag).replaceAll(", ", "/"),
  );
  let text = "Not supported yet:\n   ";
  let width = 3;
  for (const name of names) {
    if (width + name.length + 1 > LINE_WIDTH) {
      text += "\n   ";
      width = 3;
    }
    text += ` ${name}`;
    width += name.length + 1;
  }
  return `${text}\n`;
}
