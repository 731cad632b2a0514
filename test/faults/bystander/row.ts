/** What a row of the table is: the server's settings, the preparation, and the load during which a bystander must not wait. */
import type { AttackClient } from "./attack-client.ts";

/** Where the server listens. */
export interface Ports {
  readonly client: number;
  readonly monitor: number;
  readonly webSocket: number;
}

/** One publisher that publishes without a pause, and subscribers that read everything. */
export interface Flood {
  readonly subscribers: number;
  readonly size: number;
  readonly publisherUser?: string;
  readonly publisherPassword?: string;
  readonly subscriberUser?: string;
  readonly subscriberPassword?: string;
}

/** What the rows use to attack. In a test of the suite everything is scaled down and runs in the process of the server. */
export interface Attack {
  readonly ports: Ports;
  /** A count of the table, or less of it in a test that is scaled down. */
  count(full: number): number;
  /** Connects a client, with these fields in its CONNECT. */
  connect(fields?: object): Promise<AttackClient>;
  /** Starts this load; it runs until the end of the row. */
  flood(flood: Flood): Promise<void>;
  /** Opens connections and closes them as soon as they are open, this many at once, until the end of the row. */
  floodConnects(atOnce: number): Promise<void>;
  /** GET on the monitoring port, on a connection of its own. @returns the size of the answer in bytes */
  get(path: string): Promise<number>;
  /** Resolves when the time of a row without an end of its own is over. */
  timeOver(): Promise<void>;
  readonly isOver: boolean;
  /** A finding that the report shows beside the waits. */
  note(text: string): void;
}

export interface Row {
  /** Name on the command line and in the report. */
  readonly id: string;
  readonly before: string;
  readonly load: string;
  /** Lines of the server's configuration file besides its ports. */
  readonly configuration?: string;
  /** @returns the load. It resolves when the server has answered all of it, or after `timeOver` */
  prepare(attack: Attack): Promise<() => Promise<void>>;
  /** Whether a SIGHUP is sent in the middle, and its reload is awaited. */
  readonly signal?: true;
}
