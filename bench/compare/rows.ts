/**
 * The rows of the comparison, in the order of the report. The counts are chosen so that the reference takes one to two seconds.
 * Workloads that are compared with each other have the same count.
 */
import {
  type Configuration,
  IMPORTED_SUBJECT,
  MONITORED,
  PASSWORDS,
  PERMISSIONS,
  REFUSED_SUBJECT,
  SECURE,
  SERVICE_IMPORT,
  TOKENS,
  WEB_SOCKETS,
} from "./configurations.ts";
import { JETSTREAM_WORKLOADS } from "./jetstream-rows.ts";
import type { LoadOptions } from "./load.ts";
import { type Figure, rate, rateWithoutCeiling, type Workload } from "./workload.ts";

const KIB = 1024;

/** Our rate divided by our rate in another workload. */
const share = (title: string, against: string, atLeast: number): Figure => ({ ...rateWithoutCeiling(title, atLeast), against });

const logins = (title: string, atLeast: number): Figure => ({ ...rate(title, atLeast), unit: "logins/s" });

/** Waits of a bystander's PINGs: 10 ms and 50 ms are good, and so is twice what the reference has. */
const WAITS: Figure[] = [
  {
    title: "the bystander's PING, p99",
    unit: "ms",
    read: sample => sample.p99Us / 1_000,
    floor: { atMost: 2, within: 10 },
    ceiling: false,
  },
  {
    title: "the bystander's PING, longest",
    unit: "ms",
    read: sample => sample.maxUs / 1_000,
    floor: { atMost: 2, within: 50 },
    ceiling: false,
  },
];

/** A workload with a bystander. */
function besideBystander(id: string, title: string, atLeast: number, options: LoadOptions, configuration?: Configuration): Workload {
  const figures = [rateWithoutCeiling(`with a bystander: ${title}`, atLeast), ...WAITS];
  return { id, role: "run", options: { size: 16, bystander: 1, ...options }, ...(configuration && { configuration }), figures };
}

const ONE_TO_ONE: LoadOptions = { size: 16, subscribers: 1, messages: 5_000_000 };
const THOUSAND_SUBJECTS: LoadOptions = { size: 16, subscribers: 1, subjects: 1_000, messages: 2_500_000 };
const FIFTY_IN_FLIGHT: LoadOptions = { size: 16, inFlight: 50, messages: 300_000 };

