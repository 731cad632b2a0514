/**
 * The claims of the system account, which the server needs at its start. Where the resolver cannot deliver them yet, because it gets its claims
 * by messages in that account, the server starts with claims of its own, and tries again until the real ones have arrived.
 * Source: server/server.go, NewServer, Start (behaviour).
 */

import { newClaims } from "../../access/jwt/encode.ts";
import type { LoadedAccount } from "../../auth/operator/loaded-account.ts";
import { EXPIRED, reasonOf } from "../../auth/operator/lookup-error.ts";
import type { OperatorAccounts } from "../../auth/operator/operator-accounts.ts";
import { runSteps } from "../../auth/operator/steps.ts";
import type { TrustedKeys } from "../../auth/operator/trusted-keys.ts";
import { WheelTimer } from "../../base/clock/timing-wheel.ts";
import type { OperatorServer } from "./operator-server.ts";
import { StartError } from "./server-errors.ts";

/** Time between two attempts to fetch the claims. */
const RETRY_MS = 1_000;
/** The system account of a configuration without operators. */
const CONFIGURED_ACCOUNT = "$SYS";

export class SystemAccountClaims {
  private readonly timer = new WheelTimer(() => void this.retry());

  constructor(
    private readonly server: Pick<OperatorServer, "log" | "options" | "systemAccount" | "turn">,
    private readonly accounts: OperatorAccounts,
    private readonly keys: TrustedKeys,
  ) {}

  /** Fetches the claims, or makes some. @throws StartError with the reference's text */
  async open(): Promise<void> {
    const { systemAccount } = this.server.options;
    if (systemAccount === null) return;
    try {
      await runSteps(this.accounts.fetchQuietly(systemAccount));
      await this.accounts.find(systemAccount);
    } catch (error) {
      const [operator, more] = this.keys.operators;
      const isLocal = this.accounts.resolver?.kind === "memory" || systemAccount === CONFIGURED_ACCOUNT;
      if (operator === undefined || more !== undefined || isLocal) {
        throw new StartError(`error resolving system account: ${reasonOf(error)}`, { cause: error });
      }
      this.accounts.installPlaceholder({ ...newClaims("account", systemAccount), issuer: operator.issuer });
    }
  }

  /** @throws StartError with the reference's text */
  check(): void {
    if (this.server.systemAccount?.expired) throw new StartError(`Can't set system account: ${EXPIRED}`);
  }

  /** Begins to try again, if the claims are the server's own. */
  start(): void {
    if (this.placeholder() === null) return;
    this.server.log.notice("Using bootstrapping system account");
    this.retryLater();
  }

  stop(): void {
    this.server.turn.timers.cancel(this.timer);
  }

  /** The system account while its claims are the server's own; null when they are fetched. */
  private placeholder(): LoadedAccount | null {
    const { systemAccount } = this.server.options;
    const loaded = systemAccount === null ? undefined : this.accounts.get(systemAccount);
    return loaded !== undefined && loaded.jwt === "" ? loaded : null;
  }

  private async retry(): Promise<void> {
    const loaded = this.placeholder();
    if (loaded === null) return;
    try {
      await this.accounts.update(loaded, await runSteps(this.accounts.fetchQuietly(loaded.name)));
      this.server.log.notice("System account fetched and updated");
    } catch {
      this.retryLater();
    }
  }

  private retryLater(): void {
    this.server.turn.timers.set(this.timer, RETRY_MS);
  }
}
