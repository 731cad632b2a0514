/**
 * Takes one CPU profile at a time with the runtime's sampler, in the format of Chrome's developer tools (`.cpuprofile`).
 *
 * Once started, the sampler's thread never ends and would wake up a thousand times a second (2 % of a core). So after a profile it
 * gets a long interval. A later profile starts after that interval has passed, so it is not very long.
 */
import type { Session } from "node:inspector";
import { nodeInspector } from "../../base/runtime/late-module.ts";

const INTERVAL_MICROS = 1_000;
const RESTING_INTERVAL_MICROS = 100_000;

/** Another profile is already running. */
export class ProfileRunning extends Error {
  override name = "ProfileRunning";
}

export class CpuProfiler {
  private running = false;

  /**
   * Samples the process, about once a millisecond, and resolves with the profile as JSON.
   * @param end aborts when the profile should stop; may abort early
   * @throws ProfileRunning  another profile is running
   */
  async record(end: Promise<unknown>): Promise<string> {
    if (this.running) throw new ProfileRunning();
    this.running = true;
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
      this.running = false;
    }
  }
}

/** A new interval takes effect only when the sampler starts. */
async function rest(session: Session): Promise<void> {
  await post(session, "Profiler.setSamplingInterval", { interval: RESTING_INTERVAL_MICROS });
  await post(session, "Profiler.start");
  await post(session, "Profiler.stop");
}

function post(session: Session, method: string, params = {}): Promise<unknown> {
  return new Promise((resolve, reject) => session.post(method, params, (error, result) => (error ? reject(error) : resolve(result))));
}
