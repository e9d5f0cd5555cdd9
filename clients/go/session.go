package lensfeed

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/timestamppb"

	userv1 "lensfeed.example/client/gen/lensfeed/user/v1"
)

const (
	// Allow for clock differences and the duration of a call.
	renewalMargin = time.Minute
	// How long a refresh may take.
	refreshTimeout = 30 * time.Second
)

// Tokens are the tokens of a session.
type Tokens struct {
	Access    string    // valid for minutes and sent with each call
	Refresh   string    // valid for one refresh, which can be repeated for a minute
	ExpiresAt time.Time // of Access
}

type session struct {
	mutex  sync.Mutex
	tokens Tokens
}

func (s *session) use(tokens Tokens) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.tokens = tokens
}

func (s *session) now() Tokens {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.tokens
}

// Adds the access token to a call. Retries once with a new token after TOKEN_INVALID.
func (s *session) intercept(
	ctx context.Context, method string, request, reply any,
	connection *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) error {
	if open[method] {
		return invoke(ctx, method, request, reply, connection, options...)
	}
	refused := ""
	for {
		token, err := s.access(ctx, connection, refused)
		if err != nil {
			return err
		}
		authorized := ctx
		if token != "" {
			authorized = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
		}
		err = invoke(authorized, method, request, reply, connection, options...)
		if token == "" || refused != "" || Reason(err) != "TOKEN_INVALID" {
			return err
		}
		refused = token
	}
}

// Returns an access token that stays valid for a while and is not the refused one. Concurrent calls share one refresh.
func (s *session) access(ctx context.Context, connection *grpc.ClientConn, refused string) (string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	isFresh := s.tokens.Access != refused && time.Until(s.tokens.ExpiresAt) > renewalMargin
	if isFresh || s.tokens.Refresh == "" {
		return s.tokens.Access, nil
	}
	// Not cancelled with the call: the server may already have used the token. A lost answer is repeated within this time.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	users := userv1.NewUserServiceClient(connection)
	answer, err := users.RefreshSession(ctx, &userv1.RefreshSessionRequest{RefreshToken: s.tokens.Refresh})
	if err != nil {
		if Reason(err) == "TOKEN_INVALID" {
			s.tokens = Tokens{}
		}
		return "", err
	}
	s.tokens = tokensOf(answer)
	return s.tokens.Access, nil
}

func tokensOf(answer interface {
	GetAccessToken() string
	GetRefreshToken() string
	GetExpiresAt() *timestamppb.Timestamp
}) Tokens {
	return Tokens{answer.GetAccessToken(), answer.GetRefreshToken(), answer.GetExpiresAt().AsTime()}
}
