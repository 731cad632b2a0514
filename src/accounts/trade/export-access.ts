/** Who may import an export. Pure: names and claims in, yes or no out. */

import { isSubsetText, isValidSubjectText } from "../../messaging/subject/subject-text.ts";
import type { ServiceExportOptions, ServiceImportOptions, StreamExportOptions, StreamImportOptions } from "./trade-options.ts";

export type AnyExport = StreamExportOptions | ServiceExportOptions;
export type AnyImport = StreamImportOptions | ServiceImportOptions;

/** Whether the import's activation token entitles the account to the export. */
export type ActivationCheck = (importer: string, exporter: string, given: AnyExport, wanted: AnyImport) => boolean;

/** Where nobody issues tokens: a configuration. */
export const NO_ACTIVATIONS: ActivationCheck = () => false;

/**
 * The export that covers a subject: the one of exactly that subject, else the first whose pattern does.
 * @param exact whether it was found by its very name
 */
export function exportFor<E extends AnyExport>(
  exports: ReadonlyMap<string, E>,
  subject: string,
): { readonly found: E; readonly exact: boolean } | null {
  const exact = exports.get(subject);
  if (exact !== undefined) return { found: exact, exact: true };
  for (const found of exports.values()) if (isSubsetText(subject, found.subject)) return { found, exact: false };
  return null;
}

/** @param exporter name of the account that has `exports` */
export function mayImport(
  importer: string,
  exporter: string,
  exports: ReadonlyMap<string, AnyExport>,
  wanted: AnyImport,
  activated: ActivationCheck,
): boolean {
  const { subject } = wanted;
  if (!isValidSubjectText(subject)) return false;
  const given = exportFor(exports, subject);
  if (given === null) return false;
  const { accounts, accountTokenPosition, tokenRequired } = given.found;
  if (accountTokenPosition > 0) {
    // Asked of the tokens only where the export was found by its pattern: as in the reference, its own subject is nobody's.
    return !given.exact && subject.split(".")[accountTokenPosition - 1] === importer;
  }
  if (tokenRequired) return activated(importer, exporter, given.found, wanted);
  return accounts === null || accounts.length === 0 || accounts.includes(importer);
}
