import type { Interceptor } from "@connectrpc/connect";
import { reasonOf } from "./errors.js";

/** The tokens of a session. Keep them as you keep a password. */
export interface Tokens {
  /** Good for minutes; each call carries it. */
  readonly accessToken: string;
  /** Good once: trading it gives new tokens, and a second use ends the session. */
  readonly refreshToken: string;
  readonly expiresAt: Date;
}

/** Trades a refresh token for new tokens. */
export type Refresh = (refreshToken: string) => Promise<Tokens>;

// Clocks differ, and a call takes its time.
const EARLY_MS = 60_000;

/** Who calls: puts the access token on each call and renews it, for all calls at once. */
export class Session {
  #tokens: Tokens | undefined;
  #renewing: Promise<Tokens> | undefined;
  readonly #refresh: Refresh;
  readonly #keep: (tokens: Tokens | undefined) => void;

  constructor(refresh: Refresh, tokens?: Tokens, keep: (tokens: Tokens | undefined) => void = () => {}) {
    this.#refresh = refresh;
    this.#tokens = tokens;
    this.#keep = keep;
  }

  /** Begins a session, or with nothing forgets it. */
  use(tokens: Tokens | undefined): void {
    this.#tokens = tokens;
    this.#keep(tokens);
  }

  /** States the token. A call that is refused as TOKEN_INVALID is tried once more, with a new one. */
  readonly interceptor: Interceptor = (next) => async (request) => {
    const state = (tokens: Tokens): void => request.header.set("authorization", `Bearer ${tokens.accessToken}`);
    const tokens = this.#tokens;
    if (!tokens) return next(request);
    state(tokens.expiresAt.getTime() - EARLY_MS < Date.now() ? await this.#renewed(tokens) : tokens);
    try {
      return await next(request);
    } catch (error) {
      if (reasonOf(error) !== "TOKEN_INVALID") throw error;
      state(await this.#renewed(tokens));
      return next(request);
    }
  };

  /** Returns tokens newer than those. Calls that ask at one time share one refresh. */
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
