import { expect, test } from "bun:test";
import { configurationPage, configurationPageFault } from "../../scripts/configuration-page.ts";
import { FILE_FIELDS } from "../../src/config/schema/load-config.ts";

test("docs/configuration.md is generated from the option table", () => {
  expect(configurationPageFault()).toBe(null);
});

test("the page contains every name of every field", () => {
  const page = configurationPage();
  const names = FILE_FIELDS.flatMap(field => [
    ...field.names,
    ...(field.missing === null ? (field.fields ?? []) : []).flatMap(one => one.names),
  ]);
  expect(names.filter(name => !page.includes(`\`${name}\``))).toEqual([]);
});
