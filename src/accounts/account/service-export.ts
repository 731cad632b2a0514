/** A service offered by an account: rules for its answers, and latency measurement. */
import { WheelTimer as Timer, type WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { LatencyOptions, ResponseType, ServiceExportOptions } from "../trade/trade-options.ts";
import type { OfferedService, TradingAccount } from "./response.ts";

/** Default response threshold, ms. */
const THRESHOLD_MS = 120_000;

export class ServiceExport implements OfferedService {
  readonly account: TradingAccount;
  readonly options: ServiceExportOptions;
  private readonly timer: WheelTimer = new Timer(() => this.expire());
  private waiting = false;

  constructor(account: TradingAccount, options: ServiceExportOptions) {
    this.account = account;
    this.options = options;
  }

  get responseType(): ResponseType {
    return this.options.responseType;
  }

  get latency(): LatencyOptions | null {
    return this.options.latency;
  }

  get allowTrace(): boolean {
    return this.options.allowTrace;
  }

  get thresholdMs(): number {
    return this.options.responseThresholdMs || THRESHOLD_MS;
  }

  /** Starts the expiry check for a new pending answer. */
  watch(): void {
    if (this.waiting) return;
    this.waiting = true;
    this.account.host.timers.set(this.timer, this.thresholdMs);
  }

  private expire(): void {
    const { account } = this;
    account.responses.expire(this, account.host.clock.monotonic() - this.thresholdMs, left => {
      this.waiting = false;
      if (left > 0) this.watch();
    });
  }
}
