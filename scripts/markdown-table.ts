/** Tables of the generated pages. */

export function code(text: string): string {
  return `\`${text}\``;
}

export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const escaped = (cell: string) => cell.replaceAll("|", "\\|").replace(/<(?=[a-z_]+>)/g, cell.startsWith("`") ? "<" : "\\<");
  return [head, head.map(() => "---"), ...rows].map(cells => `| ${cells.map(escaped).join(" | ")} |`).join("\n");
}
