// Code generated from the contracts by `make reference`. DO NOT EDIT.

package lensfeed

// When to repeat a call whose answer was lost.
type repeat int

const (
	// Only if the mesh says that it did not begin with the call.
	repeatNotBegun repeat = iota
	repeatAlways
	repeatWithKey
	repeatSoon
)

var repeats = map[string]repeat{
	"/lensfeed.feed.v1.FeedService/GetFeed":                  repeatAlways,
	"/lensfeed.follow.v1.FollowService/AcceptFollowRequest":  repeatAlways,
	"/lensfeed.follow.v1.FollowService/CreateBlock":          repeatAlways,
	"/lensfeed.follow.v1.FollowService/CreateFollow":         repeatAlways,
	"/lensfeed.follow.v1.FollowService/CreateMute":           repeatAlways,
	"/lensfeed.follow.v1.FollowService/DeclineFollowRequest": repeatAlways,
	"/lensfeed.follow.v1.FollowService/DeleteBlock":          repeatAlways,
	"/lensfeed.follow.v1.FollowService/DeleteFollow":         repeatAlways,
	"/lensfeed.follow.v1.FollowService/DeleteMute":           repeatAlways,
	"/lensfeed.follow.v1.FollowService/GetRelationship":      repeatAlways,
	"/lensfeed.follow.v1.FollowService/ListBlocks":           repeatAlways,
	"/lensfeed.follow.v1.FollowService/ListFollowRequests":   repeatAlways,
	"/lensfeed.follow.v1.FollowService/ListFollowers":        repeatAlways,
	"/lensfeed.follow.v1.FollowService/ListFollowing":        repeatAlways,
	"/lensfeed.follow.v1.FollowService/ListMutes":            repeatAlways,
	"/lensfeed.follow.v1.FollowService/RemoveFollower":       repeatAlways,
	"/lensfeed.follow.v1.FollowService/UpdatePrivacy":        repeatAlways,
	"/lensfeed.media.v1.MediaService/CompleteUpload":         repeatAlways,
	"/lensfeed.media.v1.MediaService/GetMedia":               repeatAlways,
	"/lensfeed.media.v1.MediaService/PickRendition":          repeatAlways,
	"/lensfeed.media.v1.MediaService/StartUpload":            repeatWithKey,
	"/lensfeed.post.v1.PostService/CreatePost":               repeatWithKey,
	"/lensfeed.post.v1.PostService/DeletePost":               repeatAlways,
	"/lensfeed.post.v1.PostService/GetPost":                  repeatAlways,
	"/lensfeed.post.v1.PostService/ListUserPosts":            repeatAlways,
	"/lensfeed.user.v1.UserService/ChangePassword":           repeatNotBegun,
	"/lensfeed.user.v1.UserService/CreateRecoveryCodes":      repeatNotBegun,
	"/lensfeed.user.v1.UserService/CreateSession":            repeatNotBegun,
	"/lensfeed.user.v1.UserService/CreateUser":               repeatWithKey,
	"/lensfeed.user.v1.UserService/DeleteSession":            repeatAlways,
	"/lensfeed.user.v1.UserService/EndOtherSessions":         repeatAlways,
	"/lensfeed.user.v1.UserService/EndSession":               repeatAlways,
	"/lensfeed.user.v1.UserService/GetCurrentUser":           repeatAlways,
	"/lensfeed.user.v1.UserService/GetUser":                  repeatAlways,
	"/lensfeed.user.v1.UserService/GetUserByHandle":          repeatAlways,
	"/lensfeed.user.v1.UserService/ListSessions":             repeatAlways,
	"/lensfeed.user.v1.UserService/RecoverAccount":           repeatSoon,
	"/lensfeed.user.v1.UserService/RefreshSession":           repeatSoon,
	"/lensfeed.user.v1.UserService/UpdateUser":               repeatAlways,
}

// Methods that need no token.
var open = map[string]bool{
	"/lensfeed.media.v1.MediaService/PickRendition": true,
	"/lensfeed.user.v1.UserService/CreateSession":   true,
	"/lensfeed.user.v1.UserService/CreateUser":      true,
	"/lensfeed.user.v1.UserService/RecoverAccount":  true,
	"/lensfeed.user.v1.UserService/RefreshSession":  true,
}
