/** Decides who may import an export. Pure functions of names and claims. */

import { isSubsetText, isValidSubjectText } from "../../messaging/subject/subject-text.ts";
import type { ServiceExportOptions, ServiceImportOptions, StreamExportOptions, StreamImportOptions } from "./trade-options.ts";

export type AnyExport = StreamExportOptions | ServiceExportOptions;
export type AnyImport = StreamImportOptions | ServiceImportOptions;

/** Whether the import's activation token is valid for the account and the export. */
export type ActivationCheck = (importer: string, exporter: string, given: AnyExport, wanted: AnyImport) => boolean;

/** Configurations have no activation tokens. */
export const NO_ACTIVATIONS: ActivationCheck = () => false;

/**
 * The export that covers a subject: the one with exactly that subject, else the first whose pattern matches.
 * @param exact whether it was found by its exact subject
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

/** @param exporter name of the account with these `exports` */
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
    // As in the reference, account tokens are checked only when the export was found by its pattern.
    return !given.exact && subject.split(".")[accountTokenPosition - 1] === importer;
  }
  if (tokenRequired) return activated(importer, exporter, given.found, wanted);
  return accounts === null || accounts.length === 0 || accounts.includes(importer);
}
