/** Problems of decoded claims, with the texts of the JWT library. */

export interface ValidationIssue {
  readonly description: string;
  /** The claims must not be used. */
  readonly blocking: boolean;
  /** They must not be used now. */
  readonly timeCheck: boolean;
}

export class ValidationResults {
  readonly issues: ValidationIssue[] = [];

  addError(description: string): void {
    this.issues.push({ description, blocking: true, timeCheck: false });
  }

  addWarning(description: string): void {
    this.issues.push({ description, blocking: false, timeCheck: false });
  }

  addTimeCheck(description: string): void {
    this.issues.push({ description, blocking: false, timeCheck: true });
  }

  /** @param includeTimeChecks whether claims that are not in force block too */
  isBlocking(includeTimeChecks: boolean): boolean {
    return this.issues.some(issue => issue.blocking || (includeTimeChecks && issue.timeCheck));
  }

  /** Descriptions of the blocking issues. */
  errors(): string[] {
    return this.issues.filter(issue => issue.blocking).map(issue => issue.description);
  }
}
