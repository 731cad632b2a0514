/** The texts of `--help` (the flag table in the reference's layout) and of `--help_tls` (settings of a tls block). */
import type { FlagSection } from "../config/schema/row/flag-row.ts";
import { NATS_VERSION, OWN_VERSION } from "../wire/protocol/version.ts";
import { CIPHER_SUITES, CURVES } from "../wire/transport/tls/tls-names.ts";
import { FLAGS, type Flag, writtenNames } from "./flag-table.ts";

const SECTIONS: readonly FlagSection[] = ["Server", "Logging", "JetStream", "Authorization", "TLS", "Profiling", "Common"];
/** Order of the server flags in the reference's help. Flags that are missing here follow in the order of the table. */
const SERVER_ORDER = ["a", "p", "n", "P", "m", "ms", "c", "t", "test_reload", "sl", "client_advertise", "ports_file_dir"];
const NAMES_WIDTH = 37;
const LINE_WIDTH = 100;

export function helpText(): string {
  const sections = SECTIONS.map(section => {
    const flags = FLAGS.filter(flag => flag.section === section && flag.effect.kind !== "unsupported");
    const rank = (flag: Flag) => (SERVER_ORDER.indexOf(flag.names[0]) + SERVER_ORDER.length + 1) % (SERVER_ORDER.length + 1);
    const sorted = section === "Server" ? flags.toSorted((left, right) => rank(left) - rank(right)) : flags;
    return `${section} Options:\n${sorted.map(flagLine).join("")}`;
  });
  return `\nUsage: nats-server [options]\n\n${sections.join("\n")}\n${unsupportedText()}\n${versionText()}\n`;
}

/** Our own version; `--version` names only that of nats-server. */
function versionText(): string {
  return `bunats ${OWN_VERSION} (compatible with nats-server ${NATS_VERSION}, Bun ${Bun.version})`;
}

function flagLine(flag: Flag): string {
  const indent = flag.names[0].length > 2 && writtenNames(flag).startsWith("--") ? "        " : "    ";
  const names = `${indent}${writtenNames(flag)}${flag.argument === "" ? "" : ` <${flag.argument}>`}`;
  return names.length < NAMES_WIDTH ? `${names.padEnd(NAMES_WIDTH)}${flag.text}\n` : `${names}\n${" ".repeat(NAMES_WIDTH)}${flag.text}\n`;
}

/** Lists the flags of nats-server that this server refuses. */
function unsupportedText(): string {
  const names = FLAGS.filter(flag => flag.effect.kind === "unsupported").map(flag => writtenNames(flag).replaceAll(", ", "/"));
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

export function tlsHelpText(): string {
  const list = (names: readonly string[]) => names.map(name => `    ${name}\n`).join("");
  const suites = Object.entries(CIPHER_SUITES).filter(([, { openssl }]) => openssl !== null);
  const curves = Object.entries(CURVES).filter(([, name]) => name !== null);
  return `
A tls block of the configuration file configures TLS, for example

    tls {
        cert_file: "./certs/server-cert.pem"
        key_file:  "./certs/server-key.pem"
        # only clients whose certificate comes from here
        ca_file:   "./certs/ca.pem"
        verify:    true
    }

docs/configuration.md lists all its settings.

Available cipher suites include:
${list(suites.map(([name, { insecure }]) => (insecure ? `${name} (needs allow_insecure_cipher_suites)` : name)))}
Available curve preferences include:
${list(curves.map(([name]) => name))}`;
}
