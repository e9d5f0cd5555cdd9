/** A gRPC-Web client for a lensfeed mesh, for browsers and Node. */
export { connect, feedItems } from "./client.js";
export type { Lensfeed, Options } from "./client.js";
export { reasonOf, retryAfterMs, violationsOf } from "./errors.js";
export type { Tokens } from "./session.js";
export { untilReady, upload } from "./upload.js";
