package lensfeed.tour;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.util.UUID;

/** Sends an idempotency key with each call that takes one. All attempts of a call share it. */
final class Keys implements ClientInterceptor {
    static final Metadata.Key<String> KEY = Metadata.Key.of("idempotency-key", Metadata.ASCII_STRING_MARSHALLER);

    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
        var call = next.newCall(method, options);
        if (Repeats.OF.get(method.getFullMethodName()) != Repeats.WITH_KEY) {
            return call;
        }
        return new SimpleForwardingClientCall<>(call) {
            @Override
            public void start(Listener<A> answers, Metadata headers) {
                if (!headers.containsKey(KEY)) {
                    headers.put(KEY, UUID.randomUUID().toString());
                }
                super.start(answers, headers);
            }
        };
    }
}
