package lensfeed.tour;

import io.grpc.StatusRuntimeException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import lensfeed.feed.v1.FeedItem;
import lensfeed.feed.v1.FeedServiceGrpc;
import lensfeed.feed.v1.GetFeedRequest;
import lensfeed.feed.v1.GetFeedResponse;
import lensfeed.follow.v1.CreateFollowRequest;
import lensfeed.follow.v1.FollowServiceGrpc;
import lensfeed.media.v1.Media;
import lensfeed.media.v1.MediaServiceGrpc;
import lensfeed.media.v1.MediaState;
import lensfeed.post.v1.CreatePostRequest;
import lensfeed.post.v1.PostServiceGrpc;
import lensfeed.user.v1.CreateSessionRequest;
import lensfeed.user.v1.CreateSessionResponse;
import lensfeed.user.v1.CreateUserRequest;
import lensfeed.user.v1.GetUserRequest;
import lensfeed.user.v1.RefreshSessionRequest;
import lensfeed.user.v1.User;
import lensfeed.user.v1.UserServiceGrpc;

/**
 * Two users sign up. One posts a photo; the other follows her and finds it in the feed.
 *
 * <pre>LENSFEED_URL=http://127.0.0.1:8080 java -jar target/lensfeed-java.jar photo.jpg</pre>
 */
public final class Tour {
    private static final String URL = Optional.ofNullable(System.getenv("LENSFEED_URL")).orElse("http://127.0.0.1:8080");
    private static final int PAGE = 20;
    private static final int ATTEMPTS = 150;
    private static final long POLL_INTERVAL_MILLIS = 200;

    private final Mesh mesh;

    private Tour(Mesh mesh) {
        this.mesh = mesh;
    }

    /** Run the tour with the path of a JPEG. Prints a line for each step. */
    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 1) {
            System.err.println("usage: java -jar target/lensfeed-java.jar photo.jpg");
            System.exit(2);
        }
        try (Mesh mesh = new Mesh(URI.create(URL))) {
            new Tour(mesh).walk(Path.of(arguments[0]));
        }
    }

    private void walk(Path photo) throws Exception {
        var ada = signUp("ada");
        var ben = signUp("ben");
        follow(ben.getAccessToken(), ada.getUser().getUserId());
        String mediaId = upload(ada.getAccessToken(), photo);
        String postId = post(ada.getAccessToken(), mediaId);
        FeedItem item = find(ben.getAccessToken(), postId);
        System.out.println("read: " + item.getPost().getPostId() + " by @" + item.getAuthor().getHandle());
        refuse(ada);
        renew(ben);
    }

    private CreateSessionResponse signUp(String name) {
        String handle = name + "_" + UUID.randomUUID().toString().substring(0, 8);
        String password = UUID.randomUUID().toString();
        var users = UserServiceGrpc.newBlockingStub(mesh.channel);
        var account = CreateUserRequest.newBuilder().setHandle(handle).setDisplayName(name).setPassword(password);
        Mesh.withDeadline(users).createUser(account.build());
        var login = CreateSessionRequest.newBuilder().setHandle(handle).setPassword(password);
        var session = Mesh.withDeadline(users).createSession(login.build());
        System.out.println("signed up: @" + handle + " (" + session.getUser().getUserId() + ")");
        return session;
    }

    private void follow(String token, long userId) {
        var follows = Mesh.as(token, FollowServiceGrpc.newBlockingStub(mesh.channel));
        Mesh.withDeadline(follows).createFollow(CreateFollowRequest.newBuilder().setFolloweeId(userId).build());
    }

    private String upload(String token, Path photo) throws Exception {
        var upload = new Upload(Mesh.as(token, MediaServiceGrpc.newBlockingStub(mesh.channel)));
        Media sent = upload.send(photo, "image/jpeg", "Colours that run into each other");
        Media media = upload.finished(sent.getMediaId());
        if (media.getState() != MediaState.MEDIA_STATE_READY) {
            throw new IllegalStateException(media.getFailure().getReason() + ": " + media.getFailure().getMessage());
        }
        var seen = media.getWidth() + " x " + media.getHeight() + ", " + media.getRenditionsCount() + " renditions";
        System.out.println("ready: " + seen);
        return media.getMediaId();
    }

    private String post(String token, String mediaId) {
        var posts = Mesh.as(token, PostServiceGrpc.newBlockingStub(mesh.channel));
        var request = CreatePostRequest.newBuilder().setCaption("From Java").addMediaIds(mediaId).build();
        String postId = Mesh.withDeadline(posts).createPost(request).getPostId();
        System.out.println("posted: " + postId);
        return postId;
    }

    /** Read the feed until it has the post, which takes a moment after it is published. */
    private FeedItem find(String token, String postId) throws InterruptedException {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            FeedItem found = inFeed(token, postId);
            if (found != null) {
                return found;
            }
            Thread.sleep(POLL_INTERVAL_MILLIS);
        }
        throw new IllegalStateException("post " + postId + " is not in the feed");
    }

    /** Read the feed page by page. */
    private FeedItem inFeed(String token, String postId) {
        var feeds = Mesh.as(token, FeedServiceGrpc.newBlockingStub(mesh.channel));
        String cursor = "";
        GetFeedResponse page;
        do {
            page = Mesh.withDeadline(feeds).getFeed(GetFeedRequest.newBuilder().setCursor(cursor).setLimit(PAGE).build());
            for (FeedItem item : page.getItemsList()) {
                if (item.getPost().getPostId().equals(postId)) {
                    return item;
                }
            }
            cursor = page.getNextCursor();
        } while (page.hasNextCursor());
        return null;
    }

    private void refuse(CreateSessionResponse session) throws Exception {
        try {
            follow(session.getAccessToken(), session.getUser().getUserId());
        } catch (StatusRuntimeException refused) {
            System.out.println("refused: " + Refusal.of(refused).reason());
        }
    }

    /** Exchange the refresh token, which works once, and use the new access token. */
    private void renew(CreateSessionResponse session) {
        var users = UserServiceGrpc.newBlockingStub(mesh.channel);
        var request = RefreshSessionRequest.newBuilder().setRefreshToken(session.getRefreshToken()).build();
        var renewed = Mesh.withDeadline(users).refreshSession(request);
        var self = GetUserRequest.newBuilder().setUserId(session.getUser().getUserId()).build();
        User user = Mesh.withDeadline(Mesh.as(renewed.getAccessToken(), users)).getUser(self).getUser();
        System.out.println("renewed: @" + user.getHandle());
    }
}
