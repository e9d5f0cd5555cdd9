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

/** Takes a file to a mesh: its bytes go straight to the store, in parts, by addresses that the mesh has signed. */
final class Upload {
    private static final long LOOK_AGAIN_MILLIS = 300;
    private static final int LOOKS = 200;

    /** HTTP/1.1, as many stores do not take the upgrade that Java asks for otherwise. */
    private final HttpClient store = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final MediaServiceBlockingStub mesh;

    Upload(MediaServiceBlockingStub mesh) {
        this.mesh = mesh;
    }

    /** Upload a file, and return its medium, which is then PROCESSING or further. */
    Media send(Path file, String contentType, String altText) throws IOException, InterruptedException {
        var wish = StartUploadRequest.newBuilder()
                .setContentType(contentType)
                .setSizeBytes(Files.size(file))
                .setAltText(altText)
                .build();
        var started = Mesh.soon(mesh).startUpload(wish);
        var sent = sendParts(file, started.getPartSizeBytes(), started.getPartsList());
        var done = CompleteUploadRequest.newBuilder().setMediaId(started.getMediaId()).addAllParts(sent);
        return Mesh.soon(mesh).completeUpload(done.build()).getMedia();
    }

    /** Wait until a medium is READY or REJECTED, and return it. */
    Media finished(String mediaId) throws InterruptedException {
        var wish = GetMediaRequest.newBuilder().setMediaId(mediaId).build();
        for (int look = 0; look < LOOKS; look++) {
            Media media = Mesh.soon(mesh).getMedia(wish).getMedia();
            if (media.getState() == MediaState.MEDIA_STATE_READY || media.getState() == MediaState.MEDIA_STATE_REJECTED) {
                return media;
            }
            Thread.sleep(LOOK_AGAIN_MILLIS);
        }
        throw new IllegalStateException("medium " + mediaId + " is still being processed");
    }

    /** Send some parts of a file: all of them, or those that {@code GetMedia} says are missing after a break. */
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

    /** PUT a part with exactly the headers that it came with; its length is signed too, and the body publisher states it. */
    private String put(UploadPart part, byte[] content) throws IOException, InterruptedException {
        var request = HttpRequest.newBuilder(URI.create(part.getUrl())).PUT(HttpRequest.BodyPublishers.ofByteArray(content));
        part.getHeadersMap().forEach(request::header);
        var response = store.send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != 200) {
            throw new IOException("part " + part.getNumber() + ": the store answers " + response.statusCode());
        }
        return response.headers().firstValue("etag").orElseThrow();
    }
}
