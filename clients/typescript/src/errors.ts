import { ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import type { BadRequest_FieldViolation } from "./gen/google/rpc/error_details_pb.js";

const DOMAIN = "lensfeed";

/** Returns the stable reason of an error, such as HANDLE_TAKEN. */
export function reasonOf(error: unknown): string | undefined {
  const details = ConnectError.from(error).findDetails(ErrorInfoSchema);
  return details.find((each) => each.domain === DOMAIN)?.reason;
}

/** Returns the invalid fields of a request; empty for other errors. */
export function violationsOf(error: unknown): BadRequest_FieldViolation[] {
  return ConnectError.from(error).findDetails(BadRequestSchema).flatMap((each) => each.fieldViolations);
}

/** Returns how many milliseconds to wait before a retry, if the error says so. */
export function retryAfterMs(error: unknown): number | undefined {
  const delay = ConnectError.from(error).findDetails(RetryInfoSchema)[0]?.retryDelay;
  return delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6;
}
