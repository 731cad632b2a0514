/** One CPU profile at a time, by the runtime's own sampler, in the format that Chrome's developer tools read (`.cpuprofile`). */
import { Session } from "node:inspector";

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
    const session = new Session();
    session.connect();
    try {
      await post(session, "Profiler.enable");
      await post(session, "Profiler.start");
      await end;
      const { profile } = (await post(session, "Profiler.stop")) as { profile: unknown };
      return JSON.stringify(profile);
    } finally {
      session.disconnect();
      this.underWay = false;
    }
  }
}

function post(session: Session, method: string): Promise<unknown> {
  return new Promise((resolve, reject) => session.post(method, (error, result) => (error ? reject(error) : resolve(result))));
}
