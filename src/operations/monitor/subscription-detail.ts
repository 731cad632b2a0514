import type { SubscriptionRecord } from "../../connections/client/connection-record.ts";

/** A subscription in /connz and /subsz. */
export function subscriptionDetail({ subject, queue, sid, delivered, deliveredMax, cid }: SubscriptionRecord): Record<string, unknown> {
  return {
    subject,
    ...(queue === "" ? {} : { qgroup: queue }),
    sid,
    msgs: delivered,
    ...(deliveredMax === 0 ? {} : { max: deliveredMax }),
    cid,
  };
}
