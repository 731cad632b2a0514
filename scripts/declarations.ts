/**
 * Writes types/index.d.ts: the types of the library in one file, for TypeScript projects that depend on the package.
 *
 *   bun run scripts/declarations.ts            checks whether the file is current
 *   bun run scripts/declarations.ts --write    writes the file
 *
 *   src/index.ts ─▶ tsc's declarations ─▶ what is reachable from the exports ─▶ types/index.d.ts
 *
 * Bun runs the sources as they are, so there is nothing else to build. Without this file a project that depends on the package would
 * check our sources with its own compiler options, and without Bun's types, and fail.
 * The file is committed, because installing from a path runs no build step. test/project/declarations.test.ts checks that it is current.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, normalize } from "node:path";
import ts from "typescript";
import { OPTIONS } from "../src/config/schema/options.ts";

const root = join(import.meta.dir, "..");
const ENTRY = join(root, "src/index.ts");
export const DECLARATIONS = join(root, "types/index.d.ts");

const HEAD = `// Types of the package. Written by scripts/declarations.ts from src/index.ts; do not edit.
/// <reference lib="esnext.disposable" />
`;

/** Checks without Bun's types, because not every project has them. */
const OPTIONS_OF_CHECK: ts.CompilerOptions = { strict: true, target: ts.ScriptTarget.ESNext, lib: ["lib.esnext.d.ts"], types: [] };

/** @throws Error  the sources have errors, or an exported type needs a class that index.ts does not export */
export function declarationsText(): string {
  const files = declarationFiles();
  const program = ts.createProgram([...files.keys()], OPTIONS_OF_CHECK, hostOf(files));
  return new Bundle(program).text();
}

/** tsc's declarations of src/index.ts and of the files that those import, by path. An import that only private parts need is not followed. */
function declarationFiles(): Map<string, string> {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram([ENTRY], {
    ...options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    stripInternal: true,
  });
  const files = new Map<string, string>();
  const paths = new Set([ENTRY]);
  for (const path of paths) {
    const emit = (file: string, text: string) => {
      files.set(normalize(file), text);
      for (const { fileName } of ts.preProcessFile(text).importedFiles) {
        if (fileName.startsWith(".")) paths.add(normalize(join(path, "..", fileName))); // others are modules of Bun and packages
      }
    };
    const source = program.getSourceFile(path);
    if (source === undefined) throw new Error(`${path} is not part of the program`); // without a file, tsc would emit all of them
    const { diagnostics } = program.emit(source, emit);
    if (diagnostics.length > 0) throw new Error(ts.formatDiagnostics(diagnostics, ts.createCompilerHost(options)));
  }
  return files;
}

/** Files in memory; an import of `./x.ts` means `./x.d.ts`. */
function hostOf(files: ReadonlyMap<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost(OPTIONS_OF_CHECK);
  const fromDisk = host.getSourceFile; // TypeScript's own library
  host.getSourceFile = (path, version) => {
    const text = files.get(path);
    return text === undefined ? fromDisk(path, version) : ts.createSourceFile(path, text, version, true);
  };
  host.resolveModuleNameLiterals = (literals, from) =>
    literals.map(({ text }) => {
      const path = normalize(join(from, "..", text)).replace(/\.ts$/, ".d.ts");
      return { resolvedModule: files.has(path) ? { resolvedFileName: path, extension: ts.Extension.Dts } : undefined };
    });
  return host;
}

/** Collects the declarations that the exports of index.d.ts need, each once. */
class Bundle {
  private readonly checker: ts.TypeChecker;
  private readonly queue: ts.Symbol[] = [];
  private readonly exported = new Set<ts.Symbol>();
  private readonly names = new Map<string, ts.Symbol>();

  constructor(private readonly program: ts.Program) {
    this.checker = program.getTypeChecker();
  }

  text(): string {
    const index = this.program.getSourceFile(ENTRY.replace(/\.ts$/, ".d.ts"))!;
    for (const symbol of this.checker.getExportsOfModule(this.checker.getSymbolAtLocation(index)!)) {
      const target = this.targetOf(symbol);
      this.exported.add(target);
      this.need(target);
    }
    let text = HEAD;
    for (let symbol = this.queue.shift(); symbol !== undefined; symbol = this.queue.shift()) {
      for (const declaration of symbol.declarations ?? []) text += `\n${this.declarationText(symbol, declaration)}\n`;
    }
    return `${text}\nexport {};\n`;
  }

  /** Declarations that the exports need are not exported themselves. */
  private declarationText(symbol: ts.Symbol, declaration: ts.Declaration): string {
    const exported = this.exported.has(symbol);
    const isClass = ts.isClassDeclaration(declaration);
    if (isClass && !exported) throw new Error(`src/index.ts does not export the class ${symbol.name}, which its types need`);
    const code = this.codeOf(declaration).replace(/^(export )?(declare )?/, isClass ? "declare " : "");
    const comment = ts.getJSDocCommentsAndTags(declaration).at(-1)?.getText();
    return `${comment === undefined ? "" : `${comment}\n`}${exported ? "export " : ""}${narrowerIndent(code)}`;
  }

