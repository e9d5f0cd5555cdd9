package lensfeed

import (
	"context"
	"crypto/rand"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	keyHeader    = "idempotency-key"
	maxAttempts  = 8
	firstPause   = 100 * time.Millisecond
	longestPause = 2 * time.Second
)

// Repeats a call as its contract allows. All attempts share an idempotency key, if the method takes one.
func repeatCall(
	ctx context.Context, method string, request, reply any,
	connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	rule := repeats[method]
	if rule == repeatWithKey && !hasKey(ctx) {
		ctx = metadata.AppendToOutgoingContext(ctx, keyHeader, rand.Text())
	}
	for attempt, pause := 1, firstPause; ; attempt, pause = attempt+1, min(2*pause, longestPause) {
		err := invoke(ctx, method, request, reply, connection, options...)
		delay, ok := delayBefore(err, rule, pause)
		if !ok || attempt == maxAttempts {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(delay):
		}
	}
}

func hasKey(ctx context.Context) bool {
	sent, _ := metadata.FromOutgoingContext(ctx)
	return len(sent.Get(keyHeader)) > 0
}

// Returns how long to wait before another attempt, and whether there may be one.
func delayBefore(err error, rule repeat, pause time.Duration) (time.Duration, bool) {
	code := status.Code(err)
	if code != codes.Unavailable && code != codes.ResourceExhausted {
		return 0, false
	}
	if delay, ok := RetryAfter(err); ok {
		return delay, true
	}
	// The answer was lost, so the call may have been done.
	return pause, code == codes.Unavailable && rule != repeatNotBegun
}