export const WORKLOADS: Workload[] = [
  { id: "pub16", role: "run", options: { size: 16, messages: 12_000_000 }, figures: [rate("publish only, 16 B", 2.5)] },
  {
    id: "1to1-16",
    role: "run",
    options: ONE_TO_ONE,
    figures: [
      rate("1 → 1, 16 B", 3.5),
      {
        title: "CPU seconds per million messages, 1 → 1, 16 B",
        unit: "s",
        read: sample => (sample.cpuSeconds * 1e6) / sample.messages,
        floor: { atMost: 0.4 },
        ceiling: false,
      },
    ],
  },
  { id: "1to1-128", role: "run", options: { size: 128, subscribers: 1, messages: 3_000_000 }, figures: [rate("1 → 1, 128 B", 2.0)] },
  {
    id: "subjects-1k",
    role: "run",
    options: THOUSAND_SUBJECTS,
    figures: [rate("1 → 1, 16 B, 1,000 subjects into one `*`", 3.5)],
  },
  {
    id: "subjects-100k",
    role: "run",
    options: { size: 16, subscribers: 1, subjects: 100_000, messages: 1_500_000 },
    figures: [rate("1 → 1, 16 B, 100,000 subjects into one `*`", 2.0)],
  },
  { id: "fan8", role: "run", options: { size: 16, subscribers: 8, messages: 1_000_000 }, figures: [rate("1 → 8 fan-out, 16 B", 3.5)] },
  {
    id: "4to4-16",
    role: "run",
    options: { size: 16, publishers: 4, subscribers: 4, messages: 2_000_000 },
    figures: [rate("4 → 4, 16 B", 3.5)],
  },
  {
    id: "4to4-128",
    role: "run",
    options: { size: 128, publishers: 4, subscribers: 4, messages: 1_600_000 },
    figures: [rate("4 → 4, 128 B", 1.9)],
  },
  {
    id: "fan1000",
    role: "run",
    options: { size: 16, subscribers: 1_000, messages: 6_000 },
    figures: [rate("1 → 1,000 subscribers, 16 B", 2.5)],
  },
  {
    id: "queue4",
    role: "run",
    options: { size: 16, subscribers: 4, queue: 1, messages: 3_000_000 },
    figures: [rate("queue group of 4, 16 B", 3.0)],
  },
  { id: "1to1-1k", role: "run", options: { size: KIB, subscribers: 1, messages: 1_200_000 }, figures: [rate("1 → 1, 1 KiB", 1.1)] },
  { id: "1to1-16k", role: "run", options: { size: 16 * KIB, subscribers: 1, messages: 100_000 }, figures: [rate("1 → 1, 16 KiB", 1.0)] },
  { id: "1to1-256k", role: "run", options: { size: 256 * KIB, subscribers: 1, messages: 6_000 }, figures: [rate("1 → 1, 256 KiB", 1.0)] },
  {
    id: "tls-1to1-16",
    role: "run",
    options: { size: 16, subscribers: 1, messages: 4_000_000 },
    configuration: SECURE,
    figures: [rateWithoutCeiling("TLS, 1 → 1, 16 B", 1.2)],
  },
  {
    id: "tls-1to1-1k",
    role: "run",
    options: { size: KIB, subscribers: 1, messages: 800_000 },
    configuration: SECURE,
    figures: [rateWithoutCeiling("TLS, 1 → 1, 1 KiB", 1.2)],
  },
  {
    id: "rr1",
    role: "request",
    options: { size: 16, inFlight: 1, messages: 12_000 },
    figures: [
      { title: "request–reply, one in flight, p50", unit: "µs", read: sample => sample.p50Us, floor: { atMost: 0.75 }, ceiling: true },
      { title: "request–reply, one in flight, p99", unit: "µs", read: sample => sample.p99Us, floor: { atMost: 0.9 }, ceiling: true },
    ],
  },
  {
    id: "rr50",
    role: "request",
    options: FIFTY_IN_FLIGHT,
    figures: [rate("request–reply, 50 in flight", 2.0)],
  },
  {
    id: "permitted-1to1-16",
    role: "run",
    options: ONE_TO_ONE,
    configuration: PERMISSIONS,
    figures: [rateWithoutCeiling("permissions and accounts, 1 → 1, 16 B", 3.5), share("of ours without them (1to1-16)", "1to1-16", 0.9)],
  },
  {
    id: "permitted-subjects-1k",
    role: "run",
    options: THOUSAND_SUBJECTS,
    configuration: PERMISSIONS,
    figures: [
      rateWithoutCeiling("permissions and accounts, 1,000 subjects into one `*`", 3.5),
      share("of ours without them (subjects-1k)", "subjects-1k", 0.9),
    ],
  },
  {
    id: "permitted-rr50",
    role: "request",
    options: FIFTY_IN_FLIGHT,
    configuration: PERMISSIONS,
    figures: [
      rateWithoutCeiling("permissions and accounts, request–reply, 50 in flight", 2.0),
      share("of ours without them (rr50)", "rr50", 0.9),
    ],
  },
  {
    id: "import-rr50",
    role: "request",
    options: { ...FIFTY_IN_FLIGHT, messages: 120_000 },
    configuration: SERVICE_IMPORT,
    figures: [rateWithoutCeiling("request–reply through a service import, 50 in flight", 1.5)],
  },
  {
    id: "login-password",
    role: "login",
    options: { inFlight: 8, messages: 12_000 },
    configuration: PASSWORDS,
    figures: [logins("logins per second, user and password", 1.0)],
  },
  {
    id: "login-jwt",
    role: "login",
    options: { inFlight: 8, messages: 3_000 },
    configuration: TOKENS,
    figures: [logins("JWT logins per second", 1.0)],
  },
  {
    id: "mem10k",
    role: "idle",
    options: { connections: 10_000 },
    figures: [
      {
        title: "memory with 10,000 connections, one subscription each",
        unit: "MB",
        read: sample => sample.rssBytes / 1e6,
        floor: { atMost: 0.25 },
        ceiling: false,
      },
    ],
  },
  besideBystander("wait-1", "1 → 1, 16 B", 2.5, { subscribers: 1, messages: 12_000_000 }),
  besideBystander("wait-20", "1 → 20, 16 B", 2.5, { subscribers: 20, messages: 1_000_000 }),
  besideBystander("wait-200", "1 → 200, 16 B", 2.5, { subscribers: 200, messages: 100_000 }),
  besideBystander("wait-1000", "1 → 1,000, 200 B", 1.5, { size: 200, subscribers: 1_000, messages: 12_000 }),
  besideBystander("wait-import", "through a service import, 1 → 1, 16 B", 1.5, { subscribers: 1, messages: 4_000_000 }, IMPORTED_SUBJECT),
  besideBystander("wait-refused", "publishing is refused, 16 B", 1.5, { messages: 400_000 }, REFUSED_SUBJECT),
  besideBystander("wait-tls", "TLS, 1 → 1, 16 B", 1.2, { subscribers: 1, messages: 6_000_000 }, SECURE),
  besideBystander("wait-websocket", "WebSocket, 1 → 1, 16 B", 1.2, { subscribers: 1, messages: 6_000_000 }, WEB_SOCKETS),
  {
    id: "wait-monitoring",
    role: "poll",
    options: { bystander: 1, connections: 500, inFlight: 2, messages: 400 },
    configuration: MONITORED,
    figures: [{ ...rateWithoutCeiling("with a bystander: /connz?subs=1 of 500 clients, two pollers", 0.5), unit: "requests/s" }, ...WAITS],
  },
  ...JETSTREAM_WORKLOADS,
];
