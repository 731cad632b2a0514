/** `mappings { }`: maps subjects to other subjects, in an account, or at the top level for `$G`. */

import { quoted } from "../../../base/go/strconv.ts";
import { checkMapping, type MappingDestination, type MappingRule } from "../../../messaging/mapping/mapping-rule.ts";
import { isValidSubjectText } from "../../../messaging/subject/subject-text.ts";
import { type ConfigValue, goShown } from "../../language/config-value.ts";
import { ConfigFault } from "../row/problems.ts";
import { mapIn, type Reader, reader, textIn } from "../row/reader.ts";

const WEIGHT_MAX = 100;

/** The mappings of one account. */
export function mappingsOf(account: string): Reader<readonly MappingRule[]> {
  return reader("map of subjects to a subject, `{ destination, weight, cluster }`, or a list of these", (block, { problems }) => {
    const mappings: MappingRule[] = [];
    for (const [source, value] of mapIn(block)) {
      if (!isValidSubjectText(source)) {
        problems.error(block, `Subject ${quoted(source)} is not a valid subject`);
        continue;
      }
      const mapping = { source, destinations: destinationsIn(value, fault => problems.error(fault.at ?? value, fault.message)) };
      if (typeof value.data !== "string" && !Array.isArray(value.data) && mapping.destinations.length === 0) continue;
      const fault = checkMapping(mapping, account);
      if (fault === null) mappings.push(mapping);
      else problems.error(value, `Error adding mapping for ${quoted(source)}${plainTarget(value)} : ${fault}`);
    }
    return mappings;
  });
}

const plainTarget = ({ data }: ConfigValue) => (typeof data === "string" ? ` to ${quoted(data)}` : "");

function destinationsIn(value: ConfigValue, refuse: (fault: ConfigFault) => void): readonly MappingDestination[] {
  if (typeof value.data === "string") return [{ subject: value.data, weight: WEIGHT_MAX, cluster: "" }];
  const entries = Array.isArray(value.data) ? value.data : [value];
  return entries.flatMap(entry => {
    try {
      return [destinationIn(entry)];
    } catch (fault) {
      if (!(fault instanceof ConfigFault)) throw fault;
      refuse(fault.at === null ? new ConfigFault(fault.message, entry) : fault);
      return [];
    }
  });
}

/** @throws ConfigFault  with the place of the wrong field, if there is one */
function destinationIn({ data }: ConfigValue): MappingDestination {
  if (!(data instanceof Map)) throw new ConfigFault("Expected an entry for the mapping destination");
  let subject = "";
  let weight: number | null = null;
  let cluster = "";
  for (const [key, value] of data) {
    const name = key.toLowerCase();
    if (name === "dest" || name === "destination") subject = textIn(value);
    else if (name === "weight") weight = weightIn(value);
    else if (name === "cluster") cluster = textIn(value);
    else throw new ConfigFault(`Unknown field ${quoted(key)} for mapping destination`, value);
  }
  if (weight === null) throw new ConfigFault(`Missing weight for mapping destination ${quoted(subject)}`);
  return { subject, weight, cluster };
}

/** A number, or text like `50%`. */
function weightIn(value: ConfigValue): number {
  const { data } = value;
  if (typeof data !== "string" && typeof data !== "bigint") {
    throw new ConfigFault(`Unknown entry type for weight of ${goShown(data)}\n`, value);
  }
  const digits = String(data).replace(/%$/, "");
  const weight = /^[+-]?\d+$/.test(digits) ? BigInt(digits.replace("+", "")) : null;
  if (weight === null || BigInt.asIntN(64, weight) !== weight) {
    throw new ConfigFault(`Invalid weight ${quoted(digits)} for mapping destination`, value);
  }
  if (weight < 0n || weight > BigInt(WEIGHT_MAX)) throw new ConfigFault(`Invalid weight ${weight} for mapping destination`, value);
  return Number(weight);
}
