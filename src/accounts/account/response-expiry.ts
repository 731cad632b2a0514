/**
 * Removes pending answers as tasks, because an account may have a million of them: those of one service that have expired, and those on a
 * reply subject to which nobody subscribes any more.
 */
import type { Task } from "../../base/scheduling/scheduler.ts";
import type { WorkMeter } from "../../base/scheduling/work-meter.ts";
import { type OfferedService, type Response, ResponseEnd } from "./response.ts";

/** Answers that are looked at in one call of `work`. */
const ANSWERS_PER_CALL = 1_000;
/** Work of a removal; looking at an answer is one unit. */
const REMOVAL_UNITS = 8;

export class ResponseExpiry implements Task {
  /** Answers of the service that are newer. */
  private left = 0;
  private readonly answers: Iterator<Response>;
  private readonly of: OfferedService;
  private readonly before: number;
  private readonly meter: WorkMeter;
  private readonly remove: (response: Response) => void;
  private readonly onDone: (left: number) => void;

  /**
   * @param answers the pending answers of the account; may change between the calls
   * @param before answers that are not newer than this have expired. Monotonic, ms
   * @param onDone called at the end with the number of answers of the service that remain
   */
  constructor(
    answers: Iterable<Response>,
    of: OfferedService,
    before: number,
    meter: WorkMeter,
    remove: (response: Response) => void,
    onDone: (left: number) => void,
  ) {
    this.answers = answers[Symbol.iterator]();
    this.of = of;
    this.before = before;
    this.meter = meter;
    this.remove = remove;
    this.onDone = onDone;
  }

  work(): boolean {
    for (let looked = 0; looked < ANSWERS_PER_CALL; looked++) {
      const { value, done } = this.answers.next();
      if (done) {
        this.onDone(this.left);
        return false;
      }
      this.meter.done++;
      if (value.export !== this.of) continue;
      if (value.at > this.before) this.left++;
      else {
        this.meter.done += REMOVAL_UNITS;
        this.remove(value);
      }
    }
    return true;
  }
}

/** Removes the answers of a list that the requester's account has given up: nobody awaits them any more. */
export class UnawaitedRemoval implements Task {
  constructor(
    private next: Response | null,
    private readonly meter: WorkMeter,
  ) {}

  work(): boolean {
    for (let removed = 0; removed < ANSWERS_PER_CALL && this.next !== null; removed++) {
      const response = this.next;
      this.next = response.nextAwaited;
      this.meter.done += REMOVAL_UNITS;
      response.responder.responses.remove(response, ResponseEnd.InterestLost);
    }
    return this.next !== null;
  }
}
