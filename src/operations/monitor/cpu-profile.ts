/**
 * One CPU profile at a time, by the runtime's own sampler, in the format that Chrome's developer tools read (`.cpuprofile`).
 *
 * The sampler's thread never ends once it has been started, and would go on waking up a thousand times a second, 2 % of a core. So it
 * is left with a long interval. A later profile begins when that has passed, thus not much longer.
 */
import type { Session } from "node:inspector";
import { nodeInspector } from "../../base/runtime/late-module.ts";

const INTERVAL_MICROS = 1_000;
const RESTING_INTERVAL_MICROS = 100_000;

/** A second one while the first is under way. */
export class ProfileUnderWay extends Error {
  override name = "ProfileUnderWay";
}

export class CpuProfiler {
  private underWay = false;

  /**
   * Samples the process, about once a millisecond, and resolves with the profile as JSON.
   * @param end when to stop; it may come early
   * @throws ProfileUnderWay  somebody is at it already
   */
  async record(end: Promise<unknown>): Promise<string> {
    if (this.underWay) throw new ProfileUnderWay();
    this.underWay = true;
    const session = new (nodeInspector().Session)();
    session.connect();
    try {
      await post(session, "Profiler.enable");
      await post(session, "Profiler.setSamplingInterval", { interval: INTERVAL_MICROS });
      await post(session, "Profiler.start");
      await end;
      const { profile } = (await post(session, "Profiler.stop")) as { profile: unknown };
      return JSON.stringify(profile);
    } finally {
      await rest(session);
      session.disconnect();
      this.underWay = false;
    }
  }
}

/** An interval is taken over by a start only. */
async function rest(session: Session): Promise<void> {
  await post(session, "Profiler.setSamplingInterval", { interval: RESTING_INTERVAL_MICROS });
  await post(session, "Profiler.start");
  await post(session, "Profiler.stop");
}

function post(session: Session, method: string, params = {}): Promise<unknown> {
  return new Promise((resolve, reject) => session.post(method, params, (error, result) => (error ? reject(error) : resolve(result))));
}
