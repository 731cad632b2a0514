/**
 * Reads a configuration file, its included files and environment variables into a tree.
 *
 * Reading ends at the first syntax error, as in the reference. The error has the reference's text plus its place in the file. Cycles of
 * includes or variables are errors here; in the reference they exhaust memory or descriptors.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { goReadError } from "../../base/go/file-error.ts";
import { bytesOfText } from "../../base/go/text.ts";
import { ConfigReader } from "./config-reader.ts";
import { type ConfigData, type ConfigMap, LanguageError } from "./config-value.ts";
import { digestOf } from "./digest.ts";
import { TreeBuilder } from "./tree-builder.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ReadConfig {
  readonly map: ConfigMap;
  readonly digest: string;
}

/** Maximum depth of includes, and of variables within variables. */
const INCLUDES_MAX = 100;
/** The key under which the text of a variable is parsed. */
const VARIABLE = "pk";

/** @throws LanguageError  the file or an included file cannot be read or has a syntax error */
export function readConfigFile(file: string, environment: Environment): ReadConfig {
  const map = new ConfigSource(environment).file(file);
  return { map, digest: digestOf(map) };
}

/** Reads a text. Errors name it `file`; includes are relative to the working directory. */
export function readConfigText(text: string, environment: Environment, file = ""): ReadConfig {
  const map = new ConfigSource(environment).text(bytesOfText(text), file, ".");
  return { map, digest: digestOf(map) };
}

class ConfigSource {
  /** Files being read, outermost first. */
  private readonly files: string[] = [];
  /** Environment variables being read. */
  private readonly variables = new Set<string>();

  constructor(private readonly environment: Environment) {}

  file(path: string): ConfigMap {
    if (this.files.includes(path)) throw new LanguageError(`include cycle: ${[...this.files, path].join(" -> ")}`);
    if (this.files.length >= INCLUDES_MAX) throw new LanguageError(`more than ${INCLUDES_MAX} files within each other`);
    let bytes: string;
    try {
      bytes = readFileSync(path, "latin1");
    } catch (error) {
      throw new LanguageError(goReadError(error, path));
    }
    this.files.push(path);
    const map = this.text(bytes, path, dirname(path));
    this.files.pop();
    return map;
  }

  text(bytes: string, file: string, directory: string): ConfigMap {
    const builder = new TreeBuilder(file, {
      include: path => this.file(join(directory, path).replace(/(.)\/$/, "$1")),
      environment: name => this.variable(name),
    });
    const reader = new ConfigReader(bytes, builder, (reason, cursor) => {
      const { line, column } = cursor.here;
      const place = file === "" ? "" : ` (${file}:${line}:${column})`;
      throw new LanguageError(`Parse error on line ${line}: '${reason}'${place}`);
    });
    const unfinished = reader.read();
    if (unfinished !== null) throw new LanguageError(`config is invalid (${file}:${unfinished.line}:${unfinished.column})`);
    return builder.root;
  }

  private variable(name: string): ConfigData | undefined {
    if (this.variables.has(name)) throw new LanguageError(`variable reference cycle for '${name}'`);
    const text = Object.hasOwn(this.environment, name) ? this.environment[name] : undefined;
    if (text === undefined) return undefined;
    if (this.variables.size >= INCLUDES_MAX) throw new LanguageError(`more than ${INCLUDES_MAX} variables within each other`);
    this.variables.add(name);
    try {
      return this.text(bytesOfText(`${VARIABLE}=${text}`), "", ".").get(VARIABLE)?.data;
    } finally {
      this.variables.delete(name);
    }
  }
}
