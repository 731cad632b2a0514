/**
 * JetStream of a shard while it runs: on and off, larger limits, and accounts that get, change or lose it.
 *
 *   start, reload, claims of accounts ─▶ one change after the other ─▶ ServerJetStream
 * A reload and new claims are synchronous steps. What they need of the disk happens behind them, in their order, and errors are logged.
 * Source: reference, core §6.14; jetstream.md §7.2, §7.4.
 */
import type { Account } from "../../accounts/account/account.ts";
import { jetStreamAccounts } from "../../config/schema/jetstream-accounts.ts";
import type { Options } from "../../config/schema/options.ts";
import { type AccountJetStream, changesOfLimits } from "../../jetstream/config/account-jetstream.ts";
import type { JetStreamOwner, ServerJetStream } from "./server-jetstream.ts";

export class JetStreamControl {
  /** null: JetStream is off, or does not run. */
  running: ServerJetStream | null = null;
  private readonly owner: JetStreamOwner;
  /** JetStream of accounts whose claims give it to them, by name. */
  private readonly claimed = new Map<string, AccountJetStream>();
  private changes: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(owner: JetStreamOwner) {
    this.owner = owner;
  }

  /** Resolves when all streams are there. @throws StartError */
  async start(): Promise<void> {
    const started = this.startNow();
    this.changes = started.catch(() => {}); // the caller reports it
    await started;
    // Accounts of an operator are loaded when somebody needs them: those that have streams are needed now.
    for (const name of this.running!.storedAccounts()) if (!this.running!.accounts.has(name)) await this.owner.loadAccount(name);
    await this.changes;
  }

  /** Resolves when everything is written. Nothing changes afterwards. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.changes;
    await this.stopNow();
  }

  /** Follows the options of a reload. */
  follow(before: Options, after: Options): void {
    const [was, is] = [before.jetStream.enabled, after.jetStream.enabled];
    if (!was && !is) return;
    this.change(async () => {
      if (!is) return this.stopNow();
      const { running } = this;
      if (running === null) return this.startNow();
      running.followOptions(after.jetStream);
      for (const change of changesOfLimits(jetStreamAccounts(before), jetStreamAccounts(after))) {
        const problem = await running.followLimits(change);
        if (problem !== null) this.owner.log.error(problem);
      }
    }, "Can't start JetStream");
  }

  /** Follows the claims of an account. @param jetStream null: they give it none */
  followClaims({ label, name }: Account, jetStream: AccountJetStream | null): void {
    const before = this.claimed.get(name) ?? null;
    if (before === null && jetStream === null) return;
    if (jetStream === null) this.claimed.delete(name);
    else this.claimed.set(name, jetStream);
    this.change(async () => {
      const problem = (await this.running?.followLimits({ account: name, before, after: jetStream })) ?? null;
      if (problem !== null) this.owner.log.error(`Error configuring jetstream for account [${label}]: ${problem}`);
    }, `Error configuring jetstream for account [${label}]`);
  }

  /** @param failed begins the warning when it fails */
  private change(make: () => Promise<void>, failed: string): void {
    this.changes = this.changes.then(async () => {
      if (this.stopped) return;
      try {
        await make();
      } catch (error) {
        this.owner.log.warn(`${failed}: ${(error as Error).message}`);
      }
    });
  }

  private async startNow(): Promise<void> {
    const started = new (jetStreamModule().ServerJetStream)(this.owner);
    this.running = started;
    try {
      await started.start(new Map([...jetStreamAccounts(this.owner.options), ...this.claimed]));
    } catch (error) {
      await this.stopNow();
      throw error;
    }
  }

  private async stopNow(): Promise<void> {
    const { running } = this;
    this.running = null;
    await running?.stop();
  }
}

/** Loaded when it is needed, as a default start does without it (bench/start.ts). */
function jetStreamModule(): typeof import("./server-jetstream.ts") {
  return require("./server-jetstream.ts");
}
