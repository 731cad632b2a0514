/**
 * Completes the options of a program or a command line with the defaults of the option table.
 *
 *   given ─▶ names known? ─▶ each value by the shape of its row ─▶ operators' JWTs ─▶ checks of all options together ─▶ Options
 */

import { quoted } from "../../base/go/strconv.ts";
import { withOperator } from "./check/operator-check.ts";
import { checkOptions } from "./check/option-check.ts";
import type { GivenOptions } from "./given/given-options.ts";
import type { GivenJetStream } from "./given/jetstream-shape.ts";
import { boolean, orNull, type Shape, type ShapeFields, text } from "./given/shape.ts";
import { unknownOption } from "./given/unknown-option.ts";
import { OPTIONS, type Options } from "./options.ts";
import type { Row } from "./row/option-row.ts";
import { OptionError } from "./row/problems.ts";
import { isOffOrEmptyValue, missingOption } from "./table/missing.ts";

/** Default time to authenticate with TLS, in addition to the TLS timeout. */
const AUTH_AFTER_TLS_MS = 1_000;

/**
 * Completes options with the defaults; blocks (`tls`, `websocket`), accounts and users too.
 * @throws OptionError  an option is unknown, not supported yet, has a wrong type, or contradicts another option
 */
export function completeOptions(from: GivenOptions): Options {
  const given = withStoreDirectory(from);
  for (const [name, value] of Object.entries(given)) if (!Object.hasOwn(OPTIONS, name)) refuseUnknown(name, value);
  const rows = Object.entries(OPTIONS) as [keyof Options, Row<unknown>][];
  const options = Object.fromEntries(rows.map(([name, row]) => [name, completeOption(name, row, given[name])])) as Options;
  const { tls, trustedKeys, authTimeoutMs } = options;
  const complete = withOperator({
    ...options,
    trustedKeys: [...trustedKeys].sort(), // a reload compares them in this order
    authTimeoutMs: tls === null || given.authTimeoutMs ? authTimeoutMs : tls.timeoutMs + AUTH_AFTER_TLS_MS,
  });
  checkOptions(complete, OPTIONS);
  return complete;
}

/** Takes the store directory out of `jetStream`, to where the file and the command line have it. */
function withStoreDirectory(given: GivenOptions): GivenOptions {
  const { jetStream } = given;
  if (typeof jetStream !== "object" || jetStream === null) return given;
  const { storeDirectory, ...rest }: GivenJetStream = jetStream;
  if (storeDirectory === undefined) return given;
  return { ...given, storeDirectory: orNull(text).complete(storeDirectory, "jetStream.storeDirectory"), jetStream: rest };
}

function completeOption(name: string, row: Row<unknown>, given: unknown): unknown {
  const { initial, zeroIsDefault } = row;
  if (given === undefined || (zeroIsDefault === true && given === 0)) return initial;
  return shapeOf(row).complete(given, name);
}

/** The shape of an option's values. Rows of text and boolean options have none; the type of their initial value determines it. */
export function shapeOf({ given, initial }: Pick<Row<unknown>, "given" | "initial">): Shape<unknown> {
  return given ?? (typeof initial === "string" ? text : boolean);
}

/** @throws OptionError  unless the option belongs to an unsupported feature and is off or empty */
function refuseUnknown(name: string, value: unknown): void {
  const feature = missingOption(name);
  if (feature === null) throw new OptionError(unknownOption(name, "", optionShapes()));
  if (!isOffOrEmptyValue(value)) throw new OptionError(`${quoted(name)} is not supported yet (${feature})`);
}

function optionShapes(): ShapeFields {
  const rows = Object.entries(OPTIONS) as [string, Row<unknown>][];
  return Object.fromEntries(
    rows.map(([name, row]) => {
      const { type, fields } = shapeOf(row);
      return [name, { type, fields, initial: row.initial }];
    }),
  );
}
