/** A request that an endpoint refuses, with the reference's text: status 400 over HTTP, error code 500 from a service. */
export class EndpointError extends Error {
  override name = "EndpointError";
}

/** The request is for another server. Services do not answer, so that only the other server does. */
export class NotAddressed extends EndpointError {
  override name = "NotAddressed";
}
