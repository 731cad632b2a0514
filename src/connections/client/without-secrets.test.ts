import { expect, test } from "bun:test";
import { withoutSecrets } from "./without-secrets.ts";

test("the value of every secret field is redacted, and other fields are shown as they are", () => {
  const fields = ["pass", "PASSWORD", "auth_token", "sig", "proxy_sig", "nkey", "jwt", "Jwt"];
  for (const field of fields) {
    const json = JSON.stringify({ name: "n", [field]: 'se"cr}et\\', user: "u", protocol: 1 });
    expect(withoutSecrets(json)).toBe(`{"name":"n","${field}":"[REDACTED]","user":"u","protocol":1}`);
  }
  expect(withoutSecrets('{"name":"pass","signed":"x","user":"sig"}')).toBe('{"name":"pass","signed":"x","user":"sig"}');
  expect(withoutSecrets('{"user":"a\\u0026b","pass" : "a\\u0026b"}')).toBe('{"user":"a\\u0026b","pass" : "[REDACTED]"}');
});

test("text that is not JSON, or hides a field name, does not show secrets either", () => {
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
