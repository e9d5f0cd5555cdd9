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
 * The details of a refused call.
 *
 * @param code gRPC's code, such as NOT_FOUND
 * @param reason the stable reason, such as POST_NOT_FOUND; empty if there is none, such as after a deadline
 * @param message a message for people
 * @param fields the invalid fields with their reasons
 * @param retryAfterSeconds how long to wait before a retry; 0 if unknown
 */
record Refusal(Status.Code code, String reason, String message, List<BadRequest.FieldViolation> fields, long retryAfterSeconds) {

    /** Read the details of a stub's exception. */
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
