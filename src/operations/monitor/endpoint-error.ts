/** What an endpoint does not do, in the reference's words: status 400 over HTTP, an error of code 500 from a service. */
export class EndpointError extends Error {
  override name = "EndpointError";
}

/** It is another server's business. Services are silent then, so that only that one answers. */
export class NotMine extends EndpointError {
  override name = "NotMine";
}
