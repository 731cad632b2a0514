import { expect, test } from "bun:test";
import { KeyState } from "./encryption.ts";
import { ASSET_REFUSALS, AssetStep, assetStep, BlockStep, blockStep, keyStateWithoutSecret } from "./encryption-recovery.ts";

test("an asset is read, converted or refused by the state of its key file", () => {
  const rows: [enabled: boolean, key: KeyState, step: AssetStep][] = [
    [false, KeyState.Absent, AssetStep.ReadPlain],
    [false, KeyState.TooShort, AssetStep.RefuseKeySize],
    [false, KeyState.Unknown, AssetStep.RefuseDisabled],
    [true, KeyState.Absent, AssetStep.Encrypt],
    [true, KeyState.TooShort, AssetStep.RefuseKeySize],
    [true, KeyState.Unknown, AssetStep.RefuseKey],
    [true, KeyState.Current, AssetStep.Read],
    [true, KeyState.Outdated, AssetStep.ChangeKey],
  ];
  for (const [enabled, key, step] of rows) expect(assetStep(enabled, key), `${enabled} ${KeyState[key]}`).toBe(step);
});

test("refusals have the reference's texts", () => {
  expect(ASSET_REFUSALS[AssetStep.RefuseDisabled]).toBe("encryption not enabled");
  expect(ASSET_REFUSALS[AssetStep.RefuseKeySize]).toBe("encryption bad key size");
  expect(ASSET_REFUSALS[AssetStep.RefuseKey]).toBe("unable to recover keys");
});

test("without a secret a key file is only measured", () => {
  expect(keyStateWithoutSecret(null)).toBe(KeyState.Absent);
  expect(keyStateWithoutSecret(new Uint8Array(63))).toBe(KeyState.TooShort);
  expect(keyStateWithoutSecret(new Uint8Array(64))).toBe(KeyState.Unknown);
});

const NOTHING = { enabled: true, key: KeyState.Absent, plainFits: false, sealedFits: false, rewriteFits: false };

test("a block is read, converted or kept aside by what fits", () => {
  const rows: [found: Partial<typeof NOTHING>, step: BlockStep][] = [
    [{ enabled: false, plainFits: true }, BlockStep.ReadPlain],
    [{ enabled: false }, BlockStep.ReadPlain], // damage is found when it is read
    [{ enabled: false, key: KeyState.Unknown, plainFits: true }, BlockStep.Refuse],
    [{ enabled: false, key: KeyState.TooShort }, BlockStep.Refuse],
    [{ plainFits: true }, BlockStep.Encrypt],
    [{}, BlockStep.KeyLost],
    [{ key: KeyState.Current, sealedFits: true }, BlockStep.Read],
    [{ key: KeyState.Current, sealedFits: true, rewriteFits: true }, BlockStep.Read],
    [{ key: KeyState.Current, rewriteFits: true }, BlockStep.FinishRewrite],
    [{ key: KeyState.Current, rewriteFits: true, plainFits: true }, BlockStep.FinishRewrite],
    [{ key: KeyState.Current, plainFits: true }, BlockStep.Encrypt],
    [{ key: KeyState.Current }, BlockStep.Damaged],
    [{ key: KeyState.Outdated, sealedFits: true }, BlockStep.ChangeKey],
    [{ key: KeyState.Outdated, rewriteFits: true }, BlockStep.FinishRewrite],
    [{ key: KeyState.Outdated, plainFits: true }, BlockStep.Encrypt],
    [{ key: KeyState.Outdated }, BlockStep.Damaged],
    [{ key: KeyState.Unknown, plainFits: true }, BlockStep.Encrypt],
    [{ key: KeyState.Unknown }, BlockStep.KeyLost],
    [{ key: KeyState.TooShort, plainFits: true }, BlockStep.Encrypt],
    [{ key: KeyState.TooShort }, BlockStep.KeyLost],
  ];
  for (const [found, step] of rows) expect(blockStep({ ...NOTHING, ...found }), JSON.stringify(found)).toBe(step);
});
