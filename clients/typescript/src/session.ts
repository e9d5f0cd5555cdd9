import type { Interceptor } from "@connectrpc/connect";
import { reasonOf } from "./errors.js";

/** The tokens of a session. Store them like a password. */
export interface Tokens {
  /** Valid for minutes and sent with each call. */
  readonly accessToken: string;
  /** Valid for one refresh, which can be repeated for a minute if its answer was lost. */
  readonly refreshToken: string;
  readonly expiresAt: Date;
}

/** Exchanges a refresh token for new tokens. */
export type Refresh = (refreshToken: string) => Promise<Tokens>;

// Allow for clock differences and the duration of a call.
const RENEWAL_MARGIN_MS = 60_000;

/** Adds the access token to each call and renews it once for all calls. */
export class Session {
  #tokens: Tokens | undefined;
  #renewing: Promise<Tokens> | undefined;
  readonly #refresh: Refresh;
  readonly #onTokens: (tokens: Tokens | undefined) => void;

  constructor(refresh: Refresh, tokens?: Tokens, onTokens: (tokens: Tokens | undefined) => void = () => {}) {
    this.#refresh = refresh;
    this.#tokens = tokens;
    this.#onTokens = onTokens;
  }

  /** Starts a session, or drops it if called without tokens. */
  use(tokens: Tokens | undefined): void {
    this.#tokens = tokens;
    this.#onTokens(tokens);
  }

  /** Adds the access token. Retries once with a new token after TOKEN_INVALID. */
  readonly interceptor: Interceptor = (next) => async (request) => {
    const authorize = (tokens: Tokens): void => request.header.set("authorization", `Bearer ${tokens.accessToken}`);
    const tokens = this.#tokens;
    if (!tokens) return next(request);
    authorize(tokens.expiresAt.getTime() - RENEWAL_MARGIN_MS < Date.now() ? await this.#renewed(tokens) : tokens);
    try {
      return await next(request);
    } catch (error) {
      if (reasonOf(error) !== "TOKEN_INVALID") throw error;
      authorize(await this.#renewed(tokens));
      return next(request);
    }
  };

  /** Returns tokens newer than the given ones. Concurrent calls share one refresh. */
  async #renewed(old: Tokens): Promise<Tokens> {
    if (this.#tokens && this.#tokens !== old) return this.#tokens;
    this.#renewing ??= this.#renew(old).finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #renew(old: Tokens): Promise<Tokens> {
    try {
      const tokens = await this.#refresh(old.refreshToken);
      this.use(tokens);
      return tokens;
    } catch (error) {
      if (reasonOf(error) === "TOKEN_INVALID") this.use(undefined);
      throw error;
    }
  }
}
