/** One configuration in which every row of the table finds its users, accounts and ports. */
import { MONITOR_PORT, WEB_SOCKET_PORT } from "../../../bench/compare/servers.ts";
import { GUARDED_HASH } from "../bystander/rows/connections.ts";

export const SOAK_CONFIGURATION = `http: $${MONITOR_PORT}
ping_interval: "500ms"
ping_max: 1000000
websocket { port: $${WEB_SOCKET_PORT}, no_tls: true, compression: true }
accounts {
  PROVIDER {
    users = [ { user: provider, password: provider } ]
    exports = [ { service: "bench" }, { service: "work" } ]
  }
  CUSTOMER {
    users = [ { user: customer, password: customer } ]
    imports = [
      { service: { account: PROVIDER, subject: "bench" } }
      { service: { account: PROVIDER, subject: "work" } }
    ]
  }
  OTHER {
    users = [
      { user: bystander, password: bystander }
      { user: limited, password: limited, permissions: { publish: "allowed" } }
      { user: guarded, password: "${GUARDED_HASH}" }
    ]
  }
}
no_auth_user: bystander
`;
