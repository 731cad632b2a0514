/** Logins over WebSocket, whose block may have authentication rules that replace the server's, compared with nats-server. */
import { expect } from "bun:test";
import { fixedUser } from "../doubles/token-maker.ts";
import { Recording } from "../reference/recording.ts";
import { type Attempt, type Outcome, outcomeOf, withBoth } from "./servers.ts";

const it = new Recording(import.meta.path);

const key = fixedUser(60);
const USERS = `authorization { users [
  { user: a, password: x }
  { user: web, password: x, connection_types: [WEBSOCKET] }
  { user: std, password: x, connection_types: [standard] }
  { nkey: ${key.getPublicKey()} }
] }
`;
const CONNECTS: Attempt["connect"][] = [
  {},
  { user: "a", pass: "x" },
  { user: "web", pass: "x" },
  { user: "std", pass: "x" },
  { user: "ws", pass: "y" },
  { user: "ws" },
  { auth_token: "t" },
  { auth_token: "s" },
  nonce => ({ nkey: key.getPublicKey(), sig: Buffer.from(key.sign(Buffer.from(nonce))).toString("base64url") }),
];

const CONFIGS = [
  ["no authentication configured", "", ""],
  ["users", USERS, ""],
  ["a no_auth_user of the server", `${USERS}no_auth_user: a`, ""],
  ["a no_auth_user of the websocket block", USERS, "no_auth_user: web"],
  ["a no_auth_user of the websocket block and another of the server", `${USERS}no_auth_user: a`, "no_auth_user: web"],
  ["a no_auth_user that may not use WebSocket", USERS, "no_auth_user: std"],
  ["a user of the websocket block", "", "authorization { user: ws, password: y }"],
  [
    "a user of the websocket block and one of the server",
    "authorization { user: a, password: x }",
    "authorization { user: ws, password: y }",
  ],
  ["a token of the websocket block", "", "authorization { token: t }"],
  ["a token of the websocket block and one of the server", "authorization { token: s }", "authorization { token: t }"],
  ["a token of the websocket block and a user of the server", "authorization { user: a, password: x }", "authorization { token: t }"],
  ["a websocket block that sets only the timeout", "authorization { user: a, password: x }", "authorization { timeout: 1 }"],
] as const;

for (const [title, server, websocket] of CONFIGS) {
  it.compared(
    `${title}: by WebSocket and by TCP the same as nats-server`,
    async () => {
      const config = `${server}\nwebsocket { listen: "127.0.0.1:-1", no_tls: true, ${websocket} }`;
      const [ours, theirs] = await withBoth(config, async running => {
        const outcomes: Outcome[] = [];
        for (const by of ["websocket", "tcp"] as const)
          for (const connect of CONNECTS) outcomes.push(await outcomeOf(running, { by, connect }));
        return outcomes;
      });
      expect(ours).toEqual(theirs);
    },
    120_000,
  );
}
