import { expect, test } from "bun:test";
import { configurationPage, configurationPageFault } from "../../scripts/configuration-page.ts";
import { FILE_FIELDS } from "../../src/config/schema/load-config.ts";

test("docs/configuration.md is made of the option table", () => {
  expect(configurationPageFault()).toBe(null);
});

test("every name of every field stands in the page", () => {
  const page = configurationPage();
  const names = FILE_FIELDS.flatMap(field => [
    ...field.names,
    ...(field.missing === null ? (field.fields ?? []) : []).flatMap(one => one.names),
  ]);
  expect(names.filter(name => !page.includes(`\`${name}\``))).toEqual([]);
});
