/**
 * Two users sign up. One posts a photo; the other follows her and finds it in the feed.
 *
 *   LENSFEED_URL=http://127.0.0.1:8080 node dist/examples/tour.js photo.jpg
 */
import { readFile } from "node:fs/promises";
import { connect, feedItems, reasonOf, untilReady, upload } from "@lensfeed/client";
import type { Lensfeed, Tokens } from "@lensfeed/client";

const url = process.env["LENSFEED_URL"] ?? "http://127.0.0.1:8080";
const TIMEOUT_MS = 60_000;

interface Person {
  readonly lensfeed: Lensfeed;
  readonly userId: bigint;
}

/** The tokens of the last login. An app stores them where nobody else can read them. */
let kept: Tokens | undefined;

async function signUp(name: string): Promise<Person> {
  const lensfeed = connect(url, { onTokens: (tokens) => (kept = tokens) });
  const handle = `${name}_${crypto.randomUUID().slice(0, 8)}`;
  const password = crypto.randomUUID();
  await lensfeed.users.createUser({ handle, displayName: name, password });
  const { userId } = await lensfeed.logIn(handle, password);
  console.log(`signed up: @${handle} (${userId})`);
  return { lensfeed, userId };
}

async function postPhoto(lensfeed: Lensfeed, path: string): Promise<string> {
  const photo = new Blob([await readFile(path)], { type: "image/jpeg" });
  const { mediaId } = await upload(lensfeed, photo, "Colours that run into each other");
  const media = await untilReady(lensfeed, mediaId, AbortSignal.timeout(TIMEOUT_MS));
  console.log(`ready: ${media.width} × ${media.height}, ${media.renditions.length} renditions`);
  const { postId } = await lensfeed.posts.createPost({ caption: "From TypeScript", mediaIds: [mediaId] });
  console.log(`posted: ${postId}`);
  return postId;
}

async function readFeed(lensfeed: Lensfeed, postId: string): Promise<void> {
  // A post reaches its followers' feeds a moment after it is published.
  for (const end = Date.now() + TIMEOUT_MS; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 200))) {
    for await (const { post, author } of feedItems(lensfeed)) {
      if (post?.postId !== postId) continue;
      console.log(`read: ${post.postId} “${post.caption}” by @${author?.handle}`);
      return;
    }
  }
  throw new Error(`${postId} is not in the feed`);
}

/** A later run resumes with stored tokens and renews them by itself. */
async function resume(tokens: Tokens, userId: bigint): Promise<void> {
  const later = connect(url, { tokens: { ...tokens, accessToken: "expired" } });
  const { user } = await later.users.getUser({ userId });
  console.log(`renewed: @${user?.handle}`);
}

async function refusal(lensfeed: Lensfeed, userId: bigint): Promise<void> {
  try {
    await lensfeed.follows.createFollow({ followeeId: userId });
  } catch (error) {
    console.log(`refused: ${reasonOf(error)}`);
  }
}

const [path] = process.argv.slice(2);
if (!path) throw new Error("usage: node dist/examples/tour.js photo.jpg");
const ada = await signUp("ada");
const ben = await signUp("ben");
await ben.lensfeed.follows.createFollow({ followeeId: ada.userId });
const postId = await postPhoto(ada.lensfeed, path);
await readFeed(ben.lensfeed, postId);
await refusal(ada.lensfeed, ada.userId);
await resume(kept!, ben.userId);
