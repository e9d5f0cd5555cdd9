package lensfeed.tour;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lensfeed.media.v1.CompleteUploadRequest;
import lensfeed.media.v1.CompletedPart;
import lensfeed.media.v1.GetMediaRequest;
import lensfeed.media.v1.Media;
import lensfeed.media.v1.MediaServiceGrpc.MediaServiceBlockingStub;
import lensfeed.media.v1.MediaState;
import lensfeed.media.v1.StartUploadRequest;
import lensfeed.media.v1.UploadPart;

/** Uploads a file straight to the storage, in parts, with URLs that the mesh has signed. */
final class Upload {
    private static final long POLL_INTERVAL_MILLIS = 300;
    private static final int ATTEMPTS = 200;

    /** HTTP/1.1, because many storages refuse the upgrade that Java requests by default. */
    private final HttpClient storage = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final MediaServiceBlockingStub media;

    Upload(MediaServiceBlockingStub media) {
        this.media = media;
    }

    /** Upload a file and return its medium, which is PROCESSING or READY. */
    Media send(Path file, String contentType, String altText) throws IOException, InterruptedException {
        var request = StartUploadRequest.newBuilder()
                .setContentType(contentType)
                .setSizeBytes(Files.size(file))
                .setAltText(altText)
                .build();
        var started = Mesh.withDeadline(media).startUpload(request);
        var sent = sendParts(file, started.getPartSizeBytes(), started.getPartsList());
        var done = CompleteUploadRequest.newBuilder().setMediaId(started.getMediaId()).addAllParts(sent);
        return Mesh.withDeadline(media).completeUpload(done.build()).getMedia();
    }

    /** Wait until a medium is READY or REJECTED and return it. */
    Media finished(String mediaId) throws InterruptedException {
        var request = GetMediaRequest.newBuilder().setMediaId(mediaId).build();
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            Media medium = Mesh.withDeadline(media).getMedia(request).getMedia();
            if (medium.getState() == MediaState.MEDIA_STATE_READY || medium.getState() == MediaState.MEDIA_STATE_REJECTED) {
                return medium;
            }
            Thread.sleep(POLL_INTERVAL_MILLIS);
        }
        throw new IllegalStateException("medium " + mediaId + " is still being processed");
    }

    /** Send parts of a file: all, or after an interruption those that {@code GetMedia} returns. */
    List<CompletedPart> sendParts(Path file, long partSize, List<UploadPart> parts) throws IOException, InterruptedException {
        var sent = new ArrayList<CompletedPart>();
        try (var bytes = FileChannel.open(file)) {
            for (UploadPart part : parts) {
                var content = ByteBuffer.allocate(Math.toIntExact(part.getSizeBytes()));
                bytes.position((part.getNumber() - 1) * partSize);
                while (content.hasRemaining() && bytes.read(content) >= 0) {}
                sent.add(CompletedPart.newBuilder().setNumber(part.getNumber()).setEtag(put(part, content.array())).build());
            }
        }
        return sent;
    }

    /** PUT a part with exactly its headers. The body publisher sets the length, which is signed too. */
    private String put(UploadPart part, byte[] content) throws IOException, InterruptedException {
        var put = HttpRequest.newBuilder(URI.create(part.getUrl())).PUT(HttpRequest.BodyPublishers.ofByteArray(content));
        part.getHeadersMap().forEach(put::header);
        var response = storage.send(put.build(), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException("part " + part.getNumber() + ": the storage answered " + response.statusCode());
        }
        return response.headers().firstValue("etag").orElseThrow();
    }
}
