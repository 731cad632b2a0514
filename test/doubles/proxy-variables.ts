/** Variables of the environment that name a proxy. */
const NAMES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] as const;
/** Nothing listens on this port. */
const UNREACHABLE = "http://127.0.0.1:9";

/** Runs `body` with an environment that names a proxy which cannot be reached. */
export async function withProxyVariables(body: () => Promise<void>): Promise<void> {
  const before = NAMES.map(name => process.env[name]);
  for (const name of NAMES) process.env[name] = UNREACHABLE;
  try {
    await body();
  } finally {
    for (const [index, name] of NAMES.entries()) {
      if (before[index] === undefined) delete process.env[name];
      else process.env[name] = before[index];
    }
  }
}
