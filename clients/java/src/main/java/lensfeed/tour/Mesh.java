package lensfeed.tour;

import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import java.net.URI;
import java.util.concurrent.TimeUnit;

/** A connection to a mesh: one channel to its edge, with TLS for https. */
final class Mesh implements AutoCloseable {
    private static final int DEADLINE_SECONDS = 20;
    private static final Metadata.Key<String> AUTHORIZATION = key("authorization");

    /** The channel for stubs: {@code UserServiceGrpc.newBlockingStub(mesh.channel)}. */
    final ManagedChannel channel;

    Mesh(URI address) {
        boolean secure = address.getScheme().equals("https");
        int port = address.getPort() != -1 ? address.getPort() : secure ? 443 : 80;
        var builder = ManagedChannelBuilder.forAddress(address.getHost(), port);
        channel = (secure ? builder.useTransportSecurity() : builder.usePlaintext()).build();
    }

    /** Return a stub that sends an access token with each call. */
    static <S extends AbstractStub<S>> S as(String accessToken, S stub) {
        return stub.withInterceptors(attaching(AUTHORIZATION, "Bearer " + accessToken));
    }

    /** Return a stub that sends an idempotency key. Repeating a call with the same key and body is safe. */
    static <S extends AbstractStub<S>> S once(String idempotencyKey, S stub) {
        return stub.withInterceptors(attaching(key("idempotency-key"), idempotencyKey));
    }

    /** Return a stub whose deadline starts now. Call this for each call. */
    static <S extends AbstractStub<S>> S withDeadline(S stub) {
        return stub.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }

    private static ClientInterceptor attaching(Metadata.Key<String> name, String value) {
        Metadata headers = new Metadata();
        headers.put(name, value);
        return MetadataUtils.newAttachHeadersInterceptor(headers);
    }

    private static Metadata.Key<String> key(String name) {
        return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
    }
}
