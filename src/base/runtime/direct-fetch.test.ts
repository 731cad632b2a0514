import { expect, test } from "bun:test";
import { withProxyVariables } from "../../../test/doubles/proxy-variables.ts";
import { directFetch } from "./direct-fetch.ts";

test("requests ignore the proxy of the environment, also after a redirect", async () => {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => (url.endsWith("/first") ? Response.redirect(new URL("/second", url).href) : new Response("direct")),
  });
  try {
    await withProxyVariables(async () => {
      const url = `http://127.0.0.1:${server.port}`;
      await expect(fetch(url)).rejects.toThrow(); // the variables have an effect
      for (const path of ["/", "/first"]) expect(await (await directFetch(url + path, {})).text()).toBe("direct");
    });
  } finally {
    await server.stop(true);
  }
});
