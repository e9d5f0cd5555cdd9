import { Code, ConnectError } from "@connectrpc/connect";
import type { Interceptor } from "@connectrpc/connect";
import { reasonOf, retryAfterMs } from "./errors.js";
import { REPEATS } from "./repeats.js";
import type { Repeat } from "./repeats.js";

const KEY = "idempotency-key";
const KEY_BYTES = 16;
const MAX_ATTEMPTS = 8;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
// How transports report a broken connection. The mesh itself always gives a reason.
const LOST: readonly Code[] = [Code.Unavailable, Code.Unknown, Code.Internal];

/** Repeats a call as its contract allows. All attempts share an idempotency key, if the method takes one. */
export const repeating: Interceptor = (next) => async (request) => {
  const rule = REPEATS[`${request.service.typeName}/${request.method.name}`] ?? "not-begun";
  if (rule === "with-key" && !request.header.has(KEY)) request.header.set(KEY, newKey());
  for (let attempt = 1, pause = FIRST_PAUSE_MS; ; attempt++, pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    try {
      return await next(request);
    } catch (error) {
      const delay = delayBefore(error, rule, pause);
      if (delay === undefined || attempt === MAX_ATTEMPTS || request.signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, delay));
      if (request.signal.aborted) throw error;
    }
  }
};

/** Returns how many milliseconds to wait before another attempt; `undefined` if there must not be one. */
function delayBefore(error: unknown, rule: Repeat, pause: number): number | undefined {
  const { code } = ConnectError.from(error);
  const isRefused = code === Code.Unavailable || code === Code.ResourceExhausted;
  const wait = isRefused ? retryAfterMs(error) : undefined;
  if (wait !== undefined) return wait;
  // Otherwise the answer may have been lost, and the call may have been done.
  const reason = reasonOf(error);
  const isLost = reason === "OUTCOME_UNKNOWN" || (reason === undefined && LOST.includes(code));
  return isLost && rule !== "not-begun" ? pause : undefined;
}

// Not crypto.randomUUID, which pages have over https only.
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
