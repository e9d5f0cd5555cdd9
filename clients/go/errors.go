package lensfeed

import (
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

const domain = "lensfeed"

// Reason returns the stable reason of an error, such as HANDLE_TAKEN, or "". The status's details also hold invalid fields
// (errdetails.BadRequest) and when to retry (errdetails.RetryInfo).
func Reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == domain {
			return info.GetReason()
		}
	}
	return ""
}

// RetryAfter returns how long to wait before repeating a call that the mesh did not begin, and whether an error says so.
func RetryAfter(err error) (time.Duration, bool) {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.RetryInfo); ok {
			return info.GetRetryDelay().AsDuration(), true
		}
	}
	return 0, false
}