  private codeOf(declaration: ts.Declaration): string {
    if (ts.isTypeAliasDeclaration(declaration)) {
      if (ts.isMappedTypeNode(declaration.type)) return this.expandedTable(declaration);
      if (asksForConstant(declaration.type)) return `type ${declaration.name.text} = ${this.expanded(declaration.name, declaration)};`;
    }
    this.needIdentifiersOf(declaration);
    return declaration.getText();
  }

  /** Writes a type that is computed from the option table as a readable interface. */
  private expandedTable(declaration: ts.TypeAliasDeclaration): string {
    const lines = this.checker.getPropertiesOfType(this.checker.getTypeAtLocation(declaration.name)).map(property => {
      const row = (OPTIONS as Readonly<Record<string, { readonly text: string }>>)[property.name];
      const comment = row === undefined ? "" : `    /** ${row.text} */\n`;
      return `${comment}    ${property.name}: ${this.textOf(this.checker.getTypeOfSymbol(property), declaration)};`;
    });
    return `interface ${declaration.name.text} {\n${lines.join("\n")}\n}`;
  }

  private expanded(name: ts.Identifier, declaration: ts.TypeAliasDeclaration): string {
    return this.textOf(this.checker.getTypeAtLocation(name), declaration);
  }

  private textOf(type: ts.Type, at: ts.Node): string {
    const { NoTruncation, UseAliasDefinedOutsideCurrentScope, InTypeAlias } = ts.TypeFormatFlags;
    const text = this.checker.typeToString(type, at, NoTruncation | UseAliasDefinedOutsideCurrentScope | InTypeAlias);
    this.needNamesIn(text);
    return text;
  }

  private needNamesIn(type: string): void {
    const visit = (node: ts.Node): void => {
      if (ts.isTypeReferenceNode(node) && ts.isIdentifier(node.typeName)) {
        const found = this.declaredAs(node.typeName.text);
        if (found !== null) this.need(found);
      }
      if (ts.isImportTypeNode(node)) throw new Error(`a computed option has a type without a name: ${type}`);
      ts.forEachChild(node, visit);
    };
    visit(ts.createSourceFile("type.d.ts", `type T = ${type};`, ts.ScriptTarget.Latest));
  }

  /** The only exported type with this name in the sources; null for a type of the language. @throws Error when there are several */
  private declaredAs(name: string): ts.Symbol | null {
    const found = new Set<ts.Symbol>();
    for (const file of this.program.getSourceFiles()) {
      const symbol = this.checker.getSymbolAtLocation(file)?.exports?.get(ts.escapeLeadingUnderscores(name));
      if (symbol !== undefined) found.add(this.targetOf(symbol));
    }
    if (found.size > 1) throw new Error(`${found.size} types are called ${name}`);
    return [...found][0] ?? null;
  }

  private needIdentifiersOf(declaration: ts.Node): void {
    const visit = (node: ts.Node): void => {
      if (ts.isImportTypeNode(node))
        throw new Error(`${declaration.getSourceFile().fileName}: a type of an export is not written out: ${node.getText()}`);
      if (ts.isIdentifier(node) && node.parent !== declaration) {
        const symbol = this.checker.getSymbolAtLocation(node);
        if (symbol !== undefined) this.need(this.targetOf(symbol));
      }
      ts.forEachChild(node, visit);
    };
    visit(declaration);
  }

  /** Adds a top-level declaration of one of our files; members and parameters are added with their owner. */
  private need(symbol: ts.Symbol): void {
    const declaration = symbol.declarations?.[0];
    if (declaration === undefined || !ts.isSourceFile(declaration.parent)) return;
    if (this.program.isSourceFileDefaultLibrary(declaration.parent)) return;
    const known = this.names.get(symbol.name);
    if (known === symbol) return;
    if (known !== undefined) throw new Error(`two types that the exports need are called ${symbol.name}`);
    this.names.set(symbol.name, symbol);
    this.queue.push(symbol);
  }

  private targetOf(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol;
  }
}

/** Whether a type uses the type of a constant (`typeof NAMES`), which the file of types does not contain. */
function asksForConstant(type: ts.TypeNode): boolean {
  const visit = (node: ts.Node): boolean => ts.isTypeQueryNode(node) || (ts.forEachChild(node, visit) ?? false);
  return visit(type);
}

/** Replaces each four blanks of indentation by two. */
function narrowerIndent(code: string): string {
  return code.replace(/^(?: {4})+/gm, blanks => blanks.slice(blanks.length / 2));
}

if (import.meta.main) {
  const text = declarationsText();
  if (process.argv.includes("--write")) writeFileSync(DECLARATIONS, text);
  else if (readFileSync(DECLARATIONS, "utf8") !== text) {
    console.error("types/index.d.ts is not current; `bun run types --write` writes it");
    process.exitCode = 1;
  }
}
