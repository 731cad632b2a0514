/** All rows of the table, in its order. */
import type { Row } from "./row.ts";
import { COLLISION_ROWS } from "./rows/collisions.ts";
import { CONNECTION_ROWS } from "./rows/connections.ts";
import { DEADLINE_ROWS } from "./rows/deadlines.ts";
import { FLOOD_ROWS } from "./rows/floods.ts";
import { MONITORING_ROWS } from "./rows/monitoring.ts";
import { REQUEST_ROWS } from "./rows/requests.ts";
import { SUBSCRIPTION_ROWS } from "./rows/subscriptions.ts";
import { WEBSOCKET_ROWS } from "./rows/websocket.ts";

export const ROWS: Row[] = [
  ...FLOOD_ROWS,
  ...MONITORING_ROWS,
  ...CONNECTION_ROWS,
  ...SUBSCRIPTION_ROWS,
  ...REQUEST_ROWS,
  ...WEBSOCKET_ROWS,
  ...COLLISION_ROWS,
  ...DEADLINE_ROWS,
];
