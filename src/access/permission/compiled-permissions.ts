import type { Random } from "../../base/random/random.ts";
import { type DenyLists, mergeDeny } from "./merge-deny.ts";
import type { PermissionOptions } from "./permission-options.ts";
import { Permissions } from "./permissions.ts";

/**
 * A server's compiled permissions: each set of options is compiled for its first user and shared by later ones. It is
 * dropped with its options (weak map), so a reload or a new claim needs no cleanup.
 */
export class CompiledPermissions {
  private readonly compiled = new WeakMap<PermissionOptions, Permissions>();
  private readonly merged = new WeakMap<DenyLists, WeakMap<PermissionOptions, PermissionOptions>>();

  constructor(private readonly random: Random) {}

  /** @param options the cache key, so it must be the same object for the same user */
  of(options: PermissionOptions): Permissions {
    const known = this.compiled.get(options);
    if (known !== undefined) return known;
    const permissions = Permissions.compile(options, this.random);
    this.compiled.set(options, permissions);
    return permissions;
  }

  /**
   * The compiled permissions with additional denials, see `mergeDeny`.
   * @param options null: everything is allowed
   * @param deny also part of the cache key: the same object each time
   * @returns null when nothing is denied
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
