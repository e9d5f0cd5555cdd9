package lensfeed

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

const domain = "lensfeed"

// Reason returns the stable reason of an error for programs, such as HANDLE_TAKEN; empty where it has none. What is wrong with
// each field (errdetails.BadRequest) and when to try again (errdetails.RetryInfo) lie beside it in the status' details.
func Reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == domain {
			return info.GetReason()
		}
	}
	return ""
}
