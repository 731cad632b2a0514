import { expect, test } from "bun:test";
import { damaged, randomConfig, type Tree } from "../../../test/config/random-config.ts";
import { seedFromEnv } from "../../../test/doubles/seed.ts";
import { textOfBytes } from "../../base/go/text.ts";
import { Random } from "../../base/random/random.ts";
import { type ConfigData, LanguageError } from "./config-value.ts";
import { readConfigText } from "./read-config.ts";

function treeOf(data: ConfigData): Tree {
  if (Array.isArray(data)) return data.map(value => treeOf(value.data));
  if (data instanceof Map) return Object.fromEntries([...data].map(([key, value]) => [key, treeOf(value.data)]));
  return data as Tree;
}

test("fuzz: a tree written in any form of the language is read back unchanged", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 2_000; round++) {
    const { text, tree } = randomConfig(random);
    const { map } = readConfigText(text, {});
    expect(treeOf(map), `SEED=${seed} round=${round}\n${text}`).toEqual(tree);
  }
});

test("fuzz: damaged text gives a tree or a LanguageError and no other error", () => {
  const seed = seedFromEnv();
  const random = new Random(seed);
  for (let round = 0; round < 5_000; round++) {
    const bytes = damaged(randomConfig(random).text, random);
    try {
      readConfigText(textOfBytes(bytes), {});
    } catch (error) {
      expect(error, `SEED=${seed} round=${round}\n${bytes}`).toBeInstanceOf(LanguageError);
    }
  }
});
