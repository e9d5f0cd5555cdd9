package lensfeed.tour;

import io.grpc.ClientInterceptor;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.AbstractStub;
import io.grpc.stub.MetadataUtils;
import java.net.URI;
import java.util.List;
import java.util.Map;
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
        channel = (secure ? builder.useTransportSecurity() : builder.usePlaintext())
                .intercept(new Keys())
                .defaultServiceConfig(retries())
                .enableRetry()
                .build();
    }

    /** Return a stub that sends an access token with each call. */
    static <S extends AbstractStub<S>> S as(String accessToken, S stub) {
        return stub.withInterceptors(attaching(AUTHORIZATION, "Bearer " + accessToken));
    }

    /** Return a stub whose deadline starts now. Call this for each call. */
    static <S extends AbstractStub<S>> S withDeadline(S stub) {
        return stub.withDeadlineAfter(DEADLINE_SECONDS, TimeUnit.SECONDS);
    }

    /** Let gRPC repeat calls whose answer was lost, if {@link Repeats} allows it. */
    private static Map<String, ?> retries() {
        var repeatable = Repeats.OF.entrySet().stream()
                .filter(each -> each.getValue() != Repeats.NOT_BEGUN)
                .map(each -> each.getKey().split("/"))
                .map(path -> Map.of("service", path[0], "method", path[1]))
                .toList();
        var policy = Map.of(
                "maxAttempts", 5.0,
                "initialBackoff", "0.1s",
                "maxBackoff", "2s",
                "backoffMultiplier", 2.0,
                "retryableStatusCodes", List.of("UNAVAILABLE"));
        return Map.of("methodConfig", List.of(Map.of("name", repeatable, "retryPolicy", policy)));
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
