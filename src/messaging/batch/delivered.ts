/** Delivered to clients and not yet added to any total. */
export interface Delivered {
  outMessages: number;
  outBytes: number;
}

/** Delivery totals of a server. */
export interface DeliveryTotals extends Delivered {
  outClientMessages: number;
  outClientBytes: number;
}

/** Adds what was delivered to the totals of the server and of the account it was published in. */
export function countDelivered(delivered: Delivered, server: DeliveryTotals, account: Delivered): void {
  const { outMessages, outBytes } = delivered;
  server.outMessages += outMessages;
  server.outBytes += outBytes;
  server.outClientMessages += outMessages;
  server.outClientBytes += outBytes;
  account.outMessages += outMessages;
  account.outBytes += outBytes;
}
