/** Writes docs/configuration.md from the option table: every field of the configuration file, every flag, and the reload rules. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FLAGS, type Flag, writtenNames } from "../src/cli/flag-table.ts";
import { FILE_FIELDS } from "../src/config/schema/load-config.ts";
import { OPTIONS, type Options } from "../src/config/schema/options.ts";
import type { Field } from "../src/config/schema/row/field.ts";
import type { Row } from "../src/config/schema/row/option-row.ts";
import { MISSING_FIELDS } from "../src/config/schema/table/missing.ts";
import { code, tableOf } from "./markdown-table.ts";
import { programOptions } from "./program-options.ts";

const USAGE = `usage: bun run scripts/configuration-page.ts [option]
  --check   exit 1 when docs/configuration.md does not match the option table
  --write   write the page`;

const pageFile = join(import.meta.dir, "../docs/configuration.md");

const INTRODUCTION = `# Configuration

Generated from the option table by \`bun run scripts/configuration-page.ts --write\`; do not edit. A file for nats-server 2.15.3 works unchanged,
if this server supports its features; [conf/](../conf/README.md) has examples.

- Start the server with \`-c <file>\`, in a program with \`NatsServer.start({ configFile })\`; \`-t -c <file>\` checks a file and shows its digest.
- The file overrides defaults; flags and options of a program override the file. The same applies to a reload.
- Names are case-insensitive. An unknown name is an error, unless a \`$variable\` refers to it.
- A field of an unsupported feature is refused by name, unless it is off or empty (\`mqtt {}\`).
`;

const LANGUAGE = `## The language

\`\`\`
# a comment; // also begins one
server_name: $SERVER_NAME        # the value of an earlier field, or of the environment
port = 4222                      # "=", ":" or just a space
max_payload: 8MB                 # k, m, g, t are powers of 1000; kb, mb, ki, kib, mib are powers of 1024
write_deadline: "10s"            # durations: ns, us, ms, s, m, h; quote "1m", as 1m is a million
tls { cert_file: "server.pem", key_file: "key.pem" }
include ./users.conf             # in the directory of this file
\`\`\`

JSON is accepted. Strings need no quotes; in double quotes and without quotes \`\\t\`, \`\\n\`, \`\\r\`, \`\\"\`, \`\\\\\` and \`\\xHH\` are escapes.
\`true\`, \`yes\`, \`on\` mean true; \`false\`, \`no\`, \`off\` mean false. A repeated name has its last value.
`;

/** The text of the page. */
export function configurationPage(): string {
  const fields = FILE_FIELDS.filter(({ missing }) => missing === null);
  return [
    INTRODUCTION,
    LANGUAGE,
    `## Fields\n\n"Reload" tells whether a reload can change the value: *live*; or *fixed*: a reload with another value is refused.\n\n${fieldTable(fields, true)}\n`,
    ...[...PATHS.values()].map(blockSection),
    `## Not supported yet\n\n${missingTable()}\n`,
    `## Flags\n\n${flagTable()}\n`,
    programOptions(),
  ].join("\n");
}

/** The first path of every block, by its fields: `accounts.users`. Blocks with the same fields are described once. */
function blockPaths(): ReadonlyMap<unknown, { readonly path: string; readonly block: Field<never> }> {
  const paths = new Map<unknown, { path: string; block: Field<never> }>();
  const visit = (fields: readonly Field<never>[], path: string) => {
    for (const block of fields) {
      if (block.missing !== null || block.fields === undefined || paths.has(block.fields)) continue;
      const own = `${path}${block.names[0]}`;
      paths.set(block.fields, { path: own, block });
      visit(block.fields, `${own}.`);
    }
  };
  visit(FILE_FIELDS, "");
  return paths;
}

const PATHS = blockPaths();

function blockSection({ path, block }: { readonly path: string; readonly block: Field<never> }): string {
  return `### ${code(path)}\n\n${sentence(block.text)}\n\n${fieldTable(block.fields!, false)}\n`;
}

/** Link to a heading, with GitHub's anchor. */
function linkTo(fields: readonly Field<never>[]): string {
  const { path } = PATHS.get(fields)!;
  return ` ([${path}](#${path.replaceAll(".", "")}))`;
}

function fieldTable(fields: readonly Field<never>[], withReload: boolean): string {
  const working = fields.filter(({ missing }) => missing === null);
  const rows = working.map(one => [
    one.names.map(code).join(", "),
    one.type + (one.fields === undefined ? "" : linkTo(one.fields)),
    one.initial === "" ? "" : code(one.initial),
    one.text,
    ...(withReload ? [reloadOf(one)] : []),
  ]);
  const table = tableOf(["field", "value", "default", "description", ...(withReload ? ["reload"] : [])], rows);
  const missing = fields.filter(one => one.missing !== null).flatMap(({ names }) => names);
  return missing.length === 0 ? table : `${table}\n\nRefused by name: ${missing.map(code).join(", ")}.`;
}

/** The reload rule of the option that a field sets. */
function reloadOf({ option }: Field<never>): string {
  const row: Pick<Row<unknown>, "reload" | "reloadText"> = OPTIONS[option as keyof Options];
  return row.reloadText ?? row.reload;
}

function missingTable(): string {
  return tableOf(
    ["field", "unsupported feature"],
    MISSING_FIELDS.map(({ names, missing }) => [names.map(code).join(", "), missing!]),
  );
}

function flagTable(): string {
  const rows = FLAGS.map(flag => [code(writtenForm(flag)), flag.text || "not supported yet"]);
  return tableOf(["flag", "description"], rows);
}

function writtenForm(flag: Flag): string {
  return `${writtenNames(flag)}${flag.argument === "" ? "" : ` <${flag.argument}>`}`;
}

function sentence(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}.`;
}

/** The error in the page; null when it is current. */
export function configurationPageFault(): string | null {
  const page = existsSync(pageFile) ? readFileSync(pageFile, "utf8") : "";
  if (page === configurationPage()) return null;
  return "docs/configuration.md is not made of the option table: `bun run scripts/configuration-page.ts --write`";
}

function main([option]: string[]): void {
  if (option === "--write") return writeFileSync(pageFile, configurationPage());
  const fault = option === "--check" ? configurationPageFault() : USAGE;
  if (fault === null) return;
  console.error(fault);
  process.exitCode = 1;
}

if (import.meta.main) main(process.argv.slice(2));
