// Package lensfeed is a gRPC client for a lensfeed mesh: the generated clients of its services, a session that renews itself,
// uploads, and the reasons of errors.
package lensfeed

import (
	"context"
	"fmt"
	"net"
	"net/url"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	feedv1 "lensfeed.example/client/gen/lensfeed/feed/v1"
	followv1 "lensfeed.example/client/gen/lensfeed/follow/v1"
	mediav1 "lensfeed.example/client/gen/lensfeed/media/v1"
	postv1 "lensfeed.example/client/gen/lensfeed/post/v1"
	userv1 "lensfeed.example/client/gen/lensfeed/user/v1"
)

// Client calls a mesh as one user. It is safe for concurrent use.
type Client struct {
	Users   userv1.UserServiceClient
	Follows followv1.FollowServiceClient
	Posts   postv1.PostServiceClient
	Media   mediav1.MediaServiceClient
	Feeds   feedv1.FeedServiceClient

	connection *grpc.ClientConn
	session    *session
}

// Connect returns a client for the mesh at a URL such as https://feed.example; http disables TLS. It sends nothing yet.
func Connect(meshURL string, options ...grpc.DialOption) (*Client, error) {
	target, transport, err := dialTarget(meshURL)
	if err != nil {
		return nil, err
	}
	session := &session{}
	options = append([]grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithChainUnaryInterceptor(repeatCall, session.intercept),
	}, options...)
	connection, err := grpc.NewClient(target, options...)
	if err != nil {
		return nil, err
	}
	return &Client{
		Users:      userv1.NewUserServiceClient(connection),
		Follows:    followv1.NewFollowServiceClient(connection),
		Posts:      postv1.NewPostServiceClient(connection),
		Media:      mediav1.NewMediaServiceClient(connection),
		Feeds:      feedv1.NewFeedServiceClient(connection),
		connection: connection,
		session:    session,
	}, nil
}

func dialTarget(meshURL string) (string, credentials.TransportCredentials, error) {
	parsed, err := url.Parse(meshURL)
	if err != nil {
		return "", nil, err
	}
	port, transport := "443", credentials.NewTLS(nil)
	switch parsed.Scheme {
	case "https":
	case "http":
		port, transport = "80", insecure.NewCredentials()
	default:
		return "", nil, fmt.Errorf("%q: not an http or https URL", meshURL)
	}
	if parsed.Port() != "" {
		port = parsed.Port()
	}
	return net.JoinHostPort(parsed.Hostname(), port), transport, nil
}

// LogIn starts a session. Later calls are made as that user.
func (c *Client) LogIn(ctx context.Context, handle, password string) (*userv1.User, error) {
	answer, err := c.Users.CreateSession(ctx, &userv1.CreateSessionRequest{Handle: handle, Password: password})
	if err != nil {
		return nil, err
	}
	c.session.use(tokensOf(answer))
	return answer.GetUser(), nil
}

// LogOut ends the session on the server and drops it here.
func (c *Client) LogOut(ctx context.Context) error {
	_, err := c.Users.DeleteSession(ctx, &userv1.DeleteSessionRequest{})
	if err == nil {
		c.session.use(Tokens{})
	}
	return err
}

// Tokens returns the session's tokens. Store them like a password. They change with each renewal.
func (c *Client) Tokens() Tokens { return c.session.now() }

// Resume continues a session with stored tokens.
func (c *Client) Resume(tokens Tokens) { c.session.use(tokens) }

// Close closes the connection.
func (c *Client) Close() error { return c.connection.Close() }
