/**
 * What to do with an asset, or a block, that lies on the disk plain, encrypted, or encrypted with an earlier key. Pure functions: what was found
 * selects one row.
 *
 * A block changes its key in steps, so that a power failure between any two of them loses nothing:
 *   new content in `<n>.blk.tmp`, synced ─▶ new key in `<n>.key.tmp`, synced ─▶ rename the key ─▶ rename the block ─▶ sync the directory
 * Between the renames the new key stands beside the old block, and the new block waits under its temporary name: `FinishRewrite`.
 * A plain block is encrypted in the same steps; before the last rename, a plain block has a key: `Encrypt` does it again.
 * Source of the rules without a power failure: reference, formats §10.5.
 */
import { KEY_FILE_BYTES_MIN, KeyState } from "./encryption.ts";

export enum AssetStep {
  /** The metafile is plain, and stays so. */
  ReadPlain = 0,
  /** The metafile is plain: read it, make a key, write it encrypted. Log: `  Encrypting stream '<account> > <stream>'`. */
  Encrypt,
  /** The metafile is encrypted with this key. */
  Read,
  /** Read it with this key, then make a new one. Log: `  Converting to <cipher> for stream '<account> > <stream>'`. */
  ChangeKey,
  /** Not loaded, and nothing is changed: */
  RefuseDisabled,
  RefuseKeySize,
  RefuseKey,
}

/** Why an asset is not loaded, in the reference's words. */
export const ASSET_REFUSALS: Partial<Record<AssetStep, string>> = {
  [AssetStep.RefuseDisabled]: "encryption not enabled",
  [AssetStep.RefuseKeySize]: "encryption bad key size",
  [AssetStep.RefuseKey]: "unable to recover keys",
};

/** The state of a key file for a server without a secret. @param keyFile null: there is none */
export function keyStateWithoutSecret(keyFile: Uint8Array | null): KeyState {
  if (keyFile === null) return KeyState.Absent;
  return keyFile.length < KEY_FILE_BYTES_MIN ? KeyState.TooShort : KeyState.Unknown;
}

const ENABLED: Record<KeyState, AssetStep> = {
  [KeyState.Absent]: AssetStep.Encrypt,
  [KeyState.TooShort]: AssetStep.RefuseKeySize,
  [KeyState.Unknown]: AssetStep.RefuseKey,
  [KeyState.Current]: AssetStep.Read,
  [KeyState.Outdated]: AssetStep.ChangeKey,
};

/** A stream or a consumer, by its key file. @param enabled a secret is configured */
export function assetStep(enabled: boolean, key: KeyState): AssetStep {
  if (enabled) return ENABLED[key];
  if (key === KeyState.Absent) return AssetStep.ReadPlain;
  return key === KeyState.TooShort ? AssetStep.RefuseKeySize : AssetStep.RefuseDisabled;
}

export enum BlockStep {
  /** Read the file as it is. */
  ReadPlain = 0,
  /** Read it with the key. */
  Read,
  /** The file is plain: make a new key and rewrite it encrypted. */
  Encrypt,
  /** Read it with the key, then rewrite it with a new key. */
  ChangeKey,
  /** Rename `<n>.blk.tmp` to `<n>.blk`, then read it with the key. */
  FinishRewrite,
  /** Encrypted, and no secret is configured: the stream is not loaded. */
  Refuse,
  /** Encrypted, and its key is lost: its messages are reported as lost, the files are kept. */
  KeyLost,
  /** Neither plain nor encrypted with the key: the same. */
  Damaged,
}

/** What was found of a block. A file fits when it is empty, or begins with a good record once it is decrypted and expanded. */
export interface FoundBlock {
  /** A secret is configured. */
  readonly enabled: boolean;
  readonly key: KeyState;
  /** `<n>.blk` fits as it is. */
  readonly plainFits: boolean;
  /** `<n>.blk` fits with the key. */
  readonly sealedFits: boolean;
  /** There is a `<n>.blk.tmp`, and it fits with the key. */
  readonly rewriteFits: boolean;
}

export function blockStep({ enabled, key, plainFits, sealedFits, rewriteFits }: FoundBlock): BlockStep {
  if (!enabled) return key === KeyState.Absent ? BlockStep.ReadPlain : BlockStep.Refuse;
  const opened = key === KeyState.Current || key === KeyState.Outdated;
  if (opened && sealedFits) return key === KeyState.Current ? BlockStep.Read : BlockStep.ChangeKey;
  if (opened && rewriteFits) return BlockStep.FinishRewrite;
  if (plainFits) return BlockStep.Encrypt;
  return opened ? BlockStep.Damaged : BlockStep.KeyLost;
}
