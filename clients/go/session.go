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
	// Clocks differ, and a call takes its time.
	early = time.Minute
	// How long a refresh may take.
	patience = 30 * time.Second
)

// Methods that ask for no token. A refresh must not wait for itself.
var open = map[string]bool{
	userv1.UserService_CreateUser_FullMethodName:     true,
	userv1.UserService_CreateSession_FullMethodName:  true,
	userv1.UserService_RefreshSession_FullMethodName: true,
}

// Tokens are those of a session.
type Tokens struct {
	Access    string    // good for minutes; each call carries it
	Refresh   string    // good once: trading it gives new tokens, and a second use ends the session
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

// Puts the access token on a call. One that is refused as TOKEN_INVALID is tried once more, with a new token.
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
		stated := ctx
		if token != "" {
			stated = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
		}
		err = invoke(stated, method, request, reply, connection, options...)
		if token == "" || refused != "" || Reason(err) != "TOKEN_INVALID" {
			return err
		}
		refused = token
	}
}

// Returns an access token that is good for a while and is not the refused one. Calls that come at one time share a refresh.
func (s *session) access(ctx context.Context, connection *grpc.ClientConn, refused string) (string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	good := s.tokens.Access != refused && time.Until(s.tokens.ExpiresAt) > early
	if good || s.tokens.Refresh == "" {
		return s.tokens.Access, nil
	}
	// Not given up with the call that needs it: the mesh may have traded the token already, and it is good once.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
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
