/** Checks of JetStream's options, with the reference's texts. Source: reference, jetstream.md §7.4. */
import { SYSTEM_ACCOUNT } from "../../../accounts/account/account.ts";
import { quoted } from "../../../base/go/strconv.ts";
import { isPublicNkey, NkeyKind } from "../../../base/keys/nkey.ts";
import { isDomainOfOther } from "../../../jetstream/config/domain.ts";
import { GLOBAL_ACCOUNT } from "../block/account-block.ts";
import type { Options } from "../options.ts";
import { OptionError } from "../row/problems.ts";

/** @throws OptionError */
export function checkDefaultDomains(options: Options): void {
  const domains = Object.entries(options.defaultJsDomain);
  for (const [account, domain] of domains) {
    if (options.operators.length > 0) {
      if (isPublicNkey(account, NkeyKind.Account)) continue;
      throw new OptionError(`default_js_domain contains account name ${quoted(account)}, which is not a valid public account nkey`);
    }
    if (account === GLOBAL_ACCOUNT) continue;
    const found = options.accounts.find(({ name }) => name === account);
    if (found === undefined) {
      throw new OptionError(`in non operator mode, \`default_js_domain\` references non existing account ${quoted(account)}`);
    }
    if (found.jetStream !== null && domain !== "") {
      throw new OptionError(`default_js_domain contains account name ${quoted(account)} with enabled JetStream`);
    }
  }
  for (const [account, domain] of domains) {
    if (account === (options.systemAccount ?? SYSTEM_ACCOUNT)) {
      throw new OptionError(`system account ${quoted(account)} can not be in default_js_domain`);
    }
    if (isDomainOfOther(domain)) continue;
    throw new OptionError(`default_js_domain contains account ${quoted(account)} with invalid domain name ${quoted(domain)}`);
  }
}
