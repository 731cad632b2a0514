import { expect, test } from "bun:test";
import { withoutSecrets } from "./without-secrets.ts";

test("the values of secret fields are redacted, and other fields are shown unchanged", () => {
  const fields = ["pass", "PASSWORD", "auth_token", "sig", "proxy_sig", "nkey", "jwt", "Jwt"];
  for (const field of fields) {
    const json = JSON.stringify({ name: "n", [field]: 'se"cr}et\\', user: "u", protocol: 1 });
    expect(withoutSecrets(json)).toBe(`{"name":"n","${field}":"[REDACTED]","user":"u","protocol":1}`);
  }
  expect(withoutSecrets('{"name":"pass","signed":"x","user":"sig"}')).toBe('{"name":"pass","signed":"x","user":"sig"}');
  expect(withoutSecrets('{"user":"a\\u0026b","pass" : "a\\u0026b"}')).toBe('{"user":"a\\u0026b","pass" : "[REDACTED]"}');
});

test("secrets are redacted in invalid JSON and in fields with escaped names", () => {
  const wrong = [
    '{"pass":"secret',
    '{"pass":"secret\\',
    '{"pass":secret}',
    '{"pass":123456secret,"x":1}',
    '{"p\\u0061ss":"secret"}',
    '{"pass:"secret"}',
  ];
  for (const json of wrong) expect(withoutSecrets(json)).not.toContain("secret");
});
