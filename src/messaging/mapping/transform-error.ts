/** Source and destination do not form a valid transform. The message is exactly the reference's. */
export class TransformError extends Error {
  override readonly name = "TransformError";
}

const DESTINATION = "invalid mapping destination";

/** Reasons for which a destination is refused. `transformError` adds the token to all but the first. */
export const TRANSFORM_TEXTS = {
  invalidSubject: "invalid subject",
  invalidTransform: `${DESTINATION}: invalid transform`,
  notAllWildcards: `${DESTINATION}: not using all of the token wildcard(s)`,
  unknownFunction: `${DESTINATION}: unknown function`,
  indexOutOfRange: `${DESTINATION}: wildcard index out of range`,
  notEnoughArguments: `${DESTINATION}: not enough arguments passed to the function`,
  invalidArgument: `${DESTINATION}: function argument is invalid or in the wrong format`,
  tooManyArguments: `${DESTINATION}: too many arguments passed to the function`,
  notForImports: `${DESTINATION}: the only mapping function allowed for import transforms is {{Wildcard()}}`,
  notAvailable: `${DESTINATION}: function is not available in this context`,
} as const;

export function transformError(reason: keyof typeof TRANSFORM_TEXTS, token = ""): TransformError {
  const text = TRANSFORM_TEXTS[reason];
  return new TransformError(token === "" ? text : `${text} in ${token}`);
}
