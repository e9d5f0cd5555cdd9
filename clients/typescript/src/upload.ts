import type { Lensfeed } from "./client.js";
import { MediaState } from "./gen/lensfeed/media/v1/media_pb.js";
import type { Media } from "./gen/lensfeed/media/v1/media_pb.js";

const POLL_INTERVAL_MS = 200;

/** Uploads a photo or video in parts and returns it. It is not READY yet. The blob's `type` must be its content type. */
export async function upload(lensfeed: Lensfeed, file: Blob, altText = ""): Promise<Media> {
  const sizeBytes = BigInt(file.size);
  const { mediaId, parts } = await lensfeed.media.startUpload({ contentType: file.type, sizeBytes, altText });
  let from = 0;
  for (const { number, sizeBytes, url, headers } of parts) {
    const to = from + Number(sizeBytes);
    const answer = await fetch(url, { method: "PUT", headers, body: file.slice(from, to) });
    if (!answer.ok) throw new Error(`part ${number} was refused: HTTP ${answer.status}`);
    from = to;
  }
  // Without ETags, which pages cannot read across origins, the server uses the parts that S3 has.
  const { media } = await lensfeed.media.completeUpload({ mediaId });
  return media!;
}

/** Waits until a medium is READY and returns it. Posts need not wait: they are published once their media are ready. */
export async function untilReady(lensfeed: Lensfeed, mediaId: string, signal?: AbortSignal): Promise<Media> {
  for (;;) {
    const { media } = await lensfeed.media.getMedia({ mediaId }, signal && { signal });
    if (media!.state === MediaState.READY) return media!;
    if (media!.state === MediaState.REJECTED) throw new Error(`${media!.failure?.reason}: ${media!.failure?.message}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}
