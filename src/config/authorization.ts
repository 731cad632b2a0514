/** A single user, or a token, that clients must give. More users, accounts and mechanisms come with the auth room. */
export interface Authorization {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
}
