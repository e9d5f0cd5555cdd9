import type { Lensfeed } from "./client.js";
import { MediaState } from "./gen/lensfeed/media/v1/media_pb.js";
import type { Media } from "./gen/lensfeed/media/v1/media_pb.js";

const POLL_MS = 200;

/** Uploads a photo or a video, part by part, and returns it; it is not READY yet. The blob's `type` must be its content type. */
export async function upload(lensfeed: Lensfeed, file: Blob, altText = ""): Promise<Media> {
  const sizeBytes = BigInt(file.size);
  const { mediaId, parts } = await lensfeed.media.startUpload({ contentType: file.type, sizeBytes, altText });
  let from = 0;
  for (const { number, sizeBytes, url, headers } of parts) {
    const to = from + Number(sizeBytes);
    const answer = await fetch(url, { method: "PUT", headers, body: file.slice(from, to) });
    if (!answer.ok) throw new Error(`part ${number} was not taken: HTTP ${answer.status}`);
    from = to;
  }
  // Without ETags, which a page may not read of another origin: what S3 has is taken.
  const { media } = await lensfeed.media.completeUpload({ mediaId });
  return media!;
}

/** Waits until a medium is READY, and returns it. A post need not wait: it appears when its media are ready. */
export async function untilReady(lensfeed: Lensfeed, mediaId: string, signal?: AbortSignal): Promise<Media> {
  for (;;) {
    const { media } = await lensfeed.media.getMedia({ mediaId }, signal && { signal });
    if (media!.state === MediaState.READY) return media!;
    if (media!.state === MediaState.REJECTED) throw new Error(`${media!.failure?.reason}: ${media!.failure?.message}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
