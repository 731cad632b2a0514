import { expect, test } from "bun:test";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { Random } from "../../base/random/random.ts";
import { checkHeader, HeaderFault, HeaderFields, HeaderKey, headerText } from "./header-read.ts";
import { appendHeader, buildHeader, removeHeader, replaceHeader, setHeader } from "./header-write.ts";

type Field = [key: string, value: string];

/** Few keys, some of which are parts of others, so that many lookups nearly match. */
const KEYS = ["A", "AA", "AAA", "Nats-Msg-Id", "Nats-Msg-Id2", "a"];
const VALUES = ["", "1", "A", "A: 1", ":", "value", "v ", "x".repeat(60), "ü"];

/** The same lookup with lines of text. */
function modelValues(text: string, key: string): string[] {
  const lines = text.split("\r\n").slice(1);
  return lines.filter(line => line.startsWith(`${key}:`)).map(line => line.slice(key.length + 1).replace(/^ +/, ""));
}

function modelFields(text: string): Field[] {
  const lines = text.split("\r\n").slice(1);
  return lines
    .filter(line => line.indexOf(":") > 0)
    .map(line => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).replace(/^ +/, "")]);
}

function fieldsOf(bytes: Buffer): Field[] {
  const fields = new HeaderFields();
  const found: Field[] = [];
  for (fields.open(bytes, 0, bytes.length); fields.next(); ) found.push([fields.keyText, fields.valueText]);
  return found;
}

test("fuzz: lookups in any bytes agree with a search through lines of text", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  const pieces = ["NATS/1.0", "\r\n", "\r\n", "\r\n", "\r", "\n", ":", ": ", " ", ...KEYS, ...KEYS, "1", "503"];
  for (let round = 0; round < 5_000; round++) {
    const text = Array.from({ length: random.below(25) }, () => random.pick(pieces)).join("");
    const bytes = Buffer.from(text);
    const message = `SEED=${seed} round=${round} ${JSON.stringify(text)}`;
    for (const key of KEYS) {
      const wanted = modelValues(text, key);
      expect(headerText(bytes, 0, bytes.length, new HeaderKey(key)), `${message} ${key}`).toBe(wanted[0] ?? null);
    }
    expect(fieldsOf(bytes), message).toEqual(modelFields(text));
    expect(HeaderFault[checkHeader(bytes, 0, bytes.length)], message).toBeDefined();
  }
});

test("fuzz: a changed block has the fields of a changed list, and stays well-formed", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let run = 0; run < 300; run++) {
    let model: Field[] = Array.from({ length: random.below(4) }, () => [random.pick(KEYS), random.pick(VALUES)]);
    const status = random.chance(0.3) ? random.between(100, 999) : 0;
    let block: Buffer | null = buildHeader(model, status);
    for (let round = 0; round < 20; round++) {
      const message = `SEED=${seed} run=${run} round=${round}`;
      const key = random.pick(KEYS);
      const value = random.pick(VALUES);
      const before: string | null = block?.toString() ?? null;
      const given: Buffer | null = block;
      const index = model.findIndex(field => field[0] === key);
      const hadStatus = before?.startsWith("NATS/1.0 ") ?? false;
      switch (random.below(4)) {
        case 0:
          block = appendHeader(block, key, value);
          model.push([key, value]);
          break;
        case 1:
          block = setHeader(block, key, value);
          model = [...model.filter(field => field[0] !== key), [key, value]];
          break;
        case 2:
          block = replaceHeader(block, key, value);
          if (index === -1) model.push([key, value]);
          else model[index] = [key, value];
          break;
        default:
          if (block === null) break;
          block = removeHeader(block, key);
          model = model.filter(field => field[0] !== key);
          if (model.length === 0 && index !== -1 && !hadStatus) expect(block, message).toBe(null);
      }
      if (given !== null) expect(given.toString(), `${message} the block given was modified`).toBe(before!);
      if (block === null) {
        expect(model, message).toEqual([]);
        continue;
      }
      expect(checkHeader(block, 0, block.length), message).toBe(HeaderFault.None);
      expect(fieldsOf(block), message).toEqual(model);
    }
  }
});
