package lensfeed.tour;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.List;

/**
 * What a mesh says of a call that it refuses.
 *
 * @param code gRPC's code, as NOT_FOUND
 * @param reason what a program decides by, as POST_NOT_FOUND; empty where there is none, as after a passed deadline
 * @param message a sentence for people
 * @param fields the fields that are at fault, with their own reasons
 * @param retryAfterSeconds when it may be tried again; 0 where nothing is said of that
 */
record Refusal(Status.Code code, String reason, String message, List<BadRequest.FieldViolation> fields, long retryAfterSeconds) {

    /** Read what the exception of a stub carries. */
    static Refusal of(StatusRuntimeException refused) throws InvalidProtocolBufferException {
        String reason = "";
        List<BadRequest.FieldViolation> fields = List.of();
        long retryAfterSeconds = 0;
        for (Any detail : StatusProto.fromThrowable(refused).getDetailsList()) {
            if (detail.is(ErrorInfo.class)) {
                reason = detail.unpack(ErrorInfo.class).getReason();
            } else if (detail.is(BadRequest.class)) {
                fields = detail.unpack(BadRequest.class).getFieldViolationsList();
            } else if (detail.is(RetryInfo.class)) {
                retryAfterSeconds = detail.unpack(RetryInfo.class).getRetryDelay().getSeconds();
            }
        }
        Status status = refused.getStatus();
        return new Refusal(status.getCode(), reason, status.getDescription(), fields, retryAfterSeconds);
    }
}
