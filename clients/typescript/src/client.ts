import { timestampDate } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import type { Client } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { FeedService } from "./gen/lensfeed/feed/v1/feed_service_pb.js";
import type { FeedItem } from "./gen/lensfeed/feed/v1/feed_service_pb.js";
import { FollowService } from "./gen/lensfeed/follow/v1/follow_service_pb.js";
import { MediaService } from "./gen/lensfeed/media/v1/media_service_pb.js";
import { PostService } from "./gen/lensfeed/post/v1/post_service_pb.js";
import { UserService } from "./gen/lensfeed/user/v1/user_service_pb.js";
import type { CreateSessionResponse, RefreshSessionResponse } from "./gen/lensfeed/user/v1/user_service_pb.js";
import type { User } from "./gen/lensfeed/user/v1/user_pb.js";
import { repeating } from "./repeating.js";
import { Session } from "./session.js";
import type { Tokens } from "./session.js";

/** A mesh's services, called as one user. */
export interface Lensfeed {
  readonly users: Client<typeof UserService>;
  readonly follows: Client<typeof FollowService>;
  readonly posts: Client<typeof PostService>;
  readonly media: Client<typeof MediaService>;
  readonly feeds: Client<typeof FeedService>;
  /** Starts a session. Later calls are made as that user. */
  logIn(handle: string, password: string): Promise<User>;
  /** Ends the session on the server and drops it here. */
  logOut(): Promise<void>;
}

export interface Options {
  /** Tokens stored by an earlier run. */
  readonly tokens?: Tokens;
  /** Called whenever the tokens change, to store them; `undefined` means that the session has ended. */
  readonly onTokens?: (tokens: Tokens | undefined) => void;
}

/** Creates clients for the mesh at a URL such as `https://feed.example`. Sends nothing yet. */
export function connect(url: string, options: Options = {}): Lensfeed {
  // Without a session, because a refresh must not wait for itself.
  const anonymous = createClient(UserService, createGrpcWebTransport({ baseUrl: url, interceptors: [repeating] }));
  const refresh = async (refreshToken: string): Promise<Tokens> => tokensOf(await anonymous.refreshSession({ refreshToken }));
  const session = new Session(refresh, options.tokens, options.onTokens);
  const transport = createGrpcWebTransport({ baseUrl: url, interceptors: [repeating, session.interceptor] });
  const users = createClient(UserService, transport);
  return {
    users,
    follows: createClient(FollowService, transport),
    posts: createClient(PostService, transport),
    media: createClient(MediaService, transport),
    feeds: createClient(FeedService, transport),
    async logIn(handle, password) {
      const answer = await anonymous.createSession({ handle, password });
      session.use(tokensOf(answer));
      return answer.user!;
    },
    async logOut() {
      await users.deleteSession({});
      session.use(undefined);
    },
  };
}

/** Iterates over the feed, newest first, loading pages as needed. */
export async function* feedItems(lensfeed: Lensfeed, limit = 20): AsyncGenerator<FeedItem> {
  let cursor = "";
  do {
    const page = await lensfeed.feeds.getFeed({ cursor, limit });
    yield* page.items;
    cursor = page.nextCursor ?? "";
  } while (cursor);
}

function tokensOf(answer: CreateSessionResponse | RefreshSessionResponse): Tokens {
  const { accessToken, refreshToken, expiresAt } = answer;
  return { accessToken, refreshToken, expiresAt: timestampDate(expiresAt!) };
}
