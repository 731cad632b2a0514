import type { Random } from "../../base/random/random.ts";
import { type DenyLists, mergeDeny } from "./merge-deny.ts";
import type { PermissionOptions } from "./permission-options.ts";
import { Permissions } from "./permissions.ts";

/**
 * A server's compiled permissions: each set of options is compiled when its first user comes, and shared by all that follow. It is
 * forgotten with its options, so a reload or a new claim needs no clearing.
 */
export class CompiledPermissions {
  private readonly compiled = new WeakMap<PermissionOptions, Permissions>();
  private readonly merged = new WeakMap<DenyLists, WeakMap<PermissionOptions, PermissionOptions>>();

  constructor(private readonly random: Random) {}

  /** @param options the same object for the same user: it is the key */
  of(options: PermissionOptions): Permissions {
    const known = this.compiled.get(options);
    if (known !== undefined) return known;
    const permissions = Permissions.compile(options, this.random);
    this.compiled.set(options, permissions);
    return permissions;
  }

  /**
   * Those of the options with more denied, see `mergeDeny`.
   * @param options null: everything is allowed
   * @param deny the same object each time: it is the key
   * @returns null when nothing is denied even so
   */
  denying(options: PermissionOptions | null, deny: DenyLists): Permissions | null {
    const merged = this.mergedOptions(options ?? EVERYTHING, deny);
    return merged === EVERYTHING ? null : this.of(merged);
  }

  private mergedOptions(options: PermissionOptions, deny: DenyLists): PermissionOptions {
    let known = this.merged.get(deny);
    if (known === undefined) {
      known = new WeakMap();
      this.merged.set(deny, known);
    }
    const merged = known.get(options) ?? mergeDeny(options, deny);
    known.set(options, merged);
    return merged;
  }
}

const EVERYTHING: PermissionOptions = { publish: null, subscribe: null, responses: null };
